//! Small worlds with a known truth, each an account of one lake, so that one question judges thousands of them.
//!
//! A world is drawn from a seed: what its trail was set to deliver, what was lost on the way, what was done with its
//! keys, and what AWS answers about them. Records that were not delivered are not in the lake; the truth knows them.

mod draw;
mod matrix;
mod rows;
mod truth;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::lake::TestLake;
use crate::support::permissions::keep;
use crate::support::program::ask;
use draw::World;

/// The window: its first instant, and the first after it, in seconds since 1970.
const SINCE: i64 = 1_772_323_200; // 2026-03-01T00:00:00Z
const AS_OF: i64 = SINCE + 31 * DAY;
const DAY: i64 = 86_400;

/// A lake that holds these worlds.
fn lake(worlds: &[World]) -> TestLake {
    let lake = TestLake::new();
    let mut events = Vec::new();
    let (mut objects, mut listings) = (Vec::new(), Vec::new());
    for world in worlds {
        events.extend(rows::events(world));
        objects.extend(rows::objects(world));
        listings.extend(rows::listings(world));
    }
    lake.events(events);
    lake.add("ingest_objects", &objects);
    lake.add("ingest_listings", &listings);
    keep(&lake, &rows::bundle(worlds));
    lake
}

fn verdicts(lake: &TestLake, query: &str) -> Vec<Value> {
    ask(lake, &[query, "-p", "window=31d", "-p", "as_of=2026-04-01"])
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

/// Worlds per run; more on demand.
fn count() -> u64 {
    std::env::var("KEYTRAIL_WORLDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_500)
}

#[test]
fn verdicts_equal_the_truth_of_every_world() {
    let worlds: Vec<World> = (0..count()).map(World::draw).collect();
    let lake = lake(&worlds);
    let keys: BTreeMap<String, Value> = verdicts(&lake, "unused-keys")
        .into_iter()
        .map(|row| (text(&row, "key_arn").to_owned(), row))
        .collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for world in &worlds {
        for key in &world.keys {
            let row = keys
                .get(&key.arn(world))
                .unwrap_or_else(|| panic!("no row of {world:?} {key:?}"));
            let truth = truth::of_key(world, key);
            let found = (
                text(row, "verdict"),
                text(row, "proof"),
                row["uses"].as_i64(),
                row["failed_uses"].as_i64(),
            );
            let expected = (truth.verdict, truth.proof, Some(truth.uses), Some(truth.failed));
            assert_eq!(found, expected, "{row}\nworld: {world:?}\nkey: {key:?}");
            // Whatever else: what was used is never called unused.
            assert!(
                truth.verdict != "unused" || !truth::was_used(key),
                "the truth itself: {world:?} {key:?}"
            );
            assert!(
                truth.verdict != "inconclusive" || !text(row, "reason").is_empty(),
                "{row}"
            );
            *seen.entry(truth.verdict).or_default() += 1;
        }
    }
    let every = [
        "not_applicable",
        "in_use",
        "attempted",
        "held_by_grant",
        "too_new",
        "unused",
        "inconclusive",
    ];
    assert!(
        every
            .iter()
            .all(|verdict| seen.get(verdict).is_some_and(|count| *count > 20)),
        "{seen:?}"
    );
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let rights: BTreeMap<[String; 3], Value> = verdicts(&lake, "unexercised-admin-rights")
        .into_iter()
        .map(|row| {
            (
                ["principal_arn", "key_arn", "action"].map(|name| text(&row, name).to_owned()),
                row,
            )
        })
        .collect();
    for world in &worlds {
        for key in &world.keys {
            for action in ["kms:DisableKey", "kms:EnableKey"] {
                for principal in [world.role(), world.root()] {
                    let row = rights
                        .get(&[principal.clone(), key.arn(world), action.to_owned()])
                        .unwrap_or_else(|| panic!("no row of {principal} {action} {world:?}"));
                    let (verdict, exercised) = truth::of_right(world, key, &principal, action);
                    let found = (text(row, "verdict"), row["exercised"].as_i64());
                    assert_eq!(
                        found,
                        (verdict, Some(exercised)),
                        "{row}\nworld: {world:?}\nkey: {key:?}"
                    );
                    *seen.entry(verdict).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
