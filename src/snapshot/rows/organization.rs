//! The organization, its units, accounts and policies as rows.

use serde_json::Value;

use super::{Draft, Rows, document, texts};
use crate::snapshot::bundle::{Bundle, Organization, OrganizationPolicy};
use crate::snapshot::json;
use crate::snapshot::tables::{self, ORG_ACCOUNTS, ORG_POLICIES, ORG_UNITS};

pub(super) fn write(bundle: &Bundle, rows: &mut Rows) {
    let Some(organization) = &bundle.organization else {
        return;
    };
    let id = organization.id();
    let management = organization.management_account();
    let mut unit = |kind: &str, raw: &Value, parent: Option<String>| {
        let row = Draft::of(&ORG_UNITS)
            .set("account_id", management.clone())
            .set("unit_kind", kind)
            .set("unit_id", json::text(raw, "Id"))
            .set("organization_id", id.clone())
            .set("name", json::text(raw, "Name"))
            .set("parent_id", parent)
            .set("raw", raw.to_string());
        rows.push(&ORG_UNITS, row);
    };
    unit("organization", &organization.organization, None);
    organization.roots.iter().for_each(|root| unit("root", root, None));
    organization
        .units
        .iter()
        .for_each(|held| unit("unit", held, json::text(held, "ParentId")));
    for account in &organization.accounts {
        let account_id = json::text(account, "Id");
        let row = Draft::of(&ORG_ACCOUNTS)
            .set("is_management", management.is_some() && account_id == management)
            .set("account_id", account_id)
            .set("organization_id", id.clone())
            .set("management_account_id", management.clone())
            .set("name", json::text(account, "Name"))
            .set("state", json::any_text(account, &["State", "Status"]))
            .set("joined_at", tables::instant(json::instant(account, "JoinedTimestamp")))
            .set("path", json::texts(account, "Path"))
            .set("raw", account.to_string());
        rows.push(&ORG_ACCOUNTS, row);
    }
    for policy in &organization.policies {
        let summary = &policy.summary;
        let mut row = Draft::of(&ORG_POLICIES)
            .set("account_id", management.clone())
            .set("policy_id", json::text(summary, "Id"))
            .set("organization_id", id.clone())
            .set("policy_arn", json::text(summary, "Arn"))
            .set("policy_name", json::text(summary, "Name"))
            .set("policy_type", json::text(summary, "Type"))
            .set("aws_managed", json::flag(summary, "AwsManaged"))
            .set("targets", policy.targets.clone().unwrap_or_default())
            .set("targets_read", policy.targets.is_some())
            .set("raw", summary.to_string());
        row = match &policy.content {
            Some(content) => {
                let address = rows.keep(content);
                row.set("content_sha256", address)
                    .set("verbatim", content.verbatim)
                    .set("error", content.parse().err())
            }
            None => row.set("error", "not read"),
        };
        rows.push(&ORG_POLICIES, row);
    }
}

pub(super) fn read(rows: &Rows, bundle: &mut Bundle) {
    if rows.of(&ORG_UNITS).is_empty() && rows.of(&ORG_ACCOUNTS).is_empty() {
        return;
    }
    let mut organization = Organization::default();
    for row in rows.of(&ORG_UNITS) {
        let raw = json::parsed(ORG_UNITS.text_of(row, "raw"));
        match ORG_UNITS.text_of(row, "unit_kind") {
            Some("organization") => organization.organization = raw,
            Some("root") => organization.roots.push(raw),
            _ => organization.units.push(raw),
        }
    }
    for row in rows.of(&ORG_ACCOUNTS) {
        organization
            .accounts
            .push(json::parsed(ORG_ACCOUNTS.text_of(row, "raw")));
    }
    for row in rows.of(&ORG_POLICIES) {
        let targets_read = ORG_POLICIES.cell(row, "targets_read").flag().unwrap_or(false);
        organization.policies.push(OrganizationPolicy {
            summary: json::parsed(ORG_POLICIES.text_of(row, "raw")),
            content: document(rows, &ORG_POLICIES, row),
            targets: targets_read.then(|| texts(&ORG_POLICIES, row, "targets")),
        });
    }
    bundle.organization = Some(organization);
}
