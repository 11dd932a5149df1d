//! One case in, one answer out, as JSON lines: `{id, snapshot, request}` to `{id, decision, tri, reason, ...}`.

use super::answer::{Question, concrete, open};
use super::bundle::Snapshot;
use super::scene::{Context, Given};
use serde_json::{Map, Value, json};

/// Answers one line. A line that cannot be answered yields `{id, error}`.
pub fn simulate(line: &str) -> String {
    let case: Value = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(error) => return json!({"id": null, "error": format!("not JSON: {error}")}).to_string(),
    };
    let id = case.get("id").cloned().unwrap_or(Value::Null);
    let (snapshot, faults) = Snapshot::from_bundle(&case["snapshot"]);
    let mut answer = match simulate_request(&snapshot, &case["request"]) {
        Ok(answer) => answer,
        Err(error) => Map::from_iter([("error".to_owned(), json!(error))]),
    };
    if !faults.is_empty() {
        answer.insert(
            "faults".to_owned(),
            faults.iter().map(|f| json!(f.to_string())).collect(),
        );
    }
    let mut out = Map::from_iter([("id".to_owned(), id)]);
    out.extend(answer);
    Value::Object(out).to_string()
}

/// Answers one request of a snapshot.
pub fn simulate_request(snapshot: &Snapshot, request: &Value) -> Result<Map<String, Value>, String> {
    let field = |name: &str| {
        request[name]
            .as_str()
            .ok_or_else(|| format!("request without `{name}`"))
    };
    let context = context(&request["context"])?;
    let question = Question::new(snapshot, field("principal")?, field("action")?, field("resource")?)?;
    let known = concrete(&question, &context);
    let unknown = open(&question, &context);
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    put("decision", json!(known.decision.as_str()));
    put("allowed", json!(known.decision == super::decide::Decision::Allow));
    put("reason", json!(known.reason));
    put("deciding", json!(known.deciding));
    if !known.contested.is_empty() {
        put("contested", json!(known.contested));
    }
    put("tri", json!(unknown.verdict.as_str()));
    if let Some(condition) = &unknown.condition {
        put("condition", json!(condition.as_ref()));
    }
    if let Some(kind) = unknown.condition_kind {
        put("condition_kind", json!(kind.as_str()));
    }
    if !unknown.open.is_empty() {
        put("undetermined", json!(unknown.open));
    }
    Ok(answer)
}

/// The context of a request: strings, or arrays of strings; numbers and truth values count as their text.
pub fn context(value: &Value) -> Result<Context, String> {
    let mut context = Context::new();
    let Some(map) = value.as_object() else {
        return if value.is_null() {
            Ok(context)
        } else {
            Err("the context is not an object".to_owned())
        };
    };
    for (key, value) in map {
        let given = match value {
            Value::Array(values) => Given::Many(values.iter().map(scalar).collect::<Result<_, _>>()?),
            Value::Null => continue,
            other => Given::One(scalar(other)?),
        };
        context.insert(key.to_ascii_lowercase(), given);
    }
    Ok(context)
}

fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!(
            "`{}` is no value of a condition key",
            super::condition::shorten(&other.to_string())
        )),
    }
}
