//! Users, groups, roles and their policies as rows.

use serde_json::Value;

use super::{Draft, Rows, document, grouped, texts};
use crate::snapshot::bundle::{Bundle, IamPrincipal, ManagedPolicy};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::tables::{self, IAM_LAST_USED, IAM_POLICIES, IAM_PRINCIPALS};

/// Members that change with every use of a principal.
const VOLATILE: [&str; 2] = ["RoleLastUsed", "PasswordLastUsed"];

pub(super) fn write(bundle: &Bundle, rows: &mut Rows) {
    for (account, iam) in &bundle.iam {
        for principal in &iam.principals {
            write_principal(account, principal, rows);
        }
        for policy in &iam.policies {
            write_managed(account, policy, rows);
        }
    }
}

fn write_principal(account: &str, principal: &IamPrincipal, rows: &mut Rows) {
    let raw = &principal.raw;
    let arn = json::text(raw, "Arn");
    let trust = principal.trust.as_ref().map(|trust| rows.keep(trust));
    let boundary = raw
        .get("PermissionsBoundary")
        .and_then(|boundary| json::text(boundary, "PermissionsBoundaryArn"));
    let attached = json::list(raw, "AttachedManagedPolicies")
        .iter()
        .filter_map(|held| json::text(held, "PolicyArn"));
    let inline: Vec<String> = principal.inline.iter().map(|(name, _)| name.clone()).collect();
    let row = Draft::of(&IAM_PRINCIPALS)
        .set("account_id", account)
        .set("principal_type", principal.kind)
        .set("principal_arn", arn.clone())
        .set("principal_id", json::any_text(raw, &["UserId", "RoleId", "GroupId"]))
        .set("name", json::any_text(raw, &["UserName", "RoleName", "GroupName"]))
        .set("path", json::text(raw, "Path"))
        .set("create_date", tables::instant(json::instant(raw, "CreateDate")))
        .set("permissions_boundary_arn", boundary)
        .set("group_names", json::texts(raw, "GroupList"))
        .set("attached_policy_arns", attached.collect::<Vec<String>>())
        .set("inline_policy_names", inline)
        .set("tags", json::raw(raw, "Tags"))
        .set("trust_policy_sha256", trust)
        .set("raw", json::without(raw, &VOLATILE).to_string());
    rows.push(&IAM_PRINCIPALS, row);
    let volatile = json::object([
        ("RoleLastUsed", raw.get("RoleLastUsed").cloned()),
        ("PasswordLastUsed", raw.get("PasswordLastUsed").cloned()),
    ]);
    if volatile.as_object().is_some_and(|map| !map.is_empty()) {
        let role = raw.get("RoleLastUsed").unwrap_or(&Value::Null);
        let at = json::instant(role, "LastUsedDate").or_else(|| json::instant(raw, "PasswordLastUsed"));
        let row = Draft::of(&IAM_LAST_USED)
            .set("account_id", account)
            .set("principal_arn", arn.clone())
            .set("last_used_at", tables::instant(at))
            .set("last_used_region", json::text(role, "Region"))
            .set("last_used", volatile.to_string());
        rows.push(&IAM_LAST_USED, row);
    }
    if let Some(trust) = &principal.trust {
        let row = owned(
            account,
            "trust",
            principal.kind,
            arn.as_deref(),
            "AssumeRolePolicyDocument",
        );
        rows_document(row, Some(trust), rows);
    }
    for (name, document) in &principal.inline {
        let row = owned(account, "inline", principal.kind, arn.as_deref(), name);
        rows_document(row, document.as_ref(), rows);
    }
}

fn owned(account: &str, kind: &str, owner: &str, arn: Option<&str>, name: &str) -> Draft {
    Draft::of(&IAM_POLICIES)
        .set("account_id", account)
        .set("policy_kind", kind)
        .set("owner_arn", arn)
        .set("owner_type", owner)
        .set("policy_name", name)
        .set("is_default_version", true)
}

fn rows_document(row: Draft, document: Option<&Document>, rows: &mut Rows) {
    let row = match document {
        Some(document) => {
            let address = rows.keep(document);
            row.set("document_sha256", address)
                .set("verbatim", document.verbatim)
                .set("error", document.parse().err())
        }
        None => row.set("error", "no document"),
    };
    rows.push(&IAM_POLICIES, row);
}

fn write_managed(account: &str, policy: &ManagedPolicy, rows: &mut Rows) {
    let raw = &policy.raw;
    let base = || {
        Draft::of(&IAM_POLICIES)
            .set("account_id", account)
            .set("policy_kind", "managed")
            .set("policy_arn", json::text(raw, "Arn"))
            .set("policy_name", json::text(raw, "PolicyName"))
            .set("policy_id", json::text(raw, "PolicyId"))
            .set("raw", raw.to_string())
    };
    for (version, document) in &policy.versions {
        let row = base()
            .set("version_id", json::text(version, "VersionId"))
            .set("is_default_version", json::flag(version, "IsDefaultVersion"))
            .set("create_date", tables::instant(json::instant(version, "CreateDate")))
            .set("version", version.to_string());
        rows_document(row, document.as_ref(), rows);
    }
    if policy.versions.is_empty() {
        rows_document(base(), None, rows);
    }
}

pub(super) fn read(rows: &Rows, bundle: &mut Bundle) {
    let used = grouped(rows, &IAM_LAST_USED, "principal_arn");
    let owned = grouped(rows, &IAM_POLICIES, "owner_arn");
    for row in rows.of(&IAM_PRINCIPALS) {
        let text = |column: &str| IAM_PRINCIPALS.text_of(row, column);
        let kind = match text("principal_type") {
            Some("user") => "user",
            Some("group") => "group",
            _ => "role",
        };
        let arn = text("principal_arn").unwrap_or_default();
        let mut raw = json::parsed(text("raw"));
        for row in used.get(arn).into_iter().flatten() {
            if let Value::Object(members) = json::parsed(IAM_LAST_USED.text_of(row, "last_used")) {
                members
                    .into_iter()
                    .for_each(|(name, member)| json::set(&mut raw, &name, member));
            }
        }
        let mut trust = None;
        let mut documents = Vec::new();
        for row in owned.get(arn).into_iter().flatten() {
            let held = document(rows, &IAM_POLICIES, row);
            match IAM_POLICIES.text_of(row, "policy_kind") {
                Some("trust") => trust = held,
                Some("inline") => {
                    documents.push((IAM_POLICIES.text_of(row, "policy_name").unwrap_or_default(), held));
                }
                _ => {}
            }
        }
        let mut inline = Vec::new();
        for name in texts(&IAM_PRINCIPALS, row, "inline_policy_names") {
            let held = documents
                .iter()
                .find(|(held, _)| *held == name)
                .and_then(|(_, held)| held.clone());
            inline.push((name, held));
        }
        let account = text("account_id").unwrap_or_default().to_owned();
        let principal = IamPrincipal {
            kind,
            raw,
            trust,
            inline,
        };
        bundle.iam.entry(account).or_default().principals.push(principal);
    }
    for row in rows.of(&IAM_POLICIES) {
        let text = |column: &str| IAM_POLICIES.text_of(row, column);
        if text("policy_kind") != Some("managed") {
            continue;
        }
        let iam = bundle
            .iam
            .entry(text("account_id").unwrap_or_default().to_owned())
            .or_default();
        let arn = text("policy_arn");
        // Versions of one policy stand together: the rows are in the order of account, kind and ARN.
        let continues = iam
            .policies
            .last()
            .is_some_and(|policy| json::str(&policy.raw, "Arn") == arn);
        if !continues {
            iam.policies.push(ManagedPolicy {
                raw: json::parsed(text("raw")),
                versions: Vec::new(),
            });
        }
        if let (Some(version), Some(policy)) = (text("version"), iam.policies.last_mut()) {
            policy
                .versions
                .push((json::parsed(Some(version)), document(rows, &IAM_POLICIES, row)));
        }
    }
}
