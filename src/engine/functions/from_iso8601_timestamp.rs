//! `from_iso8601_timestamp(text)`: the instant an ISO 8601 text says; without offset UTC. An instant is itself.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{DateTime, Offset, TimeZone};
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

/// The instant whose digits in UTC are those a clock on the wall shows: another than the instant itself for a value
/// that was put into a zone.
pub(super) fn wall(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let instants = read(arguments, false)?;
    let zone = match arguments.first().map(|value| value.data_type()) {
        Some(DataType::Timestamp(_, Some(zone))) if !matches!(zone.as_ref(), "UTC" | "Z" | "+00:00") => zone,
        _ => return Ok(instants),
    };
    let zone: Tz = zone.parse()?;
    let shift = |micros: i64| {
        let time = DateTime::from_timestamp_micros(micros)?;
        let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
        micros.checked_add(i64::from(offset.local_minus_utc()) * 1_000_000)
    };
    let mut walls = TimestampMicrosecondBuilder::with_capacity(instants.len()).with_timezone("UTC");
    for row in 0..instants.len() {
        walls.append_option(super::scalar::instant(&instants, row).and_then(shift));
    }
    Ok(Arc::new(walls.finish()))
}
