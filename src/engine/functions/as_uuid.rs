//! `as_uuid(text)`: what `CAST(x AS uuid)` means. A UUID is held as its text, in small letters.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};
use crate::engine::dialect::is_uuid;

pub(super) fn function() -> Scalar {
    Scalar::new("as_uuid", &[Read::Text], 1, returns_text, |arguments| {
        rows(arguments, false)
    })
}

/// The same, with NULL for what is none.
pub(super) fn lenient() -> Scalar {
    Scalar::new("try_as_uuid", &[Read::Text], 1, returns_text, |arguments| {
        rows(arguments, true)
    })
}

fn rows(arguments: &[ArrayRef], is_lenient: bool) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("as_uuid takes one argument");
    };
    texts(values.len(), |row| match text(values, row) {
        Some(written) if is_uuid(written) => Ok(Some(written.to_ascii_lowercase())),
        Some(written) if !is_lenient => datafusion::common::exec_err!("`{written}` is not a UUID"),
        _ => Ok(None),
    })
}
