//! JSON texts and paths into them: `$`, `.name`, `['name']`, `[0]`, and `[*]` or `.*` for all.

use std::fmt;

use arrow::array::ArrayRef;
use datafusion::error::Result;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    All,
}

/// A path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    steps: Vec<Step>,
}

impl Path {
    /// Reads a path; `None` where it is none.
    pub(super) fn read(text: &str) -> Option<Path> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, remaining) = after.split_at_checked(end)?;
                match name {
                    "" => return None,
                    "*" => steps.push(Step::All),
                    name => steps.push(Step::Name(name.trim_matches('"').to_owned())),
                }
                rest = remaining;
            } else {
                let after = rest.strip_prefix('[')?;
                let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''));
                let (inside, remaining) = match quote {
                    Some(quote) => {
                        let (name, remaining) = after.strip_prefix(quote)?.split_once(quote)?;
                        steps.push(Step::Name(name.to_owned()));
                        ("", remaining.strip_prefix(']')?)
                    }
                    None => after.split_once(']')?,
                };
                match inside.trim() {
                    "" => {}
                    "*" => steps.push(Step::All),
                    index => steps.push(Step::Index(index.parse().ok()?)),
                }
                rest = remaining;
            }
        }
        Some(Path { steps })
    }

    /// Reads a path of SQL's own JSON functions: `lax $.a` or `strict $.a`.
    pub(super) fn read_sql(text: &str) -> Option<Path> {
        let text = text.trim();
        let path = text.strip_prefix("lax").or_else(|| text.strip_prefix("strict"));
        Path::read(path.unwrap_or(text))
    }

    /// Every item the path leads to; on the way arrays stand for their elements and an item for an array of it.
    pub(super) fn items<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut items = vec![value];
        for step in &self.steps {
            items = items.into_iter().flat_map(|item| step.from(item)).collect();
        }
        items
    }

    /// What the path leads to; all of them, as an array, where it says all.
    pub(super) fn find(&self, value: &Value) -> Option<Value> {
        follow(value, &self.steps)
    }

    /// The same in a text, which must be JSON. Only what the path leads to is made a value: to make one of every member was a
    /// third of a question for one of them. Past what is not asked for it reads less closely: a number too large, half of a
    /// surrogate pair.
    pub(super) fn find_in(&self, text: &str) -> Option<Value> {
        if self.steps.contains(&Step::All) {
            return self.find(&parse(text)?);
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let found = Along(&self.steps).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        found
    }
}

impl Step {
    fn from<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Step::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Step::Name(name), Value::Array(elements)) => elements
                .iter()
                .filter_map(|element| element.as_object()?.get(name))
                .collect(),
            (Step::Name(_), _) => vec![],
            (Step::Index(index), Value::Array(elements)) => elements.get(*index).into_iter().collect(),
            (Step::Index(0), item) => vec![item],
            (Step::Index(_), _) => vec![],
            (Step::All, Value::Array(elements)) => elements.iter().collect(),
            (Step::All, Value::Object(members)) => members.values().collect(),
            (Step::All, item) => vec![item],
        }
    }
}

fn follow(value: &Value, steps: &[Step]) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value.clone());
    };
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => follow(members.get(name)?, rest),
        (Step::Index(index), Value::Array(elements)) => follow(elements.get(*index)?, rest),
        (Step::All, Value::Array(elements)) => Some(Value::Array(
            elements.iter().filter_map(|element| follow(element, rest)).collect(),
        )),
        (Step::All, Value::Object(members)) => Some(Value::Array(
            members.values().filter_map(|member| follow(member, rest)).collect(),
        )),
        _ => None,
    }
}

/// Reads what some steps lead to, past everything else. Of members with one name the last counts, as in a value.
struct Along<'p>(&'p [Step]);

impl<'de> DeserializeSeed<'de> for Along<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> std::result::Result<Option<Value>, D::Error> {
        match self.0 {
            [] => Value::deserialize(reader).map(Some),
            _ => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Along<'_> {
    type Value = Option<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Option<Value>, A::Error> {
        let mut found = None;
        while let Some(is_it) = members.next_key_seed(IsNamed(self.0.first()))? {
            if is_it {
                found = members.next_value_seed(Along(self.0.get(1..).unwrap_or_default()))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Option<Value>, A::Error> {
        let (step, rest) = (self.0.first(), self.0.get(1..).unwrap_or_default());
        let (mut found, mut at) = (None, 0);
        loop {
            if step == Some(&Step::Index(at)) {
                match elements.next_element_seed(Along(rest))? {
                    Some(element) => found = element,
                    None => return Ok(found),
                }
            } else if elements.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            at += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> std::result::Result<Option<Value>, E> {
        Ok(None)
    }
}

/// Whether a member has the name that a step says.
struct IsNamed<'p>(Option<&'p Step>);

impl<'de> DeserializeSeed<'de> for IsNamed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> std::result::Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for IsNamed<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<bool, E> {
        Ok(matches!(self.0, Some(Step::Name(wanted)) if wanted == name))
    }
}

/// A JSON text; `None` where it is none.
pub(super) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The text of a scalar; `None` for null, arrays and objects.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text of a value as CloudTrail Lake's maps hold it: scalars as text, the rest as JSON.
pub(super) fn loose(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        _ => scalar(value),
    }
}

/// A path that was read last: most calls have one for all rows.
pub(super) struct Known {
    read: fn(&str) -> Option<Path>,
    held: Option<(String, Path)>,
}

impl Known {
    /// None yet; `read` reads them.
    pub(super) fn new(read: fn(&str) -> Option<Path>) -> Known {
        Known { read, held: None }
    }

    /// The path of a text.
    pub(super) fn path(&mut self, text: &str) -> Result<&Path> {
        if self.held.as_ref().is_none_or(|(written, _)| written != text) {
            let Some(read) = (self.read)(text) else {
                return datafusion::common::exec_err!("`{text}` is not a JSON path");
            };
            self.held = Some((text.to_owned(), read));
        }
        match &self.held {
            Some((_, path)) => Ok(path),
            None => datafusion::common::internal_err!("the path was just read"),
        }
    }
}

/// Rows of a function of a JSON text and a path.
pub(super) fn by_path(arguments: &[ArrayRef], each: fn(&Value) -> Option<String>) -> Result<ArrayRef> {
    let [values, paths] = arguments else {
        return datafusion::common::internal_err!("a JSON text and a path are taken");
    };
    let mut known = Known::new(Path::read);
    super::scalar::texts(values.len(), |row| {
        let (Some(value), Some(path)) = (super::scalar::text(values, row), super::scalar::text(paths, row)) else {
            return Ok(None);
        };
        let path = known.path(path)?;
        Ok(path.find_in(value).and_then(|found| each(&found)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// JSON of few names, so that paths lead somewhere.
    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let name = prop_oneof![Just("a"), Just("b"), Just("\u{e9}\"\\")];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..4).prop_map(|members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    fn paths() -> impl Strategy<Value = Path> {
        let step = prop_oneof![
            prop_oneof![Just("a"), Just("b"), Just("\u{e9}\"\\")].prop_map(|name| Step::Name(name.to_owned())),
            (0..3_usize).prop_map(Step::Index),
            Just(Step::All),
        ];
        prop::collection::vec(step, 0..4).prop_map(|steps| Path { steps })
    }

    proptest! {
        #[test]
        fn a_path_leads_to_the_same_in_a_text_and_in_a_value(value in documents(), path in paths(), cut in 0..40_usize) {
            let text = value.to_string();
            prop_assert_eq!(path.find_in(&text), parse(&text).and_then(|value| path.find(&value)));
            // What is no JSON leads nowhere, wherever it breaks.
            let broken: String = text.chars().take(cut).chain("}".chars()).collect();
            prop_assert_eq!(path.find_in(&broken), parse(&broken).and_then(|value| path.find(&value)));
        }
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let text = r#"{"a": {"b": 1}, "a": {"c": 2}, "\u0061": {"b": 3, "b": 4}}"#;
        let find = |path: &str, text: &str| Path::read(path).and_then(|path| path.find_in(text));
        assert_eq!(find("$.a.b", text), Some(json!(4)));
        assert_eq!(find("$.a.c", text), None);
        assert_eq!(find("$.a", "{\"a\": 1} 2"), None);
        assert_eq!(find("$.a", r#"{"a": 1, "b": 1e999, "c": "\ud800"}"#), Some(json!(1)));
        assert_eq!(find("$.b", r#"{"a": 1, "b": 1e999}"#), None);
        assert_eq!(find("$.a", "{\"a\": 1, }"), None);
    }

    #[test]
    fn paths_lead_where_they_say() {
        let value = json!({ "a": [{ "b.c": 1 }, { "b.c": 2 }], "d-e": { "f": null }, "aws:s3:arn": "x" });
        let find = |path: &str| Path::read(path).and_then(|path| path.find(&value));
        assert_eq!(find("$"), Some(value.clone()));
        assert_eq!(find("$.a[1]['b.c']"), Some(json!(2)));
        assert_eq!(find("$.a[1][\"b.c\"]"), Some(json!(2)));
        assert_eq!(find("$.a[*]['b.c']"), Some(json!([1, 2])));
        assert_eq!(find("$.d-e.f"), Some(json!(null)));
        assert_eq!(find("$.aws:s3:arn"), Some(json!("x")));
        assert_eq!(find("$.a[9]"), None);
        assert_eq!(find("$.x.y"), None);
        for wrong in ["", "a", "$.", "$[", "$[x]", "$['a]", "$..a"] {
            assert_eq!(Path::read(wrong), None, "{wrong}");
        }
    }
}
