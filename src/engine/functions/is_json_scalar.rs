//! `is_json_scalar(json)`: whether the text is a JSON number, text, boolean or null, and no array or object.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder};
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_flag, text};

pub(super) fn function() -> Scalar {
    Scalar::new("is_json_scalar", &[Read::Text], 1, returns_flag, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("is_json_scalar takes one argument");
    };
    let mut flags = BooleanBuilder::with_capacity(values.len());
    for row in 0..values.len() {
        let held = text(values, row).and_then(json::parse);
        flags.append_option(held.map(|held| !matches!(held, Value::Array(_) | Value::Object(_))));
    }
    Ok(Arc::new(flags.finish()))
}
