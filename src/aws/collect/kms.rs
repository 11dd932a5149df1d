//! Keys of one account and Region, with everything that hangs on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_kms::Client;
use serde_json::Value;

use super::ask::{Pace, Refusal, ask};
use super::{Place, failure};
use crate::snapshot::bundle::{Alias, Bundle, Key, KeyStore};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::scope::{Failure, KMS};

/// Requests a second, per account and Region.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
pub(super) const QUOTAS: &[(&str, u32)] = &[
    ("ListKeys", 500),
    ("DescribeKey", 2000),
    ("ListKeyPolicies", 100),
    ("GetKeyPolicy", 1000),
    ("ListGrants", 100),
    ("ListAliases", 500),
    ("ListResourceTags", 2000),
    ("GetKeyRotationStatus", 1000),
    ("ListKeyRotations", 100),
    // Not published; as much as the other limits let through.
    ("GetKeyLastUsage", 100),
    ("DescribeCustomKeyStores", 5),
];

/// No list has more pages.
const PAGES_MAX: usize = 10_000;

/// Names a policy may have; asked for where the names cannot be listed.
const POLICY_NAMES: [&str; 2] = ["default", "AWS_RAM"];

/// Operations that newer or smaller services do not offer; without them the snapshot is still whole.
const OPTIONAL: [&str; 4] = [
    "GetKeyLastUsage",
    "ListKeyRotations",
    "ListKeyPolicies",
    "DescribeCustomKeyStores",
];

/// The client of one account and Region.
#[derive(Debug, Clone)]
pub(super) struct Kms {
    pub(super) kms: Client,
    pub(super) pace: Arc<Pace>,
    pub(super) place: Place,
}

impl Kms {
    /// The ARNs of all keys.
    pub(super) async fn list(&self) -> Result<Vec<String>, Refusal> {
        let mut arns = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let (page, _) = ask!(
                self.pace,
                "ListKeys",
                self.kms.list_keys().limit(1000).set_marker(marker.clone())
            )
            .await?;
            arns.extend(page.keys().iter().filter_map(|key| key.key_arn().map(str::to_owned)));
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        arns.sort();
        arns.dedup();
        Ok(arns)
    }

    /// Aliases and custom key stores.
    pub(super) async fn region(&self) -> Bundle {
        let mut bundle = Bundle::default();
        let (aliases, stores) = tokio::join!(self.aliases(), self.stores());
        match aliases {
            Ok(aliases) => bundle.aliases = aliases,
            Err(refusal) => bundle
                .failures
                .push(failure(&self.place, KMS, "ListAliases", None, refusal)),
        }
        match stores {
            Ok(stores) => bundle.key_stores = stores,
            Err(refusal) if refusal.is_unsupported() => {
                bundle.failures.push(self.not_offered("DescribeCustomKeyStores"))
            }
            Err(refusal) => bundle
                .failures
                .push(failure(&self.place, KMS, "DescribeCustomKeyStores", None, refusal)),
        }
        bundle
    }

    /// The row for an operation the service does not offer: the same for every key, so that it stands once.
    fn not_offered(&self, operation: &str) -> Failure {
        let code = "NotOffered".to_owned();
        let message = "the service does not offer the operation".to_owned();
        let row = failure(&self.place, KMS, operation, None, Refusal { code, message });
        Failure { skipped: true, ..row }
    }

    async fn aliases(&self) -> Result<Vec<Alias>, Refusal> {
        let mut aliases = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let (page, raw) = ask!(
                self.pace,
                "ListAliases",
                self.kms.list_aliases().limit(100).set_marker(marker.clone())
            )
            .await?;
            aliases.extend(json::list(&raw, "Aliases").iter().map(|alias| Alias {
                account_id: self.place.account_id.clone(),
                region: self.place.region.clone(),
                raw: alias.clone(),
            }));
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(aliases)
    }

    async fn stores(&self) -> Result<Vec<KeyStore>, Refusal> {
        let mut stores = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = ask!(
                self.pace,
                "DescribeCustomKeyStores",
                self.kms.describe_custom_key_stores().set_marker(marker.clone())
            );
            let (page, raw) = call.await?;
            stores.extend(json::list(&raw, "CustomKeyStores").iter().map(|store| KeyStore {
                account_id: self.place.account_id.clone(),
                region: self.place.region.clone(),
                raw: store.clone(),
            }));
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(stores)
    }

    /// One key with all that hangs on it. What is refused is a failure; the key stays.
    pub(super) async fn key(&self, arn: &str) -> Bundle {
        let mut key = Key::of_arn(arn);
        let mut bundle = Bundle::default();
        let mut failed = |operation: &str, refusal: Refusal| {
            if OPTIONAL.contains(&operation) && (refusal.is_unsupported() || refusal.is(&["NotOffered"])) {
                bundle.failures.push(self.not_offered(operation));
                return;
            }
            bundle
                .failures
                .push(failure(&self.place, KMS, operation, Some(arn), refusal));
        };
        let (metadata, policies, grants, tags, rotation, rotations, usage) = tokio::join!(
            self.metadata(arn),
            self.policies(arn),
            self.grants(arn),
            self.tags(arn),
            self.rotation_status(arn),
            self.rotations(arn),
            self.last_usage(arn),
        );
        match metadata {
            Ok(metadata) => key.metadata = metadata,
            Err(refusal) => failed("DescribeKey", refusal),
        }
        let (named, refusals) = policies;
        key.policies = named;
        refusals
            .into_iter()
            .for_each(|(operation, refusal)| failed(operation, refusal));
        match grants {
            Ok(grants) => key.grants = Some(grants),
            Err(refusal) => failed("ListGrants", refusal),
        }
        match tags {
            Ok(tags) => key.tags = Some(tags),
            Err(refusal) => failed("ListResourceTags", refusal),
        }
        // Asymmetric and HMAC keys, keys in key stores and keys being deleted do not rotate.
        let no_rotation = ["UnsupportedOperationException", "KMSInvalidStateException"];
        match rotation {
            Ok(status) => key.rotation_status = status,
            Err(refusal) if refusal.is(&no_rotation) => {}
            Err(refusal) => failed("GetKeyRotationStatus", refusal),
        }
        match rotations {
            Ok(list) => key.rotations = Some(list),
            Err(refusal) if refusal.is(&no_rotation) => {}
            Err(refusal) => failed("ListKeyRotations", refusal),
        }
        match usage {
            Ok(usage) => key.last_usage = usage,
            Err(refusal) => failed("GetKeyLastUsage", refusal),
        }
        bundle.keys.push(key);
        bundle
    }

    async fn metadata(&self, arn: &str) -> Result<Option<Value>, Refusal> {
        let (_, raw) = ask!(self.pace, "DescribeKey", self.kms.describe_key().key_id(arn)).await?;
        Ok(raw.get("KeyMetadata").cloned())
    }

    async fn policies(&self, arn: &str) -> (Option<BTreeMap<String, Document>>, Vec<(&'static str, Refusal)>) {
        let mut refusals = Vec::new();
        let names = match self.policy_names(arn).await {
            Ok(names) => names,
            Err(refusal) => {
                // A refusal says nothing about the policies themselves: both names are tried.
                refusals.push(("ListKeyPolicies", refusal));
                POLICY_NAMES.iter().map(|name| (*name).to_owned()).collect()
            }
        };
        let listed = refusals.is_empty();
        let mut policies = BTreeMap::new();
        for name in names {
            let call = ask!(
                self.pace,
                "GetKeyPolicy",
                self.kms.get_key_policy().key_id(arn).policy_name(&name)
            );
            match call.await {
                Ok((answer, _)) => {
                    if let Some(text) = answer.policy {
                        policies.insert(name, Document::verbatim(text));
                    }
                }
                // `AWS_RAM` exists only on shared keys.
                Err(refusal) if !listed && name != "default" && refusal.is_gone() => {}
                Err(refusal) => refusals.push(("GetKeyPolicy", refusal)),
            }
        }
        let read = policies.contains_key("default");
        (read.then_some(policies), refusals)
    }

    async fn policy_names(&self, arn: &str) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = ask!(
                self.pace,
                "ListKeyPolicies",
                self.kms.list_key_policies().key_id(arn).set_marker(marker.clone())
            );
            let (page, _) = call.await?;
            names.extend(page.policy_names().iter().cloned());
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(names)
    }

    async fn grants(&self, arn: &str) -> Result<Vec<Value>, Refusal> {
        let mut grants = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = ask!(
                self.pace,
                "ListGrants",
                self.kms.list_grants().key_id(arn).limit(100).set_marker(marker.clone())
            );
            let (page, raw) = call.await?;
            grants.extend(json::list(&raw, "Grants").iter().cloned());
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(grants)
    }

    async fn tags(&self, arn: &str) -> Result<Vec<Value>, Refusal> {
        let mut tags = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = ask!(
                self.pace,
                "ListResourceTags",
                self.kms
                    .list_resource_tags()
                    .key_id(arn)
                    .limit(50)
                    .set_marker(marker.clone())
            );
            let (page, raw) = call.await?;
            tags.extend(json::list(&raw, "Tags").iter().cloned());
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(tags)
    }

    async fn rotation_status(&self, arn: &str) -> Result<Option<Value>, Refusal> {
        let (_, raw) = ask!(
            self.pace,
            "GetKeyRotationStatus",
            self.kms.get_key_rotation_status().key_id(arn)
        )
        .await?;
        Ok(raw.is_object().then_some(raw))
    }

    async fn rotations(&self, arn: &str) -> Result<Vec<Value>, Refusal> {
        let mut rotations = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = ask!(
                self.pace,
                "ListKeyRotations",
                self.kms.list_key_rotations().key_id(arn).set_marker(marker.clone())
            );
            let (page, raw) = call.await?;
            rotations.extend(json::list(&raw, "Rotations").iter().cloned());
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(rotations)
    }

    async fn last_usage(&self, arn: &str) -> Result<Option<Value>, Refusal> {
        let (_, raw) = ask!(self.pace, "GetKeyLastUsage", self.kms.get_key_last_usage().key_id(arn)).await?;
        Ok(raw.is_object().then_some(raw))
    }
}
