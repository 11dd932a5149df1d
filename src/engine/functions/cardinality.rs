//! `cardinality(x)`: how many elements an array, entries a map, or members a JSON text has.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use serde_json::Value;

use super::element_at::bounds;
use super::json;
use super::scalar::{Read, Scalar, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("cardinality", &[Read::Any], 1, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("cardinality takes one argument");
    };
    let mut counts = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        let count = match values.data_type() {
            _ if values.is_null(row) => None,
            DataType::List(_) => Some(bounds(values.as_list::<i32>().value_offsets(), row).len()),
            DataType::LargeList(_) => Some(values.as_list::<i64>().value(row).len()),
            DataType::FixedSizeList(..) => Some(values.as_fixed_size_list().value(row).len()),
            DataType::Map(..) => Some(values.as_map().value(row).len()),
            DataType::Utf8 => text(values, row).and_then(json::parse).and_then(|value| match value {
                Value::Array(elements) => Some(elements.len()),
                Value::Object(members) => Some(members.len()),
                _ => None,
            }),
            DataType::Null => None,
            other => return datafusion::common::exec_err!("cardinality takes an array, a map or JSON, not {other}"),
        };
        counts.append_option(count.and_then(|count| i64::try_from(count).ok()));
    }
    Ok(Arc::new(counts.finish()))
}
