//! The drawn timeline: where each thing stands. Gaps in time are drawn shortened, because an incident has minutes and days.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::text::kind;
use crate::report::value::visible;
use crate::trace::story::{Entry, Story};
use crate::trace::wording::{last_part, length};

const LEFT: f64 = 170.0;
const RIGHT: f64 = 930.0;
const LANE: f64 = 34.0;
/// The least distance between two instants.
const STEP: f64 = 1.0;

/// Entries drawn at most, the last ones.
const ENTRIES_MAX: usize = 24;
/// Callers drawn at most, the first to fail.
const CALLERS_MAX: usize = 8;

/// A stretch of the key's state.
#[derive(Debug, Serialize)]
pub(super) struct Band {
    x: f64,
    width: f64,
    class: &'static str,
    label: String,
}

/// A change, or a step on the way in.
#[derive(Debug, Serialize)]
pub(super) struct Mark {
    x: f64,
    y: f64,
    class: &'static str,
    number: String,
    tip: String,
}

/// A time under the axis.
#[derive(Debug, Serialize)]
pub(super) struct Tick {
    x: f64,
    y: f64,
    label: String,
}

/// A caller who failed.
#[derive(Debug, Serialize)]
pub(super) struct Lane {
    y: f64,
    label: String,
    from: Option<f64>,
    width: f64,
    again: Option<f64>,
    tip: String,
}

/// All of it, in the units of the drawing.
#[derive(Debug, Serialize)]
pub(super) struct Drawing {
    height: f64,
    axis: f64,
    left: f64,
    right: f64,
    bands: Vec<Band>,
    marks: Vec<Mark>,
    way_y: f64,
    has_way: bool,
    lanes: Vec<Lane>,
    ticks: Vec<Tick>,
    says: String,
}

/// Draws the last incident of the story, or all its changes where there was none; none where nothing changed.
pub(super) fn draw(story: &Story) -> Option<Drawing> {
    let entries = drawn(story);
    if entries.is_empty() {
        return None;
    }
    let hops = way_in(story, &entries);
    let callers: Vec<_> = story
        .blast_radius
        .callers
        .iter()
        .filter(|caller| caller.first_failure_at.is_some())
        .take(CALLERS_MAX)
        .collect();
    let mut times: BTreeSet<i64> = entries.iter().map(|(_, entry)| entry.at.0.0).collect();
    times.extend(hops.iter().map(|(at, _)| *at));
    for caller in &callers {
        let of_caller = [caller.first_failure_at, caller.last_failure_at, caller.used_again_at];
        times.extend(of_caller.into_iter().flatten().map(|at| at.0.0));
    }
    let places = spread(&times);
    let x = |at: i64| places.get(&at).copied().unwrap_or(LEFT);
    let (bands_y, marks_y) = (30.0, 78.0);
    let way_y = marks_y + LANE;
    let mut lane_y = if hops.is_empty() { marks_y } else { way_y };
    let mut marks: Vec<Mark> = Vec::new();
    let mut taken: BTreeMap<i64, f64> = BTreeMap::new();
    for (number, entry) in &entries {
        // Changes of one second stand beside each other.
        let shift = taken.entry(entry.at.0.0).or_insert(-22.0);
        *shift += 22.0;
        marks.push(Mark {
            x: (x(entry.at.0.0) + *shift).min(RIGHT + 20.0),
            y: marks_y,
            class: entry.weight,
            number: number.to_string(),
            tip: visible(&format!("{}: {}", entry.at, entry.title)),
        });
    }
    apart(&mut marks);
    let way: Vec<Mark> = hops
        .iter()
        .map(|(at, tip)| Mark {
            x: x(*at),
            y: way_y,
            class: "way",
            number: String::new(),
            tip: visible(tip),
        })
        .collect();
    let mut lanes = Vec::new();
    for caller in &callers {
        lane_y += LANE;
        let at = |at: Option<crate::trace::facts::At>| at.map(|at| x(at.0.0));
        let (from, to) = (at(caller.first_failure_at), at(caller.last_failure_at));
        let name = caller.principal_arn.as_deref().map_or("unknown", last_part);
        lanes.push(Lane {
            y: lane_y,
            label: shorten(&visible(name), 22),
            from,
            width: to.zip(from).map_or(4.0, |(to, from)| (to - from).max(4.0)),
            again: at(caller.used_again_at),
            tip: visible(&format!(
                "{name}: {} failure(s), first {} after the blow",
                caller.failures,
                caller.seconds_to_failure.map(length).unwrap_or_default()
            )),
        });
    }
    let axis = lane_y + 26.0;
    let (ticks, height) = ticks(&places, axis);
    Some(Drawing {
        height,
        axis,
        left: LEFT,
        right: RIGHT,
        bands: bands(&entries, &x, bands_y),
        has_way: !hops.is_empty(),
        marks: marks.into_iter().chain(way).collect(),
        way_y,
        lanes,
        ticks,
        says: visible(&format!("Timeline of {}: {}", story.key.id, story.summary.join(" "))),
    })
}

/// The changes to draw, with their numbers in the list: from the last incident on.
fn drawn(story: &Story) -> Vec<(usize, &Entry)> {
    let numbered: Vec<(usize, &Entry)> = story
        .timeline
        .iter()
        .enumerate()
        .map(|(at, entry)| (at + 1, entry))
        .collect();
    let first_blow = story
        .blast_radius
        .broken_at
        .and_then(|broken| numbered.iter().position(|(_, entry)| entry.at >= broken))
        .or_else(|| numbered.iter().position(|(_, entry)| entry.weight == "blow"));
    // Attempts and policy changes within two days before belong to the incident.
    let from = first_blow.map_or(0, |blow| {
        let at = numbered.get(blow).map_or(i64::MIN, |(_, entry)| entry.at.0.0);
        numbered
            .iter()
            .position(|(_, entry)| entry.at.0.0 >= at.saturating_sub(172_800_000_000))
            .unwrap_or(blow)
    });
    let from = from.max(numbered.len().saturating_sub(ENTRIES_MAX));
    numbered.into_iter().skip(from).collect()
}

/// The calls by which whoever hit the key came to it.
fn way_in(story: &Story, entries: &[(usize, &Entry)]) -> Vec<(i64, String)> {
    let actors: BTreeSet<usize> = entries
        .iter()
        .filter(|(_, entry)| entry.weight == "blow")
        .filter_map(|(_, entry)| entry.actor)
        .collect();
    let mut way = Vec::new();
    for actor in actors.iter().filter_map(|place| story.actors.get(*place)) {
        for hop in &actor.chain.hops {
            if let Some(at) = hop.at {
                let who = hop.identity_arn.as_deref().or(hop.name.as_deref()).unwrap_or("unknown");
                let operation = hop.operation.as_deref().unwrap_or_default();
                way.push((
                    at.0.0,
                    format!(
                        "{at}: {operation} by {} ({})",
                        last_part(who),
                        kind(&actor.chain.origin.kind)
                    ),
                ));
            }
        }
    }
    way.sort();
    way.dedup();
    way
}

/// Instants to places: the longer the gap, the wider, but by its logarithm.
fn spread(times: &BTreeSet<i64>) -> BTreeMap<i64, f64> {
    let all: Vec<i64> = times.iter().copied().collect();
    let gaps: Vec<f64> = all
        .iter()
        .zip(all.iter().skip(1))
        .map(|(one, two)| STEP + (1.0 + (*two - *one).max(0) as f64 / 60_000_000.0).ln())
        .collect();
    let whole: f64 = gaps.iter().sum();
    let (first, last) = (LEFT + 20.0, RIGHT - 40.0);
    let scale = if whole > 0.0 { (last - first) / whole } else { 0.0 };
    let mut at = first;
    let mut places = BTreeMap::new();
    for (time, gap) in all.iter().zip(gaps.into_iter().chain([0.0])) {
        places.insert(*time, round(at));
        at += gap * scale;
    }
    places
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Marks that would cover each other are moved apart.
fn apart(marks: &mut [Mark]) {
    let mut least = f64::MIN;
    for mark in marks {
        mark.x = mark.x.max(least);
        least = mark.x + 22.0;
    }
}

fn bands(entries: &[(usize, &Entry)], x: &dyn Fn(i64) -> f64, _y: f64) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let first = entries.first().and_then(|(_, entry)| entry.state_before.as_deref());
    let mut push = |from: f64, to: f64, state: Option<&str>| {
        let class = match state {
            Some("Enabled") => "good",
            Some("Disabled" | "Unavailable" | "PendingImport") => "weak",
            Some("PendingDeletion" | "PendingReplicaDeletion") => "bad",
            Some("Deleted") => "gone",
            _ => "open",
        };
        let label = state.unwrap_or("not in the log");
        // A label that does not fit stands in the list anyway.
        let fits = (to - from) > label.len() as f64 * 7.2 + 6.0;
        bands.push(Band {
            x: round(from),
            width: round((to - from).max(1.0)),
            class,
            label: if fits { label.to_owned() } else { String::new() },
        });
    };
    let (mut from, mut state) = (LEFT, first);
    for (_, entry) in entries {
        if entry.state_after != entry.state_before {
            let at = x(entry.at.0.0);
            push(from, at, state);
            (from, state) = (at, entry.state_after.as_deref());
        }
    }
    push(from, RIGHT, state);
    bands
}

/// Times under the axis, in as many rows as keep them readable.
fn ticks(places: &BTreeMap<i64, f64>, axis: f64) -> (Vec<Tick>, f64) {
    let mut ends = [f64::MIN; 4];
    let mut day = String::new();
    let mut ticks = Vec::new();
    let mut rows = 0;
    for (at, x) in places {
        let text = crate::model::Instant(*at).to_string();
        let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
        let clock = clock.trim_end_matches('Z');
        let label = if date == day {
            clock.to_owned()
        } else {
            format!("{date} {clock}")
        };
        let wide = label.len() as f64 * 6.2;
        let Some(row) = ends.iter().position(|end| x - wide / 2.0 > *end) else {
            continue;
        };
        if let Some(end) = ends.get_mut(row) {
            *end = x + wide / 2.0 + 8.0;
        }
        rows = rows.max(row + 1);
        date.clone_into(&mut day);
        ticks.push(Tick {
            x: *x,
            y: axis + 18.0 + 14.0 * row as f64,
            label,
        });
    }
    (ticks, axis + 18.0 + 14.0 * rows as f64)
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 2).collect();
    format!("{kept}..")
}
