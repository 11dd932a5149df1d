//! `map_values(x)`: the values of a map or of a JSON object, as an array.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, text};

pub(super) fn function() -> Scalar {
    Scalar::new("map_values", &[Read::Any], 1, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    let element = match kinds.first() {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) => fields.get(1).map_or(DataType::Utf8, |field| field.data_type().clone()),
            _ => DataType::Utf8,
        },
        _ => DataType::Utf8,
    };
    Ok(DataType::new_list(element, true))
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("map_values takes one argument");
    };
    if matches!(values.data_type(), DataType::Map(..)) {
        let maps = values.as_map();
        let inner = maps.entries().column(1).clone();
        let element = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
        return Ok(Arc::new(ListArray::try_new(
            element,
            maps.offsets().clone(),
            inner,
            maps.nulls().cloned(),
        )?));
    }
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..values.len() {
        let Some(Value::Object(members)) = text(values, row).and_then(json::parse) else {
            lists.append_null();
            continue;
        };
        for (_, value) in &members {
            lists.values().append_option(json::loose(value));
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
