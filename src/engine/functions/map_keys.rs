//! `map_keys(x)`: the keys of a map or of a JSON object, as an array; and the other side of it, for `map_values`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, text};

/// One side of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Keys,
    Values,
}

impl Side {
    /// Its place in the entries of a map.
    fn place(self) -> usize {
        match self {
            Side::Keys => 0,
            Side::Values => 1,
        }
    }
}

pub(super) fn function() -> Scalar {
    Scalar::new(
        "map_keys",
        &[Read::Any],
        1,
        |kinds| returns(Side::Keys, kinds),
        |arguments| rows(Side::Keys, arguments),
    )
}

/// An array of what stands on that side.
pub(super) fn returns(side: Side, kinds: &[DataType]) -> Result<DataType> {
    let element = match kinds.first() {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) => fields
                .get(side.place())
                .map_or(DataType::Utf8, |field| field.data_type().clone()),
            _ => DataType::Utf8,
        },
        _ => DataType::Utf8,
    };
    Ok(DataType::new_list(element, true))
}

/// The arrays.
pub(super) fn rows(side: Side, arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    if matches!(values.data_type(), DataType::Map(..)) {
        let maps = values.as_map();
        let inner = maps.entries().column(side.place()).clone();
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
        for (key, value) in &members {
            match side {
                Side::Keys => lists.values().append_value(key),
                Side::Values => lists.values().append_option(json::loose(value)),
            }
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
