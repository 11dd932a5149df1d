//! `date_parse(text, form)`: the instant a text says in MySQL's codes.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use datafusion::error::Result;

use super::pattern;
use super::scalar::{Read, Scalar, returns_instant, text};

pub(super) fn function() -> Scalar {
    let body = |arguments: &[ArrayRef]| rows(arguments, pattern::of_mysql, false);
    Scalar::new("date_parse", &[Read::Text, Read::Text], 2, returns_instant, body)
}

/// The same, with NULL for what does not fit.
pub(super) fn lenient() -> Scalar {
    let body = |arguments: &[ArrayRef]| rows(arguments, pattern::of_mysql, true);
    Scalar::new("try_date_parse", &[Read::Text, Read::Text], 2, returns_instant, body)
}

pub(super) fn rows(arguments: &[ArrayRef], form_of: fn(&str) -> Option<String>, lenient: bool) -> Result<ArrayRef> {
    let [values, forms] = arguments else {
        return datafusion::common::internal_err!("a date is parsed from two arguments");
    };
    let mut instants = TimestampMicrosecondBuilder::with_capacity(values.len()).with_timezone("UTC");
    let mut known: Option<(String, String)> = None;
    for row in 0..values.len() {
        let (Some(value), Some(form)) = (text(values, row), text(forms, row)) else {
            instants.append_null();
            continue;
        };
        if known.as_ref().is_none_or(|(written, _)| written != form) {
            let Some(translated) = form_of(form) else {
                return datafusion::common::exec_err!("`{form}` is not a form of dates");
            };
            known = Some((form.to_owned(), translated));
        }
        let instant = known.as_ref().and_then(|(_, form)| pattern::read(value, form));
        if instant.is_none() && !lenient {
            return datafusion::common::exec_err!("`{value}` does not have the form `{form}`");
        }
        instants.append_option(instant);
    }
    Ok(Arc::new(instants.finish()))
}
