//! `regexp_split(text, pattern)`: the parts between the matches, empty ones at the ends too.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::error::Result;

use super::regexp_extract::Known;
use super::scalar::{Read, Scalar, returns_texts, text};

pub(super) fn function() -> Scalar {
    Scalar::new("regexp_split", &[Read::Text, Read::Text], 2, returns_texts, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, patterns] = arguments else {
        return datafusion::common::internal_err!("regexp_split takes two arguments");
    };
    let (mut known, mut lists) = (Known::default(), ListBuilder::new(StringBuilder::new()));
    for row in 0..values.len() {
        let (Some(value), Some(pattern)) = (text(values, row), text(patterns, row)) else {
            lists.append_null();
            continue;
        };
        known
            .compiled(pattern)?
            .split(value)
            .for_each(|part| lists.values().append_value(part));
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
