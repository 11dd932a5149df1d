//! Values of parameters as users type them.

use super::{Kind, Value};
use crate::model::{Instant, duration};

impl Kind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "text" => Kind::Text,
            "integer" => Kind::Integer,
            "instant" => Kind::Instant,
            "duration" => Kind::Duration,
            "boolean" => Kind::Boolean,
            "list" => Kind::List,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Instant => "instant",
            Kind::Duration => "duration",
            Kind::Boolean => "boolean",
            Kind::List => "list",
        }
    }
}

/// Reads a value of a kind; a list is separated by commas.
///
/// # Errors
/// The text is not of the kind; the message says what was expected.
pub fn parse_value(kind: Kind, text: &str) -> Result<Value, String> {
    Ok(match kind {
        Kind::Text => Value::Text(text.to_owned()),
        Kind::Integer => Value::Integer(
            text.trim()
                .parse()
                .map_err(|_| format!("`{text}` is not a whole number"))?,
        ),
        Kind::Instant => Value::Instant(Instant::parse(text).ok_or_else(|| {
            format!("`{text}` is neither an RFC 3339 instant (2026-01-31T12:00:00Z) nor a date (2026-01-31)")
        })?),
        Kind::Duration => Value::Duration(duration::parse(text)?),
        Kind::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Boolean(true),
            "false" | "no" | "0" => Value::Boolean(false),
            _ => return Err(format!("`{text}` is neither true nor false")),
        },
        Kind::List => {
            let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
            Value::List(elements.map(str::to_owned).collect())
        }
    })
}

/// Reads a value for a query without a header: `name` is text, `name:kind` is of that kind.
///
/// # Errors
/// The kind is none, or the value is not of it.
pub fn parse_binding(name: &str, text: &str) -> Result<(String, Value), String> {
    let (name, kind) = match name.split_once(':') {
        None => (name, Kind::Text),
        Some((name, kind)) => {
            let known = "text, integer, instant, duration, boolean, list";
            (
                name,
                Kind::named(kind).ok_or_else(|| format!("`{kind}` is no type (there are: {known})"))?,
            )
        }
    };
    Ok((name.to_owned(), parse_value(kind, text)?))
}
