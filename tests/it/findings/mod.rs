//! Finding queries, each computed by a plain loop over the facts they join, and equal row by row: on the sample
//! organization, and on an office with two snapshots.

mod facts;
mod rights;
mod uses;

use std::collections::BTreeMap;

use serde_json::Value;

use facts::{Facts, text};

/// What the loop says of each row, by the columns that tell rows apart, against what the query says.
fn same(
    query: &str,
    facts: &Facts,
    keys: &[&str],
    columns: &[&str],
    expected: BTreeMap<Vec<String>, Vec<Value>>,
) -> usize {
    let rows = facts.ask(query);
    let mut found = BTreeMap::new();
    for row in &rows {
        let key: Vec<String> = keys.iter().map(|name| text(row, name).to_owned()).collect();
        let values: Vec<Value> = columns.iter().map(|name| plain(&row[*name])).collect();
        assert!(found.insert(key, values).is_none(), "{query}: a row stands once: {row}");
    }
    let expected: BTreeMap<_, Vec<Value>> = expected
        .into_iter()
        .map(|(key, values)| (key, values.iter().map(plain).collect()))
        .collect();
    for (key, values) in &expected {
        assert_eq!(found.get(key), Some(values), "{query}: {key:?}, {columns:?}");
    }
    assert_eq!(found.len(), expected.len(), "{query}: rows that the loop does not know");
    found.len()
}

/// Numbers are compared as numbers, whole or not.
fn plain(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), Value::from)
}

/// Runs a comparison on both lakes, one of which must have rows to compare.
fn each(test: impl Fn(&Facts) -> usize) {
    let compared = test(Facts::of_sample()) + test(Facts::of_office());
    assert!(compared > 0, "there are no rows to compare");
}
