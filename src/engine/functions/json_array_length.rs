//! `json_array_length(json)`: how many elements the array has; NULL for what is none.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("json_array_length", &[Read::Text], 1, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("json_array_length takes one argument");
    };
    let mut lengths = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        lengths.append_option(text(values, row).and_then(json::parse).and_then(|value| match value {
            Value::Array(elements) => i64::try_from(elements.len()).ok(),
            _ => None,
        }));
    }
    Ok(Arc::new(lengths.finish()))
}
