//! `calendar_part(unit, x)`: what `year(x)`, `day_of_week(x)` and their kin mean; weeks are ISO's, Monday is day 1.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use chrono::{DateTime, Datelike, Timelike};
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar, instant, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("calendar_part", &[Read::Text, Read::Any], 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [unit, value] = arguments else {
        return datafusion::common::internal_err!("calendar_part takes two arguments");
    };
    let instants = from_iso8601_timestamp::wall(std::slice::from_ref(value))?;
    let mut parts = Int64Builder::with_capacity(instants.len());
    for row in 0..instants.len() {
        let time = instant(&instants, row).and_then(DateTime::from_timestamp_micros);
        parts.append_option(time.zip(text(unit, row)).and_then(|(time, unit)| {
            Some(match unit {
                "year" => i64::from(time.year()),
                "quarter" => i64::from(time.month0() / 3 + 1),
                "month" => i64::from(time.month()),
                "week" => i64::from(time.iso_week().week()),
                "day" => i64::from(time.day()),
                "day_of_week" => i64::from(time.weekday().number_from_monday()),
                "day_of_year" => i64::from(time.ordinal()),
                "hour" => i64::from(time.hour()),
                "minute" => i64::from(time.minute()),
                "second" => i64::from(time.second()),
                "millisecond" => i64::from(time.timestamp_subsec_millis()),
                "year_of_week" => i64::from(time.iso_week().year()),
                _ => return None,
            })
        }));
    }
    Ok(Arc::new(parts.finish()))
}
