//! Keys, policies, grants, aliases, tags and key stores as rows.

use std::collections::HashMap;

use serde_json::Value;

use super::{Draft, Rows, document, filled, grouped};
use crate::snapshot::bundle::{Alias, Bundle, Key, KeyStore};
use crate::snapshot::json;
use crate::snapshot::tables::{
    self, KMS_ALIASES, KMS_CUSTOM_KEY_STORES, KMS_GRANTS, KMS_KEY_POLICIES, KMS_KEYS, KMS_LAST_USAGE, KMS_TAGS, Row,
};

pub(super) fn write(bundle: &Bundle, rows: &mut Rows) {
    for key in &bundle.keys {
        let mut unreadable: Vec<String> = bundle
            .failures
            .iter()
            .filter(|failure| {
                !failure.skipped && failure.service == "kms" && failure.resource.as_deref() == Some(key.arn.as_str())
            })
            .map(|failure| format!("{}: {}", failure.operation, failure.code))
            .collect();
        unreadable.sort();
        unreadable.dedup();
        write_key(key, unreadable, rows);
        write_policies(key, rows);
        for grant in key.grants.iter().flatten() {
            write_grant(key, grant, rows);
        }
        for tag in key.tags.iter().flatten() {
            let row = placed(&KMS_TAGS, key)
                .set("tag_key", json::any_text(tag, &["TagKey", "Key"]))
                .set("tag_value", json::any_text(tag, &["TagValue", "Value"]));
            rows.push(&KMS_TAGS, row);
        }
    }
    for alias in &bundle.aliases {
        write_alias(alias, rows);
    }
    for store in &bundle.key_stores {
        let row = Draft::of(&KMS_CUSTOM_KEY_STORES)
            .set("account_id", filled(&store.account_id))
            .set("region", filled(&store.region))
            .set("custom_key_store_id", json::text(&store.raw, "CustomKeyStoreId"))
            .set("custom_key_store_name", json::text(&store.raw, "CustomKeyStoreName"))
            .set("connection_state", json::text(&store.raw, "ConnectionState"))
            .set("custom_key_store_type", json::text(&store.raw, "CustomKeyStoreType"))
            .set(
                "creation_date",
                tables::instant(json::instant(&store.raw, "CreationDate")),
            )
            .set("raw", store.raw.to_string());
        rows.push(&KMS_CUSTOM_KEY_STORES, row);
    }
}

fn placed(table: &'static tables::Table, key: &Key) -> Draft {
    let draft = Draft::of(table)
        .set("account_id", filled(&key.account_id))
        .set("region", filled(&key.region))
        .set("key_arn", filled(&key.arn));
    if table.position("key_id").is_some() {
        draft.set("key_id", filled(&key.key_id))
    } else {
        draft
    }
}

fn write_key(key: &Key, unreadable: Vec<String>, rows: &mut Rows) {
    let none = Value::Null;
    let metadata = key.metadata.as_ref().unwrap_or(&none);
    let rotation = key.rotation_status.as_ref().unwrap_or(&none);
    let multi = metadata.get("MultiRegionConfiguration").unwrap_or(&none);
    let replicas = json::list(multi, "ReplicaKeys")
        .iter()
        .filter_map(|replica| json::text(replica, "Arn"));
    let rotated = key
        .rotations
        .iter()
        .flatten()
        .filter_map(|rotation| json::instant(rotation, "RotationDate"))
        .max();
    let row = placed(&KMS_KEYS, key)
        .set("key_manager", json::text(metadata, "KeyManager"))
        .set("key_state", json::text(metadata, "KeyState"))
        .set("enabled", json::flag(metadata, "Enabled"))
        .set(
            "creation_date",
            tables::instant(json::instant(metadata, "CreationDate")),
        )
        .set(
            "deletion_date",
            tables::instant(json::instant(metadata, "DeletionDate")),
        )
        .set(
            "pending_deletion_window_days",
            json::int(metadata, "PendingDeletionWindowInDays"),
        )
        .set("description", json::text(metadata, "Description"))
        .set(
            "key_spec",
            json::any_text(metadata, &["KeySpec", "CustomerMasterKeySpec"]),
        )
        .set("key_usage", json::text(metadata, "KeyUsage"))
        .set("origin", json::text(metadata, "Origin"))
        .set("multi_region", json::flag(metadata, "MultiRegion"))
        .set("multi_region_key_type", json::text(multi, "MultiRegionKeyType"))
        .set(
            "primary_key_arn",
            multi.get("PrimaryKey").and_then(|primary| json::text(primary, "Arn")),
        )
        .set("replica_key_arns", replicas.collect::<Vec<String>>())
        .set("custom_key_store_id", json::text(metadata, "CustomKeyStoreId"))
        .set("valid_to", tables::instant(json::instant(metadata, "ValidTo")))
        .set("expiration_model", json::text(metadata, "ExpirationModel"))
        .set("current_key_material_id", json::text(metadata, "CurrentKeyMaterialId"))
        .set("rotation_enabled", json::flag(rotation, "KeyRotationEnabled"))
        .set("rotation_period_days", json::int(rotation, "RotationPeriodInDays"))
        .set(
            "next_rotation_date",
            tables::instant(json::instant(rotation, "NextRotationDate")),
        )
        .set(
            "on_demand_rotation_start_date",
            tables::instant(json::instant(rotation, "OnDemandRotationStartDate")),
        )
        .set("last_rotation_date", tables::instant(rotated))
        .set(
            "rotations",
            key.rotations.as_ref().map(|list| Value::from(list.clone()).to_string()),
        )
        .set("metadata_read", key.metadata.is_some())
        .set("policies_read", key.policies.is_some())
        .set("grants_read", key.grants.is_some())
        .set("tags_read", key.tags.is_some())
        .set("unreadable", unreadable)
        .set("rotation_status", key.rotation_status.as_ref().map(Value::to_string))
        .set("raw", key.metadata.as_ref().map(Value::to_string));
    rows.push(&KMS_KEYS, row);
    if let Some(usage) = &key.last_usage {
        let last = usage.get("KeyLastUsage").unwrap_or(&none);
        let row = placed(&KMS_LAST_USAGE, key)
            .set("last_used_at", tables::instant(json::instant(last, "Timestamp")))
            .set("last_usage_operation", json::text(last, "Operation"))
            .set("last_usage_event_id", json::text(last, "CloudTrailEventId"))
            .set("last_usage_request_id", json::text(last, "KmsRequestId"))
            .set(
                "tracking_start_date",
                tables::instant(json::instant(usage, "TrackingStartDate")),
            )
            .set("last_usage", usage.to_string());
        rows.push(&KMS_LAST_USAGE, row);
    }
}

fn write_policies(key: &Key, rows: &mut Rows) {
    for (name, document) in key.policies.iter().flatten() {
        let address = rows.keep(document);
        let row = placed(&KMS_KEY_POLICIES, key)
            .set("policy_name", name.as_str())
            .set("policy_sha256", address)
            .set("verbatim", document.verbatim)
            .set("error", document.parse().err());
        rows.push(&KMS_KEY_POLICIES, row);
    }
    if key.policies.is_none() {
        let row = placed(&KMS_KEY_POLICIES, key)
            .set("policy_name", "default")
            .set("error", "not read");
        rows.push(&KMS_KEY_POLICIES, row);
    }
}

fn write_grant(key: &Key, grant: &Value, rows: &mut Rows) {
    let row = placed(&KMS_GRANTS, key)
        .set("grant_id", json::text(grant, "GrantId"))
        .set("name", json::text(grant, "Name"))
        .set("creation_date", tables::instant(json::instant(grant, "CreationDate")))
        .set("grantee_principal", json::text(grant, "GranteePrincipal"))
        .set("retiring_principal", json::text(grant, "RetiringPrincipal"))
        .set("issuing_account", json::text(grant, "IssuingAccount"))
        .set("operations", json::texts(grant, "Operations"))
        .set("constraints", json::raw(grant, "Constraints"))
        .set(
            "grantee_service_principal",
            json::text(grant, "GranteeServicePrincipal"),
        )
        .set(
            "retiring_service_principal",
            json::text(grant, "RetiringServicePrincipal"),
        )
        .set("raw", grant.to_string());
    rows.push(&KMS_GRANTS, row);
}

fn write_alias(alias: &Alias, rows: &mut Rows) {
    let arn = json::text(&alias.raw, "AliasArn");
    let target = json::text(&alias.raw, "TargetKeyId");
    let target_id = target
        .as_deref()
        .map(|target| json::key_id_of(target).unwrap_or(target).to_owned());
    // Aliases point at keys of their own account and Region only.
    let target_arn = match (arn.as_deref().and_then(json::arn), &target_id) {
        (Some([partition, service, region, account, _]), Some(id)) => {
            Some(format!("arn:{partition}:{service}:{region}:{account}:key/{id}"))
        }
        _ => target.filter(|target| target.starts_with("arn:")),
    };
    let row = Draft::of(&KMS_ALIASES)
        .set("account_id", filled(&alias.account_id))
        .set("region", filled(&alias.region))
        .set("alias_arn", arn)
        .set("alias_name", json::text(&alias.raw, "AliasName"))
        .set("target_key_id", target_id)
        .set("target_key_arn", target_arn)
        .set(
            "creation_date",
            tables::instant(json::instant(&alias.raw, "CreationDate")),
        )
        .set(
            "last_updated_date",
            tables::instant(json::instant(&alias.raw, "LastUpdatedDate")),
        )
        .set("raw", alias.raw.to_string());
    rows.push(&KMS_ALIASES, row);
}

pub(super) fn read(rows: &Rows, bundle: &mut Bundle) {
    let policies = grouped(rows, &KMS_KEY_POLICIES, "key_arn");
    let grants = grouped(rows, &KMS_GRANTS, "key_arn");
    let tags = grouped(rows, &KMS_TAGS, "key_arn");
    let usages = grouped(rows, &KMS_LAST_USAGE, "key_arn");
    for row in rows.of(&KMS_KEYS) {
        let text = |column: &str| KMS_KEYS.text_of(row, column).unwrap_or_default().to_owned();
        let raw = |column: &str| KMS_KEYS.text_of(row, column).map(|text| json::parsed(Some(text)));
        let was_read = |column: &str| KMS_KEYS.cell(row, column).flag().unwrap_or(false);
        let arn = text("key_arn");
        let mut key = Key {
            key_id: text("key_id"),
            ..Key::default()
        };
        key.account_id = text("account_id");
        key.region = text("region");
        key.metadata = raw("raw");
        key.rotation_status = raw("rotation_status");
        key.rotations = raw("rotations").and_then(|list| list.as_array().cloned());
        if was_read("policies_read") {
            let named = hung(&policies, &arn).filter_map(|row| {
                let name = KMS_KEY_POLICIES.text_of(row, "policy_name")?.to_owned();
                Some((name, document(rows, &KMS_KEY_POLICIES, row)?))
            });
            key.policies = Some(named.collect());
        }
        if was_read("grants_read") {
            let listed = hung(&grants, &arn).map(|row| json::parsed(KMS_GRANTS.text_of(row, "raw")));
            key.grants = Some(listed.collect());
        }
        if was_read("tags_read") {
            let listed = hung(&tags, &arn).map(|row| {
                let text = |column: &str| KMS_TAGS.text_of(row, column).map(Value::from);
                json::object([("TagKey", text("tag_key")), ("TagValue", text("tag_value"))])
            });
            key.tags = Some(listed.collect());
        }
        let usage = hung(&usages, &arn).next();
        key.last_usage = usage.map(|row| json::parsed(KMS_LAST_USAGE.text_of(row, "last_usage")));
        key.arn = arn;
        bundle.keys.push(key);
    }
    for row in rows.of(&KMS_ALIASES) {
        let text = |column: &str| KMS_ALIASES.text_of(row, column).unwrap_or_default().to_owned();
        let raw = json::parsed(KMS_ALIASES.text_of(row, "raw"));
        bundle.aliases.push(Alias {
            account_id: text("account_id"),
            region: text("region"),
            raw,
        });
    }
    for row in rows.of(&KMS_CUSTOM_KEY_STORES) {
        let text = |column: &str| {
            KMS_CUSTOM_KEY_STORES
                .text_of(row, column)
                .unwrap_or_default()
                .to_owned()
        };
        let raw = json::parsed(KMS_CUSTOM_KEY_STORES.text_of(row, "raw"));
        bundle.key_stores.push(KeyStore {
            account_id: text("account_id"),
            region: text("region"),
            raw,
        });
    }
}

/// The rows that hang on a key.
fn hung<'g, 'r>(groups: &'g HashMap<&'r str, Vec<&'r Row>>, arn: &str) -> impl Iterator<Item = &'r Row> + use<'g, 'r> {
    groups.get(arn).into_iter().flatten().copied()
}
