//! A permission snapshot as the evaluator needs it. Reading (`read.rs`) refuses nothing: what is missing is kept as a gap with its reason.

use super::condition::Fact;
use super::document::Document;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A policy where it is attached.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The ARN of a managed policy, the owner and name of an inline one, the name of a key policy, the id of an organization policy.
    pub name: String,
    /// The compiled text; equal texts share one.
    pub document: Arc<Document>,
}

/// A user or a role of the snapshot.
#[derive(Debug, Clone)]
pub struct Entity {
    /// The ARN with its path.
    pub arn: String,
    /// The account.
    pub account: String,
    /// Whether it is a role.
    pub is_role: bool,
    /// The name without the path.
    pub name: String,
    /// The unique id (`AROA...`, `AIDA...`).
    pub id: Option<String>,
    /// Tags by lower-case key.
    pub tags: BTreeMap<String, String>,
    /// Inline, attached and group policies.
    pub policies: Vec<Policy>,
    /// The permissions boundary.
    pub boundary: Option<Policy>,
    /// Why its policies are not wholly known.
    pub gap: Option<String>,
}

impl Entity {
    /// Whether AWS owns the role for one of its services (by its path).
    pub fn is_service_linked(&self) -> bool {
        self.is_role && self.arn.contains(":role/aws-service-role/")
    }
}

/// A grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// The grant's id.
    pub id: String,
    /// Who may use it: an AWS principal or a service.
    pub grantee: String,
    /// Who may retire it.
    pub retiring: Option<String>,
    /// The account it was created under.
    pub issuing_account: Option<String>,
    /// What it gives.
    pub operations: super::kms::ActionSet,
    /// The encryption context must hold exactly these pairs.
    pub context_equals: Option<BTreeMap<String, String>>,
    /// The encryption context must hold at least these pairs.
    pub context_subset: Option<BTreeMap<String, String>>,
    /// The resource on whose behalf a service may use it.
    pub source_arn: Option<String>,
}

/// A KMS key.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// The ARN.
    pub arn: String,
    /// The account that owns it.
    pub account: String,
    /// The Region.
    pub region: String,
    /// Key policies by name, `default` and perhaps `AWS_RAM`.
    pub policies: Vec<Policy>,
    /// Why a key policy is not known.
    pub policy_gap: Option<String>,
    /// Whether AWS manages it for a service.
    pub aws_managed: bool,
    /// Grants on it.
    pub grants: Vec<Grant>,
    /// Which grants name a principal as grantee or as retiring principal.
    pub grants_naming: HashMap<String, Vec<usize>>,
    /// Why the grants are not known.
    pub grants_gap: Option<String>,
    /// Tags by lower-case key; `None` when they were not collected.
    pub tags: Option<BTreeMap<String, String>>,
    /// Alias names; `None` when they were not collected.
    pub aliases: Option<Vec<String>>,
    /// Condition keys that describe the key (`kms:keyspec` and its like).
    pub facts: BTreeMap<&'static str, String>,
    /// When it was last used or, if never, since when that is known; in milliseconds.
    pub idle_since: Option<i64>,
}

/// One level of the organization: its id and the policies attached to it.
pub type Level = (String, Vec<Policy>);

/// Where an account stands in the organization.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    /// `o-x/r-x/ou-x/`
    pub org_path: Vec<String>,
    /// Service control policies, root first, account last.
    pub scps: Vec<Level>,
    /// Resource control policies, root first, account last.
    pub rcps: Vec<Level>,
}

/// The organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// The management account.
    pub management_account: String,
    /// Its accounts.
    pub seats: HashMap<String, Seat>,
    /// Whether service control policies are in use.
    pub has_scps: bool,
}

/// Permission state at one instant. Immutable once read.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Users and roles.
    pub entities: Vec<Entity>,
    /// Keys.
    pub keys: Vec<Key>,
    /// The organization, if there is one.
    pub organization: Option<Organization>,
    /// Why the organization is not known.
    pub organization_gap: Option<String>,
    /// The accounts whose IAM was collected.
    pub accounts: std::collections::BTreeSet<String>,
    /// When it was collected, in milliseconds.
    pub collected_at: Option<i64>,
    /// Condition keys (in lower case) that every request of an open question is taken to have, or to lack.
    pub granted: HashMap<&'static str, Fact<'static>>,
    pub(super) by_arn: HashMap<String, usize>,
    pub(super) roles_by_name: HashMap<(String, String), usize>,
    pub(super) keys_by_arn: HashMap<String, usize>,
    pub(super) keys_by_alias: HashMap<String, usize>,
}

impl Snapshot {
    /// The user or role with this ARN.
    pub fn entity(&self, arn: &str) -> Option<&Entity> {
        self.by_arn.get(arn).map(|i| &self.entities[*i])
    }

    /// The role of an account by its name without path; names are unique in an account.
    pub fn role(&self, account: &str, name: &str) -> Option<&Entity> {
        self.roles_by_name
            .get(&(account.to_owned(), name.to_owned()))
            .map(|i| &self.entities[*i])
    }

    /// The key with this ARN, or behind this alias ARN.
    pub fn key(&self, arn: &str) -> Option<&Key> {
        self.keys_by_arn
            .get(arn)
            .or_else(|| self.keys_by_alias.get(arn))
            .map(|i| &self.keys[*i])
    }

    /// Where an account stands, unless it is outside the organization.
    pub fn seat(&self, account: &str) -> Option<&Seat> {
        self.organization.as_ref().and_then(|o| o.seats.get(account))
    }

    /// Whether this is the organization's management account.
    pub fn is_management(&self, account: &str) -> bool {
        self.organization
            .as_ref()
            .is_some_and(|o| o.management_account == account)
    }
}
