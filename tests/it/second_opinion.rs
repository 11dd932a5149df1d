//! DuckDB's answers to the queries of the corpus that it can say too, on the same files, row by row.
//!
//! `tests/python/second_opinion.py` gives it the table as Athena's and as Lake's definition have it, and Trino's functions as
//! macros. What it then cannot parse or bind it cannot say.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::corpus::{Answered, FILES, answered};
use crate::support::lake::sample_lake;
use crate::support::python;

/// How many queries DuckDB says the same of; fewer means that it was asked less, or that we answer otherwise.
const AGREED_MIN: usize = 190;

/// Queries whose words mean something else in DuckDB.
const OTHERWISE: [(&str, &str); 4] = [
    (
        "pattern on the request",
        "no match of a pattern is an empty text there, NULL in Trino",
    ),
    ("element of a histogram", "`element_at` of a map is a list there"),
    ("formatted text", "`format` has Python's forms there"),
    ("names of types", "`typeof` has DuckDB's names there"),
];

#[test]
fn duckdb_says_the_same() {
    let Some(python) = python::interpreter() else { return };
    let corpus: Vec<&Answered> = FILES.iter().flat_map(|file| answered(file)).collect();
    let (mut agreed, mut differences) = (0, String::new());
    for (Answered { name, sql, answer }, theirs) in corpus.iter().zip(second(python, &corpus)) {
        let Some(rows) = theirs.get("rows").and_then(Value::as_array) else {
            continue;
        };
        if OTHERWISE.iter().any(|(other, _)| other == name) {
            continue;
        }
        let ours = answer
            .as_ref()
            .map(|rows| ordered(rows.iter().map(values).collect(), sql));
        let theirs = ordered(rows.iter().map(plain).collect(), sql);
        match ours {
            Ok(ours) if ours == theirs => agreed += 1,
            ours => differences.push_str(&format!("{name}: {sql}\n  ours   {ours:?}\n  theirs {theirs:?}\n")),
        }
    }
    assert_eq!(differences, "");
    assert!(agreed >= AGREED_MIN, "{agreed} queries have a second opinion");
}

fn second(python: &std::path::Path, corpus: &[&Answered]) -> Vec<Value> {
    let asked: Vec<Value> = corpus
        .iter()
        .map(|query| json!({ "name": query.name, "sql": query.sql }))
        .collect();
    let job = json!({ "table": sample_lake().join("cloudtrail").display().to_string(), "queries": asked });
    let mut command = Command::new(python);
    command
        .arg(python::script("second_opinion.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(job.to_string().as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The rows as they stand where the query orders them, else in an order of ours.
fn ordered(mut rows: Vec<Value>, sql: &str) -> Vec<Value> {
    if !sql.to_ascii_lowercase().contains("order by") {
        rows.sort_by_key(Value::to_string);
    }
    rows
}

fn values(row: &Value) -> Value {
    plain(&Value::Array(row.as_object().unwrap().values().cloned().collect()))
}

/// A value without what the two write differently: zones of instants, flags as texts, the last digits of fractions.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "true" || text == "false" => Value::Bool(text == "true"),
        Value::String(text) => {
            let bytes = text.as_bytes();
            let is_time = text.len() >= 19 && bytes.get(4) == Some(&b'-') && bytes.get(13) == Some(&b':');
            match is_time.then(|| text.get(..19)).flatten() {
                Some(time) => Value::String(time.replace(' ', "T")),
                None => value.clone(),
            }
        }
        Value::Number(number) => Value::String(format!("{:.9e}", number.as_f64().unwrap())),
        Value::Array(values) => Value::Array(values.iter().map(plain).collect()),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        other => other.clone(),
    }
}
