//! `from_iso8601_timestamp(text)`: the instant an ISO 8601 text says; without offset UTC. An instant is itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_instant, text};
use crate::lake::schema;
use crate::model::Instant;

pub(super) fn function() -> Scalar {
    Scalar::new(
        "from_iso8601_timestamp",
        &[Read::Any],
        1,
        returns_instant,
        |arguments| read(arguments, false),
    )
}

/// The same, with NULL for what is no instant.
pub(super) fn lenient() -> Scalar {
    Scalar::new(
        "try_from_iso8601_timestamp",
        &[Read::Any],
        1,
        returns_instant,
        |arguments| read(arguments, true),
    )
}

pub(super) fn read(arguments: &[ArrayRef], lenient: bool) -> Result<ArrayRef> {
    let [value] = arguments else {
        return datafusion::common::internal_err!("an instant is made of one argument");
    };
    if *value.data_type() != DataType::Utf8 {
        return Ok(cast(value, &schema::timestamp())?);
    }
    let mut instants = TimestampMicrosecondBuilder::with_capacity(value.len()).with_timezone("UTC");
    for row in 0..value.len() {
        let instant = match text(value, row) {
            None => None,
            Some(written) => match Instant::parse(written) {
                Some(instant) => Some(instant.0),
                None if lenient => None,
                None => return datafusion::common::exec_err!("`{written}` is not an ISO 8601 timestamp"),
            },
        };
        instants.append_option(instant);
    }
    Ok(Arc::new(instants.finish()))
}
