//! What digest files add: hours whose every object is known and taken, objects that are missing, digests that are.

use std::collections::{BTreeMap, BTreeSet};

use super::spans::Spans;
use super::{DELIVERY_DELAY, DigestHour, Facts, Place, SECOND};
use crate::model::Instant;

/// What digests say about one place, account and Region.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    /// Event times for which every object delivered is listed and taken.
    pub(super) whole: Spans,
    /// Event times for which something listed, or a digest, is missing.
    pub(super) lost: Vec<(i64, i64, String)>,
}

/// By place, account and Region.
pub(super) type ByPlace = BTreeMap<(Place, String, String), Digests>;

pub(super) fn by_place(facts: &Facts) -> ByPlace {
    let mut chains: BTreeMap<(&Place, &str, &str, Option<&str>), Vec<&DigestHour>> = BTreeMap::new();
    for hour in &facts.digests {
        let key = (
            &hour.place,
            hour.account_id.as_str(),
            hour.region.as_str(),
            hour.trail_arn.as_deref(),
        );
        chains.entry(key).or_default().push(hour);
    }
    let known: BTreeSet<&str> = facts.digests.iter().filter_map(|hour| hour.object.as_deref()).collect();
    let mut all = ByPlace::new();
    let mut whole: BTreeMap<(Place, String, String), Vec<(i64, i64)>> = BTreeMap::new();
    for ((place, account, region, _), mut chain) in chains {
        chain.sort_by_key(|hour| (hour.since, hour.until));
        let key = (place.clone(), account.to_owned(), region.to_owned());
        let found = all.entry(key.clone()).or_default();
        // Records of an instant are delivered at it or within the delay, so they stand in digests of that span.
        let deliveries = Spans::of(
            chain
                .iter()
                .filter(|hour| hour.lost.is_empty())
                .map(|hour| (hour.since, hour.until)),
        );
        let edges: Vec<i64> = deliveries.edges().collect();
        let spans = edges.chunks_exact(2).filter_map(|pair| match pair {
            [since, until] => Some((*since, until - DELIVERY_DELAY)),
            _ => None,
        });
        whole.entry(key).or_default().extend(spans);
        let mut end: Option<i64> = None;
        for hour in chain {
            for lost in &hour.lost {
                let (since, until) = lost
                    .events
                    .map_or((hour.since - DELIVERY_DELAY, hour.until), |(first, last)| {
                        (first, last + SECOND)
                    });
                let what = format!("`{}` is listed by a digest and not in the lake whole", lost.object);
                found.lost.push((since, until, what));
            }
            if let (Some(end), Some(previous)) = (end, hour.previous.as_deref())
                && !known.contains(previous)
                && end < hour.since
            {
                let what = format!("digest `{previous}` is missing, before {}", Instant(hour.since));
                found.lost.push((end - DELIVERY_DELAY, hour.since, what));
            }
            end = end.max(Some(hour.until));
        }
    }
    for (key, spans) in whole {
        if let Some(found) = all.get_mut(&key) {
            found.whole = Spans::of(spans);
        }
    }
    all
}
