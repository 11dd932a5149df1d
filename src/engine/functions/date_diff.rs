//! `date_diff(unit, a, b)`: how many whole units lie between `a` and `b`; negative where `b` comes first.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use chrono::{DateTime, Datelike, Days, Utc};
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar, instant, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("date_diff", &[Read::Text, Read::Any, Read::Any], 3, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [unit, from, to] = arguments else {
        return datafusion::common::internal_err!("date_diff takes three arguments");
    };
    let from = from_iso8601_timestamp::read(std::slice::from_ref(from), false)?;
    let to = from_iso8601_timestamp::read(std::slice::from_ref(to), false)?;
    let mut counts = Int64Builder::with_capacity(unit.len());
    for row in 0..unit.len() {
        let (Some(unit), Some(from), Some(to)) = (text(unit, row), instant(&from, row), instant(&to, row)) else {
            counts.append_null();
            continue;
        };
        match between(unit, from, to) {
            Some(count) => counts.append_value(count),
            None => return datafusion::common::exec_err!("date_diff: `{unit}` is no unit, or the span is too long"),
        }
    }
    Ok(Arc::new(counts.finish()))
}

fn between(unit: &str, from: i64, to: i64) -> Option<i64> {
    const SECOND: i64 = 1_000_000;
    let micros_each = match unit.to_ascii_lowercase().as_str() {
        "millisecond" => 1_000,
        "second" => SECOND,
        "minute" => 60 * SECOND,
        "hour" => 3_600 * SECOND,
        "day" => 86_400 * SECOND,
        "week" => 7 * 86_400 * SECOND,
        "month" => return months(from, to),
        "quarter" => return months(from, to).map(|months| months / 3),
        "year" => return months(from, to).map(|months| months / 12),
        _ => return None,
    };
    to.checked_sub(from).map(|micros| micros / micros_each)
}

fn months(from: i64, to: i64) -> Option<i64> {
    if to < from {
        return months(to, from).map(|months| -months);
    }
    let (from, to) = (
        DateTime::from_timestamp_micros(from)?,
        DateTime::from_timestamp_micros(to)?,
    );
    let number = |at: DateTime<Utc>| i64::from(at.year()) * 12 + i64::from(at.month0());
    // The last day of a month completes a month that began on a later day of a longer one.
    let is_last = |at: DateTime<Utc>| at.checked_add_days(Days::new(1)).is_none_or(|next| next.day() == 1);
    let first_day = if is_last(to) {
        from.day().min(to.day())
    } else {
        from.day()
    };
    let incomplete = (to.day(), to.time()) < (first_day, from.time());
    Some(number(to) - number(from) - i64::from(incomplete))
}
