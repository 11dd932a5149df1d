//! Reading members of AWS answers without trusting them: a wrong type is an absent value.

use serde_json::{Map, Value};

use super::instant;

/// A text member; numbers are written out, because some tools turn account ids into numbers.
pub fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text member, borrowed.
pub fn str<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// A whole number, also where it is written as text.
pub fn int(value: &Value, name: &str) -> Option<i64> {
    match value.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// True or false, also where it is written as text.
pub fn flag(value: &Value, name: &str) -> Option<bool> {
    match value.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// An instant in any spelling.
pub fn instant(value: &Value, name: &str) -> Option<i64> {
    instant::read(value.get(name)?)
}

/// The elements of a list member; none where it is absent.
pub fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of a list member, or the one text where there is no list.
pub fn texts(value: &Value, name: &str) -> Vec<String> {
    match value.get(name) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// A member as JSON text.
pub fn raw(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// JSON text back as a value; null where it is broken.
pub fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}

/// The first member that is present under any of several names.
pub fn any<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names
        .iter()
        .find_map(|name| value.get(*name))
        .filter(|value| !value.is_null())
}

/// The first text under any of several names.
pub fn any_text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(value, name))
}

/// An object from pairs, without the absent ones.
pub fn object<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    }
    Value::Object(map)
}

/// The object without some members.
pub fn without(value: &Value, names: &[&str]) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| !names.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// Sets a member of an object.
pub fn set(value: &mut Value, name: &str, member: Value) {
    if let Value::Object(map) = value {
        map.insert(name.to_owned(), member);
    }
}

/// An account id of twelve digits; shorter numbers lost their leading zeros on the way.
pub fn account(text: &str) -> Option<String> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("{text:0>12}"))
}

/// Replaces recorded `datetime` objects by their ISO text, everywhere.
pub fn plain_dates(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("__class__") {
                let micros = instant::read(&Value::Object(map.clone()));
                if let Some(micros) = micros {
                    *value = Value::String(instant::format(micros));
                }
            } else {
                map.values_mut().for_each(plain_dates);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_dates),
        _ => {}
    }
}

/// The parts of an ARN: partition, service, region, account, resource.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
pub fn arn(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.splitn(6, ':');
    if parts.next()? != "arn" {
        return None;
    }
    Some([
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    ])
}

/// The key id of a key ARN.
pub fn key_id_of(key_arn: &str) -> Option<&str> {
    match arn(key_arn)? {
        [_, "kms", _, _, resource] => resource.strip_prefix("key/"),
        _ => None,
    }
}

/// The account of an ARN, where it has one.
pub fn account_of(text: &str) -> Option<String> {
    account(arn(text)?[3])
}

/// The Region of an ARN, where it has one.
pub fn region_of(text: &str) -> Option<String> {
    arn(text)
        .map(|parts| parts[2].to_owned())
        .filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn account_ids_keep_or_regain_their_zeros() {
        assert_eq!(account("000012345678").as_deref(), Some("000012345678"));
        assert_eq!(account("12345678").as_deref(), Some("000012345678"));
        assert_eq!(account("aws"), None);
        assert_eq!(account("1234567890123"), None);
    }

    #[test]
    fn arns_fall_apart_in_every_partition() {
        let key = "arn:aws-cn:kms:cn-north-1:000012345678:key/mrk-1234";
        assert_eq!(key_id_of(key), Some("mrk-1234"));
        assert_eq!(account_of(key).as_deref(), Some("000012345678"));
        assert_eq!(region_of("arn:aws:iam::123456789012:role/x"), None);
        assert_eq!(key_id_of("arn:aws:kms:us-east-1:123456789012:alias/x"), None);
    }

    #[test]
    fn recorded_dates_become_text() {
        let mut value = json!({"a": [{"__class__": "datetime", "year": 2024, "month": 1, "day": 2}]});
        plain_dates(&mut value);
        assert_eq!(value, json!({"a": ["2024-01-02T00:00:00Z"]}));
    }
}
