//! Words for what records say: names out of ARNs, lengths of time, JSON members.

use serde_json::Value;

/// What stands after the last slash.
pub fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// A principal as people call it: `role KeyAdmin (111122223333)`.
pub fn short(arn: &str) -> String {
    let Some(parsed) = crate::model::Arn::parse(arn) else {
        return arn.to_owned();
    };
    let (kind, rest) = parsed.resource.split_once('/').unwrap_or((parsed.resource, ""));
    let name = match kind {
        "assumed-role" => return format!("{} ({})", rest, parsed.account),
        _ if rest.is_empty() => kind,
        _ => last_part(rest),
    };
    if kind == "root" {
        return format!("root of {}", parsed.account);
    }
    format!("{kind} {name} ({})", parsed.account)
}

/// A length of time in its two largest units.
pub fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3_600, seconds % 3_600 / 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, hours, _) => format!("{days} days {hours} h"),
    }
}

/// A JSON text, or null where it is none.
pub(super) fn json(text: &Option<String>) -> Value {
    let text = text.as_deref().unwrap_or("null");
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// A value on one line, without quotes where it is text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
