//! `json_exists(json, path)`: whether a path of SQL's own JSON functions leads anywhere; false for what is no JSON.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder};
use datafusion::error::Result;

use super::json::{self, Known, Path};
use super::scalar::{Read, Scalar, returns_flag, text};

pub(super) fn function() -> Scalar {
    Scalar::new("json_exists", &[Read::Text, Read::Text], 2, returns_flag, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, paths] = arguments else {
        return datafusion::common::internal_err!("json_exists takes two arguments");
    };
    let (mut known, mut found) = (Known::new(Path::read_sql), BooleanBuilder::with_capacity(values.len()));
    for row in 0..values.len() {
        let (Some(value), Some(path)) = (text(values, row), text(paths, row)) else {
            found.append_null();
            continue;
        };
        let path = known.path(path)?;
        found.append_value(json::parse(value).is_some_and(|value| !path.items(&value).is_empty()));
    }
    Ok(Arc::new(found.finish()))
}
