//! `json_query(json, path[, wrapper])`: what a path of SQL's own JSON functions leads to, as JSON; `with` an array around
//! all of it, or `conditional`: around what is not one array or object.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use serde_json::Value;

use super::json::{self, Known, Path};
use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new(
        "json_query",
        &[Read::Text, Read::Text, Read::Text],
        2,
        returns_text,
        rows,
    )
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, paths, wrappers @ ..] = arguments else {
        return datafusion::common::internal_err!("json_query takes two or three arguments");
    };
    let mut known = Known::new(Path::read_sql);
    texts(values.len(), |row| {
        let (Some(value), Some(path)) = (text(values, row), text(paths, row)) else {
            return Ok(None);
        };
        let wrapper = wrappers.first().and_then(|wrappers| text(wrappers, row));
        let path = known.path(path)?;
        Ok(json::parse(value).and_then(|value| {
            let all = |items: Vec<&Value>| Value::Array(items.into_iter().cloned().collect()).to_string();
            let items = path.items(&value);
            match (wrapper, items.as_slice()) {
                (_, []) => None,
                (Some("with"), _) => Some(all(items)),
                (_, [one]) if wrapper.is_none() || one.is_array() || one.is_object() => Some(one.to_string()),
                (Some("conditional"), _) => Some(all(items)),
                _ => None,
            }
        }))
    })
}
