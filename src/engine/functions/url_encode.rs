//! `url_encode(text)` and `url_decode(text)`: as in the query of a URL, where a space is `+`.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use super::scalar::{Read, Scalar, returns_text, text, texts};

/// What is written as it is, beside letters and digits.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'*')
    .remove(b'_')
    .remove(b' ');

pub(super) fn function() -> Scalar {
    Scalar::new("url_encode", &[Read::Text], 1, returns_text, |arguments| {
        each(arguments, |value| {
            let encoded = percent_encoding::utf8_percent_encode(value, ENCODED).to_string();
            Ok(encoded.replace(' ', "+"))
        })
    })
}

/// `url_decode`.
pub(super) fn decode() -> Scalar {
    Scalar::new("url_decode", &[Read::Text], 1, returns_text, |arguments| {
        each(arguments, |value| {
            let spaced = value.replace('+', " ");
            let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy();
            Ok(decoded.into_owned())
        })
    })
}

fn each(arguments: &[ArrayRef], made: fn(&str) -> Result<String>) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("a URL's text is made of one argument");
    };
    texts(values.len(), |row| text(values, row).map(made).transpose())
}
