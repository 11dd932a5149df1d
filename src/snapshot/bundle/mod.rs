//! A permission snapshot in memory: every part in the shape of the AWS API, with policy texts apart.
//!
//! Refuses to interpret policies and to read files; see `policy` for the one and `lake` for the other.

mod read;
mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Document;
use super::scope::{Failure, Scope};

pub use read::read;
pub(crate) use read::{iam, placed_alias};
pub use write::{Purpose, write};

/// One KMS key and all that hangs on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Key {
    /// Its ARN; empty where the input does not tell.
    pub arn: String,
    /// Its id.
    pub key_id: String,
    /// The owner.
    pub account_id: String,
    /// Where it is; empty where the input does not tell.
    pub region: String,
    /// `KeyMetadata` of `describe-key`, or the little that is known where that was not read.
    pub metadata: Option<Value>,
    /// Policies by name; none where they were not read.
    pub policies: Option<BTreeMap<String, Document>>,
    /// Elements of `list-grants`; none where they were not read.
    pub grants: Option<Vec<Value>>,
    /// Elements of `list-resource-tags`; none where they were not read.
    pub tags: Option<Vec<Value>>,
    /// The answer of `get-key-rotation-status`.
    pub rotation_status: Option<Value>,
    /// Elements of `list-key-rotations`.
    pub rotations: Option<Vec<Value>>,
    /// The answer of `get-key-last-usage`.
    pub last_usage: Option<Value>,
}

impl Key {
    /// A key of which only the ARN is known.
    pub fn of_arn(arn: &str) -> Key {
        Key {
            arn: arn.to_owned(),
            key_id: super::json::key_id_of(arn).unwrap_or_default().to_owned(),
            account_id: super::json::account_of(arn).unwrap_or_default(),
            region: super::json::region_of(arn).unwrap_or_default(),
            ..Key::default()
        }
    }
}

/// An alias, with the place it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The element of `list-aliases`.
    pub raw: Value,
}

/// A custom key store, with the place it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyStore {
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The element of `describe-custom-key-stores`.
    pub raw: Value,
}

/// The answer of `get-account-authorization-details` of one account, pages merged, documents read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Iam {
    /// `UserDetailList`, `GroupDetailList` and `RoleDetailList`, in this order.
    pub principals: Vec<IamPrincipal>,
    /// `Policies`.
    pub policies: Vec<ManagedPolicy>,
}

/// A user, group or role.
#[derive(Debug, Clone, PartialEq)]
pub struct IamPrincipal {
    /// `user`, `group` or `role`.
    pub kind: &'static str,
    /// The element without its documents.
    pub raw: Value,
    /// A role's trust policy.
    pub trust: Option<Document>,
    /// Inline policies: name and document (none where it was missing).
    pub inline: Vec<(String, Option<Document>)>,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedPolicy {
    /// The element without `PolicyVersionList`.
    pub raw: Value,
    /// Versions: the element without its document, and the document.
    pub versions: Vec<(Value, Option<Document>)>,
}

/// The organization as its management account sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Organization {
    /// `describe-organization`'s `Organization`.
    pub organization: Value,
    /// `list-roots`' `Roots`.
    pub roots: Vec<Value>,
    /// Organizational units, each with the member `ParentId` added.
    pub units: Vec<Value>,
    /// `list-accounts`' `Accounts`, each with the member `Path` added: parents, root first.
    pub accounts: Vec<Value>,
    /// Policies with their targets.
    pub policies: Vec<OrganizationPolicy>,
}

impl Organization {
    /// The organization's id.
    pub fn id(&self) -> Option<String> {
        super::json::text(&self.organization, "Id")
    }

    /// The management account.
    pub fn management_account(&self) -> Option<String> {
        let id = super::json::any_text(&self.organization, &["MasterAccountId", "ManagementAccountId"])?;
        super::json::account(&id)
    }
}

/// A service or resource control policy.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationPolicy {
    /// `PolicySummary`.
    pub summary: Value,
    /// Its content; none where it was not read.
    pub content: Option<Document>,
    /// Roots, units and accounts it is attached to; none where they were not read.
    pub targets: Option<Vec<String>>,
}

/// A trail as one account and Region sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The account that was asked.
    pub account_id: String,
    /// The answers: `Trail`, `Status`, `EventSelectors` or `AdvancedEventSelectors`.
    pub raw: Value,
}

/// Everything known about some accounts at one instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    /// When it was complete, in microseconds.
    pub collected_at: Option<i64>,
    /// When the first answer was read.
    pub started_at: Option<i64>,
    /// The caller who collected it.
    pub collected_by: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
    /// What made it.
    pub tool: Option<String>,
    /// Remarks to show beside results.
    pub notes: Vec<String>,
    /// The organization, where it could be read.
    pub organization: Option<Organization>,
    /// IAM by account.
    pub iam: BTreeMap<String, Iam>,
    /// Keys.
    pub keys: Vec<Key>,
    /// Aliases.
    pub aliases: Vec<Alias>,
    /// Custom key stores.
    pub key_stores: Vec<KeyStore>,
    /// Trails.
    pub trails: Vec<Trail>,
    /// What was tried.
    pub scope: Vec<Scope>,
    /// What failed.
    pub failures: Vec<Failure>,
}

impl Bundle {
    /// Whether nothing at all is in it.
    pub fn is_empty(&self) -> bool {
        self.organization.is_none()
            && self.iam.is_empty()
            && self.keys.is_empty()
            && self.aliases.is_empty()
            && self.key_stores.is_empty()
            && self.trails.is_empty()
            && self.scope.is_empty()
    }

    /// The accounts it speaks of.
    pub fn accounts(&self) -> Vec<String> {
        let mut all: Vec<String> = self.scope.iter().map(|scope| scope.account_id.clone()).collect();
        all.retain(|account| !account.is_empty());
        all.sort();
        all.dedup();
        all
    }
}
