//! `as_timestamp(x)`: an instant, a date or the text of either, as an instant.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar, returns_instant};

pub(super) fn function() -> Scalar {
    Scalar::new("as_timestamp", &[Read::Any], 1, returns_instant, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    from_iso8601_timestamp::read(arguments, false)
}
