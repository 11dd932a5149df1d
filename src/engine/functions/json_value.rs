//! `json_value(json, path)`: the one scalar a path of SQL's own JSON functions leads to, as text; NULL for none or several.
//!
//! What to return instead and as which type stands in clauses that the dialect turns into calls around this one.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::json::{self, Known, Path};
use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("json_value", &[Read::Text, Read::Text], 2, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, paths] = arguments else {
        return datafusion::common::internal_err!("json_value takes two arguments");
    };
    let mut known = Known::new(Path::read_sql);
    texts(values.len(), |row| {
        let (Some(value), Some(path)) = (text(values, row), text(paths, row)) else {
            return Ok(None);
        };
        let path = known.path(path)?;
        Ok(
            json::parse(value).and_then(|value| match path.items(&value).as_slice() {
                [item] => json::scalar(item),
                _ => None,
            }),
        )
    })
}
