//! The folder layout of the `iam-collect` tool: one folder per resource, one small file per aspect.
//!
//! `aws/<partition>/accounts/<account>/<service>/[<region>/]<type>/<name>/<aspect>.json` and
//! `aws/<partition>/organizations/<organization>/...`. It holds parsed documents and no grants.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json as value};

use super::{Assembly, Entry, iam as details};
use crate::snapshot::bundle::{Organization, OrganizationPolicy, iam};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::scope::Failure;

/// Where a file stands in the layout: the part after the partition, split.
pub(super) fn place(path: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.windows(4).position(|window| match window {
        ["aws", partition, "accounts", account] => partition.starts_with("aws") && json::account(account).is_some(),
        ["aws", partition, "organizations", id] => partition.starts_with("aws") && id.starts_with("o-"),
        _ => false,
    })?;
    let rest = parts.get(at + 2..)?;
    (rest.len() > 2).then(|| rest.to_vec())
}

type Aspects = BTreeMap<String, Value>;

pub(super) fn take(entries: Vec<Entry>, assembly: &mut Assembly) {
    let mut folders: BTreeMap<Vec<String>, Aspects> = BTreeMap::new();
    for entry in entries {
        let Some(mut parts) = place(&entry.path) else { continue };
        let Some(file) = parts.pop() else { continue };
        let aspect = file.strip_suffix(".json").unwrap_or(file).to_owned();
        let folder = parts.into_iter().map(str::to_owned).collect();
        folders.entry(folder).or_default().insert(aspect, entry.value);
    }
    let mut regions = BTreeSet::new();
    let mut organizations: BTreeMap<String, BTreeMap<Vec<String>, Aspects>> = BTreeMap::new();
    for (folder, aspects) in &folders {
        let parts: Vec<&str> = folder.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["accounts", account, "kms", region, "key", _] => {
                take_key(assembly, aspects);
                regions.insert(((*account).to_owned(), (*region).to_owned()));
            }
            [
                "accounts",
                account,
                "iam",
                kind @ ("user" | "group" | "role" | "policy"),
                _,
            ]
            | ["accounts", account, "iam", "aws", kind @ "policy", _] => {
                take_iam(assembly, account, kind, aspects);
            }
            ["organizations", id, ..] => {
                let inner = folder.iter().skip(2).cloned().collect();
                organizations
                    .entry((*id).to_owned())
                    .or_default()
                    .insert(inner, aspects.clone());
            }
            _ => {}
        }
    }
    // The tool writes every key it lists, so the list is whole.
    assembly.listed.extend(regions);
    for (id, folders) in organizations {
        assembly.bundle.organization = Some(organization(&id, &folders, &mut assembly.bundle.failures));
    }
}

fn take_key(assembly: &mut Assembly, aspects: &Aspects) {
    let Some(arn) = aspects.get("metadata").and_then(|metadata| json::text(metadata, "arn")) else {
        return assembly.fault(
            "kms",
            "metadata.json",
            "NoKeyArn",
            "a key folder has no ARN in its `metadata.json`",
        );
    };
    let key = assembly.key(&arn);
    if let Some(policy) = aspects.get("policy").and_then(Document::read) {
        key.policies
            .get_or_insert_default()
            .insert("default".to_owned(), policy);
    }
    if let Some(tags) = aspects.get("tags").and_then(Value::as_object) {
        key.tags = Some(
            tags.iter()
                .map(|(name, held)| value!({"TagKey": name, "TagValue": held}))
                .collect(),
        );
    }
}

fn take_iam(assembly: &mut Assembly, account: &str, kind: &str, aspects: &Aspects) {
    let none = Value::Null;
    let metadata = aspects.get("metadata").unwrap_or(&none);
    let tags = aspects.get("tags").and_then(Value::as_object).map(|tags| {
        let one = |(name, held): (&String, &Value)| value!({"Key": name, "Value": held});
        Value::Array(tags.iter().map(one).collect())
    });
    let attached = aspects.get("managed-policies").and_then(Value::as_array).map(|arns| {
        let one = |arn: &str| value!({"PolicyArn": arn, "PolicyName": arn.rsplit('/').next()});
        Value::Array(arns.iter().filter_map(Value::as_str).map(one).collect())
    });
    let groups = aspects.get("groups").and_then(Value::as_array).map(|arns| {
        Value::Array(
            arns.iter()
                .filter_map(Value::as_str)
                .filter_map(|arn| arn.rsplit('/').next())
                .map(Value::from)
                .collect(),
        )
    });
    let member = |name: &str| metadata.get(name).filter(|held| !held.is_null()).cloned();
    let boundary = member("permissionBoundary")
        .map(|arn| value!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}));
    let named = |prefix: &str, suffix: &str| format!("{prefix}{suffix}");
    let (prefix, list) = match kind {
        "user" => ("User", "UserDetailList"),
        "group" => ("Group", "GroupDetailList"),
        "role" => ("Role", "RoleDetailList"),
        _ => ("Policy", "Policies"),
    };
    let mut element = Map::new();
    let mut put = |name: String, held: Option<Value>| {
        if let Some(held) = held {
            element.insert(name, held);
        }
    };
    put("Arn".to_owned(), member("arn"));
    put("Path".to_owned(), member("path"));
    put(named(prefix, "Name"), member("name"));
    put(named(prefix, "Id"), member("id"));
    put(
        "CreateDate".to_owned(),
        member("created").or_else(|| member("createDate")),
    );
    put("Tags".to_owned(), tags);
    if kind == "policy" {
        put("DefaultVersionId".to_owned(), member("defaultVersionId"));
        let version = aspects.get("current-policy").map(|document| {
            value!([{"VersionId": member("defaultVersionId"), "IsDefaultVersion": true, "Document": document}])
        });
        put("PolicyVersionList".to_owned(), version);
    } else {
        put("PermissionsBoundary".to_owned(), boundary);
        put(
            "AttachedManagedPolicies".to_owned(),
            Some(attached.unwrap_or_else(|| value!([]))),
        );
        put("GroupList".to_owned(), groups);
        put(
            "AssumeRolePolicyDocument".to_owned(),
            aspects.get("trust-policy").cloned(),
        );
        put(named(prefix, "PolicyList"), aspects.get("inline-policies").cloned());
    }
    let account = json::account(account).unwrap_or_else(|| account.to_owned());
    let answer = Value::Object(Map::from_iter([(
        list.to_owned(),
        Value::Array(vec![Value::Object(element)]),
    )]));
    let read = iam(&account, &answer, &Default::default(), &mut assembly.bundle.failures);
    details::merge(assembly.bundle.iam.entry(account).or_default(), read);
}

fn organization(id: &str, folders: &BTreeMap<Vec<String>, Aspects>, failures: &mut Vec<Failure>) -> Organization {
    let none = Aspects::new();
    let top = folders.get(&Vec::new()).unwrap_or(&none);
    let null = Value::Null;
    let of = |name: &str| top.get(name).unwrap_or(&null);
    let metadata = of("metadata");
    let mut organization = Organization {
        organization: json::object([
            (
                "Id",
                Some(json::text(metadata, "id").unwrap_or_else(|| id.to_owned()).into()),
            ),
            ("Arn", metadata.get("arn").cloned()),
            ("MasterAccountId", metadata.get("rootAccountId").cloned()),
            ("MasterAccountArn", metadata.get("rootAccountArn").cloned()),
        ]),
        ..Organization::default()
    };
    let units = of("ous").as_object().cloned().unwrap_or_default();
    let accounts = of("accounts").as_object().cloned().unwrap_or_default();
    let mut targets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (place, held) in units.iter().chain(&accounts) {
        for arn in ["scps", "rcps"].iter().flat_map(|name| json::texts(held, name)) {
            let policy = arn.rsplit('/').next().unwrap_or_default().to_owned();
            targets.entry(policy).or_default().insert(place.clone());
        }
    }
    for (unit, held) in &units {
        let parent = json::text(held, "parent");
        let about = folders
            .get(&vec!["ous".to_owned(), unit.clone()])
            .and_then(|aspects| aspects.get("metadata"));
        let about = about.unwrap_or(&null);
        let element = json::object([
            ("Id", Some(unit.clone().into())),
            ("Arn", about.get("arn").cloned()),
            ("Name", about.get("name").cloned()),
            ("ParentId", parent.clone().map(Value::from)),
        ]);
        if parent.is_some() {
            organization.units.push(element)
        } else {
            organization.roots.push(element)
        }
    }
    for (account, held) in &accounts {
        let mut path = Vec::new();
        let mut at = json::text(held, "ou");
        while let Some(unit) = at.filter(|_| path.len() <= 16) {
            at = units.get(&unit).and_then(|held| json::text(held, "parent"));
            path.insert(0, unit);
        }
        organization.accounts.push(value!({"Id": account, "Path": path}));
    }
    for (folder, aspects) in folders {
        let kind = match folder.first().map(String::as_str) {
            Some("scps") => "SERVICE_CONTROL_POLICY",
            Some("rcps") => "RESOURCE_CONTROL_POLICY",
            _ => continue,
        };
        let about = aspects.get("metadata").unwrap_or(&null);
        // Folder names are in small letters; the ARN keeps the spelling of the id.
        let arn = json::text(about, "arn");
        let id = arn.as_deref().and_then(|arn| arn.rsplit('/').next()).map(str::to_owned);
        let id = id.or_else(|| folder.get(1).cloned()).unwrap_or_default();
        let content = aspects.get("policy").and_then(Document::read);
        if content.is_none() {
            failures.push(Failure::of_input(
                "organizations",
                id.clone(),
                "NotInDump",
                "the policy has no content",
            ));
        }
        let summary = json::object([
            ("Id", Some(id.clone().into())),
            ("Arn", arn.map(Value::from)),
            ("Name", about.get("name").cloned()),
            ("Type", Some(kind.into())),
            ("AwsManaged", about.get("awsManaged").cloned()),
        ]);
        let held = targets.get(&id).map(|held| held.iter().cloned().collect());
        organization.policies.push(OrganizationPolicy {
            summary,
            content,
            targets: held,
        });
    }
    organization
}
