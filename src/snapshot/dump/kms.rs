//! Answers of the KMS API as the CLI prints them.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Assembly, Entry, subject};
use crate::snapshot::bundle::{Bundle, KeyStore};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::scope::{Failure, KMS, Scope, State};

/// Which operation answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Keys,
    Metadata,
    Policy,
    PolicyNames,
    Grants,
    Aliases,
    Tags,
    RotationStatus,
    Rotations,
    LastUsage,
    KeyStores,
}

impl Answer {
    /// Whether the answer says which keys it is about, so that it can introduce them.
    pub(super) fn names_keys(self) -> bool {
        matches!(self, Answer::Keys | Answer::Metadata | Answer::Aliases)
    }
}

pub(super) fn recognise(value: &Value) -> Option<Answer> {
    let list = |name: &str| value.get(name).and_then(Value::as_array);
    let every =
        |name: &str, member: &str| list(name).is_some_and(|items| items.iter().all(|item| item.get(member).is_some()));
    if value
        .get("KeyMetadata")
        .or_else(|| value.get("ReplicaKeyMetadata"))
        .is_some_and(Value::is_object)
    {
        return Some(Answer::Metadata);
    }
    if every("Keys", "KeyId") || every("Keys", "KeyArn") {
        return Some(Answer::Keys);
    }
    if value.get("KeyRotationEnabled").is_some() {
        return Some(Answer::RotationStatus);
    }
    if value.get("KeyLastUsage").is_some() || value.get("TrackingStartDate").is_some() {
        return Some(Answer::LastUsage);
    }
    if let Some(policy) = value.get("Policy") {
        // Lambda's `get-policy` has the same member, and an organization policy is an object with a summary.
        let own = policy.is_string() || policy.get("Statement").is_some();
        return (own && value.get("RevisionId").is_none()).then_some(Answer::Policy);
    }
    if list("Rotations").is_some() {
        return Some(Answer::Rotations);
    }
    if every("Grants", "GrantId") {
        return Some(Answer::Grants);
    }
    if every("Aliases", "AliasName") {
        return Some(Answer::Aliases);
    }
    if every("Tags", "TagKey") {
        return Some(Answer::Tags);
    }
    if list("PolicyNames").is_some_and(|names| names.iter().all(Value::is_string)) {
        return Some(Answer::PolicyNames);
    }
    list("CustomKeyStores").map(|_| Answer::KeyStores)
}

pub(super) fn take(assembly: &mut Assembly, answer: Answer, entry: &Entry) {
    let value = &entry.value;
    match answer {
        Answer::Keys => take_keys(assembly, entry),
        Answer::Metadata => {
            let metadata = value
                .get("KeyMetadata")
                .or_else(|| value.get("ReplicaKeyMetadata"))
                .unwrap_or(&Value::Null);
            match json::text(metadata, "Arn") {
                Some(arn) if json::key_id_of(&arn).is_some() => assembly.key(&arn).metadata = Some(metadata.clone()),
                _ => assembly.fault(KMS, &entry.path, "NoKeyArn", "`KeyMetadata` has no key ARN"),
            }
        }
        Answer::Aliases => {
            let (account, region) = (subject::account(&entry.path), subject::region(&entry.path));
            for alias in json::list(value, "Aliases") {
                let alias = crate::snapshot::bundle::placed_alias(
                    alias,
                    account.as_deref().unwrap_or_default(),
                    region.as_deref().unwrap_or_default(),
                );
                if let (Some(id), Some(arn)) = (json::text(&alias.raw, "TargetKeyId"), target_arn(&alias.raw)) {
                    assembly.ids.entry(id).or_default().insert(arn);
                }
                if !assembly.bundle.aliases.contains(&alias) {
                    assembly.bundle.aliases.push(alias);
                }
            }
        }
        Answer::Grants => take_grants(assembly, entry),
        Answer::KeyStores => {
            let place = |found: Option<String>| found.unwrap_or_default();
            for store in json::list(value, "CustomKeyStores") {
                assembly.bundle.key_stores.push(KeyStore {
                    account_id: place(subject::account(&entry.path).or_else(|| assembly.caller.clone())),
                    region: place(subject::region(&entry.path)),
                    raw: store.clone(),
                });
            }
        }
        Answer::PolicyNames => {}
        Answer::Policy | Answer::Tags | Answer::RotationStatus | Answer::Rotations | Answer::LastUsage => {
            take_detail(assembly, answer, entry);
        }
    }
}

fn target_arn(alias: &Value) -> Option<String> {
    let [partition, service, region, account, _] = json::arn(json::str(alias, "AliasArn")?)?;
    Some(format!(
        "arn:{partition}:{service}:{region}:{account}:key/{}",
        json::str(alias, "TargetKeyId")?
    ))
}

fn take_keys(assembly: &mut Assembly, entry: &Entry) {
    let mut places = BTreeSet::new();
    for key in json::list(&entry.value, "Keys") {
        let arn = json::text(key, "KeyArn").or_else(|| arn_from(&entry.path, json::str(key, "KeyId")?));
        match arn {
            Some(arn) => {
                let key = assembly.key(&arn);
                places.insert((key.account_id.clone(), key.region.clone()));
            }
            None => assembly.fault(
                KMS,
                &entry.path,
                "NoKeyArn",
                format!("a listed key has no ARN: `{key}`"),
            ),
        }
    }
    let more = truncated(&entry.value);
    for place in places {
        if more {
            let failure = Failure::of_input(KMS, entry.path.clone(), "Truncated", "the key list has further pages");
            assembly.bundle.failures.push(Failure {
                skipped: true,
                ..failure.within(&place.0, &place.1)
            });
        } else {
            assembly.listed.insert(place);
        }
    }
}

fn truncated(value: &Value) -> bool {
    json::flag(value, "Truncated").unwrap_or(false) || json::str(value, "NextToken").is_some()
}

fn take_grants(assembly: &mut Assembly, entry: &Entry) {
    let mut of_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for grant in json::list(&entry.value, "Grants") {
        let named = json::text(grant, "KeyId");
        match resolve(assembly, &entry.path, named.as_deref()) {
            Some(arn) => of_key.entry(arn).or_default().push(grant.clone()),
            None => assembly.fault(
                KMS,
                &entry.path,
                "NoKeyId",
                format!("a grant names no key that is known: `{grant}`"),
            ),
        }
    }
    if json::list(&entry.value, "Grants").is_empty() {
        match resolve(assembly, &entry.path, None) {
            Some(arn) => drop(of_key.insert(arn, Vec::new())),
            None => unplaced(assembly, entry, "an empty list of grants"),
        }
    }
    for (arn, grants) in of_key {
        let held = assembly.key(&arn).grants.get_or_insert_default();
        for grant in grants {
            let id = grant.get("GrantId").cloned();
            if !held.iter().any(|known| known.get("GrantId") == id.as_ref()) {
                held.push(grant);
            }
        }
    }
}

fn unplaced(assembly: &mut Assembly, entry: &Entry, what: &str) {
    let why = format!("{what} names no key; put the key id into the name of the file or of its folder");
    assembly.fault(KMS, &entry.path, "NoKeyId", why);
}

fn take_detail(assembly: &mut Assembly, answer: Answer, entry: &Entry) {
    let value = &entry.value;
    let named = json::text(value, "KeyId").or_else(|| {
        json::list(value, "Rotations")
            .first()
            .and_then(|rotation| json::text(rotation, "KeyId"))
    });
    // Other services answer with policies and empty tag lists too: they are ours only where the path names a key.
    let Some(arn) = resolve(assembly, &entry.path, named.as_deref()) else {
        let what = match answer {
            Answer::Policy => "a policy",
            Answer::Tags => "a list of tags",
            Answer::RotationStatus => "a rotation status",
            Answer::Rotations => "a list of rotations",
            _ => "a last usage",
        };
        return unplaced(assembly, entry, what);
    };
    let key = assembly.key(&arn);
    match answer {
        Answer::Policy => {
            let name = json::text(value, "PolicyName").unwrap_or_else(|| "default".to_owned());
            if let Some(document) = value.get("Policy").and_then(Document::read) {
                key.policies.get_or_insert_default().insert(name, document);
            }
        }
        Answer::Tags => {
            let held = key.tags.get_or_insert_default();
            for tag in json::list(value, "Tags") {
                if !held.contains(tag) {
                    held.push(tag.clone());
                }
            }
        }
        Answer::RotationStatus => key.rotation_status = Some(json::without(value, &["ResponseMetadata"])),
        Answer::Rotations => {
            let held = key.rotations.get_or_insert_default();
            for rotation in json::list(value, "Rotations") {
                if !held.contains(rotation) {
                    held.push(rotation.clone());
                }
            }
        }
        _ => key.last_usage = Some(json::without(value, &["ResponseMetadata"])),
    }
}

/// A file that is nothing but a policy document: a key policy, where its path names a key.
///
/// `aws kms get-key-policy --query Policy --output text` prints the exact text and a line end.
pub(super) fn take_document(assembly: &mut Assembly, entry: &Entry) {
    if subject::key_ids(&entry.path).is_empty() {
        let mut failure = Failure::of_input(
            KMS,
            entry.path.clone(),
            "NotRecognised",
            "a policy document whose path names no key",
        );
        failure.skipped = true;
        return assembly.bundle.failures.push(failure);
    }
    let Some(arn) = resolve(assembly, &entry.path, None) else {
        return unplaced(assembly, entry, "a policy document");
    };
    let document = match &entry.text {
        Some(text) => Document::verbatim(text.strip_suffix('\n').unwrap_or(text)),
        None => Document {
            text: entry.value.to_string(),
            verbatim: false,
        },
    };
    assembly
        .key(&arn)
        .policies
        .get_or_insert_default()
        .insert("default".to_owned(), document);
}

/// The ARN of the key an answer is about: the one it names, else the one its path names, else the only one there is.
fn resolve(assembly: &Assembly, path: &str, named: Option<&str>) -> Option<String> {
    if let Some(arn) = named.filter(|named| json::key_id_of(named).is_some()) {
        return Some(arn.to_owned());
    }
    let ids: Vec<String> = match named {
        Some(id) if !id.starts_with("alias/") => vec![id.to_owned()],
        _ => subject::key_ids(path),
    };
    for id in &ids {
        if let Some(arn) = known(assembly, path, id).or_else(|| arn_from(path, id)) {
            return Some(arn);
        }
    }
    if !ids.is_empty() {
        return borrowed(assembly, ids.first()?);
    }
    let mut keys = assembly.keys.keys();
    let only = keys.next()?;
    keys.next().is_none().then(|| only.clone())
}

/// A known key with this id; of the replicas of a multi-Region key, the one whose Region and account the path names.
fn known(assembly: &Assembly, path: &str, id: &str) -> Option<String> {
    let arns = assembly.ids.get(id)?;
    if arns.len() == 1 {
        return arns.first().cloned();
    }
    let (account, region) = (subject::account(path), subject::region(path));
    let fits = |arn: &&String| {
        region
            .as_ref()
            .is_none_or(|region| json::region_of(arn).as_ref() == Some(region))
            && account
                .as_ref()
                .is_none_or(|account| json::account_of(arn).as_ref() == Some(account))
    };
    let mut fitting = arns.iter().filter(fits);
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.clone())
}

/// The ARN made from a path that names account and Region.
fn arn_from(path: &str, id: &str) -> Option<String> {
    let region = subject::region(path)?;
    let partition = match region.split('-').next()? {
        "cn" => "aws-cn",
        "us" if region.starts_with("us-gov-") => "aws-us-gov",
        "us" if region.starts_with("us-iso-") => "aws-iso",
        "us" if region.starts_with("us-isob-") => "aws-iso-b",
        _ => "aws",
    };
    Some(format!(
        "arn:{partition}:kms:{region}:{}:key/{id}",
        subject::account(path)?
    ))
}

/// The ARN in the one account and Region that all known keys are in.
fn borrowed(assembly: &Assembly, id: &str) -> Option<String> {
    let mut prefixes: BTreeSet<&str> = BTreeSet::new();
    prefixes.extend(
        assembly
            .keys
            .keys()
            .filter_map(|arn| arn.rsplit_once('/'))
            .map(|(prefix, _)| prefix),
    );
    let only = prefixes.pop_first()?;
    prefixes.is_empty().then(|| format!("{only}/{id}"))
}

/// Adds the KMS scope with a row for each kind of answer the files lack, so that absence is not taken for emptiness.
pub(super) fn say_what_is_missing(bundle: &mut Bundle, listed: &BTreeSet<(String, String)>) {
    let mut places: BTreeMap<(String, String), [usize; 5]> = BTreeMap::new();
    for key in &bundle.keys {
        let counts = places.entry((key.account_id.clone(), key.region.clone())).or_default();
        let missing = [
            key.metadata.is_none(),
            key.policies.is_none(),
            key.grants.is_none(),
            key.tags.is_none(),
        ];
        for (count, missing) in counts.iter_mut().zip(missing.into_iter().chain([true])) {
            *count += usize::from(missing);
        }
    }
    for alias in &bundle.aliases {
        places
            .entry((alias.account_id.clone(), alias.region.clone()))
            .or_default();
    }
    for ((account, region), [metadata, policies, grants, tags, all]) in places {
        let mut whole = true;
        let mut say = |operation: &str, message: String| {
            whole = false;
            let failure = Failure {
                operation: operation.to_owned(),
                resource: None,
                ..Failure::of_input(KMS, "", "NotInDump", message)
            };
            bundle.failures.push(Failure {
                skipped: true,
                ..failure.within(&account, &region)
            });
        };
        if !listed.contains(&(account.clone(), region.clone())) {
            say(
                "ListKeys",
                "there is no whole key list; keys are those that other answers name".to_owned(),
            );
        }
        for (operation, count) in [
            ("DescribeKey", metadata),
            ("GetKeyPolicy", policies),
            ("ListGrants", grants),
            ("ListResourceTags", tags),
        ] {
            if count > 0 {
                say(operation, format!("not there for {count} of {all} keys"));
            }
        }
        let broken = bundle.failures.iter().any(|failure| {
            !failure.skipped && failure.account_id == account && failure.region == region && failure.service == KMS
        });
        bundle.scope.push(Scope {
            account_id: account,
            region,
            service: KMS.to_owned(),
            state: if whole && !broken {
                State::Complete
            } else {
                State::Partial
            },
            items: i64::try_from(all).ok(),
            organization_id: None,
        });
    }
}
