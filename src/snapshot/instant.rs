//! Instants as they occur in AWS answers, as microseconds since 1970 in UTC. No clock.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use serde_json::Value;

/// Milliseconds stand in AWS Config files, seconds everywhere else; no KMS key is as young as this many seconds.
const SECONDS_MAX: f64 = 1e11;

/// An instant from a number of seconds (or milliseconds), an ISO 8601 text, or a recorded `datetime` object.
pub fn read(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => of_number(number.as_f64()?),
        Value::String(text) => parse(text),
        Value::Object(_) => of_recorded(value),
        _ => None,
    }
}

fn of_number(number: f64) -> Option<i64> {
    let seconds = if number.abs() >= SECONDS_MAX {
        number / 1e3
    } else {
        number
    };
    let micros = (seconds * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to lie within the range of a calendar date"
    )]
    (micros.abs() < 8e18).then_some(micros as i64)
}

/// An instant from text: RFC 3339, the same with a blank or without a zone (taken as UTC), or a date.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    for form in [
        "%Y-%m-%d %H:%M:%S%.f%:z",
        "%Y-%m-%dT%H:%M:%S%.f%z",
        "%Y-%m-%d %H:%M:%S%.f%z",
    ] {
        if let Ok(time) = DateTime::parse_from_str(text, form) {
            return Some(time.timestamp_micros());
        }
    }
    for form in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.fZ",
        "%Y%m%dT%H%M%SZ",
    ] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time.and_utc().timestamp_micros());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// A `datetime` as botocore's recorder (placebo) writes it: `{"__class__": "datetime", "year": ...}`.
fn of_recorded(value: &Value) -> Option<i64> {
    if value.get("__class__")?.as_str()? != "datetime" {
        return None;
    }
    let part = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let year = i32::try_from(value.get("year")?.as_i64()?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, part("month")?, part("day")?)?;
    let time = date.and_hms_micro_opt(
        part("hour").unwrap_or(0),
        part("minute").unwrap_or(0),
        part("second").unwrap_or(0),
        part("microsecond").unwrap_or(0),
    )?;
    Some(time.and_utc().timestamp_micros())
}

/// The instant in RFC 3339, UTC, with as many decimals as it needs.
pub fn format(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => String::new(),
    }
}

/// The instant as `YYYYMMDDTHHMMSSZ`, for identifiers.
pub fn compact(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.format("%Y%m%dT%H%M%SZ").to_string(),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_an_instant_is_the_same_instant() {
        let expected = parse("2024-01-02T03:04:05.250Z");
        assert!(expected.is_some());
        for value in [
            json!(1704164645.25),
            json!(1704164645250_u64),
            json!("2024-01-02T03:04:05.250000+00:00"),
            json!("2024-01-02 03:04:05.250000+00:00"),
            json!("2024-01-02T05:04:05.25+02:00"),
            json!({"__class__": "datetime", "year": 2024, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5, "microsecond": 250000}),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
        assert_eq!(parse("2024-01-02"), parse("2024-01-02T00:00:00Z"));
        assert_eq!(read(&json!("soon")), None);
        assert_eq!(
            read(&json!({"__class__": "datetime", "year": 99_999_999_999_i64})),
            None
        );
    }

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(format(1_704_164_645_250_000), "2024-01-02T03:04:05.250Z");
        assert_eq!(format(1_704_164_645_000_000), "2024-01-02T03:04:05Z");
        assert_eq!(compact(1_704_164_645_250_000), "20240102T030405Z");
    }
}
