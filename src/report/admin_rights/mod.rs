//! The report on administrative rights: who holds which on which key, who used them, who holds both sides of a duty, who
//! can destroy what and never did, and what could be taken away. Pure: rows in, bytes out.

mod forms;
mod html;
mod marks;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use forms::{csv, markdown};
pub use html::html;
pub use marks::{Cell, Mark};

use super::Result;
use super::evidence::{Right, Unexplained};
use super::grounds::{self, Period, Place, SnapshotPart, Stretch};
use crate::trace::facts::At;

/// The name of the JSON form.
pub const SCHEMA: &str = "keytrail.admin-rights";
/// Its version.
pub const VERSION: u32 = 1;

/// The verdicts on a right, and what succeeded without one.
pub const VERDICTS: [&str; 5] = ["exercised", "unexercised", "unobservable", "too_new", "unexplained"];

/// Verdicts that `any` stands for.
pub const FINDINGS: [&str; 3] = ["unexercised", "unobservable", "unexplained"];

/// The core actions, in the order of the matrix, without their prefix.
pub const CORE: [&str; 9] = [
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "DisableKey",
    "EnableKey",
    "CreateGrant",
    "RevokeGrant",
    "EnableKeyRotation",
    "DisableKeyRotation",
];

/// The other administrative actions on single keys.
pub const FURTHER: [&str; 12] = [
    "CreateAlias",
    "DeleteAlias",
    "UpdateAlias",
    "ImportKeyMaterial",
    "DeleteImportedKeyMaterial",
    "ReplicateKey",
    "UpdatePrimaryRegion",
    "RetireGrant",
    "RotateKeyOnDemand",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
];

/// Actions after which data under the key cannot be read, at once or when the waiting period ends.
pub const DESTRUCTIVE: [&str; 3] = ["ScheduleKeyDeletion", "DeleteImportedKeyMaterial", "DisableKey"];

/// What the lake answered.
#[derive(Debug)]
pub struct Facts {
    /// The window.
    pub period: Period,
    /// The actions of the matrix.
    pub actions: Vec<&'static str>,
    /// `held-admin-rights` with all actions.
    pub rights: Vec<Right>,
    /// `unexplained-admin-use`.
    pub unexplained: Vec<Unexplained>,
    /// `separation-of-duties`.
    pub duties: Vec<Duty>,
    /// `reduced-admin-policies`.
    pub proposals: Vec<Proposal>,
    /// `coverage-in-window`.
    pub coverage: Vec<Stretch>,
    /// `snapshots-in-force`.
    pub snapshots: Vec<SnapshotPart>,
    /// Names of keys, by ARN.
    pub names: BTreeMap<String, String>,
    /// What the user vouched for, as typed.
    pub assumed: Vec<String>,
}

/// A row of `separation-of-duties`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns' meanings are in the query's header")]
pub struct Duty {
    pub key_arn: String,
    pub principal_arn: String,
    pub principal_type: Option<String>,
    pub admin_actions: Vec<String>,
    pub use_actions: Vec<String>,
    pub admin_calls: i64,
    pub use_calls: i64,
    pub verdict: String,
}

/// A row of `reduced-admin-policies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns' meanings are in the query's header")]
pub struct Proposal {
    pub principal_arn: String,
    pub rights: i64,
    pub kept: i64,
    pub kept_apart: i64,
    pub removed: i64,
    pub policy: Option<String>,
}

/// The report, as JSON has it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The form's name.
    pub schema: &'static str,
    /// Its version.
    pub version: u32,
    /// The instant the verdicts are as of.
    pub as_of: At,
    /// Where the window begins.
    pub since: At,
    /// Its length.
    pub window_days: f64,
    /// What the log of administration can vouch for, where there are rights.
    pub coverage: Vec<Place>,
    /// What the user vouched for instead.
    pub assumed: Vec<String>,
    /// The snapshots the rights come from.
    pub snapshots: Vec<SnapshotPart>,
    /// Headline numbers.
    pub summary: Summary,
    /// The actions of the matrix.
    pub actions: Vec<&'static str>,
    /// What each mark means.
    pub marks: BTreeMap<&'static str, &'static str>,
    /// The matrix: a row per principal and key.
    pub matrix: Vec<Row>,
    /// Who can destroy, and what of it they did.
    pub destroyers: Vec<Destroyer>,
    /// Who may both administer and use a key.
    pub separation_of_duties: Vec<Duty>,
    /// What succeeded without a right that any snapshot shows.
    pub unexplained: Vec<Unexplained>,
    /// Policies without the rights nobody used.
    pub proposals: Vec<Proposal>,
    /// How to read it, and what it cannot know.
    pub limits: Vec<&'static str>,
    #[serde(skip)]
    names: BTreeMap<String, String>,
}

/// Headline numbers, over the actions of the matrix.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Principals with a right.
    pub principals: usize,
    /// Keys with a right on them.
    pub keys: usize,
    /// Rights: a principal, a key and an action each.
    pub rights: usize,
    /// Used in the window.
    pub exercised: usize,
    /// Not used, and the log would show it.
    pub unexercised: usize,
    /// Of which nothing can be said.
    pub unobservable: usize,
    /// Of new keys, principals and grants.
    pub too_new: usize,
    /// Calls that no snapshot explains, by principal, key and action.
    pub unexplained: usize,
    /// Rights that depend on a condition.
    pub conditional: usize,
    /// Principals who may both administer and use a key.
    pub duties_granted: usize,
    /// Those who did both.
    pub duties_exercised: usize,
}

/// Whose cells stand in one row.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    principal_arn: String,
    key_arn: String,
    principal_type: Option<String>,
}

/// A principal and a key. What no snapshot explains stands in a row without a type.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Who.
    pub principal_arn: String,
    /// role, user, root, service, account or external.
    pub principal_type: Option<String>,
    /// On which key.
    pub key_arn: String,
    /// A cell per action of the matrix.
    pub cells: Vec<Cell>,
}

/// A principal who can make data unreadable.
#[derive(Debug, Serialize)]
pub struct Destroyer {
    /// Who.
    pub principal_arn: String,
    /// role, user, root, service, account or external.
    pub principal_type: Option<String>,
    /// Keys they can do it to.
    pub keys: BTreeSet<String>,
    /// The actions that allow it.
    pub actions: BTreeSet<String>,
    /// Rights of these that were used in the window.
    pub exercised: usize,
    /// Whether the log would show it, had they used one of the others.
    pub is_observed: bool,
    /// Whether every one of these rights depends on a condition.
    pub is_conditional: bool,
}

const LIMITS: [&str; 6] = [
    "A right is called unexercised only where the log of administration covers the key's account and Region over the whole window; otherwise it is unobservable, with what is missing.",
    "Rights are those of the newest snapshot; a principal is matched by its unique id, so that a role made anew under an old name has exercised nothing.",
    "A conditional right depends on something of the request, such as multi-factor authentication or the service that calls; the condition is named.",
    "Rights of emergency access are meant to be unexercised. Removing a right is a decision for its owner.",
    "Whoever may replace a key policy may give themselves every other right on the key.",
    "Unexplained calls succeeded, though no snapshot of the window allows them: the right was given and taken back between snapshots, or its holder is gone.",
];

/// Draws up the report.
pub fn draw_up(facts: Facts) -> Report {
    let mut cells: BTreeMap<Holder, BTreeMap<&'static str, Cell>> = BTreeMap::new();
    let mut counts: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut destroyers: BTreeMap<String, Destroyer> = BTreeMap::new();
    for right in &facts.rights {
        destroys(right, &mut destroyers);
        let place = place(&right.key_arn);
        counts.entry(place).or_default().insert(right.key_arn.clone());
        for action in actions_of(&facts.actions, right.actions.iter()) {
            let holder = Holder {
                principal_arn: right.principal_arn.clone(),
                key_arn: right.key_arn.clone(),
                principal_type: right.principal_type.clone(),
            };
            cells.entry(holder).or_default().insert(action, Cell::of(action, right));
        }
    }
    let mut unexplained = facts.unexplained;
    unexplained.sort_by(|a, b| {
        let order = |row: &Unexplained| {
            (
                row.key_arn.clone(),
                row.principal_arn.clone(),
                row.action.clone(),
                row.principal_id.clone(),
            )
        };
        order(a).cmp(&order(b))
    });
    for row in &unexplained {
        let who = row.principal_arn.clone().unwrap_or_else(|| "unknown".to_owned());
        for action in actions_of(&facts.actions, std::iter::once(&row.action)) {
            // A row of its own: who did it may be a namesake of who holds a right now.
            let holder = Holder {
                principal_arn: who.clone(),
                key_arn: row.key_arn.clone(),
                principal_type: None,
            };
            let held = cells.entry(holder).or_default();
            held.entry(action).or_insert_with(|| Cell::unexplained(action, row));
        }
    }
    let matrix: Vec<Row> = cells
        .into_iter()
        .map(|(holder, mut held)| Row {
            cells: facts
                .actions
                .iter()
                .map(|action| held.remove(action).unwrap_or_else(|| Cell::none(action)))
                .collect(),
            principal_arn: holder.principal_arn,
            principal_type: holder.principal_type,
            key_arn: holder.key_arn,
        })
        .collect();
    let counts = counts.into_iter().map(|(place, keys)| (place, keys.len())).collect();
    let mut snapshots = facts.snapshots;
    snapshots.retain(|part| part.service != "cloudtrail");
    Report {
        schema: SCHEMA,
        version: VERSION,
        as_of: At(facts.period.until),
        since: At(facts.period.since),
        window_days: facts.period.days(),
        coverage: grounds::places(facts.period, "admin", &facts.coverage, &counts),
        assumed: facts.assumed,
        snapshots,
        summary: summary(&matrix, &facts.duties, unexplained.len()),
        actions: facts.actions,
        marks: Mark::ALL.iter().map(|mark| (mark.sign(), mark.meaning())).collect(),
        matrix,
        destroyers: destroyers.into_values().collect(),
        separation_of_duties: facts.duties,
        unexplained,
        proposals: facts.proposals,
        limits: LIMITS.to_vec(),
        names: facts.names,
    }
}

impl Report {
    /// Whether a right of the matrix has this verdict; `any` is any that asks for action.
    pub fn has(&self, verdict: &str) -> bool {
        let count = |verdict: &str| match verdict {
            "exercised" => self.summary.exercised,
            "unexercised" => self.summary.unexercised,
            "unobservable" => self.summary.unobservable,
            "too_new" => self.summary.too_new,
            "unexplained" => self.summary.unexplained,
            _ => 0,
        };
        match verdict {
            "any" => FINDINGS.iter().any(|verdict| count(verdict) > 0),
            named => count(named) > 0,
        }
    }

    /// Whether it is too thin to conclude anything of: rights that could not be observed, and none that could.
    pub fn is_too_thin(&self) -> bool {
        self.summary.unobservable > 0 && self.summary.unexercised == 0
    }

    /// A key's name for people.
    fn name<'r>(&'r self, key_arn: &'r str) -> &'r str {
        self.names.get(key_arn).map_or(key_arn, String::as_str)
    }

    fn period(&self) -> Period {
        Period {
            since: self.since.0,
            until: self.as_of.0,
        }
    }
}

/// A name for the file of a proposed policy: what is no plain letter of the principal's name is left out, and a hash of
/// its ARN keeps namesakes apart.
pub fn policy_file(proposal: &Proposal) -> String {
    let name = proposal.principal_arn.rsplit('/').next().unwrap_or_default();
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let plain: String = name.chars().filter(is_plain).take(64).collect();
    let hash = super::evidence::hex(&Sha256::digest(&proposal.principal_arn));
    format!("{plain}.{}.json", hash.get(..8).unwrap_or_default())
}

/// The report for programs.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(report: &Report) -> Result<String> {
    let mut text = serde_json::to_string_pretty(report).map_err(std::io::Error::other)?;
    text.push('\n');
    Ok(text)
}

/// The matrix's actions among these, which have their prefix.
fn actions_of<'a>(
    known: &'a [&'static str],
    named: impl Iterator<Item = &'a String>,
) -> impl Iterator<Item = &'static str> {
    named.filter_map(|action| {
        let bare = action.strip_prefix("kms:").unwrap_or(action);
        known.iter().copied().find(|known| *known == bare)
    })
}

fn place(key_arn: &str) -> (String, String) {
    let part = |at: usize| key_arn.split(':').nth(at).unwrap_or_default().to_owned();
    (part(4), part(3))
}

fn destroys(right: &Right, destroyers: &mut BTreeMap<String, Destroyer>) {
    let actions: Vec<&str> = actions_of(&DESTRUCTIVE, right.actions.iter()).collect();
    // What the snapshot leaves open is not counted as a way to destroy.
    if actions.is_empty() || right.decision == "undetermined" {
        return;
    }
    let held = destroyers
        .entry(right.principal_arn.clone())
        .or_insert_with(|| Destroyer {
            principal_arn: right.principal_arn.clone(),
            principal_type: right.principal_type.clone(),
            keys: BTreeSet::new(),
            actions: BTreeSet::new(),
            exercised: 0,
            is_observed: true,
            is_conditional: true,
        });
    held.keys.insert(right.key_arn.clone());
    held.exercised += if right.verdict == "exercised" { actions.len() } else { 0 };
    held.is_observed &= right.verdict != "unobservable";
    held.is_conditional &= right.decision == "conditional";
    held.actions.extend(actions.into_iter().map(str::to_owned));
}

fn summary(matrix: &[Row], duties: &[Duty], unexplained: usize) -> Summary {
    let count = |mark: Mark| {
        matrix
            .iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| cell.mark == mark)
            .count()
    };
    let holders = |verdict: Option<&str>| {
        let held = duties
            .iter()
            .filter(|duty| verdict.is_none_or(|verdict| duty.verdict == verdict));
        held.map(|duty| &duty.principal_arn).collect::<BTreeSet<_>>().len()
    };
    let held: Vec<&Row> = matrix
        .iter()
        .filter(|row| row.cells.iter().any(Cell::is_right))
        .collect();
    Summary {
        principals: held.iter().map(|row| &row.principal_arn).collect::<BTreeSet<_>>().len(),
        keys: held.iter().map(|row| &row.key_arn).collect::<BTreeSet<_>>().len(),
        rights: matrix
            .iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| cell.is_right())
            .count(),
        exercised: count(Mark::Used),
        unexercised: count(Mark::Unused),
        unobservable: count(Mark::Unobservable),
        too_new: count(Mark::New),
        unexplained,
        conditional: matrix
            .iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| cell.is_conditional)
            .count(),
        duties_granted: holders(None),
        duties_exercised: holders(Some("exercised")),
    }
}
