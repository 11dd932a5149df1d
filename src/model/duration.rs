//! Lengths of time as users type them: `90d`, `12h`, `2w`. Knows no months or years, whose lengths differ.

use chrono::TimeDelta;

/// Reads a length of time: a whole number and `s`, `m`, `h`, `d` or `w`.
///
/// # Errors
/// The text is something else, or longer than a thousand years.
pub fn parse(text: &str) -> Result<TimeDelta, String> {
    let fail = || format!("`{text}` is not a duration such as 90d, 12h or 2w");
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fail());
    }
    let count: i64 = digits.parse().map_err(|_| fail())?;
    let seconds_each: i64 = match trimmed.strip_prefix(digits).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(fail()),
    };
    // A longer span cannot be subtracted from every instant of a log.
    let seconds = count
        .checked_mul(seconds_each)
        .filter(|seconds| *seconds <= 365_250 * 86_400)
        .ok_or_else(fail)?;
    TimeDelta::try_seconds(seconds).ok_or_else(fail)
}

/// Writes a length of time in the largest unit that says it exactly.
pub fn format(length: TimeDelta) -> String {
    match length.num_seconds() {
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [
            ("90d", 90 * 86_400),
            ("12h", 12 * 3_600),
            ("2w", 14 * 86_400),
            ("5m", 300),
            ("7s", 7),
        ] {
            assert_eq!(parse(text).map(|length| length.num_seconds()), Ok(seconds));
        }
        for wrong in [
            "",
            "d",
            "90",
            "-1d",
            "1.5h",
            "90 d",
            "1y",
            "99999999999999999999d",
            "400000000d",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_as_they_were_typed() {
        for text in ["90d", "13h", "61m", "59s"] {
            assert_eq!(parse(text).map(format), Ok(text.to_owned()));
        }
    }
}
