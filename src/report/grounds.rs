//! What a report rests on: its period, what the log can vouch for in it, and the snapshots it read. Every report says
//! this before it says anything else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::Instant;
use crate::model::instant::DAY;
use crate::report::markdown::{escaped, head, line};
use crate::trace::facts::At;

/// The span a report is about: `since` is in, `until` is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub since: Instant,
    /// The first instant after; also the instant verdicts are as of.
    pub until: Instant,
}

impl Period {
    /// Its length in days, to a hundredth.
    pub fn days(self) -> f64 {
        rounded_days(self.until.0 - self.since.0)
    }
}

/// A row of `coverage-in-window`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The account.
    pub account_id: String,
    /// Its Region.
    pub region: String,
    /// `use` or `admin`.
    pub kind: String,
    /// The first instant.
    pub since: At,
    /// The first instant after.
    pub until: At,
    /// `covered`, `gap`, `excluded` or `unknown`.
    pub state: String,
    /// `digest`, `listing`, `assumed` or `none`.
    pub basis: Option<String>,
    /// The trail that delivered, or should have.
    pub trail_arn: Option<String>,
    /// Why it is not covered.
    pub cause: Option<String>,
}

/// A row of `snapshots-in-force`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotPart {
    /// The service it speaks of.
    pub service: String,
    /// The account.
    pub account_id: Option<String>,
    /// The Region, where the service has any.
    pub region: Option<String>,
    /// The snapshot.
    pub snapshot_id: String,
    /// When it was collected.
    pub collected_at: At,
    /// `complete` or `partial`.
    pub state: String,
    /// Calls of the collector that failed there.
    pub failures: i64,
    /// SHA-256 of the snapshot's content.
    pub content_hash: Option<String>,
}

/// A stretch that the log cannot vouch for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// The first instant.
    pub since: At,
    /// The first instant after.
    pub until: At,
    /// What it is.
    pub state: String,
    /// Why.
    pub cause: String,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} to {}: {}", self.state, self.since, self.until, self.cause)
    }
}

/// What the log can vouch for of an account and Region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// Keys there.
    pub keys: usize,
    /// Days of the window that are covered.
    pub covered_days: f64,
    /// Whether all of it is.
    pub is_whole: bool,
    /// The weakest basis it leans on.
    pub basis: Option<String>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// What the log can vouch for, and what the user does, as Markdown.
pub fn markdown(places: &[Place], assumed: &[String], window_days: f64, out: &mut String) {
    for span in assumed {
        out.push_str(&format!(
            "Vouched for by the user, not by the log: {}\n\n",
            escaped(span)
        ));
    }
    head(
        &["account", "region", "keys", "days vouched for", "basis", "missing"],
        out,
    );
    for place in places {
        let gaps: Vec<String> = place.gaps.iter().map(ToString::to_string).collect();
        let gaps = if gaps.is_empty() {
            "nothing".to_owned()
        } else {
            gaps.join("; ")
        };
        line(
            [
                place.account_id.as_str(),
                &place.region,
                &place.keys.to_string(),
                &format!("{} of {}", days_text(place.covered_days), days_text(window_days)),
                place.basis.as_deref().unwrap_or("none"),
                &gaps,
            ],
            out,
        );
    }
}

/// The coverage of one kind of calls, for every place that has keys; `keys` counts them.
pub fn places(
    period: Period,
    kind: &str,
    stretches: &[Stretch],
    keys: &BTreeMap<(String, String), usize>,
) -> Vec<Place> {
    let mut found: BTreeMap<(&str, &str), Vec<&Stretch>> = BTreeMap::new();
    for stretch in stretches.iter().filter(|stretch| stretch.kind == kind) {
        let place = (stretch.account_id.as_str(), stretch.region.as_str());
        found.entry(place).or_default().push(stretch);
    }
    keys.iter()
        .map(|((account, region), count)| {
            let known = found.remove(&(account.as_str(), region.as_str())).unwrap_or_default();
            place(period, account, region, *count, &known)
        })
        .collect()
}

fn place(period: Period, account: &str, region: &str, keys: usize, stretches: &[&Stretch]) -> Place {
    let mut gaps = Vec::new();
    let mut covered = 0;
    let mut bases = BTreeSet::new();
    let mut reached = period.since.0;
    let hole = |since: i64, until: i64| Gap {
        since: At(Instant(since)),
        until: At(Instant(until)),
        state: "unknown".to_owned(),
        cause: format!("nothing is known of the log of account {account} in {region}"),
    };
    for stretch in stretches {
        let (since, until) = (stretch.since.0.0.max(reached), stretch.until.0.0.min(period.until.0));
        if since > reached {
            gaps.push(hole(reached, since));
        }
        if until <= since {
            continue;
        }
        if stretch.state == "covered" {
            covered += until - since;
            bases.extend(stretch.basis.as_deref());
        } else {
            gaps.push(Gap {
                since: At(Instant(since)),
                until: At(Instant(until)),
                state: stretch.state.clone(),
                cause: stretch.cause.clone().unwrap_or_else(|| "no cause is known".to_owned()),
            });
        }
        reached = until;
    }
    if reached < period.until.0 {
        gaps.push(hole(reached, period.until.0));
    }
    let weakest = ["assumed", "listing", "digest"]
        .into_iter()
        .find(|basis| bases.contains(basis));
    Place {
        account_id: account.to_owned(),
        region: region.to_owned(),
        keys,
        covered_days: rounded_days(covered),
        is_whole: gaps.is_empty(),
        basis: weakest.map(str::to_owned),
        gaps,
    }
}

/// Days to a hundredth, never rounded up to a whole that is not there.
fn rounded_days(micros: i64) -> f64 {
    let hundredths = micros.div_euclid(DAY / 100);
    // Exact: a window has far fewer hundredths of days than a double has whole numbers.
    hundredths as f64 / 100.0
}

/// A number of days for people: no fraction where there is none.
pub(super) fn days_text(days: f64) -> String {
    let text = format!("{days:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Gaps shown of one place on a page; the data file has all.
const GAPS_MAX: usize = 12;

const WIDTH: f64 = 200.0;

/// A stretch in a picture of the window.
#[derive(Debug, Serialize)]
pub(super) struct Band {
    class: &'static str,
    x: String,
    width: String,
}

/// A place as a page shows it.
#[derive(Debug, Serialize)]
pub(super) struct PlaceRow<'p> {
    account_id: &'p str,
    region: &'p str,
    keys: usize,
    covered_days: String,
    basis: Option<&'p str>,
    gaps: Vec<&'p Gap>,
    more_gaps: usize,
    bands: Vec<Band>,
    says: String,
}

impl<'p> PlaceRow<'p> {
    pub(super) fn of(place: &'p Place, period: Period) -> PlaceRow<'p> {
        let days = period.days();
        PlaceRow {
            account_id: &place.account_id,
            region: &place.region,
            keys: place.keys,
            covered_days: days_text(place.covered_days),
            basis: place.basis.as_deref(),
            gaps: place.gaps.iter().take(GAPS_MAX).collect(),
            more_gaps: place.gaps.len().saturating_sub(GAPS_MAX),
            bands: bands(place, period),
            says: format!(
                "{} of {} days covered, {} stretches missing",
                days_text(place.covered_days),
                days_text(days),
                place.gaps.len()
            ),
        }
    }
}

fn bands(place: &Place, period: Period) -> Vec<Band> {
    let whole = (period.until.0 - period.since.0).max(1) as f64;
    let at = |at: i64| (at - period.since.0) as f64 / whole * WIDTH;
    let mut bands = Vec::new();
    let mut reached = period.since.0;
    let mut push = |class, since: i64, until: i64| {
        if until > since {
            let (from, to) = (at(since), at(until));
            bands.push(Band {
                class,
                x: format!("{from:.1}"),
                width: format!("{:.1}", (to - from).max(1.0)),
            });
        }
    };
    for gap in &place.gaps {
        push("covered", reached, gap.since.0.0);
        push("blind", gap.since.0.0, gap.until.0.0);
        reached = gap.until.0.0;
    }
    push("covered", reached, period.until.0);
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> At {
        At(Instant(day * DAY))
    }

    fn stretch(since: i64, until: i64, state: &str, basis: &str) -> Stretch {
        Stretch {
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            kind: "use".to_owned(),
            since: at(since),
            until: at(until),
            state: state.to_owned(),
            basis: Some(basis.to_owned()),
            trail_arn: None,
            cause: (state != "covered").then(|| "lost".to_owned()),
        }
    }

    fn of(stretches: &[Stretch]) -> Place {
        let period = Period {
            since: at(10).0,
            until: at(20).0,
        };
        let keys = BTreeMap::from([(("111122223333".to_owned(), "us-east-1".to_owned()), 2)]);
        places(period, "use", stretches, &keys).remove(0)
    }

    #[test]
    fn what_no_stretch_speaks_of_is_missing() {
        let place = of(&[
            stretch(12, 15, "covered", "listing"),
            stretch(15, 16, "gap", "none"),
            stretch(17, 19, "covered", "digest"),
        ]);
        assert_eq!(place.covered_days, 5.0);
        assert_eq!(place.basis.as_deref(), Some("listing"));
        assert!(!place.is_whole);
        let gaps: Vec<(i64, i64, &str)> = place
            .gaps
            .iter()
            .map(|gap| (gap.since.0.0 / DAY, gap.until.0.0 / DAY, gap.state.as_str()))
            .collect();
        assert_eq!(
            gaps,
            [
                (10, 12, "unknown"),
                (15, 16, "gap"),
                (16, 17, "unknown"),
                (19, 20, "unknown")
            ]
        );
    }

    #[test]
    fn a_place_without_a_stretch_is_wholly_missing_and_one_with_all_is_whole() {
        let blind = of(&[]);
        assert_eq!((blind.covered_days, blind.gaps.len(), blind.basis), (0.0, 1, None));
        let whole = of(&[stretch(10, 20, "covered", "assumed")]);
        assert_eq!(
            (whole.covered_days, whole.is_whole, whole.basis.as_deref()),
            (10.0, true, Some("assumed"))
        );
    }

    #[test]
    fn days_are_written_without_an_empty_fraction() {
        assert_eq!(
            (days_text(90.0), days_text(66.87), days_text(0.5)),
            ("90".to_owned(), "66.87".to_owned(), "0.5".to_owned())
        );
    }
}
