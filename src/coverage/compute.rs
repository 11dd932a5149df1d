//! From facts to stretches: each place objects come from is a witness, and the best one counts.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::{self, ByPlace, Digests};
use super::spans::Spans;
use super::timeline::{Says, Timeline};
use super::{Basis, Facts, Fault, Kind, Place, SECOND, State, Stretch};
use crate::model::Instant;
use crate::model::instant::DAY;

/// What the lake can vouch for, per account, Region and kind, in order of time.
pub fn compute(facts: &Facts) -> Vec<Stretch> {
    let Some((first, last)) = bounds(facts) else {
        return Vec::new();
    };
    let world = World::of(facts);
    let mut all = Vec::new();
    for (account, region) in &facts.wanted {
        let witnesses = world.witnesses(account, region);
        let stretches = |kind| world.stretches(account, region, kind, &witnesses, (first, last));
        let (mut uses, mut admin) = (stretches(Kind::Use), stretches(Kind::Admin));
        for (since, until, cause) in world.convictions(account, region, &uses) {
            uses = uses
                .into_iter()
                .flat_map(|stretch| cut(stretch, since, until, &cause))
                .collect();
            admin = admin
                .into_iter()
                .flat_map(|stretch| cut(stretch, since, until, &cause))
                .collect();
        }
        all.extend(merged(uses));
        all.extend(merged(admin));
    }
    all
}

/// The time the lake knows anything about.
fn bounds(facts: &Facts) -> Option<(i64, i64)> {
    let first_day = facts.active.iter().map(|active| active.day * DAY).min();
    let first = facts
        .assumed
        .iter()
        .map(|assumed| assumed.since.0)
        .chain(first_day)
        .min()?;
    // What came after the last listing is not covered yet, which is no gap.
    let listed = facts
        .listings
        .iter()
        .filter_map(|listing| listing.seen_until(facts, i64::MAX))
        .max();
    let events = facts.last_event.values().map(|at| at + SECOND).max();
    let last = facts
        .assumed
        .iter()
        .map(|assumed| assumed.until.0)
        .chain(listed.or(events))
        .max()?;
    (first < last).then_some((first, last))
}

/// What one elementary stretch is, with how much it tells where nothing covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    rank: u8,
    state: State,
    basis: Basis,
    trail_arn: Option<String>,
    cause: Option<String>,
}

impl Finding {
    fn not(rank: u8, state: State, trail_arn: Option<&str>, cause: String) -> Finding {
        Finding {
            rank,
            state,
            basis: Basis::None,
            trail_arn: trail_arn.map(str::to_owned),
            cause: Some(cause),
        }
    }
}

const COVERED: u8 = 9;
const LOST: u8 = 6;
const BROKEN: u8 = 5;
const SILENT: u8 = 4;
const EXCLUDED: u8 = 3;
const UNKNOWN: u8 = 2;
const NOT_LISTED: u8 = 1;

struct World<'f> {
    facts: &'f Facts,
    timelines: Vec<Timeline>,
    digests: ByPlace,
    /// Days with records, as instants, by place and account.
    active: BTreeMap<(Place, String), Spans>,
    /// Where organization trails deliver: any account's objects may lie there.
    common: BTreeSet<Place>,
    /// Others, by account.
    places: BTreeMap<String, BTreeSet<Place>>,
    /// Trails by their own account, and those that may be an organization's, as indices.
    own: BTreeMap<String, Vec<usize>>,
    shared: Vec<usize>,
    nothing: Digests,
}

/// A place, and which of its objects a set of listings looked at.
struct Witness<'w> {
    place: &'w Place,
    stated: Option<&'w str>,
    listed: Spans,
    active: Option<&'w Spans>,
    digests: &'w Digests,
    faults: Vec<&'w Fault>,
    trails: Vec<&'w Timeline>,
}

impl<'f> World<'f> {
    fn of(facts: &'f Facts) -> World<'f> {
        let timelines = Timeline::all(&facts.trails, &facts.changes);
        let mut days: BTreeMap<(Place, String), Vec<(i64, i64)>> = BTreeMap::new();
        for active in &facts.active {
            let day = (active.day * DAY, (active.day + 1) * DAY);
            days.entry((active.place.clone(), active.account_id.clone()))
                .or_default()
                .push(day);
        }
        let mut common: BTreeSet<Place> = BTreeSet::new();
        let mut places: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
        // A place of which nothing of an account ever came says nothing about the account.
        let mut lies = |place: &Place, account: &str| {
            places.entry(account.to_owned()).or_default().insert(place.clone());
        };
        for active in &facts.active {
            lies(&active.place, &active.account_id);
        }
        for hour in &facts.digests {
            lies(&hour.place, &hour.account_id);
        }
        for row in &facts.trails {
            let prefix = row.prefix.as_deref().unwrap_or_default().trim_end_matches('/');
            let lead = if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            };
            let organization = row.is_organization.unwrap_or(false);
            let Some(bucket) = row.bucket.clone() else { continue };
            let place = Place::Bucket {
                bucket,
                lead,
                organization,
            };
            if organization {
                common.insert(place);
            } else if let Some(account) = row.trail_arn.split(':').nth(4) {
                lies(&place, account);
            }
        }
        let mut own: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut shared = Vec::new();
        for (index, timeline) in timelines.iter().enumerate() {
            own.entry(timeline.account_id.clone()).or_default().push(index);
            if timeline.may_be_organization() {
                shared.push(index);
            }
        }
        World {
            facts,
            timelines,
            digests: digest::by_place(facts),
            active: days.into_iter().map(|(key, days)| (key, Spans::of(days))).collect(),
            common,
            places,
            own,
            shared,
            nothing: Digests::default(),
        }
    }

    /// Every place that a listing looked at for this account and Region.
    fn witnesses<'w>(&'w self, account: &str, region: &str) -> Vec<Witness<'w>> {
        let mut all = Vec::new();
        for place in self.common.iter().chain(self.places.get(account).into_iter().flatten()) {
            let mut listed: BTreeMap<Option<&str>, Vec<(i64, i64)>> = BTreeMap::new();
            for listing in &self.facts.listings {
                if let Some(span) = listing.vouches(self.facts, place, account, region) {
                    listed.entry(listing.trail_arn.as_deref()).or_default().push(span);
                }
            }
            for (stated, spans) in listed {
                let key = (place.clone(), account.to_owned(), region.to_owned());
                let concerns = |fault: &&Fault| {
                    same_origin(&fault.place, place)
                        && fault.account_id.as_deref().is_none_or(|of| of == account)
                        && fault.region.as_deref().is_none_or(|of| of == region)
                };
                all.push(Witness {
                    place,
                    stated,
                    listed: Spans::of(spans),
                    active: self.active.get(&(place.clone(), account.to_owned())),
                    digests: self.digests.get(&key).unwrap_or(&self.nothing),
                    faults: self.facts.faults.iter().filter(concerns).collect(),
                    trails: self.candidates(place, stated, account),
                });
            }
        }
        all
    }

    /// The trails whose objects these may be, ever.
    fn candidates<'w>(&'w self, place: &Place, stated: Option<&str>, account: &str) -> Vec<&'w Timeline> {
        if let Some(stated) = stated {
            return self
                .timelines
                .iter()
                .filter(|timeline| timeline.trail_arn == stated)
                .collect();
        }
        let here = |timeline: &&Timeline| match place {
            Place::Bucket { bucket, lead, .. } => timeline.ever_delivers_to(bucket, lead),
            Place::Copy { .. } => true,
        };
        self.concerning(account).filter(here).collect()
    }

    /// The trails of an account, its own and those of its organization.
    fn concerning<'w>(&'w self, account: &str) -> impl Iterator<Item = &'w Timeline> + use<'w, 'f> {
        let own = self.own.get(account).into_iter().flatten();
        let own: BTreeSet<usize> = own.chain(&self.shared).copied().collect();
        let account = account.to_owned();
        own.into_iter()
            .filter_map(|index| self.timelines.get(index))
            .filter(move |timeline| self.may_concern(timeline, &account))
    }

    /// Whether the trail's own account is this one, or its organization may hold it.
    fn may_concern(&self, timeline: &Timeline, account: &str) -> bool {
        timeline.account_id == account
            || timeline.seen_in.contains(account)
            || match self.facts.organizations.get(&timeline.account_id) {
                Some(members) => members.contains(account),
                // An account that nobody calls a management account may still be one.
                None => self.facts.organizations.is_empty(),
            }
    }

    fn stretches(
        &self,
        account: &str,
        region: &str,
        kind: Kind,
        witnesses: &[Witness<'_>],
        (first, last): (i64, i64),
    ) -> Vec<Stretch> {
        let mut edges: BTreeSet<i64> = BTreeSet::from([first, last]);
        for witness in witnesses {
            edges.extend(witness.listed.edges());
            edges.extend(witness.active.into_iter().flat_map(Spans::edges));
            edges.extend(witness.digests.whole.edges());
            edges.extend(
                witness
                    .digests
                    .lost
                    .iter()
                    .flat_map(|(since, until, _)| [*since, *until]),
            );
            edges.extend(witness.faults.iter().flat_map(|fault| [fault.since, fault.until]));
            edges.extend(witness.trails.iter().flat_map(|timeline| timeline.edges()));
        }
        edges.extend(
            self.facts
                .assumed
                .iter()
                .flat_map(|assumed| [assumed.since.0, assumed.until.0]),
        );
        let edges: Vec<i64> = edges.range(first..=last).copied().collect();
        let mut all: Vec<Stretch> = Vec::new();
        for pair in edges.windows(2) {
            let [since, until] = *pair else { continue };
            let found = self.finding(account, region, kind, witnesses, since);
            all.push(Stretch {
                account_id: account.to_owned(),
                region: region.to_owned(),
                kind,
                since: Instant(since),
                until: Instant(until),
                state: found.state,
                basis: found.basis,
                trail_arn: found.trail_arn,
                cause: found.cause,
            });
        }
        merged(all)
    }

    fn finding(&self, account: &str, region: &str, kind: Kind, witnesses: &[Witness<'_>], at: i64) -> Finding {
        let findings = witnesses
            .iter()
            .map(|witness| self.testimony(witness, account, region, kind, at));
        // The strongest basis wins; between equals the first place, so that the answer has one order.
        let best = findings.reduce(|best, other| {
            let better = (other.rank, std::cmp::Reverse(other.basis)) > (best.rank, std::cmp::Reverse(best.basis));
            if better { other } else { best }
        });
        let found = best.unwrap_or_else(|| self.without_witness(account, region));
        if found.state != State::Covered
            && self
                .facts
                .assumed
                .iter()
                .any(|assumed| assumed.holds(account, region, at))
        {
            let cause = found.cause.map(|cause| format!("assumed; by itself: {cause}"));
            return Finding {
                rank: COVERED,
                state: State::Covered,
                basis: Basis::Assumed,
                cause,
                ..found
            };
        }
        found
    }

    fn without_witness(&self, account: &str, region: &str) -> Finding {
        let has_trail = self.concerning(account).next().is_some();
        if self.facts.trails_read.contains(account) && !has_trail {
            return Finding::not(EXCLUDED, State::Excluded, None, no_trail(account));
        }
        let cause = format!("no complete listing of logs of account {account} in {region}");
        Finding::not(NOT_LISTED, State::Gap, None, cause)
    }

    /// What one witness says about an instant.
    fn testimony(&self, witness: &Witness<'_>, account: &str, region: &str, kind: Kind, at: i64) -> Finding {
        if !witness.listed.contains(at) {
            let cause = match witness.listed.last() {
                Some(last) if at >= last => format!("after {}, up to which deliveries were listed", Instant(last)),
                _ => "not in any complete listing".to_owned(),
            };
            return Finding::not(NOT_LISTED, State::Gap, None, cause);
        }
        let (says, trail) = self.settings(witness, account, region, kind, at);
        let trail_arn = trail.map(|timeline| timeline.trail_arn.as_str());
        if let Says::Excludes(why) | Says::Absent(why) = says {
            return Finding::not(EXCLUDED, State::Excluded, trail_arn, why);
        }
        let lost = witness
            .faults
            .iter()
            .find(|fault| fault.since <= at && at < fault.until)
            .map(|fault| &fault.what);
        let listed_lost = witness
            .digests
            .lost
            .iter()
            .find(|(since, until, _)| *since <= at && at < *until);
        if let Some(what) = lost.or(listed_lost.map(|(_, _, what)| what)) {
            return Finding::not(LOST, State::Gap, trail_arn, what.clone());
        }
        if let Says::Broken(why) = says {
            return Finding::not(BROKEN, State::Gap, trail_arn, why);
        }
        let is_whole = witness.digests.whole.contains(at);
        if !is_whole && !witness.active.is_some_and(|days| days.contains(at)) {
            let cause =
                format!("nothing of account {account} was delivered in these UTC days: expired, lost or silent");
            return Finding::not(SILENT, State::Gap, trail_arn, cause);
        }
        if let Says::Unknown(why) = says {
            return Finding::not(UNKNOWN, State::Unknown, trail_arn, why);
        }
        if kind == Kind::Use && self.facts.one_sided.contains(account) {
            let cause =
                format!("account {account} has mutating records and never a read-only one: the log cannot be whole");
            return Finding::not(UNKNOWN, State::Unknown, trail_arn, cause);
        }
        let basis = if is_whole { Basis::Digest } else { Basis::Listing };
        let trail_arn = trail_arn.map(str::to_owned);
        Finding {
            rank: COVERED,
            state: State::Covered,
            basis,
            trail_arn,
            cause: None,
        }
    }

    /// What the trail, or the weakest of the trails, whose objects these are was set to deliver.
    fn settings<'w>(
        &self,
        witness: &Witness<'w>,
        account: &str,
        region: &str,
        kind: Kind,
        at: i64,
    ) -> (Says, Option<&'w Timeline>) {
        let asked = witness.trails.iter().filter_map(|timeline| {
            let says = self.scoped(timeline, witness, account, region, kind, at)?;
            Some((says, *timeline))
        });
        let answer = match (witness.stated, witness.place) {
            // Objects of all trails that deliver to a place are in its listing: any of them will do.
            (Some(_), _) | (None, Place::Bucket { .. }) => asked.min_by(|(a, _), (b, _)| a.cmp(b)),
            // A copy may be of any of them, so the weakest counts; not one that was not there.
            (None, Place::Copy { .. }) => asked.max_by_key(|(says, _)| match says {
                Says::Absent(_) => (0, says.clone()),
                _ => (1, says.clone()),
            }),
        };
        match answer {
            Some((says, timeline)) => (says, Some(timeline)),
            None => (self.without_trail(witness, account), None),
        }
    }

    fn without_trail(&self, witness: &Witness<'_>, account: &str) -> Says {
        let has_trail = self.concerning(account).next().is_some();
        match (witness.stated, witness.place) {
            (Some(stated), _) => Says::Unknown(format!("trail `{stated}` is in no snapshot and no record")),
            (None, _) if self.facts.trails_read.contains(account) && !has_trail => Says::Excludes(no_trail(account)),
            (None, Place::Bucket { bucket, lead, .. }) => Says::Unknown(format!(
                "no snapshot shows a trail of account {account} that delivers to `s3://{bucket}/{lead}`"
            )),
            (None, Place::Copy { .. }) => Says::Unknown(format!("no snapshot tells the trails of account {account}")),
        }
    }

    /// A trail's word, if its objects may be these at that instant.
    fn scoped(
        &self,
        timeline: &Timeline,
        witness: &Witness<'_>,
        account: &str,
        region: &str,
        kind: Kind,
        at: i64,
    ) -> Option<Says> {
        let name = &timeline.trail_arn;
        let organization = timeline.is_organization(at);
        let wanted = match witness.place {
            Place::Bucket { organization, .. } => Some(*organization),
            Place::Copy { organization, .. } => *organization,
        };
        if timeline.account_id != account {
            match organization {
                Some(true) => {}
                Some(false) if witness.stated.is_some() => {
                    return Some(Says::Excludes(format!("trail `{name}` records only its own account")));
                }
                Some(false) => return None,
                None => {
                    return Some(Says::Unknown(format!(
                        "whether trail `{name}` is the organization's is not known"
                    )));
                }
            }
        }
        if witness.stated.is_none() {
            if wanted.is_some() && organization.is_some() && wanted != organization {
                return None;
            }
            if let Place::Bucket { bucket, lead, .. } = witness.place {
                match timeline.delivers_to(bucket, lead, at) {
                    Some(true) => {}
                    Some(false) => {
                        return Some(Says::Absent(format!(
                            "trail `{name}` did not deliver to `s3://{bucket}/{lead}`"
                        )));
                    }
                    None => return Some(Says::Unknown(format!("where trail `{name}` delivered to is not known"))),
                }
            }
        }
        Some(timeline.says(region, kind, at))
    }

    /// Days proven lossy: a record that AWS wrote, and that a covered stretch should hold, is not in the lake.
    fn convictions(&self, account: &str, region: &str, uses: &[Stretch]) -> Vec<(i64, i64, String)> {
        let covered = Spans::of(
            uses.iter()
                .filter(|stretch| stretch.state == State::Covered)
                .map(|stretch| (stretch.since.0, stretch.until.0)),
        );
        let here = self
            .facts
            .canaries
            .iter()
            .filter(|canary| canary.account_id == account && canary.region == region);
        here.filter(|canary| covered.contains(canary.at))
            .map(|canary| {
                let day = canary.at.div_euclid(DAY) * DAY;
                let cause = format!(
                    "GetKeyLastUsage of `{}` names event {} at {}, which the lake does not hold",
                    canary.key_arn,
                    canary.event_id,
                    Instant(canary.at)
                );
                (day, day + DAY, cause)
            })
            .collect()
    }
}

/// The parts of a covered stretch outside a span as they were, and inside as a gap.
fn cut(stretch: Stretch, since: i64, until: i64, cause: &str) -> Vec<Stretch> {
    let (since, until) = (since.max(stretch.since.0), until.min(stretch.until.0));
    if since >= until || stretch.state != State::Covered {
        return vec![stretch];
    }
    let part = |since: i64, until: i64| Stretch {
        since: Instant(since),
        until: Instant(until),
        ..stretch.clone()
    };
    let inside = Stretch {
        state: State::Gap,
        basis: Basis::None,
        cause: Some(cause.to_owned()),
        ..part(since, until)
    };
    let parts = [part(stretch.since.0, since), inside, part(until, stretch.until.0)];
    parts.into_iter().filter(|part| part.since < part.until).collect()
}

/// A fault whose key tells no layout may be of any object of its source.
fn same_origin(fault: &Place, place: &Place) -> bool {
    match (fault, place) {
        (
            Place::Copy {
                source: of,
                organization: None,
            },
            Place::Copy { source, .. },
        ) => of == source,
        _ => fault == place,
    }
}

fn no_trail(account: &str) -> String {
    format!("account {account} has no trail, by the snapshot")
}

/// Stretches that touch and say the same are one.
fn merged(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match all.last_mut() {
            Some(last)
                if last.until == stretch.since
                    && (last.state, last.basis) == (stretch.state, stretch.basis)
                    && (&last.trail_arn, &last.cause) == (&stretch.trail_arn, &stretch.cause) =>
            {
                last.until = stretch.until;
            }
            _ => all.push(stretch),
        }
    }
    all
}
