//! A bundle as JSON: for hand-over, from which every text comes back exactly, or for the evaluator.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{Alias, Bundle, Iam, Key, Organization};
use crate::snapshot::document::{Document, sha256};
use crate::snapshot::{instant, json, scope};

/// Who reads the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Another lake: exact texts of IAM documents stand in `PolicyTexts`, beside the objects.
    HandOver,
    /// The evaluator: key and organization policies are strings, IAM documents objects.
    Evaluation,
}

/// Writes documents as objects and remembers which exact texts they had.
struct Documents {
    purpose: Purpose,
    texts: HashMap<String, String>,
    order: Vec<String>,
}

impl Documents {
    /// An IAM document: an object where that loses nothing, else its text.
    fn object(&mut self, document: &Document) -> Value {
        let Ok(value) = document.parse() else {
            return Value::String(document.text.clone());
        };
        if self.purpose == Purpose::Evaluation || !document.verbatim {
            return value;
        }
        let address = sha256(value.to_string().as_bytes());
        match self.texts.get(&address) {
            // Two texts of one meaning: the second cannot be found by its object.
            Some(text) if *text != document.text => Value::String(document.text.clone()),
            Some(_) => value,
            None => {
                self.texts.insert(address.clone(), document.text.clone());
                self.order.push(document.text.clone());
                value
            }
        }
    }

    /// A document the API gives as a string.
    fn string(&self, document: &Document) -> Value {
        match document.parse() {
            Ok(value) if !document.verbatim && self.purpose == Purpose::HandOver => value,
            _ => Value::String(document.text.clone()),
        }
    }
}

/// Writes a bundle.
pub fn write(bundle: &Bundle, purpose: Purpose) -> Value {
    let mut documents = Documents {
        purpose,
        texts: HashMap::new(),
        order: Vec::new(),
    };
    // A document that arrived as an object must not be given the text of another one that means the same.
    for iam in bundle.iam.values() {
        for document in documents_of(iam).filter(|document| !document.verbatim) {
            if let Ok(value) = document.parse() {
                documents
                    .texts
                    .insert(sha256(value.to_string().as_bytes()), String::new());
            }
        }
    }
    let mut whole = json::object([
        ("collected_at", bundle.collected_at.map(|at| instant::format(at).into())),
        ("started_at", bundle.started_at.map(|at| instant::format(at).into())),
        ("collected_by", bundle.collected_by.clone().map(Value::from)),
        ("source", bundle.source.clone().map(Value::from)),
        ("tool", bundle.tool.clone().map(Value::from)),
        ("Notes", (!bundle.notes.is_empty()).then(|| bundle.notes.clone().into())),
    ]);
    if let Some(organization) = &bundle.organization {
        json::set(&mut whole, "organization", write_organization(organization, &documents));
    }
    let iam: Map<String, Value> = bundle
        .iam
        .iter()
        .map(|(account, iam)| (account.clone(), write_iam(iam, &mut documents)))
        .collect();
    json::set(&mut whole, "iam", Value::Object(iam));
    json::set(&mut whole, "kms", write_kms(bundle, &documents));
    let mut trails: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for trail in &bundle.trails {
        trails
            .entry(trail.account_id.clone())
            .or_default()
            .push(trail.raw.clone());
    }
    if !trails.is_empty() {
        json::set(
            &mut whole,
            "trails",
            trails
                .into_iter()
                .map(|(account, list)| (account, Value::Array(list)))
                .collect(),
        );
    }
    let stores = bundle.key_stores.iter().map(|store| {
        let mut raw = store.raw.clone();
        json::set(&mut raw, "AccountId", store.account_id.clone().into());
        json::set(&mut raw, "Region", store.region.clone().into());
        raw
    });
    for (name, list) in [
        ("CustomKeyStores", stores.collect::<Vec<Value>>()),
        ("Scope", bundle.scope.iter().map(scope::write_scope).collect()),
        ("Errors", bundle.failures.iter().map(scope::write_failure).collect()),
        ("PolicyTexts", documents.order.into_iter().map(Value::String).collect()),
    ] {
        if !list.is_empty() {
            json::set(&mut whole, name, Value::Array(list));
        }
    }
    whole
}

fn documents_of(iam: &Iam) -> impl Iterator<Item = &Document> {
    let held = iam.principals.iter().flat_map(|principal| {
        principal
            .trust
            .iter()
            .chain(principal.inline.iter().filter_map(|(_, document)| document.as_ref()))
    });
    held.chain(
        iam.policies
            .iter()
            .flat_map(|policy| policy.versions.iter().filter_map(|(_, document)| document.as_ref())),
    )
}

fn write_kms(bundle: &Bundle, documents: &Documents) -> Value {
    let mut of_key: HashMap<(&str, &str, &str), Vec<Value>> = HashMap::new();
    let known: BTreeSet<(&str, &str, &str)> = bundle.keys.iter().map(place).collect();
    let mut loose = Vec::new();
    for alias in &bundle.aliases {
        match target(alias).filter(|place| known.contains(place)) {
            Some(place) => of_key.entry(place).or_default().push(alias.raw.clone()),
            None => loose.push(alias.raw.clone()),
        }
    }
    let keys: Vec<Value> = bundle
        .keys
        .iter()
        .map(|key| write_key(key, of_key.remove(&place(key)).unwrap_or_default(), documents))
        .collect();
    json::object([
        ("keys", Some(keys.into())),
        ("aliases", (!loose.is_empty()).then(|| loose.into())),
    ])
}

fn place(key: &Key) -> (&str, &str, &str) {
    (&key.account_id, &key.region, &key.key_id)
}

fn target(alias: &Alias) -> Option<(&str, &str, &str)> {
    let target = json::str(&alias.raw, "TargetKeyId")?;
    Some((
        &alias.account_id,
        &alias.region,
        json::key_id_of(target).unwrap_or(target),
    ))
}

fn write_key(key: &Key, aliases: Vec<Value>, documents: &Documents) -> Value {
    let arn = (!key.arn.is_empty()).then(|| Value::from(key.arn.clone()));
    let least = json::object([
        (
            "AWSAccountId",
            (!key.account_id.is_empty()).then(|| key.account_id.clone().into()),
        ),
        ("KeyId", Some(key.key_id.clone().into())),
        ("Arn", arn),
    ]);
    let metadata = match &key.metadata {
        Some(metadata) => metadata.clone(),
        None if documents.purpose == Purpose::Evaluation => least,
        None => Value::Null,
    };
    let mut value = json::object([
        ("KeyArn", metadata.is_null().then(|| key.arn.clone().into())),
        ("KeyId", metadata.is_null().then(|| key.key_id.clone().into())),
        ("KeyMetadata", (!metadata.is_null()).then_some(metadata)),
    ]);
    match &key.policies {
        Some(policies) if policies.len() == 1 && policies.contains_key("default") => {
            for document in policies.values() {
                json::set(&mut value, "Policy", documents.string(document));
                json::set(&mut value, "PolicyName", "default".into());
            }
        }
        Some(policies) => {
            let all = policies
                .iter()
                .map(|(name, document)| (name.clone(), documents.string(document)));
            json::set(&mut value, "Policies", Value::Object(all.collect()));
        }
        None => {}
    }
    for (name, member) in [
        ("Grants", key.grants.clone().map(Value::Array)),
        ("Tags", key.tags.clone().map(Value::Array)),
        ("Aliases", Some(Value::Array(aliases))),
        ("LastUsage", key.last_usage.clone()),
        ("RotationStatus", key.rotation_status.clone()),
        ("Rotations", key.rotations.clone().map(Value::Array)),
    ] {
        if let Some(member) = member {
            json::set(&mut value, name, member);
        }
    }
    value
}

fn write_iam(iam: &Iam, documents: &mut Documents) -> Value {
    let mut whole = Map::new();
    for (kind, list, inline_list) in [
        ("user", "UserDetailList", "UserPolicyList"),
        ("group", "GroupDetailList", "GroupPolicyList"),
        ("role", "RoleDetailList", "RolePolicyList"),
    ] {
        let mut elements = Vec::new();
        for principal in iam.principals.iter().filter(|principal| principal.kind == kind) {
            let mut element = principal.raw.clone();
            if let Some(trust) = &principal.trust {
                json::set(&mut element, "AssumeRolePolicyDocument", documents.object(trust));
            }
            let mut inline = Vec::new();
            for (name, document) in &principal.inline {
                inline.push(json::object([
                    ("PolicyName", Some(name.clone().into())),
                    (
                        "PolicyDocument",
                        document.as_ref().map(|document| documents.object(document)),
                    ),
                ]));
            }
            if !inline.is_empty() {
                json::set(&mut element, inline_list, Value::Array(inline));
            }
            elements.push(element);
        }
        whole.insert(list.to_owned(), Value::Array(elements));
    }
    let mut policies = Vec::new();
    for policy in &iam.policies {
        let mut versions = Vec::new();
        for (version, document) in &policy.versions {
            let mut version = version.clone();
            if let Some(document) = document {
                json::set(&mut version, "Document", documents.object(document));
            }
            versions.push(version);
        }
        let mut element = policy.raw.clone();
        json::set(&mut element, "PolicyVersionList", Value::Array(versions));
        policies.push(element);
    }
    whole.insert("Policies".to_owned(), Value::Array(policies));
    Value::Object(whole)
}

fn write_organization(organization: &Organization, documents: &Documents) -> Value {
    let mut targets = Map::new();
    let mut policies = Vec::new();
    for policy in &organization.policies {
        let mut element = json::object([("PolicySummary", Some(policy.summary.clone()))]);
        if let Some(content) = &policy.content {
            json::set(&mut element, "Content", documents.string(content));
        }
        if let (Some(held), Some(id)) = (&policy.targets, json::text(&policy.summary, "Id")) {
            targets.insert(id, held.clone().into());
        }
        policies.push(element);
    }
    let units = &organization.units;
    json::object([
        ("Organization", Some(organization.organization.clone())),
        ("Roots", Some(organization.roots.clone().into())),
        ("OrganizationalUnits", (!units.is_empty()).then(|| units.clone().into())),
        ("Accounts", Some(organization.accounts.clone().into())),
        ("Policies", Some(policies.into())),
        ("Targets", Some(Value::Object(targets))),
    ])
}
