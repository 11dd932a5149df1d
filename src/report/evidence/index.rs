//! The index of the pack: what it covers, what it rests on, how it was made and what it cannot know.

use serde::Serialize;

use super::facts::{Activity, Event, Limit, PopulationPart};
use super::frameworks::{ITEMS, Item};
use super::manifest::{ObjectSet, QueryEntry, SnapshotEntry};
use super::sheet::Sheet;
use crate::report::grounds::{Place, SnapshotPart};
use crate::trace::facts::At;

/// How the pack was made.
pub const METHOD: [&str; 7] = [
    "CloudTrail objects were read record by record; records read = kept + duplicate + faulted for every object. A record names its object and its place in it.",
    "Keys, key policies, grants, IAM and organization policies are those of the newest permission snapshot of each account and Region at or before the end of the period.",
    "A right is computed from key policy, IAM policies the key policy delegates to, grants, permissions boundaries, service and resource control policies together: allowed, conditional (the condition is named) or undetermined. What a Deny, a boundary or a control policy narrows is named with the right, by statement; what they take away in every request stands apart, as withheld.",
    "A right is exercised where a successful call of that action on that key by that principal, matched by its unique id, lies in the period. It is unexercised only where the log of administration covers the whole period; otherwise it is unobservable.",
    "A use is a successful cryptographic call; one that was logged in two accounts counts once. Dry runs are none.",
    "The log is covered where a complete listing spans it, the trail was set to deliver that kind of call, and the account delivered something on each UTC day, or digest files list the objects. Every stretch that is not is named with its cause.",
    "The SQL of every answer is in `queries/`, with the values bound to it in `manifest.json`. The same source objects, snapshots, period and program give the same bytes.",
];

/// What it cannot know.
pub const LIMITS: [&str; 7] = [
    "Permissions are of one point in time: what was granted and taken back between snapshots is seen only in the events.",
    "The log is as complete as its coverage says. Basis `listing` does not prove that no object was deleted before it was read; signatures of digest files are not verified.",
    "Grant tokens are shown to nobody after a grant is given; grants are identified by their ids.",
    "Of a Region or an account that was not collected nothing is said; the population names those of the organization that were not.",
    "What a role was allowed through a session policy, or by a condition on the request, is not in a snapshot; conditional rights name what they depend on.",
    "Copies of data keys, of public keys and of plaintext leave no trace in AWS KMS.",
    "This pack supports the evidence for the items of the frameworks it names. It does not say that any of them is met.",
];

/// A key in the index.
#[derive(Debug, Clone, Serialize)]
pub struct IndexRow {
    /// The key.
    pub key_arn: String,
    /// Its name: the aliases, else the id.
    pub name: String,
    /// Its account.
    pub account_id: String,
    /// Its Region.
    pub region: String,
    /// Its state.
    pub state: Option<String>,
    /// CUSTOMER or AWS.
    pub manager: Option<String>,
    /// The verdict on its use.
    pub verdict: Option<String>,
    /// Principals with administrative rights.
    pub administrators: usize,
    /// Principals with both administrative and cryptographic rights.
    pub both: usize,
    /// Administrative calls of the period that succeeded.
    pub exercised: usize,
    /// Those that no snapshot explains.
    pub unexplained: usize,
    /// Verdicts on its rights that occur, for `--fail-on`.
    #[serde(skip)]
    pub right_verdicts: Vec<String>,
    /// Its files, without folder and extension.
    pub stem: String,
}

/// The row of a key.
pub fn index_row(sheet: &Sheet) -> IndexRow {
    let aliases = sheet.key.aliases.as_deref().unwrap_or_default();
    let mut verdicts: Vec<String> = sheet
        .administrators
        .iter()
        .flat_map(|administrator| &administrator.rights)
        .map(|right| right.verdict.clone())
        .collect();
    verdicts.sort();
    verdicts.dedup();
    IndexRow {
        key_arn: sheet.key.key_arn.clone(),
        name: if aliases.is_empty() {
            sheet.key.key_id.clone()
        } else {
            aliases.join(", ")
        },
        account_id: sheet.key.account_id.clone(),
        region: sheet.key.region.clone(),
        state: sheet.key.key_state.clone(),
        manager: sheet.key.key_manager.clone(),
        verdict: sheet.verdict.as_ref().map(|verdict| verdict.verdict.clone()),
        administrators: sheet.administrators.len(),
        both: sheet.users.iter().filter(|user| user.is_administrator).count(),
        exercised: sheet
            .exercised
            .iter()
            .filter(|event| event.outcome == "success" && event.principal_arn.is_some())
            .count(),
        unexplained: sheet.unexplained.len(),
        right_verdicts: verdicts,
        stem: sheet.stem.clone(),
    }
}

/// `index.json`, and what the page shows.
#[derive(Debug, Serialize)]
pub struct Index {
    /// The form's name.
    pub schema: &'static str,
    /// Its version.
    pub version: u32,
    /// The end of the period.
    pub as_of: At,
    /// Its beginning.
    pub since: At,
    /// Its length in days.
    pub window_days: f64,
    /// The keys asked for, as typed; all where empty.
    pub asked: Vec<String>,
    /// What the user vouched for.
    pub assumed: Vec<String>,
    /// All keys there are, by account and Region.
    pub population: Vec<PopulationPart>,
    /// Coverage of uses, where there are keys.
    pub use_coverage: Vec<Place>,
    /// Coverage of administration.
    pub admin_coverage: Vec<Place>,
    /// Which snapshot speaks for what.
    pub snapshot_parts: Vec<SnapshotPart>,
    /// The snapshots by themselves.
    pub snapshots: Vec<SnapshotEntry>,
    /// Control policies of the organization that limit what is allowed.
    pub control_policies: Vec<Limit>,
    /// The source objects, together.
    pub source_objects: ObjectSet,
    /// The period beside those before it.
    pub activity: Vec<Activity>,
    /// The keys of the pack.
    pub keys: Vec<IndexRow>,
    /// Administrative calls of the period on keys that no snapshot holds, or that name no key.
    pub elsewhere: Vec<Event>,
    /// The SQL texts.
    pub queries: Vec<QueryEntry>,
    /// How it was made.
    pub method: Vec<&'static str>,
    /// What it cannot know.
    pub limits: Vec<&'static str>,
    /// What of it supports which evidence.
    pub frameworks: Vec<Item>,
}

impl Index {
    /// The name of the form.
    pub const SCHEMA: &'static str = "keytrail.evidence-index";
    /// Its version.
    pub const VERSION: u32 = 1;

    /// The framework mapping.
    pub fn frameworks() -> Vec<Item> {
        ITEMS.to_vec()
    }

    /// Whether nothing of the log is vouched for where the pack's keys are.
    pub fn is_too_thin(&self) -> bool {
        let blind = |places: &[Place]| places.iter().all(|place| place.covered_days == 0.0);
        !self.keys.is_empty() && blind(&self.use_coverage) && blind(&self.admin_coverage)
    }

    /// Whether a key or a right has this verdict; `any` is any that asks for action.
    pub fn has(&self, verdict: &str) -> bool {
        let asks = |found: &str| match verdict {
            "any" => {
                super::super::unused_keys::FINDINGS.contains(&found) || ["unexercised", "unobservable"].contains(&found)
            }
            named => found == named,
        };
        self.keys
            .iter()
            .any(|key| key.verdict.as_deref().is_some_and(asks) || key.right_verdicts.iter().any(|found| asks(found)))
    }
}
