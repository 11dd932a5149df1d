//! What the lake answered about keys, row by row: the only input of the pack. Columns mean what the queries' headers say.
#![expect(missing_docs, reason = "the columns' meanings are in the headers of the queries")]

use serde::{Deserialize, Deserializer, Serialize};

use crate::report::unused_keys::{Grant, Key as Verdict};

/// A row about one key.
pub trait OfKey {
    /// The key; empty where the row names none.
    fn key_arn(&self) -> &str;
}

macro_rules! of_key {
    ($($row:ident),*) => {
        $(impl OfKey for $row {
            fn key_arn(&self) -> &str {
                &self.key_arn
            }
        })*
    };
}

of_key!(
    Key,
    Policy,
    Right,
    Withheld,
    UserRight,
    Usage,
    LastUse,
    Unexplained,
    Removed,
    Grant,
    Verdict
);

impl OfKey for Event {
    fn key_arn(&self) -> &str {
        self.key_arn.as_deref().unwrap_or_default()
    }
}

/// A key, or nothing where the row names none.
fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// A row of `key-inventory`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    pub key_arn: String,
    pub account_id: String,
    pub region: String,
    pub key_id: String,
    pub aliases: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub description: Option<String>,
    pub key_manager: Option<String>,
    pub key_state: Option<String>,
    pub creation_date: Option<String>,
    pub deletion_date: Option<String>,
    pub key_spec: Option<String>,
    pub key_usage: Option<String>,
    pub origin: Option<String>,
    pub custom_key_store_id: Option<String>,
    pub multi_region_key_type: Option<String>,
    pub primary_key_arn: Option<String>,
    pub replica_key_arns: Option<Vec<String>>,
    pub valid_to: Option<String>,
    pub rotation_enabled: Option<bool>,
    pub rotation_period_days: Option<i64>,
    pub next_rotation_date: Option<String>,
    pub last_rotation_date: Option<String>,
    pub last_used_at: Option<String>,
    pub last_usage_operation: Option<String>,
    pub last_usage_event_id: Option<String>,
    pub tracking_start_date: Option<String>,
    pub unreadable: Option<Vec<String>>,
    pub snapshot_id: Option<String>,
    pub snapshot_at: Option<String>,
}

/// A row of `key-policies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub policy_name: Option<String>,
    pub policy_sha256: Option<String>,
    pub verbatim: Option<bool>,
    pub error: Option<String>,
    pub policy: Option<String>,
}

/// A row of `held-admin-rights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Right {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub principal_arn: String,
    pub principal_type: Option<String>,
    pub decision: String,
    pub verdict: String,
    pub reason: Option<String>,
    pub actions: Vec<String>,
    pub paths: Option<Vec<String>>,
    pub limits: Option<Vec<String>>,
    pub condition: Option<String>,
    pub condition_kind: Option<String>,
    pub last_exercised_at: Option<String>,
    pub exercised: i64,
    pub denied_attempts: i64,
}

/// A row of `withheld-admin-rights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub principal_arn: String,
    pub principal_type: Option<String>,
    pub actions: Vec<String>,
    pub paths: Option<Vec<String>>,
    pub limits: Option<Vec<String>>,
    pub reason: Option<String>,
}

/// A row of `key-users`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRight {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub principal_arn: String,
    pub principal_type: Option<String>,
    pub decision: String,
    pub actions: Vec<String>,
    pub paths: Option<Vec<String>>,
    pub condition: Option<String>,
    pub condition_kind: Option<String>,
}

/// A row of `key-usage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    #[serde(skip_serializing, deserialize_with = "or_empty")]
    pub key_arn: String,
    pub principal_arn: Option<String>,
    pub operation: String,
    pub uses: i64,
    pub through_services: i64,
    pub denied: i64,
    pub failed: i64,
    pub first_used_at: Option<String>,
    pub last_used_at: Option<String>,
}

/// A row of `key-admin-timeline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub eventtime: String,
    pub key_arn: Option<String>,
    pub operation: String,
    pub outcome: String,
    pub principal_arn: Option<String>,
    pub session_arn: Option<String>,
    pub source_ip: Option<String>,
    pub mfa: Option<bool>,
    pub error_code: Option<String>,
    pub eventid: Option<String>,
    pub source_object: Option<String>,
    pub source_index: Option<i64>,
}

/// A row of `key-last-use`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastUse {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub last_used_at: String,
    pub principal_arn: Option<String>,
    pub operation: String,
    pub eventid: Option<String>,
    pub source_object: Option<String>,
    pub source_index: Option<i64>,
}

/// A row of `unexplained-admin-use`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unexplained {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub action: String,
    pub principal_arn: Option<String>,
    pub principal_id: Option<String>,
    pub exercised: i64,
    pub last_exercised_at: Option<String>,
    pub eventid: Option<String>,
    pub reason: Option<String>,
}

/// A row of `removed-admin-rights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removed {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub principal_arn: String,
    pub action: String,
    pub decision: String,
    pub last_seen_at: Option<String>,
    pub exercised: i64,
    pub reason: Option<String>,
}

/// A row of `permission-limits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    pub kind: String,
    pub account_id: String,
    pub principal_arn: Option<String>,
    pub policy_arn: Option<String>,
    pub policy_name: Option<String>,
    pub attached_to: Option<String>,
    pub sha256: Option<String>,
    #[serde(skip_serializing)]
    pub policy: Option<String>,
}

/// A row of `population`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PopulationPart {
    pub account_id: Option<String>,
    pub account_name: Option<String>,
    pub region: Option<String>,
    pub state: String,
    pub keys: i64,
    pub customer_managed: i64,
    pub snapshot_id: Option<String>,
    pub snapshot_at: Option<String>,
}

/// A row of `activity-per-period`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub period: i64,
    pub since: String,
    pub until: String,
    pub covered_places: i64,
    pub places: i64,
    pub keys_used: i64,
    pub uses: i64,
    pub failed_uses: i64,
    pub keys_administered: i64,
    pub admin_calls: i64,
    pub denied_admin_calls: i64,
    pub administrators: i64,
}

/// A row of `source-objects`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceObject {
    pub source_object: String,
    pub etag: Option<String>,
    pub bytes: Option<i64>,
    pub records_read: Option<i64>,
    pub faulted: Option<i64>,
    pub is_whole: bool,
}
