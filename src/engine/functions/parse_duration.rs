//! `parse_duration(text)`: a number and its unit (`42.8ms`, `3.81 d`) as an interval; `to_milliseconds(interval)`: how long it is.
//!
//! Trino's (<https://trino.io/docs/current/functions/datetime.html>): units are ns, us, ms, s, m, h and d, an interval has whole
//! milliseconds, and a text that is no duration is an error. What two instants lie apart is measured too; an interval of months
//! has no length. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, IntervalMonthDayNanoBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_whole, text};

const DAY: i64 = 86_400_000;
const NANOSECONDS: i64 = 1_000_000;

pub(super) fn function() -> Scalar {
    Scalar::new("parse_duration", &[Read::Text], 1, returns_interval, rows)
}

/// `to_milliseconds`.
pub(super) fn length() -> Scalar {
    Scalar::new("to_milliseconds", &[Read::Any], 1, returns_whole, lengths)
}

fn returns_interval(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Interval(IntervalUnit::MonthDayNano))
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("parse_duration takes one argument");
    };
    let mut intervals = IntervalMonthDayNanoBuilder::with_capacity(values.len());
    for row in 0..values.len() {
        let Some(value) = text(values, row) else {
            intervals.append_null();
            continue;
        };
        match milliseconds(value).and_then(interval) {
            Some(interval) => intervals.append_value(interval),
            None => {
                return datafusion::common::exec_err!(
                    "parse_duration: `{value}` is no duration; `1.5h` is one, with ns, us, ms, s, m, h or d"
                );
            }
        }
    }
    Ok(Arc::new(intervals.finish()))
}

#[expect(clippy::cast_possible_truncation, reason = "what is beyond the range is no interval")]
fn milliseconds(value: &str) -> Option<i64> {
    let value = value.trim();
    let number = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match value.get(number.len()..)? {
        "ns" => 1e-6,
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 6e4,
        "h" => 3.6e6,
        "d" => 8.64e7,
        _ => return None,
    };
    let number = number.trim_end();
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    Some((number * unit).round() as i64)
}

/// With its whole days as days, as the planner writes intervals.
fn interval(milliseconds: i64) -> Option<IntervalMonthDayNano> {
    let days = i32::try_from(milliseconds / DAY).ok()?;
    Some(IntervalMonthDayNano::new(0, days, milliseconds % DAY * NANOSECONDS))
}

fn lengths(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("to_milliseconds takes one argument");
    };
    let mut lengths = Int64Builder::with_capacity(values.len());
    match values.data_type() {
        DataType::Duration(_) => {
            let values = cast(
                &cast(values, &DataType::Duration(TimeUnit::Millisecond))?,
                &DataType::Int64,
            )?;
            return Ok(Arc::new(values.as_primitive::<Int64Type>().clone()));
        }
        DataType::Interval(_) | DataType::Null => {
            let values = cast(values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            let intervals = values.as_primitive::<IntervalMonthDayNanoType>();
            for row in 0..intervals.len() {
                if intervals.is_null(row) {
                    lengths.append_null();
                    continue;
                }
                let interval = intervals.value(row);
                if interval.months != 0 {
                    return datafusion::common::exec_err!("to_milliseconds: a month has no length of its own");
                }
                lengths.append_value(i64::from(interval.days) * DAY + interval.nanoseconds / NANOSECONDS);
            }
        }
        other => return datafusion::common::exec_err!("to_milliseconds takes an interval, not {other}"),
    }
    Ok(Arc::new(lengths.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, wanted) in [
            ("42.8ms", Some(43)),
            ("3.81 d", Some(329_184_000)),
            (" 5m ", Some(300_000)),
            ("1us", Some(0)),
            ("5", None),
            ("m", None),
            ("-5m", None),
            ("1e3s", None),
            ("5 weeks", None),
        ] {
            assert_eq!(milliseconds(text), wanted, "{text}");
        }
    }
}
