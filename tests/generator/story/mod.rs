//! The sample organization: a hundred days of two workload accounts, told so that every verdict has a key that earns it.
//!
//! [`tell`] plays the days and returns the records with the truth about them; [`write`] lays them out as
//! `sample-logs/`: objects as S3 holds them, a permission snapshot taken at the end, the story and its truth in words and
//! as JSON.

mod burst;
mod caller;
mod cast;
mod changes;
mod collector;
mod entry;
mod event;
mod incident;
mod ledger;
mod people;
mod policies;
mod principals;
mod readme;
mod refusals;
mod routine;
mod scene;
mod snapshot;
mod truth;

use super::instant::{DAY, at};
use super::objects;
use super::rng::Rng;
use event::Event;
use scene::Scene;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use truth::Truth;

/// The first instant of the log.
pub fn begins() -> i64 {
    at("2026-07-01T00:00:00Z")
}

/// When the snapshot was taken; verdicts are meant to be asked for as of this instant.
pub fn as_of() -> i64 {
    at("2026-10-09T06:00:00Z")
}

/// The window of the verdicts.
pub const WINDOW: i64 = 90 * DAY;

/// When the trail of the analytics account stopped and started again.
pub fn silence() -> (i64, i64) {
    (at("2026-08-18T22:10:31Z"), at("2026-08-20T06:45:12Z"))
}

/// The whole story: objects by key, the snapshot, the truth.
pub struct Story {
    /// Object key below the bucket, and the gzipped bytes.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The permission snapshot bundle.
    pub bundle: serde_json::Value,
    /// What tools must find.
    pub truth: Truth,
}

/// Plays all days.
pub fn tell() -> io::Result<Story> {
    let mut scene = Scene::new();
    routine::play(&mut scene);
    changes::play(&mut scene);
    incident::play(&mut scene);
    let bundle = snapshot::bundle(&scene);
    let objects = deliver(&scene.delivered())?;
    let truth = Truth::of(&scene, objects.len());
    Ok(Story { objects, bundle, truth })
}

/// Tells the story and writes it below `dir`.
pub fn write(dir: &Path) -> io::Result<()> {
    tell()?.write(dir)
}

impl Story {
    /// Writes the story below `dir`, which need not exist.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let put = |name: &str, bytes: &[u8]| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
            std::fs::write(path, bytes)
        };
        for (key, bytes) in &self.objects {
            put(key, bytes)?;
        }
        put("snapshot/bundle.json", &pretty(&self.bundle)?)?;
        put("truth.json", &pretty(&self.truth.json())?)?;
        put("README.md", readme::text(&self.truth).as_bytes())
    }
}

fn pretty(value: &serde_json::Value) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Puts the records of five minutes of one account and Region into one object, delivered five to ten minutes later.
fn deliver(events: &[Event]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut slots: BTreeMap<(&str, &str, i64), Vec<&Event>> = BTreeMap::new();
    for event in events {
        let stamp = (event.time / 300 + 2) * 300 + event.late;
        slots
            .entry((event.account, event.region, stamp))
            .or_default()
            .push(event);
    }
    let mut objects = BTreeMap::new();
    for ((account, region, stamp), mut events) in slots {
        let mut rng = Rng::named(&format!("object {account} {region} {stamp}"));
        events.sort_by_key(|event| event.time);
        rng.jostle(&mut events, 0.15);
        let records: Vec<String> = events
            .iter()
            .map(|event| serde_json::Value::Object(event.record()).to_string())
            .collect();
        objects.insert(
            objects::log_key(account, account, region, stamp, &mut rng),
            objects::pack(&records, 9)?,
        );
    }
    Ok(objects)
}
