//! Reads one key of a snapshot bundle, with its policies and grants.

use super::bundle::{Grant, Key, Policy};
use super::document::{Place, account_principal};
use super::read::{Reader, list, tags, text};
use super::{instant, kms};
use serde_json::Value;
use std::collections::BTreeMap;

impl Reader {
    pub(super) fn key(&mut self, value: &Value) {
        let metadata = &value["KeyMetadata"];
        let Some(arn) = text(metadata, "Arn") else {
            return self.fault("kms", "a key without ARN was left out");
        };
        let mut parts = arn.splitn(6, ':').skip(3);
        let mut key = Key {
            region: parts.next().unwrap_or_default().to_owned(),
            account: parts.next().unwrap_or_default().to_owned(),
            aws_managed: metadata["KeyManager"] == "AWS",
            tags: value
                .get("Tags")
                .filter(|t| !t.is_null())
                .is_some()
                .then(|| tags(list(value, "Tags"), "TagKey", "TagValue")),
            facts: key_facts(metadata),
            idle_since: idle_since(value),
            ..Key::default()
        };
        key.arn.clone_from(&arn);
        if value.get("Tags").is_none() {
            key.tags = Some(BTreeMap::new());
        }
        if !value["Aliases"].is_null() || value.get("Aliases").is_none() {
            key.aliases = Some(
                list(value, "Aliases")
                    .iter()
                    .filter_map(|a| text(a, "AliasName"))
                    .collect(),
            );
        }
        self.key_policies(&mut key, value);
        if value.get("Grants").is_some_and(|g| !g.is_array()) {
            let reason = "the grants of the key were not collected".to_owned();
            self.fault(arn.clone(), reason.clone());
            key.grants_gap = Some(reason);
        }
        for grant in list(value, "Grants").iter().map(grant) {
            let index = key.grants.len();
            key.grants_naming.entry(grant.grantee.clone()).or_default().push(index);
            if let Some(retiring) = grant.retiring.clone().filter(|r| *r != grant.grantee) {
                key.grants_naming.entry(retiring).or_default().push(index);
            }
            key.grants.push(grant);
        }
        let index = self.snapshot.keys.len();
        for alias in key.aliases.iter().flatten() {
            let alias = arn.replacen(arn.splitn(6, ':').last().unwrap_or_default(), alias, 1);
            self.snapshot.keys_by_alias.insert(alias, index);
        }
        self.snapshot.keys_by_arn.insert(arn, index);
        self.snapshot.keys.push(key);
    }

    fn key_policies(&mut self, key: &mut Key, value: &Value) {
        let mut documents: Vec<(String, &Value)> = Vec::new();
        if let Some(policies) = value.get("Policies").and_then(Value::as_object) {
            documents.extend(policies.iter().map(|(name, document)| (name.clone(), document)));
        } else if let Some(document) = value.get("Policy") {
            documents.push((
                text(value, "PolicyName").unwrap_or_else(|| "default".to_owned()),
                document,
            ));
        }
        for (name, document) in documents.iter().filter(|(_, document)| !document.is_null()) {
            let policy = self.policy(format!("key policy {name} of {}", key.arn), document, Place::Key);
            key.policies.push(Policy {
                name: name.clone(),
                ..policy
            });
        }
        if documents.is_empty() || documents.iter().any(|(_, document)| document.is_null()) {
            let reason = "the key policy could not be read".to_owned();
            self.fault(key.arn.clone(), reason.clone());
            key.policy_gap = Some(reason);
        }
    }
}

/// The condition keys that describe-key answers.
fn key_facts(metadata: &Value) -> BTreeMap<&'static str, String> {
    let mut facts = BTreeMap::new();
    let mut add = |key, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(key, value);
        }
    };
    let spec = text(metadata, "KeySpec").or_else(|| text(metadata, "CustomerMasterKeySpec"));
    add("kms:customermasterkeyspec", spec.clone());
    add("kms:keyspec", spec);
    add("kms:customermasterkeyusage", text(metadata, "KeyUsage"));
    add("kms:keyusage", text(metadata, "KeyUsage"));
    add("kms:keyorigin", text(metadata, "Origin"));
    add(
        "kms:multiregion",
        metadata["MultiRegion"].as_bool().map(|b| b.to_string()),
    );
    add(
        "kms:multiregionkeytype",
        text(&metadata["MultiRegionConfiguration"], "MultiRegionKeyType"),
    );
    facts
}

/// Since when the key is idle, by get-key-last-usage: the last use, else the creation of a key created while uses were tracked,
/// else the start of tracking (AWS KMS developer guide, `kms:TrailingDaysWithoutKeyUsage`).
fn idle_since(key: &Value) -> Option<i64> {
    let usage = key.get("LastUsage").filter(|u| u.is_object())?;
    let at = |value: &Value| match value {
        Value::String(text) => instant::parse(text),
        Value::Number(seconds) => seconds
            .as_f64()
            .filter(|s| s.abs() < 1e12)
            .map(|s| (s * 1_000.0) as i64),
        _ => None,
    };
    if let Some(last) = usage["KeyLastUsage"].get("Timestamp") {
        return at(last);
    }
    let created = at(&usage["KeyCreationDate"]).or_else(|| at(&key["KeyMetadata"]["CreationDate"]));
    match (created, at(&usage["TrackingStartDate"])) {
        (Some(created), Some(tracked)) => Some(created.max(tracked)),
        (None, tracked) => tracked,
        (Some(_), None) => None,
    }
}

fn grant(value: &Value) -> Grant {
    let pairs = |name: &str| -> Option<BTreeMap<String, String>> {
        let map = value["Constraints"].get(name)?.as_object()?;
        // The key part of a pair is compared without case, the value with it.
        Some(
            map.iter()
                .map(|(k, v)| (k.to_ascii_lowercase(), v.as_str().unwrap_or_default().to_owned()))
                .collect(),
        )
    };
    Grant {
        id: text(value, "GrantId").unwrap_or_default(),
        grantee: text(value, "GranteeServicePrincipal")
            .or_else(|| text(value, "GranteePrincipal"))
            .unwrap_or_default(),
        retiring: text(value, "RetiringServicePrincipal").or_else(|| text(value, "RetiringPrincipal")),
        issuing_account: text(value, "IssuingAccount")
            .as_deref()
            .and_then(account_principal)
            .map(str::to_owned),
        operations: list(value, "Operations")
            .iter()
            .filter_map(|o| kms::find(o.as_str()?))
            .fold(0, |all, i| all | 1 << i),
        context_equals: pairs("EncryptionContextEquals"),
        context_subset: pairs("EncryptionContextSubset"),
        source_arn: text(&value["Constraints"], "SourceArn"),
    }
}
