//! Seconds since 1970 (UTC) and the ways in which AWS writes them. Proleptic Gregorian, no leap seconds.

/// One day in seconds.
pub const DAY: i64 = 86_400;

/// The instant of `2026-07-01` or `2026-07-01T09:30:00Z`; 0 for anything else.
pub fn at(text: &str) -> i64 {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<i64>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(5, 7), part(8, 10)) else {
        return 0;
    };
    let clock = part(11, 13).unwrap_or(0) * 3600 + part(14, 16).unwrap_or(0) * 60 + part(17, 19).unwrap_or(0);
    // Days from civil: years run from March, so that the leap day comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    days * DAY + clock
}

/// Year, month, day, hour, minute, second.
pub fn civil(t: i64) -> [i64; 6] {
    let (days, clock) = (t.div_euclid(DAY) + 719_468, t.rem_euclid(DAY));
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    [year, month, day, clock / 3600, clock / 60 % 60, clock % 60]
}

/// `2026-07-01T09:30:00Z`, as in `eventTime`.
pub fn iso(t: i64) -> String {
    let [y, mo, d, h, m, s] = civil(t);
    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{m:02}:{s:02}Z")
}

/// `2026-07-01T09:30:00+00:00`, as the AWS CLI prints timestamps.
pub fn offset(t: i64) -> String {
    iso(t).replace('Z', "+00:00")
}

/// `Jul 1, 2026, 9:30:00 AM`, as request parameters and response elements hold it.
pub fn text(t: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let [y, mo, d, h, m, s] = civil(t);
    let month = MONTHS.get((mo - 1) as usize).copied().unwrap_or_default();
    let (half, hour) = (if h < 12 { "AM" } else { "PM" }, if h % 12 == 0 { 12 } else { h % 12 });
    format!("{month} {d}, {y}, {hour}:{m:02}:{s:02} {half}")
}

/// `2026/07/01`, as in object keys.
pub fn path(t: i64) -> String {
    let [y, mo, d, ..] = civil(t);
    format!("{y:04}/{mo:02}/{d:02}")
}

/// `20260701T0930Z`, as in the names of log objects.
pub fn stamp(t: i64) -> String {
    let [y, mo, d, h, m, _] = civil(t);
    format!("{y:04}{mo:02}{d:02}T{h:02}{m:02}Z")
}
