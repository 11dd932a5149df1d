//! AWS Config snapshot and history files: the newest item of each resource. They hold no grants.
//!
//! <https://docs.aws.amazon.com/config/latest/developerguide/view-manage-resource.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Assembly, iam as details};
use crate::snapshot::bundle::{Alias, Trail, iam};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::scope::{CLOUDTRAIL, Failure, KMS};

const NO_GRANTS: &str = "AWS Config records no grants: rights that rest on grants are unknown";

pub(super) fn take(assembly: &mut Assembly, value: &Value, path: &str) {
    let mut newest: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for item in json::list(value, "configurationItems") {
        let kind = json::text(item, "resourceType").unwrap_or_default();
        let id = json::any_text(item, &["ARN", "arn", "resourceId"]).unwrap_or_default();
        let captured = |item: &Value| json::instant(item, "configurationItemCaptureTime");
        match newest.get(&(kind.clone(), id.clone())) {
            Some(held) if captured(held) >= captured(item) => {}
            _ => drop(newest.insert((kind, id), item)),
        }
    }
    let captured = newest
        .values()
        .filter_map(|item| json::instant(item, "configurationItemCaptureTime"))
        .max();
    assembly.bundle.collected_at = assembly.bundle.collected_at.max(captured);
    for ((kind, id), item) in newest {
        // A deleted resource has an item of its own.
        let status = json::any_text(item, &["configurationItemStatus"]).unwrap_or_default();
        if status.starts_with("ResourceDeleted") || status.starts_with("ResourceNotRecorded") {
            continue;
        }
        match kind.as_str() {
            "AWS::KMS::Key" => take_key(assembly, item, &id, path),
            "AWS::KMS::Alias" => take_alias(assembly, item),
            "AWS::IAM::User" => take_principal(assembly, item, "UserDetailList"),
            "AWS::IAM::Group" => take_principal(assembly, item, "GroupDetailList"),
            "AWS::IAM::Role" => take_principal(assembly, item, "RoleDetailList"),
            "AWS::IAM::Policy" => take_principal(assembly, item, "Policies"),
            "AWS::CloudTrail::Trail" => take_trail(assembly, item),
            _ => {}
        }
    }
}

/// A member that is JSON, or JSON in a string.
fn member(item: &Value, name: &str) -> Value {
    match item.get(name) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// Member names as the API spells them: Config starts them with a small letter.
fn as_api(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut renamed = Map::new();
            for (name, member) in map {
                let api = match name.as_str() {
                    "awsaccountId" | "aWSAccountId" => "AWSAccountId".to_owned(),
                    name => {
                        let mut chars = name.chars();
                        chars
                            .next()
                            .map(|first| first.to_ascii_uppercase())
                            .into_iter()
                            .chain(chars)
                            .collect()
                    }
                };
                // A policy document that is an object keeps its own spelling.
                let kept = api.ends_with("Document");
                renamed.insert(api, if kept { member.clone() } else { as_api(member) });
            }
            Value::Object(renamed)
        }
        Value::Array(items) => Value::Array(items.iter().map(as_api).collect()),
        other => other.clone(),
    }
}

fn account(item: &Value) -> String {
    let stated = json::any_text(item, &["awsAccountId", "accountId"]).and_then(|id| json::account(&id));
    let arn = json::any_text(item, &["ARN", "arn"]).unwrap_or_default();
    stated.or_else(|| json::account_of(&arn)).unwrap_or_default()
}

fn take_key(assembly: &mut Assembly, item: &Value, id: &str, path: &str) {
    let mut metadata = as_api(&member(item, "configuration"));
    let region = json::text(item, "awsRegion").unwrap_or_default();
    let account = account(item);
    let arn = json::text(&metadata, "Arn")
        .or_else(|| json::any_text(item, &["ARN", "arn"]))
        .unwrap_or_else(|| format!("arn:aws:kms:{region}:{account}:key/{id}"));
    if json::key_id_of(&arn).is_none() {
        return assembly.fault(
            KMS,
            path,
            "NoKeyArn",
            format!("an `AWS::KMS::Key` item has no key ARN: `{id}`"),
        );
    }
    if !metadata.is_object() {
        metadata = serde_json::json!({});
    }
    for (name, text) in [("Arn", arn.clone()), ("AWSAccountId", account.clone())] {
        if metadata.get(name).is_none() {
            json::set(&mut metadata, name, text.into());
        }
    }
    let mut supplement = member(item, "supplementaryConfiguration");
    let parts: Vec<String> = supplement
        .as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default();
    let policy = supplement.get("Policy").and_then(policy_of);
    let rotation = parts
        .iter()
        .any(|part| part == "KeyRotationStatus")
        .then(|| member(&supplement, "KeyRotationStatus"));
    let tags = tags(item, &mut supplement);
    let key = assembly.key(&arn);
    key.metadata = Some(metadata);
    key.tags = tags;
    if let Some(policy) = policy {
        key.policies
            .get_or_insert_default()
            .insert("default".to_owned(), policy);
    }
    key.rotation_status = rotation.map(|status| match status {
        Value::Bool(enabled) => serde_json::json!({ "KeyRotationEnabled": enabled }),
        other => as_api(&other),
    });
    assembly.listed.insert((account, region));
    if !assembly.bundle.notes.iter().any(|note| note == NO_GRANTS) {
        assembly.bundle.notes.push(NO_GRANTS.to_owned());
        let mut failure = Failure::of_input(KMS, path, "NotRecorded", NO_GRANTS);
        failure.operation = "ListGrants".to_owned();
        failure.skipped = true;
        assembly.bundle.failures.push(failure);
    }
}

/// The policy text. Config may wrap the text once more in quotes.
fn policy_of(value: &Value) -> Option<Document> {
    if let Value::String(text) = value
        && let Ok(Value::String(inner)) = serde_json::from_str::<Value>(text)
    {
        return Some(Document::verbatim(inner));
    }
    Document::read(value)
}

/// Tags stand beside the configuration, as an object or a list.
fn tags(item: &Value, supplement: &mut Value) -> Option<Vec<Value>> {
    let pair = |key: &str, value: &str| serde_json::json!({"TagKey": key, "TagValue": value});
    let given = item
        .get("tags")
        .cloned()
        .or_else(|| Some(member(supplement, "Tags")).filter(|tags| !tags.is_null()))?;
    match given {
        Value::Object(map) => Some(
            map.iter()
                .map(|(key, value)| pair(key, value.as_str().unwrap_or_default()))
                .collect(),
        ),
        Value::Array(items) => Some(
            items
                .iter()
                .filter_map(|tag| {
                    let key = json::any_text(tag, &["tagKey", "TagKey", "key", "Key"])?;
                    let value = json::any_text(tag, &["tagValue", "TagValue", "value", "Value"]).unwrap_or_default();
                    Some(pair(&key, &value))
                })
                .collect(),
        ),
        _ => None,
    }
}

fn take_alias(assembly: &mut Assembly, item: &Value) {
    let raw = as_api(&member(item, "configuration"));
    let region = json::text(item, "awsRegion").unwrap_or_default();
    assembly.bundle.aliases.push(Alias {
        account_id: account(item),
        region,
        raw,
    });
}

fn take_principal(assembly: &mut Assembly, item: &Value, list: &str) {
    let mut element = as_api(&member(item, "configuration"));
    if !element.is_object() {
        return;
    }
    if let Some(arn) = json::any_text(item, &["ARN", "arn"])
        && element.get("Arn").is_none()
    {
        json::set(&mut element, "Arn", arn.into());
    }
    let account = account(item);
    let details = Value::Object(Map::from_iter([(list.to_owned(), Value::Array(vec![element]))]));
    let read = iam(&account, &details, &Default::default(), &mut assembly.bundle.failures);
    details::merge(assembly.bundle.iam.entry(account).or_default(), read);
}

fn take_trail(assembly: &mut Assembly, item: &Value) {
    let configuration = as_api(&member(item, "configuration"));
    let mut trail = configuration.clone();
    let arn =
        json::any_text(&configuration, &["TrailARN", "TrailArn"]).or_else(|| json::any_text(item, &["ARN", "arn"]));
    let Some(arn) = arn else { return };
    json::set(&mut trail, "TrailARN", arn.clone().into());
    let supplement = member(item, "supplementaryConfiguration");
    let part = |name: &str| {
        let found = match supplement.get(name) {
            Some(_) => member(&supplement, name),
            None => configuration.get(name).cloned().unwrap_or_default(),
        };
        (!found.is_null()).then(|| as_api(&found))
    };
    let raw = json::object([
        (
            "Trail",
            Some(json::without(&trail, &["EventSelectors", "AdvancedEventSelectors"])),
        ),
        (
            "Status",
            part("TrailStatus").or_else(|| part("IsLogging").map(|on| serde_json::json!({"IsLogging": on}))),
        ),
        ("EventSelectors", part("EventSelectors")),
        ("AdvancedEventSelectors", part("AdvancedEventSelectors")),
    ]);
    let account_id = account(item);
    if raw.get("EventSelectors").is_none() && raw.get("AdvancedEventSelectors").is_none() {
        let mut failure = Failure::of_input(CLOUDTRAIL, arn, "NotRecorded", "the item holds no event selectors");
        failure.operation = "GetEventSelectors".to_owned();
        failure.skipped = true;
        assembly.bundle.failures.push(failure.within(&account_id, ""));
    }
    assembly.bundle.trails.push(Trail { account_id, raw });
}
