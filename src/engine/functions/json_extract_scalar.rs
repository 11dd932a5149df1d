//! `json_extract_scalar(json, path)`: the text, number or boolean the path leads to, as text; NULL for anything else.

use super::json;
use super::scalar::{Read, Scalar, returns_text};

pub(super) fn function() -> Scalar {
    let body = |arguments: &[arrow::array::ArrayRef]| json::by_path(arguments, json::scalar);
    Scalar::new("json_extract_scalar", &[Read::Text, Read::Text], 2, returns_text, body)
}
