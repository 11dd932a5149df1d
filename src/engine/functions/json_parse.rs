//! `json_parse(text)` and `json_format(json)`: JSON is held as text, so one checks it and the other writes it plainly.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::json;
use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("json_parse", &[Read::Text], 1, returns_text, |arguments| {
        rows(arguments, false)
    })
}

/// The same, with NULL for what is no JSON.
pub(super) fn lenient() -> Scalar {
    Scalar::new("try_json_parse", &[Read::Text], 1, returns_text, |arguments| {
        rows(arguments, true)
    })
}

/// `json_format`.
pub(super) fn format() -> Scalar {
    Scalar::new("json_format", &[Read::Text], 1, returns_text, |arguments| {
        rows(arguments, true)
    })
}

fn rows(arguments: &[ArrayRef], lenient: bool) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("one text is taken");
    };
    texts(values.len(), |row| {
        let Some(written) = text(values, row) else {
            return Ok(None);
        };
        match json::parse(written) {
            Some(value) => Ok(Some(value.to_string())),
            None if lenient => Ok(None),
            None => {
                let start: String = written.chars().take(60).collect();
                datafusion::common::exec_err!("`{start}` is not JSON")
            }
        }
    })
}
