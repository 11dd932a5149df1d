//! `from_utf8(bytes[, replacement])`: the text they are; what is no UTF-8 in them becomes U+FFFD or the replacement.
//!
//! Trino's (<https://trino.io/docs/current/functions/binary.html>): the replacement is one letter, or empty for what is left
//! out. NULL of a NULL.

use arrow::array::{Array, ArrayRef};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, binary, bytes, returns_text, text, texts};

const REPLACEMENT: &str = "\u{FFFD}";

pub(super) fn function() -> Scalar {
    Scalar::new("from_utf8", &[Read::Any, Read::Text], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, replacements @ ..] = arguments else {
        return datafusion::common::internal_err!("from_utf8 takes one or two arguments");
    };
    let values = bytes(values)?;
    texts(values.len(), |row| {
        let replacement = match replacements.first() {
            Some(replacements) => text(replacements, row),
            None => Some(REPLACEMENT),
        };
        let (Some(value), Some(replacement)) = (binary(&values, row), replacement) else {
            return Ok(None);
        };
        if replacement.chars().nth(1).is_some() {
            return datafusion::common::exec_err!("from_utf8: `{replacement}` is more than one letter");
        }
        let mut made = String::with_capacity(value.len());
        for part in value.utf8_chunks() {
            made.push_str(part.valid());
            if !part.invalid().is_empty() {
                made.push_str(replacement);
            }
        }
        Ok(Some(made))
    })
}
