//! `cast_to_array(json)`: what `CAST(json AS ARRAY(..))` means; scalars as text, the rest as JSON. An array is itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_texts, text};

pub(super) fn function() -> Scalar {
    Scalar::new("cast_to_array", &[Read::Any], 1, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds.first() {
        Some(list @ DataType::List(_)) => Ok(list.clone()),
        _ => returns_texts(kinds),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("cast_to_array takes one argument");
    };
    if matches!(values.data_type(), DataType::List(_)) {
        return Ok(values.clone());
    }
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..values.len() {
        match text(values, row).and_then(json::parse) {
            Some(Value::Array(elements)) => {
                for element in &elements {
                    lists.values().append_option(json::loose(element));
                }
                lists.append(true);
            }
            _ => lists.append_null(),
        }
    }
    Ok(Arc::new(lists.finish()))
}
