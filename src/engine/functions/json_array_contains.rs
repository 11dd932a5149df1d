//! `json_array_contains(json, value)`: whether the array has the boolean, number or text as an element.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_flag, text};

pub(super) fn function() -> Scalar {
    Scalar::new("json_array_contains", &[Read::Text, Read::Any], 2, returns_flag, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [arrays, wanted] = arguments else {
        return datafusion::common::internal_err!("json_array_contains takes two arguments");
    };
    let numbers = if wanted.data_type().is_numeric() {
        Some(cast(wanted, &DataType::Float64)?)
    } else {
        None
    };
    let mut found = BooleanBuilder::with_capacity(arrays.len());
    for row in 0..arrays.len() {
        let value = text(arrays, row).and_then(json::parse);
        let Some(Value::Array(elements)) = value.filter(|_| wanted.is_valid(row)) else {
            found.append_null();
            continue;
        };
        found.append_value(elements.iter().any(|element| match (element, &numbers) {
            (Value::Number(number), Some(numbers)) => {
                number.as_f64() == Some(numbers.as_primitive::<Float64Type>().value(row))
            }
            (Value::Bool(flag), None) if *wanted.data_type() == DataType::Boolean => {
                *flag == wanted.as_boolean().value(row)
            }
            (Value::String(held), None) => text(wanted, row) == Some(held.as_str()),
            _ => false,
        }));
    }
    Ok(Arc::new(found.finish()))
}
