//! `normalize(text[, form])`: the text in one of Unicode's forms, so that what looks alike is alike.
//!
//! Trino's (<https://trino.io/docs/current/functions/string.html>): the form is NFC, where none is said, NFD, NFKC or NFKD,
//! written without quotes, of which the dialect makes a text. NULL of a NULL.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use unicode_normalization::UnicodeNormalization;

use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("normalize", &[Read::Text, Read::Text], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, forms @ ..] = arguments else {
        return datafusion::common::internal_err!("normalize takes one or two arguments");
    };
    texts(values.len(), |row| {
        let form = match forms.first() {
            Some(forms) => text(forms, row),
            None => Some("NFC"),
        };
        let (Some(value), Some(form)) = (text(values, row), form) else {
            return Ok(None);
        };
        Ok(Some(match form.to_ascii_uppercase().as_str() {
            "NFC" => value.nfc().collect::<String>(),
            "NFD" => value.nfd().collect(),
            "NFKC" => value.nfkc().collect(),
            "NFKD" => value.nfkd().collect(),
            _ => {
                return datafusion::common::exec_err!("normalize: `{form}` is no form; there are NFC, NFD, NFKC, NFKD");
            }
        }))
    })
}
