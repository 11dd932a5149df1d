//! `date_format(x, form)`: an instant in MySQL's codes.

use arrow::array::ArrayRef;

use super::scalar::{Read, Scalar, returns_text};
use super::{parse_datetime, pattern};

pub(super) fn function() -> Scalar {
    let body = |arguments: &[ArrayRef]| parse_datetime::rows(arguments, pattern::of_mysql);
    Scalar::new("date_format", &[Read::Any, Read::Text], 2, returns_text, body)
}
