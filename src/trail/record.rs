//! One record, split into its fields without copying. Judges nothing but its shape.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{COUNT, Field};
use super::json;

/// How many members an object may have: a bound on the quadratic look for repeated names.
const MEMBERS: usize = 4096;

/// A record's fields as raw JSON texts, borrowed from the object's bytes.
#[derive(Debug, Default)]
pub struct Record<'a> {
    values: [Option<&'a str>; COUNT],
    /// Fields AWS's documentation does not name, in the order delivered.
    pub unknown: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Record<'a> {
    /// Reads one JSON object. Of a member given twice the last one counts, as every JSON library has it.
    ///
    /// # Errors
    /// The text is not one JSON object.
    pub fn parse(raw: &'a str) -> serde_json::Result<Record<'a>> {
        serde_json::from_str(raw)
    }

    /// The field's JSON text; `None` where the record lacks it, `Some("null")` where it is null.
    pub fn raw(&self, field: Field) -> Option<&'a str> {
        self.values[field.at()]
    }

    /// The field's text where it is a JSON string.
    pub fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        self.raw(field).and_then(json::string)
    }

    /// Whether this is a CloudTrail record rather than something that wraps one: it names an API call the way
    /// CloudTrail does.
    pub fn is_cloudtrail(&self) -> bool {
        self.raw(Field::EventName).is_some() && self.raw(Field::EventSource).is_some()
    }

    /// Whether this is an Insights event: no record of a call, though its details name one.
    pub fn is_insight(&self) -> bool {
        self.raw(Field::EventType) == Some("\"AwsCloudTrailInsight\"") && self.raw(Field::EventName).is_none()
    }

    /// Whether the record is surely one, also where the text around it is broken.
    pub fn is_unmistakable(&self) -> bool {
        [Field::EventName, Field::EventSource, Field::EventVersion]
            .iter()
            .all(|&field| self.raw(field).is_some())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Record<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Record<'a>, D::Error> {
        struct Fields<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Fields<'a> {
            type Value = Record<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Record<'a>, M::Error> {
                let mut record = Record::default();
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    let value: &'de RawValue = map.next_value()?;
                    match Field::named(&key) {
                        Some(field) => record.values[field.at()] = Some(value.get()),
                        None => match record.unknown.iter_mut().find(|(name, _)| *name == key) {
                            Some(known) => known.1 = value.get(),
                            None => record.unknown.push((key, value.get())),
                        },
                    }
                    if record.unknown.len() > MEMBERS {
                        return Err(serde::de::Error::custom("too many unknown fields"));
                    }
                }
                Ok(record)
            }
        }
        deserializer.deserialize_map(Fields(std::marker::PhantomData))
    }
}

/// A member's name, borrowed unless it holds escapes (serde's own `Cow` would always copy).
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'a>, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The members of a JSON object in the order delivered, a repeated one once with its last value; `None` for other
/// values.
pub fn members(raw: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);
    impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
            struct All<'a>(std::marker::PhantomData<&'a ()>);
            impl<'de: 'a, 'a> Visitor<'de> for All<'a> {
                type Value = Members<'a>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'a>, M::Error> {
                    let mut all: Vec<(Cow<'a, str>, &'a str)> = Vec::new();
                    while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                        let value: &'de RawValue = map.next_value()?;
                        match all.iter_mut().find(|(name, _)| *name == key) {
                            Some(known) => known.1 = value.get(),
                            None => all.push((key, value.get())),
                        }
                        if all.len() > MEMBERS {
                            return Err(serde::de::Error::custom("too many members"));
                        }
                    }
                    Ok(Members(all))
                }
            }
            deserializer.deserialize_map(All(std::marker::PhantomData))
        }
    }
    raw.starts_with('{')
        .then(|| serde_json::from_str::<Members<'_>>(raw).ok().map(|members| members.0))
        .flatten()
}

/// The elements of a JSON array; `None` for other values.
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = raw.starts_with('[').then(|| serde_json::from_str(raw).ok()).flatten()?;
    Some(values.into_iter().map(RawValue::get).collect())
}

/// Whether the text is one well-formed JSON value.
pub fn is_json(raw: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(raw).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_and_unknown_ones_kept() {
        let record =
            Record::parse(r#"{"eventName":"Decrypt","x":1,"eventID":null,"eventN\u0061me":"Sign","x":[2]}"#).unwrap();
        assert_eq!(record.text(Field::EventName).unwrap(), "Sign");
        assert_eq!(record.raw(Field::EventId), Some("null"));
        assert_eq!(record.raw(Field::EventTime), None);
        assert_eq!(record.unknown, [(Cow::Borrowed("x"), "[2]")]);
    }

    #[test]
    fn only_objects_are_records() {
        for raw in ["[]", "1", "\"x\"", "{", "{\"a\":1}}"] {
            assert!(Record::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn an_envelope_is_not_a_record() {
        let wrapped = r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"x"}}"#;
        assert!(!Record::parse(wrapped).unwrap().is_cloudtrail());
    }
}
