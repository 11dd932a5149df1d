//! What a snapshot tried and what failed, and which snapshot is the newest for an account and Region.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bundle::Bundle;
use super::json;

/// KMS keys, aliases and grants.
pub const KMS: &str = "kms";
/// Users, groups, roles and their policies.
pub const IAM: &str = "iam";
/// The organization with its policies.
pub const ORGANIZATIONS: &str = "organizations";
/// The account itself: its Regions.
pub const ACCOUNT: &str = "account";
/// Trails.
pub const CLOUDTRAIL: &str = "cloudtrail";

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Everything asked for was answered.
    Complete,
    /// The list is there, some details are missing; failures say which.
    Partial,
    /// Nothing usable.
    Failed,
    /// Not asked: the Region is not enabled, or the source does not record it.
    Skipped,
}

impl State {
    /// The word stored for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Complete => "complete",
            State::Partial => "partial",
            State::Failed => "failed",
            State::Skipped => "skipped",
        }
    }

    /// The state of a word; anything unknown is a failure.
    pub fn of_word(word: &str) -> State {
        match word.to_ascii_lowercase().as_str() {
            "complete" => State::Complete,
            "partial" => State::Partial,
            "skipped" => State::Skipped,
            _ => State::Failed,
        }
    }
}

/// One service of one account (and Region) that was tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The account.
    pub account_id: String,
    /// The Region; empty for services that have none.
    pub region: String,
    /// `kms`, `iam`, `organizations` or `cloudtrail`.
    pub service: String,
    /// How far it came.
    pub state: State,
    /// How many keys, principals, accounts or trails were found.
    pub items: Option<i64>,
    /// The organization, for `organizations`.
    pub organization_id: Option<String>,
}

/// One thing that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The account; empty where it is not known.
    pub account_id: String,
    /// The Region; empty where there is none.
    pub region: String,
    /// The service.
    pub service: String,
    /// The API operation, or `import` for a fault of the input.
    pub operation: String,
    /// The key, policy, trail or file.
    pub resource: Option<String>,
    /// The error code.
    pub code: String,
    /// The error message.
    pub message: String,
    /// True where it was not tried on purpose, and nothing is broken.
    pub skipped: bool,
}

impl Failure {
    /// A fault of the input at a place: a file, a key, a policy.
    pub fn of_input(service: &str, resource: impl Into<String>, code: &str, message: impl Into<String>) -> Failure {
        Failure {
            service: service.to_owned(),
            operation: "import".to_owned(),
            resource: Some(resource.into()),
            code: code.to_owned(),
            message: message.into(),
            ..Failure::default()
        }
    }

    /// The failure, placed in an account and Region.
    #[must_use]
    pub fn within(mut self, account_id: &str, region: &str) -> Failure {
        self.account_id = account_id.to_owned();
        self.region = region.to_owned();
        self
    }
}

/// Adds the scope that the contents imply, for what the input does not say itself.
///
/// An account and Region with keys or aliases was looked at; one that is only named by other things was not.
pub fn complete(bundle: &mut Bundle) {
    let mut found: BTreeMap<(String, String, String), (i64, Option<String>)> = BTreeMap::new();
    let mut count = |account: &str, region: &str, service: &str, items: i64, organization: Option<String>| {
        let at = (account.to_owned(), region.to_owned(), service.to_owned());
        let entry = found.entry(at).or_insert((0, None));
        entry.0 += items;
        entry.1 = organization.or_else(|| entry.1.take());
    };
    for key in &bundle.keys {
        count(&key.account_id, &key.region, KMS, 1, None);
    }
    for alias in &bundle.aliases {
        count(&alias.account_id, &alias.region, KMS, 0, None);
    }
    for (account, iam) in &bundle.iam {
        count(
            account,
            "",
            IAM,
            i64::try_from(iam.principals.len()).unwrap_or(i64::MAX),
            None,
        );
    }
    if let Some(organization) = &bundle.organization {
        let account = organization.management_account().unwrap_or_default();
        let items = i64::try_from(organization.accounts.len()).unwrap_or(i64::MAX);
        count(&account, "", ORGANIZATIONS, items, organization.id());
    }
    for trail in &bundle.trails {
        count(&trail.account_id, "", CLOUDTRAIL, 1, None);
    }
    let broken: BTreeSet<(String, String, String)> = bundle
        .failures
        .iter()
        .filter(|failure| !failure.skipped)
        .map(|failure| {
            (
                failure.account_id.clone(),
                failure.region.clone(),
                failure.service.clone(),
            )
        })
        .collect();
    for ((account_id, region, service), (items, organization_id)) in found {
        let known = bundle.scope.iter_mut().find(|scope| {
            scope.account_id == account_id
                && scope.service == service
                && (scope.region == region || service == CLOUDTRAIL || service == IAM || service == ORGANIZATIONS)
        });
        match known {
            Some(scope) => {
                scope.items = scope.items.or(Some(items));
                scope.organization_id = scope.organization_id.take().or(organization_id);
            }
            None => {
                let at = (account_id, region, service);
                let state = if broken.contains(&at) {
                    State::Partial
                } else {
                    State::Complete
                };
                let (account_id, region, service) = at;
                bundle.scope.push(Scope {
                    account_id,
                    region,
                    service,
                    state,
                    items: Some(items),
                    organization_id,
                });
            }
        }
    }
    bundle.scope.sort();
    bundle.scope.dedup();
}

/// `Scope` of a bundle: a list of attempts, or an object naming the accounts and Regions that were tried.
pub fn read_scope(value: &Value) -> Vec<Scope> {
    let mut all = Vec::new();
    if let Some(attempts) = value.as_array() {
        for attempt in attempts {
            let account = json::any_text(attempt, &["AccountId", "account_id", "Account"]).unwrap_or_default();
            let service = json::any_text(attempt, &["Service", "service"]);
            let region = json::any_text(attempt, &["Region", "region"]).unwrap_or_default();
            let service = service.unwrap_or_else(|| if region.is_empty() { IAM } else { KMS }.to_owned());
            all.push(Scope {
                account_id: json::account(&account).unwrap_or(account),
                region,
                service,
                state: json::any_text(attempt, &["State", "state"])
                    .map_or(State::Complete, |word| State::of_word(&word)),
                items: json::int(attempt, "Items"),
                organization_id: json::text(attempt, "OrganizationId"),
            });
        }
    } else if value.is_object() {
        let accounts = json::any(value, &["Accounts", "accounts"]).cloned().unwrap_or_default();
        let regions = json::any(value, &["Regions", "regions"]).cloned().unwrap_or_default();
        for account in accounts.as_array().into_iter().flatten() {
            let Some(account_id) = account
                .as_str()
                .map(str::to_owned)
                .or_else(|| json::text(account, "Id"))
            else {
                continue;
            };
            for region in regions.as_array().into_iter().flatten().filter_map(Value::as_str) {
                all.push(Scope {
                    account_id: json::account(&account_id).unwrap_or_else(|| account_id.clone()),
                    region: region.to_owned(),
                    service: KMS.to_owned(),
                    state: State::Complete,
                    items: None,
                    organization_id: None,
                });
            }
        }
    }
    all
}

/// `Errors` of a bundle.
pub fn read_failures(value: &Value) -> Vec<Failure> {
    let mut all = Vec::new();
    for error in value.as_array().into_iter().flatten() {
        let text = |names: &[&str]| json::any_text(error, names).unwrap_or_default();
        let account = text(&["AccountId", "account_id", "Account"]);
        all.push(Failure {
            account_id: json::account(&account).unwrap_or(account),
            region: text(&["Region", "region"]),
            service: text(&["Service", "service"]),
            operation: text(&["Operation", "operation"]),
            resource: json::any_text(error, &["Resource", "resource"]),
            code: text(&["Code", "code"]),
            message: text(&["Message", "message"]),
            skipped: json::flag(error, "Skipped").unwrap_or(false),
        });
    }
    all
}

/// A scope in the shape [`read_scope`] takes.
pub fn write_scope(scope: &Scope) -> Value {
    json::object([
        ("AccountId", Some(scope.account_id.clone().into())),
        (
            "Region",
            (!scope.region.is_empty()).then(|| scope.region.clone().into()),
        ),
        ("Service", Some(scope.service.clone().into())),
        ("State", Some(scope.state.word().into())),
        ("Items", scope.items.map(Value::from)),
        ("OrganizationId", scope.organization_id.clone().map(Value::from)),
    ])
}

/// A failure in the shape [`read_failures`] takes.
pub fn write_failure(failure: &Failure) -> Value {
    json::object([
        ("AccountId", Some(failure.account_id.clone().into())),
        (
            "Region",
            (!failure.region.is_empty()).then(|| failure.region.clone().into()),
        ),
        ("Service", Some(failure.service.clone().into())),
        ("Operation", Some(failure.operation.clone().into())),
        ("Resource", failure.resource.clone().map(Value::from)),
        ("Code", Some(failure.code.clone().into())),
        ("Message", Some(failure.message.clone().into())),
        ("Skipped", failure.skipped.then_some(Value::Bool(true))),
    ])
}

/// A snapshot as a candidate for being the newest: its id, when it was collected, and what it tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The snapshot.
    pub snapshot_id: String,
    /// When it was collected.
    pub collected_at: i64,
    /// What it tried.
    pub scope: Vec<Scope>,
}

/// Where the newest state of each account, Region and service stands.
///
/// An attempt that failed altogether does not replace an older one that succeeded: its account would vanish. Of two
/// snapshots of one instant the greater id wins, so that the answer does not depend on the order of import.
pub fn newest(candidates: &[Candidate], as_of: Option<i64>) -> BTreeMap<(String, String, String), usize> {
    let mut best: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        if as_of.is_some_and(|as_of| candidate.collected_at > as_of) {
            continue;
        }
        for scope in candidate
            .scope
            .iter()
            .filter(|scope| matches!(scope.state, State::Complete | State::Partial))
        {
            // One organization is one, whichever account of it was asked.
            let place = match (&scope.organization_id, scope.service.as_str()) {
                (Some(id), ORGANIZATIONS) => (id.clone(), String::new(), scope.service.clone()),
                (_, KMS) => (scope.account_id.clone(), scope.region.clone(), scope.service.clone()),
                _ => (scope.account_id.clone(), String::new(), scope.service.clone()),
            };
            let newer = best
                .get(&place)
                .and_then(|held| candidates.get(*held))
                .is_none_or(|held| {
                    (candidate.collected_at, &candidate.snapshot_id) > (held.collected_at, &held.snapshot_id)
                });
            if newer {
                best.insert(place, at);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(account: &str, region: &str, state: State) -> Scope {
        Scope {
            account_id: account.to_owned(),
            region: region.to_owned(),
            service: KMS.to_owned(),
            state,
            items: None,
            organization_id: None,
        }
    }

    fn candidate(id: &str, at: i64, scope: Vec<Scope>) -> Candidate {
        Candidate {
            snapshot_id: id.to_owned(),
            collected_at: at,
            scope,
        }
    }

    #[test]
    fn collecting_one_account_does_not_hide_the_others() {
        let all = vec![
            candidate(
                "a",
                1,
                vec![scope("1", "x", State::Complete), scope("2", "x", State::Complete)],
            ),
            candidate("b", 2, vec![scope("1", "x", State::Partial)]),
            candidate(
                "c",
                3,
                vec![scope("1", "x", State::Failed), scope("2", "y", State::Complete)],
            ),
        ];
        let place = |account: &str, region: &str| (account.to_owned(), region.to_owned(), KMS.to_owned());
        let best = newest(&all, None);
        assert_eq!(best[&place("1", "x")], 1);
        assert_eq!(best[&place("2", "x")], 0);
        assert_eq!(best[&place("2", "y")], 2);
        let best = newest(&all, Some(1));
        assert_eq!(best[&place("1", "x")], 0);
        assert!(!best.contains_key(&place("2", "y")));
    }
}
