//! JSON texts and paths into them: `$`, `.name`, `['name']`, `[0]`, and `[*]` or `.*` for all.

use arrow::array::ArrayRef;
use datafusion::error::Result;
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

    /// What the path leads to; all of them, as an array, where it says all.
    pub(super) fn find(&self, value: &Value) -> Option<Value> {
        follow(value, &self.steps)
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

/// Rows of a function of a JSON text and a path, the path read once.
pub(super) fn by_path(arguments: &[ArrayRef], each: fn(&Value) -> Option<String>) -> Result<ArrayRef> {
    let [values, paths] = arguments else {
        return datafusion::common::internal_err!("a JSON text and a path are taken");
    };
    let mut known: Option<(String, Path)> = None;
    super::scalar::texts(values.len(), |row| {
        let (Some(value), Some(path)) = (super::scalar::text(values, row), super::scalar::text(paths, row)) else {
            return Ok(None);
        };
        if known.as_ref().is_none_or(|(written, _)| written != path) {
            let Some(read) = Path::read(path) else {
                return datafusion::common::exec_err!("`{path}` is not a JSON path");
            };
            known = Some((path.to_owned(), read));
        }
        let found = known.as_ref().and_then(|(_, path)| path.find(&parse(value)?));
        Ok(found.and_then(|found| each(&found)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
