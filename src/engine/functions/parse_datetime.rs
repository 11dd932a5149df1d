//! `parse_datetime(text, form)` and `format_datetime(x, form)`: instants in Joda's letters.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, instant, returns_instant, returns_text, text, texts};
use super::{date_parse, from_iso8601_timestamp, pattern};

pub(super) fn function() -> Scalar {
    let body = |arguments: &[ArrayRef]| date_parse::rows(arguments, pattern::of_joda, false);
    Scalar::new("parse_datetime", &[Read::Text, Read::Text], 2, returns_instant, body)
}

/// The same, with NULL for what does not fit.
pub(super) fn lenient() -> Scalar {
    let body = |arguments: &[ArrayRef]| date_parse::rows(arguments, pattern::of_joda, true);
    Scalar::new(
        "try_parse_datetime",
        &[Read::Text, Read::Text],
        2,
        returns_instant,
        body,
    )
}

/// `format_datetime`.
pub(super) fn format() -> Scalar {
    let body = |arguments: &[ArrayRef]| rows(arguments, pattern::of_joda);
    Scalar::new("format_datetime", &[Read::Any, Read::Text], 2, returns_text, body)
}

pub(super) fn rows(arguments: &[ArrayRef], form_of: fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let [values, forms] = arguments else {
        return datafusion::common::internal_err!("a date is written by two arguments");
    };
    let instants = from_iso8601_timestamp::wall(std::slice::from_ref(values))?;
    texts(values.len(), |row| match (instant(&instants, row), text(forms, row)) {
        (Some(instant), Some(form)) => match form_of(form) {
            Some(form) => Ok(pattern::write(instant, &form)),
            None => datafusion::common::exec_err!("`{form}` is not a form of dates"),
        },
        _ => Ok(None),
    })
}
