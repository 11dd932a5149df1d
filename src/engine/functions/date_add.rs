//! `date_add(unit, n, x)`: `n` units after `x`; a date stays a date, and a month's end stays within its month.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{DateTime, Months, TimeDelta, Utc};
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar, instant, text, whole};
use crate::lake::schema;

pub(super) fn function() -> Scalar {
    Scalar::new("date_add", &[Read::Text, Read::Whole, Read::Any], 3, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    Ok(match kinds.get(2) {
        Some(DataType::Date32) => DataType::Date32,
        _ => schema::timestamp(),
    })
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [unit, count, value] = arguments else {
        return datafusion::common::internal_err!("date_add takes three arguments");
    };
    let instants = from_iso8601_timestamp::read(std::slice::from_ref(value), false)?;
    let mut sums = TimestampMicrosecondBuilder::with_capacity(value.len()).with_timezone("UTC");
    for row in 0..value.len() {
        let (Some(unit), Some(count), Some(at)) = (text(unit, row), whole(count, row), instant(&instants, row)) else {
            sums.append_null();
            continue;
        };
        let sum = DateTime::from_timestamp_micros(at).and_then(|at| add(at, unit, count));
        match sum {
            Some(sum) => sums.append_value(sum.timestamp_micros()),
            None => {
                return datafusion::common::exec_err!("date_add: `{unit}` is no unit, or {count} of it are too many");
            }
        }
    }
    let sums: ArrayRef = Arc::new(sums.finish());
    Ok(match value.data_type() {
        DataType::Date32 => cast(&sums, &DataType::Date32)?,
        _ => sums,
    })
}

fn add(at: DateTime<Utc>, unit: &str, count: i64) -> Option<DateTime<Utc>> {
    let months = |each: i64| {
        let months = count.checked_mul(each)?;
        let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 {
            at.checked_sub_months(size)
        } else {
            at.checked_add_months(size)
        }
    };
    let seconds = |each: i64| at.checked_add_signed(TimeDelta::try_seconds(count.checked_mul(each)?)?);
    match unit.to_ascii_lowercase().as_str() {
        "millisecond" => at.checked_add_signed(TimeDelta::try_milliseconds(count)?),
        "second" => seconds(1),
        "minute" => seconds(60),
        "hour" => seconds(3_600),
        "day" => seconds(86_400),
        "week" => seconds(604_800),
        "month" => months(1),
        "quarter" => months(3),
        "year" => months(12),
        _ => None,
    }
}
