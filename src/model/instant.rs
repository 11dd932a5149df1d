//! Instants in UTC, as microseconds since 1970: reading and writing them. Knows no clock and no time zone but UTC.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

impl Instant {
    /// Reads the one form CloudTrail writes, `2023-07-10T12:15:59Z`, and nothing else; writing gives the same text back.
    pub fn parse_canonical(text: &str) -> Option<Instant> {
        let bytes = text.as_bytes();
        let &[
            y1,
            y2,
            y3,
            y4,
            b'-',
            m1,
            m2,
            b'-',
            d1,
            d2,
            b'T',
            h1,
            h2,
            b':',
            n1,
            n2,
            b':',
            s1,
            s2,
            b'Z',
        ] = bytes
        else {
            return None;
        };
        let two = |a: u8, b: u8| {
            (a.is_ascii_digit() && b.is_ascii_digit()).then(|| u32::from(a - b'0') * 10 + u32::from(b - b'0'))
        };
        let year = two(y1, y2)? * 100 + two(y3, y4)?;
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, two(m1, m2)?, two(d1, d2)?)?;
        let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = i64::from(date.num_days_from_ce()) - 719_163;
        Some(Instant(
            days * DAY + i64::from(hour * 3600 + minute * 60 + second) * 1_000_000,
        ))
    }

    /// Reads RFC 3339 (any offset, fractions), `YYYY-MM-DD HH:MM:SS`, `YYYY-MM-DD`, and the basic form
    /// `YYYYMMDDTHHMM[SS]Z` of object keys; a text without offset is UTC.
    pub fn parse(text: &str) -> Option<Instant> {
        let text = text.trim();
        if let Some(instant) = Instant::parse_canonical(text) {
            return Some(instant);
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Instant(time.timestamp_micros()));
        }
        for form in [
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y%m%dT%H%M%SZ",
            "%Y%m%dT%H%MZ",
            "%Y-%m-%dT%H:%MZ",
        ] {
            if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
                return Some(Instant(time.and_utc().timestamp_micros()));
            }
        }
        for form in ["%Y-%m-%d", "%Y/%m/%d"] {
            if let Ok(date) = NaiveDate::parse_from_str(text, form) {
                return Some(Instant(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros()));
            }
        }
        None
    }

    /// Days since 1970 of the UTC day the instant lies in.
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(DAY)).unwrap_or(i32::MAX)
    }

    /// The date of that day, `2023-07-10`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.find('T').unwrap_or(text.len()));
        text
    }
}

/// `2023-07-10T12:15:59Z`, with a fraction only where there is one.
impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(time) = DateTime::from_timestamp_micros(self.0) else {
            return write!(f, "{}us", self.0);
        };
        let (date, clock) = (time.date_naive(), time.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second())?;
        let micros = self.0.rem_euclid(1_000_000);
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_texts_come_back_as_they_were() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2023-07-10T12:15:59Z",
            "2000-02-29T23:59:59Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Instant::parse_canonical(text).unwrap().to_string(), text);
        }
        for text in [
            "2023-02-30T00:00:00Z",
            "2023-07-10T24:00:00Z",
            "2023-07-10T12:15:60Z",
            "2023-07-10 12:15:59Z",
        ] {
            assert_eq!(Instant::parse_canonical(text), None, "{text}");
        }
    }

    #[test]
    fn other_forms_mean_the_same_instant() {
        let expected = Instant::parse("2023-07-10T12:15:00Z");
        for text in [
            "2023-07-10T14:15:00+02:00",
            "2023-07-10 12:15:00",
            "20230710T1215Z",
            "20230710T121500Z",
            "2023-07-10T12:15Z",
        ] {
            assert_eq!(Instant::parse(text), expected, "{text}");
        }
        assert_eq!(
            Instant::parse("2023-07-10").unwrap().to_string(),
            "2023-07-10T00:00:00Z"
        );
        assert_eq!(Instant::parse("yesterday"), None);
    }

    #[test]
    fn days_are_whole_also_before_1970() {
        assert_eq!(Instant(-1).day(), -1);
        assert_eq!(Instant(DAY).day(), 1);
    }
}
