//! Answers of the Organizations API as the CLI prints them.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Entry, subject};
use crate::snapshot::bundle::{Bundle, Organization, OrganizationPolicy};
use crate::snapshot::document::Document;
use crate::snapshot::json;
use crate::snapshot::scope::{Failure, ORGANIZATIONS};

/// Which operation answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Organization,
    Roots,
    Accounts,
    Account,
    Units,
    Parents,
    Children,
    Policies,
    Policy,
    Targets,
}

pub(super) fn recognise(value: &Value) -> Option<Answer> {
    let first = |name: &str, members: &[&str]| {
        json::list(value, name)
            .first()
            .is_some_and(|item| members.iter().all(|member| item.get(*member).is_some()))
    };
    let arn = |name: &str, member: &str| {
        json::list(value, name)
            .first()
            .and_then(|item| json::str(item, member))
            .is_some_and(|arn| arn.contains(":organizations:"))
    };
    if value.get("Organization").is_some_and(|held| held.get("Id").is_some()) {
        return Some(Answer::Organization);
    }
    if value
        .get("Policy")
        .is_some_and(|policy| policy.get("PolicySummary").is_some())
    {
        return Some(Answer::Policy);
    }
    if first("Roots", &["Id"]) {
        return Some(Answer::Roots);
    }
    if first("OrganizationalUnits", &["Id"]) {
        return Some(Answer::Units);
    }
    if first("Accounts", &["Id"]) {
        return Some(Answer::Accounts);
    }
    if value
        .get("Account")
        .is_some_and(|account| account.get("Id").is_some() && account.get("Arn").is_some())
    {
        return Some(Answer::Account);
    }
    if first("Targets", &["TargetId"]) {
        return Some(Answer::Targets);
    }
    if first("Parents", &["Id", "Type"]) {
        return Some(Answer::Parents);
    }
    if first("Children", &["Id", "Type"]) {
        return Some(Answer::Children);
    }
    (first("Policies", &["Id", "Type"]) && arn("Policies", "Arn")).then_some(Answer::Policies)
}

/// What the answers say, before it is put in order.
#[derive(Debug, Default)]
pub(super) struct Parts {
    organization: Option<Value>,
    roots: BTreeMap<String, Value>,
    units: BTreeMap<String, Value>,
    accounts: BTreeMap<String, Value>,
    summaries: BTreeMap<String, Value>,
    contents: BTreeMap<String, Document>,
    targets: BTreeMap<String, BTreeSet<String>>,
    parents: BTreeMap<String, String>,
    faults: Vec<Failure>,
}

impl Parts {
    pub(super) fn take(&mut self, answer: Answer, entry: &Entry) {
        let value = &entry.value;
        let id = |item: &Value| json::text(item, "Id").unwrap_or_default();
        match answer {
            Answer::Organization => self.organization = value.get("Organization").cloned(),
            Answer::Roots => {
                self.roots
                    .extend(json::list(value, "Roots").iter().map(|root| (id(root), root.clone())));
            }
            Answer::Units => {
                let parent = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| !id.starts_with("p-"));
                for unit in json::list(value, "OrganizationalUnits") {
                    self.units.insert(id(unit), unit.clone());
                    self.adopt(&id(unit), parent.as_deref());
                }
            }
            Answer::Accounts => {
                let parent = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| id.starts_with("ou-") || id.starts_with("r-"));
                for account in json::list(value, "Accounts") {
                    self.account(account);
                    self.adopt(&id(account), parent.as_deref());
                }
            }
            Answer::Account => self.account(value.get("Account").unwrap_or(&Value::Null)),
            Answer::Parents => {
                let child = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| !id.starts_with("r-"));
                let parent = json::list(value, "Parents").first().map(id);
                match (child, parent) {
                    (Some(child), parent) => self.adopt(&child, parent.as_deref()),
                    (None, _) => self.unplaced(entry, "a list of parents", "child"),
                }
            }
            Answer::Children => {
                let parent = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| !id.starts_with("p-"));
                if parent.is_none() {
                    self.unplaced(entry, "a list of children", "parent");
                }
                for child in json::list(value, "Children") {
                    self.adopt(&id(child), parent.as_deref());
                }
            }
            Answer::Policies => {
                // `list-policies-for-target` answers with the same member; then the path names the target.
                let target = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| !id.starts_with("p-"));
                for policy in json::list(value, "Policies") {
                    self.summaries.entry(id(policy)).or_insert_with(|| policy.clone());
                    if let Some(target) = &target {
                        self.targets.entry(id(policy)).or_default().insert(target.clone());
                    }
                }
            }
            Answer::Policy => {
                let policy = value.get("Policy").unwrap_or(&Value::Null);
                let summary = policy.get("PolicySummary").cloned().unwrap_or_default();
                if let Some(content) = policy.get("Content").and_then(Document::read) {
                    self.contents.insert(id(&summary), content);
                }
                self.summaries.insert(id(&summary), summary);
            }
            Answer::Targets => {
                let Some(policy) = subject::organization_ids(&entry.path)
                    .into_iter()
                    .find(|id| id.starts_with("p-"))
                else {
                    return self.unplaced(entry, "a list of targets", "policy");
                };
                let targets = json::list(value, "Targets")
                    .iter()
                    .filter_map(|target| json::text(target, "TargetId"));
                self.targets.entry(policy).or_default().extend(targets);
            }
        }
    }

    fn unplaced(&mut self, entry: &Entry, what: &str, missing: &str) {
        let why = format!("{what} does not name its {missing}; put the id of the {missing} into the name of the file");
        self.faults
            .push(Failure::of_input(ORGANIZATIONS, entry.path.clone(), "NoSubject", why));
    }

    fn account(&mut self, account: &Value) {
        let Some(id) = json::text(account, "Id").and_then(|id| json::account(&id)) else {
            return;
        };
        let held = self.accounts.entry(id.clone()).or_insert_with(|| serde_json::json!({}));
        if let (Value::Object(held), Value::Object(members)) = (held, account) {
            held.extend(members.clone());
            held.insert("Id".to_owned(), id.into());
        }
    }

    fn adopt(&mut self, child: &str, parent: Option<&str>) {
        if let Some(parent) = parent.filter(|parent| *parent != child) {
            self.parents.insert(child.to_owned(), parent.to_owned());
        }
    }

    /// The way from the root to an account or unit, without itself; nothing where it does not reach a root.
    fn path(&self, id: &str) -> Option<Vec<String>> {
        let mut path = Vec::new();
        let mut at = id;
        // Units nest five deep at most; a longer way is a circle in the input.
        while let Some(parent) = self.parents.get(at) {
            path.insert(0, parent.clone());
            if path.len() > 16 {
                return None;
            }
            at = parent;
        }
        path.first()
            .is_some_and(|first| first.starts_with("r-"))
            .then_some(path)
    }

    pub(super) fn finish(self, bundle: &mut Bundle) {
        let mut this = self;
        bundle.failures.append(&mut this.faults);
        if this.organization.is_none() && this.accounts.is_empty() && this.summaries.is_empty() && this.roots.is_empty()
        {
            return;
        }
        let mut organization = Organization {
            organization: this.organization.clone().unwrap_or_else(|| from_arns(&this)),
            roots: this.roots.values().cloned().collect(),
            ..Organization::default()
        };
        let management = organization.management_account().unwrap_or_default();
        for (id, unit) in &this.units {
            let mut unit = unit.clone();
            if let Some(parent) = this.parents.get(id) {
                json::set(&mut unit, "ParentId", parent.clone().into());
            }
            organization.units.push(unit);
        }
        for (id, account) in &this.accounts {
            let mut account = account.clone();
            match this.path(id).or_else(|| from_paths(&account)) {
                Some(path) => json::set(&mut account, "Path", path.into()),
                None => {
                    let why = "no answer says under which root and units the account is";
                    let failure = Failure::of_input(ORGANIZATIONS, id.clone(), "NoPath", why);
                    bundle.failures.push(failure.within(&management, ""));
                }
            }
            organization.accounts.push(account);
        }
        for (id, summary) in &this.summaries {
            let content = this.contents.get(id).cloned();
            let why = match content.as_ref().map(Document::parse) {
                Some(Err(why)) => Some(("MalformedPolicy", why)),
                Some(Ok(_)) => None,
                None => Some(("NotInDump", "the content of the policy is not there".to_owned())),
            };
            if let Some((code, why)) = why {
                let failure = Failure::of_input(ORGANIZATIONS, id.clone(), code, why);
                bundle.failures.push(failure.within(&management, ""));
            }
            let targets = this.targets.get(id).map(|targets| targets.iter().cloned().collect());
            organization.policies.push(OrganizationPolicy {
                summary: summary.clone(),
                content,
                targets,
            });
        }
        bundle.organization = Some(organization);
    }
}

/// `Paths` of newer `list-accounts` answers: `o-id/r-id/ou-id/.../account/`.
fn from_paths(account: &Value) -> Option<Vec<String>> {
    let paths = json::texts(account, "Paths");
    let id = json::str(account, "Id").unwrap_or_default();
    let parts = paths
        .first()?
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with("o-") && *part != id);
    let path: Vec<String> = parts.map(str::to_owned).collect();
    path.first()
        .is_some_and(|first| first.starts_with("r-"))
        .then_some(path)
}

/// The ids that ARNs of accounts and policies carry: `arn:aws:organizations::MANAGEMENT:account/o-id/ACCOUNT`.
fn from_arns(parts: &Parts) -> Value {
    let arns = parts
        .accounts
        .values()
        .chain(parts.roots.values())
        .chain(parts.units.values());
    for arn in arns.filter_map(|value| json::str(value, "Arn")) {
        if let Some([_, "organizations", _, management, resource]) = json::arn(arn)
            && let Some(id) = resource.split('/').find(|part| part.starts_with("o-"))
        {
            return serde_json::json!({"Id": id, "MasterAccountId": management});
        }
    }
    Value::Object(serde_json::Map::new())
}
