//! `json_array_get(json, index)`: the element of a JSON array, counted from 0 or from the end (-1), as JSON.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_text, text, texts, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("json_array_get", &[Read::Text, Read::Whole], 2, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, places] = arguments else {
        return datafusion::common::internal_err!("json_array_get takes two arguments");
    };
    texts(values.len(), |row| {
        let (Some(Value::Array(elements)), Some(place)) = (text(values, row).and_then(json::parse), whole(places, row))
        else {
            return Ok(None);
        };
        let step = usize::try_from(place.unsigned_abs()).ok();
        let index = if place < 0 {
            step.and_then(|step| elements.len().checked_sub(step))
        } else {
            step
        };
        Ok(index.and_then(|index| elements.get(index)).map(Value::to_string))
    })
}
