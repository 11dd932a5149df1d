//! Names of statements and grants, for people: which policy, which statement.

use super::bundle::{Policy, Snapshot};
use super::caller::Caller;
use super::layers::{Origin, Source};
use super::limits::{Limit, When};
use super::scene::Target;

/// The name of a statement or grant, or nothing for a gap.
pub fn name(snapshot: &Snapshot, caller: &Caller, target: &Target, origin: Origin) -> Option<String> {
    let statement = |policy: &Policy| {
        policy
            .document
            .statements
            .get(origin.statement)
            .map(|s| s.label.clone())
    };
    let named = |kind: &str, policy: &Policy| Some(format!("{kind} {}: {}", policy.name, statement(policy)?));
    let key = if let Target::Key(key) = target {
        Some(*key)
    } else {
        None
    };
    match origin.source {
        Source::KeyPolicy(index) => named("key policy", key?.policies.get(index)?),
        Source::Identity(index) => named("identity policy", caller.entity?.policies.get(index)?),
        Source::Boundary => named("permissions boundary", caller.entity?.boundary.as_ref()?),
        Source::Scp(level, index) => named("scp", snapshot.seat(&caller.account)?.scps.get(level)?.1.get(index)?),
        Source::Rcp(level, index) => named("rcp", snapshot.seat(&key?.account)?.rcps.get(level)?.1.get(index)?),
        Source::Grant(index) => Some(format!("grant {}", key?.grants.get(index)?.id)),
        Source::RootUser => Some("root user of the account".to_owned()),
        Source::Gap => None,
    }
}

/// The names of several, less the gaps.
pub fn names(snapshot: &Snapshot, caller: &Caller, target: &Target, origins: &[Origin]) -> Vec<String> {
    origins
        .iter()
        .filter_map(|origin| name(snapshot, caller, target, *origin))
        .collect()
}

/// What limits a right, in words: which policy, which statement, and when.
pub fn limits(snapshot: &Snapshot, caller: &Caller, target: &Target, limits: &[Limit]) -> Vec<String> {
    let named = |limit: &Limit| {
        Some(match limit {
            Limit::Denies(origin, when) => {
                let who = name(snapshot, caller, target, *origin)?;
                match when {
                    When::Where(condition) => format!("{who} denies it where {condition}"),
                    When::Open(reason) => format!("{who} may deny it: {reason}"),
                    When::Always | When::Never => format!("{who} denies it"),
                }
            }
            Limit::Boundary(when) => {
                let boundary = caller.entity?.boundary.as_ref()?;
                format!("permissions boundary {} {}", boundary.name, allows(when))
            }
            Limit::ScpLevel(level, when) => {
                let (id, policies) = snapshot.seat(&caller.account)?.scps.get(*level)?;
                let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
                let names = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                format!("scp of {id} ({names}) {}", allows(when))
            }
        })
    };
    limits.iter().filter_map(named).collect()
}

fn allows(when: &When) -> String {
    match when {
        When::Where(condition) => format!("allows it only where {condition}"),
        When::Open(reason) => format!("may not allow it: {reason}"),
        When::Always => "allows it".to_owned(),
        When::Never => "does not allow it".to_owned(),
    }
}
