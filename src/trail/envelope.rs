//! Finding records in a JSON value that wraps them: EventBridge events, CloudWatch Logs payloads, `lookup-events`
//! answers, search-engine documents. Works in memory on one bounded value; the decoder streams the outer arrays.

use super::json;
use super::record::{Record, elements, members};

/// How many wrappers may stand around a record.
const WRAPPERS: usize = 8;

/// What a value turned out to hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// This many records.
    Records(u64),
    /// A recognised envelope with nothing in it, or a message that is not about events.
    Nothing,
    /// No CloudTrail record anywhere.
    Unknown,
}

/// Members whose arrays are the events of an envelope, so that an empty one is no fault.
const ARRAYS: [&str; 3] = ["Records", "Events", "logEvents"];

/// Whether an array under this name holds an envelope's events.
pub fn is_event_array(name: &str) -> bool {
    ARRAYS.contains(&name)
}

/// Calls `take` with every record inside a JSON value, in order.
pub fn find_records(raw: &str, take: &mut dyn FnMut(&Record<'_>)) -> Found {
    look(raw, WRAPPERS, take)
}

fn look(raw: &str, wrappers: usize, take: &mut dyn FnMut(&Record<'_>)) -> Found {
    if wrappers == 0 {
        return Found::Unknown;
    }
    match raw.as_bytes().first() {
        Some(b'{') => {
            if let Ok(record) = Record::parse(raw) {
                if record.is_cloudtrail() {
                    take(&record);
                    return Found::Records(1);
                }
                if record.is_insight() {
                    return Found::Unknown;
                }
            }
            let Some(members) = members(raw) else {
                return Found::Unknown;
            };
            let empty = members
                .iter()
                .any(|(name, value)| is_event_array(name) && is_empty_array(value))
                || members
                    .iter()
                    .any(|(name, value)| name == "messageType" && *value == "\"CONTROL_MESSAGE\"");
            combine(members.iter().map(|(_, value)| look(value, wrappers - 1, take)), empty)
        }
        Some(b'[') => match elements(raw) {
            Some(values) => combine(values.into_iter().map(|value| look(value, wrappers - 1, take)), false),
            None => Found::Unknown,
        },
        // A record as text: `CloudTrailEvent`, `message`, `_raw`.
        Some(b'"') => match json::string(raw) {
            Some(text) if text.trim_start().starts_with(['{', '[']) && text.contains("event") => {
                look(text.trim(), wrappers - 1, take)
            }
            _ => Found::Unknown,
        },
        _ => Found::Unknown,
    }
}

fn is_empty_array(raw: &str) -> bool {
    raw.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.trim().is_empty())
}

fn combine(parts: impl Iterator<Item = Found>, empty: bool) -> Found {
    let (mut records, mut nothing) = (0, empty);
    for part in parts {
        match part {
            Found::Records(more) => records += more,
            Found::Nothing => nothing = true,
            Found::Unknown => {}
        }
    }
    match (records, nothing) {
        (0, false) => Found::Unknown,
        (0, true) => Found::Nothing,
        (records, _) => Found::Records(records),
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Field;
    use super::*;

    fn names(raw: &str) -> (Vec<String>, Found) {
        let mut names = Vec::new();
        let found = find_records(raw, &mut |record| {
            names.push(record.text(Field::EventName).unwrap().into_owned())
        });
        (names, found)
    }

    const RECORD: &str = r#"{"eventVersion":"1.08","eventName":"A","eventSource":"kms.amazonaws.com"}"#;

    #[test]
    fn wrappers_are_looked_through() {
        let text = serde_json::to_string(RECORD).unwrap();
        for wrapped in [
            format!(r#"{{"version":"0","detail-type":"x","detail":{RECORD}}}"#),
            format!(r#"{{"EventId":"1","ReadOnly":"true","CloudTrailEvent":{text}}}"#),
            format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{text}}}]}}"#),
            format!(r#"{{"_raw":{text}}}"#),
            format!(r#"{{"aws":{{"cloudtrail":{RECORD}}}}}"#),
            format!(r#"{{"data":{{"Records":[{RECORD}]}}}}"#),
        ] {
            assert_eq!(names(&wrapped), (vec!["A".to_owned()], Found::Records(1)), "{wrapped}");
        }
    }

    #[test]
    fn empty_envelopes_are_no_fault_and_foreign_values_are() {
        assert_eq!(names(r#"{"x":{"Records":[ ]}}"#).1, Found::Nothing);
        assert_eq!(
            names(r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#).1,
            Found::Nothing
        );
        assert_eq!(names(r#"{"detail":{"state":"pending"}}"#).1, Found::Unknown);
        let mut deep = RECORD.to_owned();
        for _ in 0..20 {
            deep = format!(r#"{{"a":{deep}}}"#);
        }
        assert_eq!(names(&deep).1, Found::Unknown);
    }
}
