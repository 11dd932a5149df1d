//! `date(x)`: the day of an instant, in UTC or the zone it was put into, or of the text of one.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar};

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

pub(super) fn function() -> Scalar {
    Scalar::new("date", &[Read::Any], 1, |_| Ok(DataType::Date32), rows)
}

pub(super) fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let instants = from_iso8601_timestamp::wall(arguments)?;
    Ok(match instants.as_primitive_opt::<TimestampMicrosecondType>() {
        // The cast looks at a calendar for every row, which was an eighth of a question by days.
        Some(instants) => Arc::new(
            instants.unary::<_, Date32Type>(|micros| i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX)),
        ),
        None => cast(&instants, &DataType::Date32)?,
    })
}
