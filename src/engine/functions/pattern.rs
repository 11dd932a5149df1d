//! Forms of dates: MySQL's codes (`%Y-%m-%d %H:%i`) and Joda's letters (`yyyy-MM-dd HH:mm`), as chrono's.

/// MySQL's codes, of `date_parse` and `date_format`.
pub(super) fn of_mysql(form: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        out.push_str(match letters.next()? {
            'a' => "%a",
            'b' => "%b",
            'c' => "%-m",
            'd' => "%d",
            'e' => "%-d",
            'f' => "%6f",
            'H' => "%H",
            'h' | 'I' => "%I",
            'i' => "%M",
            'j' => "%j",
            'k' => "%-H",
            'l' => "%-I",
            'M' => "%B",
            'm' => "%m",
            'p' => "%p",
            'r' => "%I:%M:%S %p",
            'S' | 's' => "%S",
            'T' => "%H:%M:%S",
            'v' => "%V",
            'W' => "%A",
            'x' => "%G",
            'Y' => "%Y",
            'y' => "%y",
            '%' => "%%",
            // %D %U %u %V %w %X are not supported by Trino either.
            _ => return None,
        });
    }
    Some(out)
}

/// Joda's letters, of `parse_datetime` and `format_datetime`.
pub(super) fn of_joda(form: &str) -> Option<String> {
    let letters: Vec<char> = form.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let length = letters.iter().skip(at).take_while(|next| **next == letter).count();
        at += length;
        match letter {
            '\'' if length >= 2 => out.push_str(&"'".repeat(length / 2)),
            '\'' => {
                let quoted: String = letters.iter().skip(at).take_while(|next| **next != '\'').collect();
                at += quoted.chars().count() + 1;
                out.push_str(&quoted.replace('%', "%%"));
            }
            'y' | 'Y' if length == 2 => out.push_str("%y"),
            'y' | 'Y' => out.push_str("%Y"),
            'x' => out.push_str("%G"),
            'w' => out.push_str("%V"),
            'M' if length >= 4 => out.push_str("%B"),
            'M' if length == 3 => out.push_str("%b"),
            'M' => out.push_str(if length == 1 { "%-m" } else { "%m" }),
            'd' => out.push_str(if length == 1 { "%-d" } else { "%d" }),
            'D' => out.push_str("%j"),
            'E' => out.push_str(if length >= 4 { "%A" } else { "%a" }),
            'e' => out.push_str("%u"),
            'H' => out.push_str(if length == 1 { "%-H" } else { "%H" }),
            'h' => out.push_str(if length == 1 { "%-I" } else { "%I" }),
            'm' => out.push_str(if length == 1 { "%-M" } else { "%M" }),
            's' => out.push_str(if length == 1 { "%-S" } else { "%S" }),
            'S' if length <= 3 => out.push_str("%3f"),
            'S' => out.push_str("%6f"),
            'a' => out.push_str("%p"),
            'Z' => out.push_str(if length == 1 { "%z" } else { "%:z" }),
            'z' => out.push_str("UTC"),
            letter if letter.is_ascii_alphabetic() => return None,
            '%' => out.push_str(&"%%".repeat(length)),
            letter => out.extend(std::iter::repeat_n(letter, length)),
        }
    }
    Some(out)
}

/// The instant a text says in a form of chrono's, in microseconds since 1970; what the form leaves out is the first.
pub(super) fn read(text: &str, form: &str) -> Option<i64> {
    use chrono::format::{Parsed, StrftimeItems, parse};
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(form)).ok()?;
    if parsed.year().is_none() && parsed.year_mod_100().is_none() && parsed.isoyear().is_none() {
        parsed.set_year(1970).ok()?;
    }
    if parsed.ordinal().is_none() && parsed.isoweek().is_none() {
        if parsed.month().is_none() {
            parsed.set_month(1).ok()?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1).ok()?;
        }
    }
    if parsed.hour_mod_12().is_none() && parsed.hour_div_12().is_none() {
        parsed.set_hour(0).ok()?;
    }
    if parsed.hour_mod_12().is_some() && parsed.hour_div_12().is_none() {
        parsed.set_ampm(false).ok()?;
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0).ok()?;
    }
    let offset = parsed.offset().unwrap_or(0);
    let local = parsed.to_naive_date().ok()?.and_time(parsed.to_naive_time().ok()?);
    Some(local.and_utc().timestamp_micros() - i64::from(offset) * 1_000_000)
}

/// An instant in a form of chrono's.
pub(super) fn write(micros: i64, form: &str) -> Option<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    let time = chrono::DateTime::from_timestamp_micros(micros)?;
    write!(text, "{}", time.format(form)).ok()?;
    Some(text)
}
