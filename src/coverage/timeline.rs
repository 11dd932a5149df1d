//! What a trail was set to deliver over time, from snapshots and from the records that changed it.
//!
//! Each moment tells something about after it, before it, or both. Between two moments both are asked: what the
//! earlier one left behind, and what the later one found. Where neither knows, or they disagree, it is unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, TrailRow};
use crate::model::{Arn, Instant};

/// Something about a trail that can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attribute {
    Exists,
    Logging,
    Read,
    Write,
    MultiRegion,
    Organization,
    Bucket,
    Prefix,
}

/// Its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    Unknown,
    Flag(bool),
    Text(String),
}

/// What is known around an instant.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    at: i64,
    /// The snapshot or record, in words.
    label: String,
    after: BTreeMap<Attribute, Known>,
    /// The value found, and whether it is certain: a trail that is turned on may have been on already.
    before: BTreeMap<Attribute, (Known, bool)>,
}

impl Moment {
    pub(super) fn new(at: i64, label: String) -> Moment {
        Moment {
            at,
            label,
            after: BTreeMap::new(),
            before: BTreeMap::new(),
        }
    }

    /// From here on the attribute has this value.
    pub(super) fn after(&mut self, attribute: Attribute, known: Known) {
        self.after.insert(attribute, known);
    }

    /// The attribute was changed here: nothing tells what it was.
    pub(super) fn replaces(&mut self, attribute: Attribute, known: Known) {
        self.before.insert(attribute, (Known::Unknown, false));
        self.after.insert(attribute, known);
    }

    /// The attribute was turned to this value, most likely from the other.
    pub(super) fn turns(&mut self, attribute: Attribute, flag: bool) {
        self.before
            .insert(attribute, (Known::Flag(!flag), attribute == Attribute::Exists));
        self.after.insert(attribute, Known::Flag(flag));
    }

    fn sees(&mut self, attribute: Attribute, known: Option<Known>) {
        if let Some(known) = known {
            self.before.insert(attribute, (known.clone(), true));
            self.after.insert(attribute, known);
        }
    }
}

/// What a trail says about an instant, an account, a Region and a kind of event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    Delivers,
    /// Its settings cannot be told.
    Unknown(String),
    /// It was set to deliver and could not.
    Broken(String),
    /// It was not set to deliver.
    Excludes(String),
    /// There is no such trail at that time.
    Absent(String),
}

/// The history of one trail.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    pub(super) trail_arn: String,
    pub(super) account_id: String,
    home_region: String,
    moments: Vec<Moment>,
    broken: Vec<(i64, i64, String)>,
    /// Accounts in which a snapshot showed it.
    pub(super) seen_in: BTreeSet<String>,
}

impl Timeline {
    /// The histories of all trails that snapshots show or records name, by ARN.
    pub(super) fn all(rows: &[TrailRow], changes: &[super::Change]) -> Vec<Timeline> {
        let mut by_arn: BTreeMap<String, Timeline> = BTreeMap::new();
        for row in rows {
            if let Some(timeline) = entry(&mut by_arn, &row.trail_arn, row.home_region.as_deref()) {
                timeline.see(row);
            }
        }
        for (trail_arn, moment) in changes.iter().filter_map(super::Change::moment) {
            if let Some(timeline) = entry(&mut by_arn, &trail_arn, None) {
                timeline.moments.push(moment);
            }
        }
        let mut all: Vec<Timeline> = by_arn.into_values().collect();
        for timeline in &mut all {
            timeline.moments.sort_by_key(|moment| moment.at);
        }
        all
    }

    fn see(&mut self, row: &TrailRow) {
        let flag = |flag: Option<bool>| flag.map(Known::Flag);
        let at = row.collected_at;
        let mut moment = Moment::new(at, format!("the snapshot of {}", Instant(at)));
        moment.sees(Attribute::Exists, Some(Known::Flag(true)));
        moment.sees(Attribute::Logging, flag(row.is_logging));
        moment.sees(Attribute::Read, flag(row.delivers_read));
        moment.sees(Attribute::Write, flag(row.delivers_write));
        moment.sees(Attribute::MultiRegion, flag(row.is_multi_region));
        moment.sees(Attribute::Organization, flag(row.is_organization));
        moment.sees(Attribute::Bucket, row.bucket.clone().map(Known::Text));
        moment.sees(
            Attribute::Prefix,
            Some(Known::Text(row.prefix.clone().unwrap_or_default())),
        );
        self.seen_in.insert(row.seen_in.clone());
        // The status tells the last start and the last stop, also where the log does not.
        let (mut started, mut stopped) = (row.started_at, row.stopped_at);
        match row.is_logging {
            Some(true) => stopped = stopped.filter(|stopped| started.is_some_and(|started| *stopped < started)),
            Some(false) => started = started.filter(|started| stopped.is_some_and(|stopped| *started < stopped)),
            None => (started, stopped) = (None, None),
        }
        let seen = [(started, true, "StartLogging"), (stopped, false, "StopLogging")];
        for (turned, on, operation) in seen {
            if let Some(turned) = turned.filter(|turned| *turned <= at) {
                let label = format!(
                    "{operation} at {}, by the status in the snapshot of {}",
                    Instant(turned),
                    Instant(at)
                );
                let mut moment = Moment::new(turned, label);
                moment.turns(Attribute::Logging, on);
                self.moments.push(moment);
            }
        }
        if let Some(error) = row.delivery_error.as_deref().filter(|error| !error.is_empty())
            && row.is_logging != Some(false)
        {
            let since = row.delivered_at.unwrap_or(i64::MIN);
            let what = format!(
                "trail `{}` could not deliver: {error} (snapshot of {})",
                self.trail_arn,
                Instant(at)
            );
            self.broken.push((since, at, what));
        }
        self.moments.push(moment);
    }

    /// Every instant at which an answer may change.
    pub(super) fn edges(&self) -> impl Iterator<Item = i64> {
        let broken = self.broken.iter().flat_map(|(since, until, _)| [*since, *until]);
        self.moments.iter().map(|moment| moment.at).chain(broken)
    }

    /// The attribute at an instant, with what tells so.
    fn at(&self, attribute: Attribute, at: i64) -> (Known, String) {
        let now = self.moments.partition_point(|moment| moment.at <= at);
        let (past, future) = self.moments.split_at_checked(now).unwrap_or((&[], &[]));
        let left = past
            .iter()
            .rev()
            .find_map(|moment| moment.after.get(&attribute).map(|known| (moment, known)));
        let right = future
            .iter()
            .find_map(|moment| moment.before.get(&attribute).map(|found| (moment, found)));
        match (left, right) {
            (Some((earlier, known)), Some((later, (found, true))))
                if *known != Known::Unknown && *found != Known::Unknown && known != found =>
            {
                let why = format!(
                    "it changed between {} and {}, and no record says when",
                    earlier.label, later.label
                );
                (Known::Unknown, why)
            }
            (Some((earlier, known)), _) if *known != Known::Unknown => (known.clone(), earlier.label.clone()),
            (left, Some((later, (known, certain)))) if *certain || left.is_none() => {
                (known.clone(), later.label.clone())
            }
            (Some((earlier, known)), _) => (known.clone(), earlier.label.clone()),
            (None, _) => (Known::Unknown, String::new()),
        }
    }

    fn flag(&self, attribute: Attribute, at: i64) -> (Option<bool>, String) {
        let (known, why) = self.at(attribute, at);
        (
            if let Known::Flag(flag) = known {
                Some(flag)
            } else {
                None
            },
            why,
        )
    }

    /// Whether it delivers to a bucket and prefix at an instant; nothing where that is not known.
    pub(super) fn delivers_to(&self, bucket: &str, lead: &str, at: i64) -> Option<bool> {
        let (Known::Text(to), Known::Text(prefix)) =
            (self.at(Attribute::Bucket, at).0, self.at(Attribute::Prefix, at).0)
        else {
            return None;
        };
        Some(to == bucket && prefix.trim_end_matches('/') == lead.trim_end_matches('/'))
    }

    /// Whether it was ever seen delivering there.
    pub(super) fn ever_delivers_to(&self, bucket: &str, lead: &str) -> bool {
        self.moments.iter().any(|moment| {
            let is = |attribute, text: &str| match moment.after.get(&attribute) {
                Some(Known::Text(known)) => known.trim_end_matches('/') == text.trim_end_matches('/'),
                _ => attribute == Attribute::Prefix && !moment.after.contains_key(&Attribute::Bucket),
            };
            is(Attribute::Bucket, bucket) && is(Attribute::Prefix, lead)
        })
    }

    /// Whether it may ever have been a trail of an organization.
    pub(super) fn may_be_organization(&self) -> bool {
        let mut told = self
            .moments
            .iter()
            .filter_map(|moment| moment.after.get(&Attribute::Organization))
            .peekable();
        told.peek().is_none() || told.any(|known| *known != Known::Flag(false))
    }

    /// Whether it is a trail of an organization at an instant.
    pub(super) fn is_organization(&self, at: i64) -> Option<bool> {
        self.flag(Attribute::Organization, at).0
    }

    /// What it delivers at an instant from a Region, for accounts it is about.
    pub(super) fn says(&self, region: &str, kind: Kind, at: i64) -> Says {
        let name = &self.trail_arn;
        let because = |why: String| {
            if why.is_empty() {
                String::new()
            } else {
                format!(" ({why})")
            }
        };
        let (exists, why) = self.flag(Attribute::Exists, at);
        if exists == Some(false) {
            return Says::Absent(format!("trail `{name}` is not there{}", because(why)));
        }
        if region != self.home_region {
            match self.flag(Attribute::MultiRegion, at) {
                (Some(true), _) => {}
                (Some(false), why) => {
                    let home = &self.home_region;
                    return Says::Excludes(format!("trail `{name}` records only {home}{}", because(why)));
                }
                (None, why) => {
                    return Says::Unknown(format!("the Regions of trail `{name}` are not known{}", because(why)));
                }
            }
        }
        match self.flag(Attribute::Logging, at) {
            (Some(true), _) => {}
            (Some(false), why) => return Says::Excludes(format!("trail `{name}` is off{}", because(why))),
            (None, why) => return Says::Unknown(format!("whether trail `{name}` is on is not known{}", because(why))),
        }
        let (attribute, events) = match kind {
            Kind::Use => (Attribute::Read, "read-only KMS events"),
            Kind::Admin => (Attribute::Write, "mutating KMS events"),
        };
        match self.flag(attribute, at) {
            (Some(true), _) => {}
            (Some(false), why) => {
                return Says::Excludes(format!(
                    "the selectors of trail `{name}` leave out {events}{}",
                    because(why)
                ));
            }
            (None, why) => {
                return Says::Unknown(format!("the selectors of trail `{name}` are not known{}", because(why)));
            }
        }
        match self.broken.iter().find(|(since, until, _)| *since <= at && at < *until) {
            Some((_, _, what)) => Says::Broken(what.clone()),
            None => Says::Delivers,
        }
    }
}

fn entry<'m>(
    by_arn: &'m mut BTreeMap<String, Timeline>,
    trail_arn: &str,
    home_region: Option<&str>,
) -> Option<&'m mut Timeline> {
    let arn = Arn::parse(trail_arn)?;
    let home_region = home_region.unwrap_or(arn.region).to_owned();
    Some(by_arn.entry(trail_arn.to_owned()).or_insert_with(|| Timeline {
        trail_arn: trail_arn.to_owned(),
        account_id: arn.account.to_owned(),
        home_region,
        moments: Vec::new(),
        broken: Vec::new(),
        seen_in: BTreeSet::new(),
    }))
}
