//! The report on unused keys: what the log can vouch for first, then what each key's verdict rests on, what it costs,
//! what changed since an earlier report, and how to retire a key safely. Pure: rows in, bytes out.

mod changes;
mod csv;
mod drawing;
mod facts;
mod html;
mod markdown;
mod retirement;

use std::collections::BTreeMap;

use serde::Serialize;

pub use changes::{Change, Changes, Previous};
pub use csv::csv;
pub use facts::{Facts, Grant, Inventory, Key, Protected, UseDay, UseOverTime};
pub use html::html;
pub use markdown::markdown;

use super::Result;
use super::grounds::{self, Period, Place, SnapshotPart};
use crate::trace::advice::Step;
use crate::trace::facts::At;

/// The name of the JSON form.
pub const SCHEMA: &str = "keytrail.unused-keys";
/// The version of the JSON form: it grows when a field changes its meaning or goes, not when one is added.
pub const VERSION: u32 = 1;

/// The verdicts, those that ask for action first, with what each says.
pub const VERDICTS: [(&str, &str, &str); 7] = [
    (
        "unused",
        "Unused",
        "nobody used it in the window, and the log or AWS's own record would show it",
    ),
    (
        "inconclusive",
        "Inconclusive",
        "no use was seen, but it would not have been seen for sure",
    ),
    (
        "held_by_grant",
        "Held by a grant",
        "no use was seen, but someone holds a grant on it",
    ),
    ("attempted", "Attempted", "only failed uses: somebody still wants it"),
    ("too_new", "Too new", "created after the window began, not used yet"),
    ("in_use", "In use", "used in the window"),
    (
        "not_applicable",
        "Not applicable",
        "AWS managed, pending deletion or import",
    ),
];

/// Verdicts that `any` stands for: those that ask for action.
pub const FINDINGS: [&str; 4] = ["unused", "inconclusive", "held_by_grant", "attempted"];

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
    /// What the log can vouch for, where there are customer managed keys.
    pub coverage: Vec<Place>,
    /// What the user vouched for instead.
    pub assumed: Vec<String>,
    /// The snapshots the keys come from.
    pub snapshots: Vec<SnapshotPart>,
    /// Headline numbers.
    pub summary: Summary,
    /// What changed since an earlier report, where one was given.
    pub changes: Option<Changes>,
    /// Every key of the newest snapshots.
    pub keys: Vec<Entry>,
    /// How to read it, and what it cannot know.
    pub limits: Vec<&'static str>,
}

/// Headline numbers.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Keys in all.
    pub keys: usize,
    /// Those that a customer manages.
    pub customer_managed: usize,
    /// Accounts with keys.
    pub accounts: usize,
    /// By verdict, in the order of the report.
    pub verdicts: Vec<VerdictCount>,
    /// What all keys cost per month.
    pub monthly_cost_usd: f64,
    /// What the unused ones cost per month.
    pub unused_monthly_cost_usd: f64,
    /// And per year.
    pub unused_yearly_cost_usd: f64,
    /// Places whose log covers the window whole, of those with customer managed keys.
    pub places_covered: usize,
    /// Those places.
    pub places: usize,
}

/// Keys of one verdict.
#[derive(Debug, Serialize)]
pub struct VerdictCount {
    /// The verdict.
    pub verdict: &'static str,
    /// How many keys.
    pub keys: usize,
    /// What they cost per month.
    pub monthly_cost_usd: f64,
}

/// A key with all that is said of it.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The verdict's row.
    #[serde(flatten)]
    pub key: Key,
    /// Who owns it, by its tags.
    pub owner: Option<String>,
    /// Its tags, each by itself.
    pub tag_list: Vec<String>,
    /// Its kind: spec, usage, origin and the like.
    pub inventory: Option<Inventory>,
    /// Its grants.
    pub grants: Vec<Grant>,
    /// What uses of it named, as far as the log tells.
    pub protects: Vec<Protected>,
    /// Its uses over the window.
    pub use_over_time: Option<UseOverTime>,
    /// How to retire it, or to find out whether it can be.
    pub retirement: Vec<Step>,
}

const LIMITS: [&str; 6] = [
    "A key is called unused only where a complete log, or GetKeyLastUsage, would have shown the use. Everything else is named inconclusive, with what is missing.",
    "No use in the window is no proof that nothing depends on the key: data encrypted under it may be read once a year. AWS advises against deleting a key on this ground alone.",
    "Basis `listing` means that every object under the trail's prefix was taken; it does not prove that none was deleted before. Basis `digest` means that digest files list them; their signatures are not verified.",
    "Uses are successful cryptographic calls, by whomever, AWS services included. A public key that was handed out, and a data key kept by a program, leave no trace.",
    "Keys, grants and tags are those of the newest snapshot of each account and Region, with what the log says happened since.",
    "Money is the list price per key and month with its first two rotations; requests and discounts are not in it.",
];

/// Draws up the report.
pub fn draw_up(facts: Facts) -> Report {
    let period = facts.period;
    let mut keys: Vec<Entry> = Vec::with_capacity(facts.keys.len());
    let (mut inventory, mut grants, mut uses, mut protects) =
        (facts.inventory, facts.grants, facts.uses, facts.protects);
    for key in facts.keys {
        let inventory = inventory.remove(&key.key_arn);
        let tag_list = inventory
            .as_ref()
            .map(|held| held.tags.clone().unwrap_or_default())
            .unwrap_or_default();
        let owner = owner(&tag_list);
        let retirement = retirement::steps(&key, inventory.as_ref(), owner.as_deref());
        keys.push(Entry {
            owner,
            tag_list,
            grants: grants.remove(&key.key_arn).unwrap_or_default(),
            protects: protects.remove(&key.key_arn).unwrap_or_default(),
            use_over_time: uses.remove(&key.key_arn),
            inventory,
            retirement,
            key,
        });
    }
    keys.sort_by(|a, b| (rank(&a.key.verdict), &a.key.key_arn).cmp(&(rank(&b.key.verdict), &b.key.key_arn)));
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in keys.iter().filter(|entry| entry.key.is_customer_managed()) {
        let place = (entry.key.account_id.clone(), entry.key.region.clone());
        *counts.entry(place).or_default() += 1;
    }
    let coverage = grounds::places(period, "use", &facts.coverage, &counts);
    let mut snapshots = facts.snapshots;
    snapshots.retain(|part| part.service == "kms");
    Report {
        schema: SCHEMA,
        version: VERSION,
        as_of: At(period.until),
        since: At(period.since),
        window_days: period.days(),
        summary: summary(&keys, &coverage),
        changes: facts.previous.map(|previous| changes::since(&previous, &keys)),
        coverage,
        assumed: facts.assumed,
        snapshots,
        keys,
        limits: LIMITS.to_vec(),
    }
}

impl Report {
    /// Whether a key has this verdict; `any` is any that asks for action.
    pub fn has(&self, verdict: &str) -> bool {
        self.keys.iter().any(|entry| match verdict {
            "any" => FINDINGS.contains(&entry.key.verdict.as_str()),
            named => entry.key.verdict == named,
        })
    }

    /// Whether it is too thin to conclude anything of: no key that needed a proof of absence has one.
    pub fn is_too_thin(&self) -> bool {
        self.has("inconclusive") && !self.has("unused")
    }

    pub(super) fn period(&self) -> Period {
        Period {
            since: self.since.0,
            until: self.as_of.0,
        }
    }
}

/// The report for programs.
///
/// # Errors
/// The report cannot be written as JSON.
pub fn json(report: &Report) -> Result<String> {
    let mut text = serde_json::to_string_pretty(report).map_err(std::io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn rank(verdict: &str) -> usize {
    VERDICTS
        .iter()
        .position(|(known, ..)| *known == verdict)
        .unwrap_or(VERDICTS.len())
}

fn summary(keys: &[Entry], coverage: &[Place]) -> Summary {
    let cost = |verdict: Option<&str>| -> f64 {
        let counted = keys
            .iter()
            .filter(|entry| verdict.is_none_or(|verdict| entry.key.verdict == verdict));
        // A sum of nothing is minus zero.
        counted.filter_map(|entry| entry.key.monthly_cost_usd).sum::<f64>() + 0.0
    };
    let accounts: std::collections::BTreeSet<&str> = keys.iter().map(|entry| entry.key.account_id.as_str()).collect();
    let verdicts = VERDICTS.iter().map(|(verdict, ..)| VerdictCount {
        verdict,
        keys: keys.iter().filter(|entry| entry.key.verdict == *verdict).count(),
        monthly_cost_usd: cost(Some(verdict)),
    });
    Summary {
        keys: keys.len(),
        customer_managed: keys.iter().filter(|entry| entry.key.is_customer_managed()).count(),
        accounts: accounts.len(),
        verdicts: verdicts.collect(),
        monthly_cost_usd: cost(None),
        unused_monthly_cost_usd: cost(Some("unused")),
        unused_yearly_cost_usd: cost(Some("unused")) * 12.0,
        places_covered: coverage.iter().filter(|place| place.is_whole).count(),
        places: coverage.len(),
    }
}

/// Names of tags that say who owns a key, the first that is there.
const OWNER_TAGS: [&str; 8] = [
    "owner",
    "owners",
    "owner-email",
    "owneremail",
    "team",
    "contact",
    "technical-contact",
    "service",
];

fn owner(tags: &[String]) -> Option<String> {
    let named = |wanted: &str| {
        tags.iter().find_map(|tag| {
            let (name, value) = tag.split_once('=')?;
            (name.eq_ignore_ascii_case(wanted) && !value.is_empty()).then(|| value.to_owned())
        })
    };
    OWNER_TAGS.iter().find_map(|wanted| named(wanted))
}

/// A name for people: the aliases, else the id.
fn name(key: &Key) -> &str {
    key.aliases.as_deref().unwrap_or(&key.key_id)
}
