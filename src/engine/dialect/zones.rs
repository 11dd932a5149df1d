//! Times with zones: literals that name one, and `AT TIME ZONE`, which in Trino shows the same instant elsewhere.

use datafusion::sql::sqlparser::ast::{DataType, Expr, TypedString, Value};

use super::build::{call, text};

/// What an expression means, if it is a time with a zone or a literal without seconds.
pub(super) fn translate(expression: &mut Expr) {
    match expression {
        // Of a timestamp without a zone the planner would take the digits for those of the named zone.
        Expr::AtTimeZone { timestamp, .. } => **timestamp = call("as_timestamp", [timestamp.as_ref().clone()]),
        Expr::TypedString(TypedString {
            data_type: DataType::Timestamp(..),
            value,
            ..
        }) => {
            let Value::SingleQuotedString(written) = &mut value.value else {
                return;
            };
            let (time, zone) = parts(written.trim());
            match zone {
                Some(zone) => {
                    let kind = format!("Timestamp(Microsecond, Some(\"{zone}\"))");
                    *expression = call("arrow_cast", [text(&time), text(&kind)]);
                }
                None => *written = time,
            }
        }
        _ => {}
    }
}

/// The time with its seconds, and the zone behind it.
fn parts(written: &str) -> (String, Option<String>) {
    let is_zone = |zone: &str| {
        zone.starts_with(['+', '-']) && zone.contains(':')
            || zone.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && zone
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "/_+-".contains(letter))
    };
    let (time, zone) = match written.rsplit_once(' ') {
        Some((time, zone)) if is_zone(zone) => (time.trim_end(), Some(zone)),
        _ => (written, None),
    };
    let zone = zone.map(|zone| if zone == "Z" { "UTC" } else { zone }.to_owned());
    let without_seconds = time.len() == "2026-01-31 10:00".len() && time.matches(':').count() == 1;
    let time = if without_seconds {
        format!("{time}:00")
    } else {
        time.to_owned()
    };
    (time, zone)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn zones_are_told_from_times() {
        let with = |time: &str, zone: &str| (time.to_owned(), Some(zone.to_owned()));
        assert_eq!(parts("2026-01-31 10:00 UTC"), with("2026-01-31 10:00:00", "UTC"));
        assert_eq!(
            parts("2026-01-31 10:00:00 +02:00"),
            with("2026-01-31 10:00:00", "+02:00")
        );
        assert_eq!(
            parts("2026-01-31 10:00:00.5 America/New_York"),
            with("2026-01-31 10:00:00.5", "America/New_York")
        );
        assert_eq!(parts("2026-01-31 10:00"), ("2026-01-31 10:00:00".to_owned(), None));
        assert_eq!(parts("2026-01-31"), ("2026-01-31".to_owned(), None));
    }
}
