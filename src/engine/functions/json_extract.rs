//! `json_extract(json, path)`: what the path leads to, as JSON.

use super::json;
use super::scalar::{Read, Scalar, returns_text};

pub(super) fn function() -> Scalar {
    let body = |arguments: &[arrow::array::ArrayRef]| json::by_path(arguments, |value| Some(value.to_string()));
    Scalar::new("json_extract", &[Read::Text, Read::Text], 2, returns_text, body)
}
