//! The evidence of one key: who may administer it and by which path, who did, who may use it, what happened to it.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::facts::{Event, Key, LastUse, Limit, Policy, Removed, Right, Unexplained, Usage, UserRight, Withheld};
use crate::report::grounds::{Period, Place};
use crate::report::unused_keys::{Grant, Key as Verdict};
use crate::trace::facts::At;

/// The name of the JSON form.
pub const SCHEMA: &str = "keytrail.evidence-key";
/// Its version.
pub const VERSION: u32 = 1;

/// What the lake holds about one key.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "each is the answer of the query its rows are named after")]
pub struct KeyFacts {
    pub key: Key,
    pub verdict: Option<Verdict>,
    pub policies: Vec<Policy>,
    pub administrators: Vec<Right>,
    pub users: Vec<UserRight>,
    pub usage: Vec<Usage>,
    pub grants: Vec<Grant>,
    /// Everything before the end of the period.
    pub events: Vec<Event>,
    pub last_use: Option<LastUse>,
    pub unexplained: Vec<Unexplained>,
    pub removed: Vec<Removed>,
    pub withheld: Vec<Withheld>,
}

/// What every key's evidence shares.
#[derive(Debug)]
pub struct Common {
    /// The period.
    pub period: Period,
    /// Coverage of uses, by account and Region.
    pub use_places: BTreeMap<(String, String), Place>,
    /// Coverage of administration.
    pub admin_places: BTreeMap<(String, String), Place>,
    /// Boundaries by principal.
    pub boundaries: BTreeMap<String, Limit>,
    /// Service control policies by account.
    pub scps: BTreeMap<String, Vec<Limit>>,
    /// Resource control policies by account.
    pub rcps: BTreeMap<String, Vec<Limit>>,
}

/// The evidence of one key, as JSON has it.
#[derive(Debug, Serialize)]
pub struct Sheet {
    /// The form's name.
    pub schema: &'static str,
    /// Its version.
    pub version: u32,
    /// Where its files are, without folder and extension.
    #[serde(skip)]
    pub stem: String,
    /// The end of the period.
    pub as_of: At,
    /// Its beginning.
    pub since: At,
    /// The key.
    pub key: Key,
    /// The verdict on its use.
    pub verdict: Option<Verdict>,
    /// What the log can vouch for of its uses.
    pub use_coverage: Option<Place>,
    /// And of its administration.
    pub admin_coverage: Option<Place>,
    /// Its policies as configured.
    pub policies: Vec<Policy>,
    /// Who may administer it.
    pub administrators: Vec<Administrator>,
    /// Administrative rights that a policy or grant gives and a Deny, a boundary or a control policy takes away.
    pub withheld: Vec<Withheld>,
    /// Who may use it for cryptography.
    pub users: Vec<User>,
    /// Who used it in the period.
    pub usage: Vec<Usage>,
    /// Its grants.
    pub grants: Vec<Grant>,
    /// Administrative calls of the period, with their records.
    pub exercised: Vec<Event>,
    /// What changed the key's life, as far back as the log goes.
    pub life_cycle: Vec<Event>,
    /// The last use the log holds.
    pub last_use: Option<LastUse>,
    /// Administrative calls that no snapshot of the period explains.
    pub unexplained: Vec<Unexplained>,
    /// Rights that an earlier snapshot of the period showed and the newest does not.
    pub removed: Vec<Removed>,
    /// Resource control policies on the key.
    pub resource_control_policies: Vec<Limit>,
}

/// A principal with administrative rights.
#[derive(Debug, Serialize)]
pub struct Administrator {
    /// Who.
    pub principal_arn: String,
    /// role, user, root, service, account or external.
    pub principal_type: Option<String>,
    /// The permissions boundary set on it; what it limits of a right stands with the right.
    pub boundary: Option<String>,
    /// Service control policies that reach its account; what they limit of a right stands with the right.
    pub service_control_policies: Vec<String>,
    /// Its rights, alike ones together.
    pub rights: Vec<Right>,
}

/// A principal that may use the key.
#[derive(Debug, Serialize)]
pub struct User {
    /// Who.
    pub principal_arn: String,
    /// role, user, root, service, account or external.
    pub principal_type: Option<String>,
    /// Whether it may administer the key as well.
    pub is_administrator: bool,
    /// Its successful uses in the period.
    pub uses: i64,
    /// Its rights, alike ones together.
    pub rights: Vec<UserRight>,
}

/// Operations that change whether, or with which material, a key works
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>).
const LIFE_CYCLE: [&str; 17] = [
    "CreateKey",
    "ReplicateKey",
    "ImportKeyMaterial",
    "DeleteImportedKeyMaterial",
    "DeleteExpiredKeyMaterial",
    "EnableKey",
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "DeleteKey",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "RotateKey",
    "RotateKeyOnDemand",
    "UpdatePrimaryRegion",
    "SynchronizeMultiRegionKey",
    "PutKeyPolicy",
];

/// Puts a key's evidence together.
pub fn sheet(facts: KeyFacts, common: &Common) -> Sheet {
    let key = facts.key;
    let place = (key.account_id.clone(), key.region.clone());
    let administrators = administrators(facts.administrators, common);
    let users = users(facts.users, &facts.usage, &administrators);
    let since = At(common.period.since).to_string();
    let life_cycle = facts
        .events
        .iter()
        .filter(|event| LIFE_CYCLE.contains(&event.operation.as_str()) && event.outcome == "success");
    let life_cycle = life_cycle.cloned().collect();
    let exercised = facts
        .events
        .into_iter()
        .filter(|event| is_within(event, &since))
        .collect();
    Sheet {
        schema: SCHEMA,
        version: VERSION,
        stem: stem(&key),
        as_of: At(common.period.until),
        since: At(common.period.since),
        verdict: facts.verdict,
        use_coverage: common.use_places.get(&place).cloned(),
        admin_coverage: common.admin_places.get(&place).cloned(),
        policies: facts.policies,
        administrators,
        withheld: facts.withheld,
        users,
        usage: facts.usage,
        grants: facts.grants,
        exercised,
        life_cycle,
        last_use: facts.last_use,
        unexplained: facts.unexplained,
        removed: facts.removed,
        resource_control_policies: common.rcps.get(&key.account_id).cloned().unwrap_or_default(),
        key,
    }
}

/// Whether an event lies in the period; none lies after it.
fn is_within(event: &Event, since: &str) -> bool {
    let at = |text: &str| crate::model::Instant::parse(text);
    at(&event.eventtime) >= at(since)
}

fn administrators(rights: Vec<Right>, common: &Common) -> Vec<Administrator> {
    let mut all: Vec<Administrator> = Vec::new();
    for right in rights {
        match all.last_mut().filter(|last| last.principal_arn == right.principal_arn) {
            Some(last) => last.rights.push(right),
            None => all.push(Administrator {
                boundary: common
                    .boundaries
                    .get(&right.principal_arn)
                    .and_then(|limit| limit.policy_arn.clone()),
                service_control_policies: common
                    .scps
                    .get(account(&right.principal_arn))
                    .into_iter()
                    .flatten()
                    .filter_map(|limit| limit.policy_name.clone())
                    .collect(),
                principal_arn: right.principal_arn.clone(),
                principal_type: right.principal_type.clone(),
                rights: vec![right],
            }),
        }
    }
    all
}

fn users(rights: Vec<UserRight>, usage: &[Usage], administrators: &[Administrator]) -> Vec<User> {
    let mut uses: BTreeMap<&str, i64> = BTreeMap::new();
    for row in usage {
        *uses
            .entry(row.principal_arn.as_deref().unwrap_or_default())
            .or_default() += row.uses;
    }
    let mut all: Vec<User> = Vec::new();
    for right in rights {
        match all.last_mut().filter(|last| last.principal_arn == right.principal_arn) {
            Some(last) => last.rights.push(right),
            None => all.push(User {
                is_administrator: administrators
                    .iter()
                    .any(|held| held.principal_arn == right.principal_arn),
                uses: uses.get(right.principal_arn.as_str()).copied().unwrap_or(0),
                principal_arn: right.principal_arn.clone(),
                principal_type: right.principal_type.clone(),
                rights: vec![right],
            }),
        }
    }
    all
}

/// The account an ARN is of.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// A name for the key's files. Ids come from outside: what is no plain word becomes a hash, so that no name leads out
/// of the folder or hides another.
pub fn stem(key: &Key) -> String {
    let is_plain = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if is_plain(&key.account_id)
        && is_plain(&key.region)
        && is_plain(&key.key_id)
        && key.key_arn.starts_with("arn:aws:")
    {
        return format!("{}.{}.{}", key.account_id, key.region, key.key_id);
    }
    format!(
        "key.{}",
        hex(&Sha256::digest(&key.key_arn)).get(..32).unwrap_or_default()
    )
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_the_folder() {
        let of = |id: &str| {
            let key_arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
            let (account_id, region) = ("111122223333".to_owned(), "us-east-1".to_owned());
            stem(&Key {
                key_arn,
                account_id,
                region,
                key_id: id.to_owned(),
                ..Key::default()
            })
        };
        assert_eq!(of("mrk-12ab"), "111122223333.us-east-1.mrk-12ab");
        for hostile in ["../../etc/passwd", "a/b", "", ".", "a\u{0}b", "<b>", "x y"] {
            let stem = of(hostile);
            assert!(stem.starts_with("key.") && stem.len() == 36, "{stem}");
        }
        assert_ne!(of("../a"), of("../b"));
    }

    #[test]
    fn rights_of_one_principal_stand_together_and_a_user_who_administers_is_marked() {
        let right = |who: &str, action: &str| Right {
            key_arn: "k".to_owned(),
            principal_arn: who.to_owned(),
            principal_type: None,
            decision: "allowed".to_owned(),
            verdict: "unexercised".to_owned(),
            reason: None,
            actions: vec![action.to_owned()],
            paths: None,
            limits: None,
            condition: None,
            condition_kind: None,
            last_exercised_at: None,
            exercised: 0,
            denied_attempts: 0,
        };
        let common = Common {
            period: Period {
                since: crate::model::Instant(0),
                until: crate::model::Instant(1),
            },
            use_places: BTreeMap::new(),
            admin_places: BTreeMap::new(),
            boundaries: BTreeMap::new(),
            scps: BTreeMap::new(),
            rcps: BTreeMap::new(),
        };
        let held = administrators(
            vec![
                right("a", "kms:PutKeyPolicy"),
                right("a", "kms:DisableKey"),
                right("b", "kms:EnableKey"),
            ],
            &common,
        );
        assert_eq!(held.iter().map(|one| one.rights.len()).collect::<Vec<_>>(), [2, 1]);
        let may = UserRight {
            key_arn: "k".to_owned(),
            principal_arn: "b".to_owned(),
            principal_type: None,
            decision: "allowed".to_owned(),
            actions: vec!["kms:Decrypt".to_owned()],
            paths: None,
            condition: None,
            condition_kind: None,
        };
        let users = users(vec![may], &[], &held);
        assert!(users[0].is_administrator);
    }
}
