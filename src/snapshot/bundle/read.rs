//! A bundle from its JSON. What does not fit becomes a failure with its place; no key is dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Alias, Bundle, Iam, IamPrincipal, Key, KeyStore, ManagedPolicy, Organization, OrganizationPolicy, Trail};
use crate::snapshot::document::{Document, sha256};
use crate::snapshot::scope::{self, CLOUDTRAIL, Failure, IAM, KMS, ORGANIZATIONS, Scope, State};
use crate::snapshot::{Error, json};

/// Exact texts by the SHA-256 of the compact JSON they parse to (`PolicyTexts` of a bundle).
pub(crate) type Texts = HashMap<String, String>;

/// Reads a bundle: an object with `kms`, `iam`, `organization` or `trails`.
///
/// # Errors
/// The value is not an object, or one of those members has the wrong type altogether.
pub fn read(value: &Value) -> Result<Bundle, Error> {
    let Some(object) = value.as_object() else {
        return Err(Error::Bundle("the file is not a JSON object".to_owned()));
    };
    for (name, wants) in [
        ("kms", "an object"),
        ("iam", "an object"),
        ("organization", "an object"),
    ] {
        if object
            .get(name)
            .is_some_and(|part| !part.is_object() && !part.is_null())
        {
            return Err(Error::Bundle(format!("`{name}` is not {wants}")));
        }
    }
    let texts = texts_of(value);
    let mut bundle = Bundle {
        collected_at: json::any(value, &["collected_at", "CollectedAt"]).and_then(super::super::instant::read),
        started_at: json::any(value, &["started_at", "StartedAt"]).and_then(super::super::instant::read),
        collected_by: json::any_text(value, &["collected_by", "CollectedBy"]),
        source: json::any_text(value, &["source", "Source"]),
        tool: json::any_text(value, &["tool", "Tool"]),
        notes: json::texts(value, "Notes"),
        ..Bundle::default()
    };
    if let Some(given) = json::any(value, &["collected_at", "CollectedAt"])
        && bundle.collected_at.is_none()
    {
        return Err(Error::Bundle(format!("`collected_at` is not an instant: `{given}`")));
    }
    read_kms(value.get("kms").unwrap_or(&Value::Null), &mut bundle)?;
    for (account, details) in value.get("iam").and_then(Value::as_object).into_iter().flatten() {
        let account = json::account(account).unwrap_or_else(|| account.clone());
        let iam = iam(&account, details, &texts, &mut bundle.failures);
        bundle.iam.insert(account, iam);
    }
    if let Some(part) = value.get("organization").filter(|part| part.is_object()) {
        bundle.organization = Some(organization(part, &mut bundle.failures));
    }
    bundle.scope = scope::read_scope(json::any(value, &["Scope", "scope"]).unwrap_or(&Value::Null));
    read_trails(value.get("trails").unwrap_or(&Value::Null), &mut bundle);
    bundle.failures.extend(scope::read_failures(
        json::any(value, &["Errors", "errors"]).unwrap_or(&Value::Null),
    ));
    for store in json::list(value, "CustomKeyStores") {
        bundle.key_stores.push(KeyStore {
            account_id: json::text(store, "AccountId").unwrap_or_default(),
            region: json::text(store, "Region").unwrap_or_default(),
            raw: json::without(store, &["AccountId", "Region"]),
        });
    }
    Ok(bundle)
}

fn texts_of(value: &Value) -> Texts {
    let mut texts = Texts::new();
    for text in json::list(value, "PolicyTexts").iter().filter_map(Value::as_str) {
        if let Ok(parsed) = serde_json::from_str::<Value>(text) {
            texts.insert(sha256(parsed.to_string().as_bytes()), text.to_owned());
        }
    }
    texts
}

/// A document, given back its exact text where the bundle brought it along.
fn document(value: Option<&Value>, texts: &Texts) -> Option<Document> {
    let document = Document::read(value?)?;
    if !document.verbatim
        && let Some(text) = texts.get(&document.sha256())
    {
        return Some(Document::verbatim(text.clone()));
    }
    Some(document)
}

fn read_kms(kms: &Value, bundle: &mut Bundle) -> Result<(), Error> {
    if kms.get("keys").is_some_and(|keys| !keys.is_array()) {
        return Err(Error::Bundle("`kms.keys` is not a list".to_owned()));
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (index, value) in json::list(kms, "keys").iter().enumerate() {
        let (key, aliases) = key(index, value, &mut bundle.failures);
        bundle.aliases.extend(aliases);
        if key.arn.is_empty() || seen.insert(key.arn.clone()) {
            bundle.keys.push(key);
        } else if let Some(first) = bundle.keys.iter_mut().find(|held| held.arn == key.arn) {
            merge(first, key, &mut bundle.failures);
        }
    }
    for alias in json::list(kms, "aliases") {
        bundle.aliases.push(placed_alias(alias, "", ""));
    }
    Ok(())
}

/// An alias in the place its ARN names, else in the place given.
pub(crate) fn placed_alias(alias: &Value, account_id: &str, region: &str) -> Alias {
    let arn = json::str(alias, "AliasArn").unwrap_or_default();
    Alias {
        account_id: json::account_of(arn).unwrap_or_else(|| account_id.to_owned()),
        region: json::region_of(arn).unwrap_or_else(|| region.to_owned()),
        raw: alias.clone(),
    }
}

/// Adds what `other`, a second element with the same ARN, knows beyond the first, and says where they disagree.
pub(crate) fn merge(first: &mut Key, other: Key, failures: &mut Vec<Failure>) {
    let mut differs = Vec::new();
    macro_rules! fill {
        ($field:ident, $name:literal) => {
            match (&first.$field, other.$field) {
                (None, given) => first.$field = given,
                (Some(held), Some(given)) if *held != given => differs.push($name),
                _ => {}
            }
        };
    }
    fill!(metadata, "KeyMetadata");
    fill!(policies, "Policy");
    fill!(grants, "Grants");
    fill!(tags, "Tags");
    fill!(rotation_status, "RotationStatus");
    fill!(rotations, "Rotations");
    fill!(last_usage, "LastUsage");
    let what = if differs.is_empty() {
        "equally".to_owned()
    } else {
        format!("with another {}", differs.join(", "))
    };
    if !differs.is_empty() {
        let failure = Failure::of_input(
            KMS,
            first.arn.clone(),
            "DuplicateKey",
            format!("the key occurs twice, the second time {what}; the first is kept"),
        );
        failures.push(failure.within(&first.account_id, &first.region));
    }
}

fn key(index: usize, value: &Value, failures: &mut Vec<Failure>) -> (Key, Vec<Alias>) {
    let metadata = value.get("KeyMetadata").filter(|metadata| metadata.is_object());
    let given = metadata.unwrap_or(value);
    let arn = json::any_text(given, &["Arn", "KeyArn"])
        .or_else(|| json::text(value, "KeyArn"))
        .or_else(|| json::text(given, "KeyId").filter(|id| id.starts_with("arn:")))
        .unwrap_or_default();
    let mut key = Key::of_arn(&arn);
    if key.key_id.is_empty() {
        key.key_id = json::text(given, "KeyId").unwrap_or_default();
        key.account_id = json::text(given, "AWSAccountId")
            .and_then(|id| json::account(&id))
            .unwrap_or_default();
        let place = if key.key_id.is_empty() {
            format!("kms.keys[{index}]")
        } else {
            key.key_id.clone()
        };
        let failure = Failure::of_input(KMS, place, "NoKeyArn", format!("kms.keys[{index}] names no key ARN"));
        failures.push(failure.within(&key.account_id, ""));
    }
    key.metadata = metadata.cloned();
    key.policies = policies(value);
    for (name, document) in key.policies.iter().flatten() {
        if let Err(why) = document.parse() {
            let failure = Failure::of_input(
                KMS,
                key.arn.clone(),
                "MalformedPolicy",
                format!("policy `{name}`: {why}"),
            );
            failures.push(failure.within(&key.account_id, &key.region));
        }
    }
    let mut part = |name: &str| match value.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::Array(items)) => Some(items.clone()),
        Some(_) => {
            let failure = Failure::of_input(KMS, key.arn.clone(), "Malformed", format!("`{name}` is not a list"));
            failures.push(failure.within(&key.account_id, &key.region));
            None
        }
    };
    key.grants = part("Grants");
    key.tags = part("Tags");
    key.rotations = part("Rotations");
    let aliases = part("Aliases").unwrap_or_default();
    key.rotation_status = value.get("RotationStatus").filter(|status| status.is_object()).cloned();
    key.last_usage = value.get("LastUsage").filter(|usage| usage.is_object()).cloned();
    let aliases = aliases.iter().map(|alias| {
        let mut alias = placed_alias(alias, &key.account_id, &key.region);
        if alias.raw.get("TargetKeyId").is_none() && alias.raw.is_object() {
            json::set(&mut alias.raw, "TargetKeyId", key.key_id.clone().into());
        }
        alias
    });
    let aliases = aliases.collect();
    (key, aliases)
}

fn policies(value: &Value) -> Option<BTreeMap<String, Document>> {
    let mut policies = BTreeMap::new();
    if let Some(all) = value.get("Policies").and_then(Value::as_object) {
        for (name, text) in all {
            if let Some(document) = Document::read(text) {
                policies.insert(name.clone(), document);
            }
        }
        return Some(policies);
    }
    let document = Document::read(value.get("Policy")?)?;
    policies.insert(
        json::text(value, "PolicyName").unwrap_or_else(|| "default".to_owned()),
        document,
    );
    Some(policies)
}

/// One account's answer of `get-account-authorization-details`.
pub(crate) fn iam(account: &str, details: &Value, texts: &Texts, failures: &mut Vec<Failure>) -> Iam {
    let mut iam = Iam::default();
    let kinds = [
        ("user", "UserDetailList", "UserPolicyList"),
        ("group", "GroupDetailList", "GroupPolicyList"),
        ("role", "RoleDetailList", "RolePolicyList"),
    ];
    let mut check = |place: &str, document: Option<&Document>| {
        if let Some(Err(why)) = document.map(Document::parse) {
            failures.push(Failure::of_input(IAM, place, "MalformedPolicy", why).within(account, ""));
        }
    };
    for (kind, list, inline_list) in kinds {
        for element in json::list(details, list).iter().filter(|element| element.is_object()) {
            let arn = json::text(element, "Arn").unwrap_or_default();
            let trust = document(element.get("AssumeRolePolicyDocument"), texts);
            check(&arn, trust.as_ref());
            let mut inline = Vec::new();
            for policy in json::list(element, inline_list) {
                let document = document(policy.get("PolicyDocument"), texts);
                check(&arn, document.as_ref());
                inline.push((json::text(policy, "PolicyName").unwrap_or_default(), document));
            }
            let raw = json::without(element, &["AssumeRolePolicyDocument", inline_list]);
            iam.principals.push(IamPrincipal {
                kind,
                raw,
                trust,
                inline,
            });
        }
    }
    for element in json::list(details, "Policies")
        .iter()
        .filter(|element| element.is_object())
    {
        let arn = json::text(element, "Arn").unwrap_or_default();
        let mut versions = Vec::new();
        for version in json::list(element, "PolicyVersionList") {
            let document = document(version.get("Document"), texts);
            check(&arn, document.as_ref());
            versions.push((json::without(version, &["Document"]), document));
        }
        iam.policies.push(ManagedPolicy {
            raw: json::without(element, &["PolicyVersionList"]),
            versions,
        });
    }
    iam
}

fn organization(part: &Value, failures: &mut Vec<Failure>) -> Organization {
    let mut organization = Organization {
        organization: part.get("Organization").cloned().unwrap_or_default(),
        roots: json::list(part, "Roots").to_vec(),
        units: json::list(part, "OrganizationalUnits").to_vec(),
        accounts: json::list(part, "Accounts").to_vec(),
        policies: Vec::new(),
    };
    let account = organization.management_account().unwrap_or_default();
    for account in &mut organization.accounts {
        if let Some(id) = json::text(account, "Id").and_then(|id| json::account(&id)) {
            json::set(account, "Id", id.into());
        }
    }
    for policy in json::list(part, "Policies") {
        let summary = policy
            .get("PolicySummary")
            .cloned()
            .unwrap_or_else(|| json::without(policy, &["Content"]));
        let id = json::text(&summary, "Id").unwrap_or_default();
        let content = policy.get("Content").and_then(Document::read);
        if let Some(Err(why)) = content.as_ref().map(Document::parse) {
            let failure = Failure::of_input(ORGANIZATIONS, id.clone(), "MalformedPolicy", why);
            failures.push(failure.within(&account, ""));
        }
        let targets = part.get("Targets").and_then(|targets| targets.get(&id)).map(|targets| {
            let one = |target: &Value| {
                target
                    .as_str()
                    .map(str::to_owned)
                    .or_else(|| json::text(target, "TargetId"))
            };
            targets.as_array().into_iter().flatten().filter_map(one).collect()
        });
        organization.policies.push(OrganizationPolicy {
            summary,
            content,
            targets,
        });
    }
    organization
}

fn read_trails(trails: &Value, bundle: &mut Bundle) {
    for (account, list) in trails.as_object().into_iter().flatten() {
        let account_id = json::account(account).unwrap_or_else(|| account.clone());
        let is_told = bundle
            .scope
            .iter()
            .any(|scope| scope.service == CLOUDTRAIL && scope.account_id == account_id);
        if list.as_array().is_some_and(Vec::is_empty) && !is_told {
            // An empty list is an answer: this account has no trail.
            bundle.scope.push(Scope {
                account_id: account_id.clone(),
                region: String::new(),
                service: CLOUDTRAIL.to_owned(),
                state: State::Complete,
                items: Some(0),
                organization_id: None,
            });
        }
        for raw in list.as_array().into_iter().flatten() {
            if raw.get("Trail").is_some_and(Value::is_object) {
                bundle.trails.push(Trail {
                    account_id: account_id.clone(),
                    raw: raw.clone(),
                });
            } else {
                let failure = Failure::of_input(CLOUDTRAIL, "trails", "Malformed", "an element has no `Trail`");
                bundle.failures.push(failure.within(&account_id, ""));
            }
        }
    }
}
