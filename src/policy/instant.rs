//! Instants as policies write them: ISO 8601 dates and times, or seconds since 1970. Refuses anything else.

/// Milliseconds since 1970-01-01T00:00:00Z of an ISO 8601 date, date-time, or number of seconds
/// (IAM User Guide, "Date condition operators": W3C implementations of ISO 8601, or epoch time).
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.len() <= 13 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1_000);
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let days = parse_date(date)?;
    let millis = match time {
        Some(time) => parse_time(time)?,
        None => 0,
    };
    Some(days * 86_400_000 + millis)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    if text.len() != digits || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |m| number(m, 2))?;
    let day = parts.next().map_or(Some(1), |d| number(d, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn parse_time(text: &str) -> Option<i64> {
    let (clock, offset) = split_offset(text)?;
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |m| number(m, 2))?;
    let second = match parts.next() {
        Some(s) => parse_seconds(s)?,
        None => 0,
    };
    if parts.next().is_some() || hour > 24 || minute > 59 || second >= 61_000 {
        return None;
    }
    Some(hour * 3_600_000 + minute * 60_000 + second - offset)
}

fn parse_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(number(whole, 2)? * 1_000 + millis.parse::<i64>().ok()?)
}

/// The clock part, and the zone's distance from UTC in milliseconds; no zone means UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (clock, zone) = text.split_at(at);
    let digits = zone[1..].replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (number(&digits, 2)?, 0),
        4 => (number(digits.get(..2)?, 2)?, number(digits.get(2..)?, 2)?),
        _ => return None,
    };
    let distance = hours * 3_600_000 + minutes * 60_000;
    Some((clock, if zone.starts_with('-') { -distance } else { distance }))
}

/// An instant as `YYYY-MM-DDTHH:MM:SSZ`.
pub fn format(millis: i64) -> String {
    let seconds = millis.div_euclid(1_000);
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        clock / 3_600,
        clock / 60 % 60,
        clock % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn every_documented_form() {
        let noon = 1_780_315_200_000;
        for text in [
            "2026-06-01T12:00:00Z",
            "1780315200",
            "2026-06-01T14:00:00+02:00",
            "2026-06-01T12:00Z",
            "2026-06-01T05:00:00.000-0700",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        assert_eq!(format(noon), "2026-06-01T12:00:00Z");
        assert_eq!(parse("2026-06-01"), parse("2026-06-01T00:00:00Z"));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(-1_000));
        assert_eq!(format(-1_000), "1969-12-31T23:59:59Z");
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-06-01T25:00:00Z",
            "2026-06-01T",
            "+",
            "T",
            "99999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
