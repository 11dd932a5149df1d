//! `json_size(json, path)`: how many members or elements the path leads to; 0 for a scalar, NULL for nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use datafusion::error::Result;
use serde_json::Value;

use super::json::{self, Known, Path};
use super::scalar::{Read, Scalar, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("json_size", &[Read::Text, Read::Text], 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, paths] = arguments else {
        return datafusion::common::internal_err!("json_size takes two arguments");
    };
    let (mut known, mut sizes) = (Known::new(Path::read), Int64Builder::with_capacity(values.len()));
    for row in 0..values.len() {
        let (Some(value), Some(path)) = (text(values, row), text(paths, row)) else {
            sizes.append_null();
            continue;
        };
        let path = known.path(path)?;
        let size = json::parse(value)
            .and_then(|value| path.find(&value))
            .map(|found| match found {
                Value::Array(elements) => elements.len(),
                Value::Object(members) => members.len(),
                _ => 0,
            });
        sizes.append_option(size.and_then(|size| i64::try_from(size).ok()));
    }
    Ok(Arc::new(sizes.finish()))
}
