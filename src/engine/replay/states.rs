//! The states of permissions that calls are replayed against: which snapshots there are for an account and Region, and the few
//! that are held at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};

use crate::lake::{Location, snapshots};
use crate::policy::Snapshot;
use crate::replay::Directory;

/// States kept in memory: those on both sides of a day, and their predecessors.
const HELD_MAX: usize = 4;

/// "The newest snapshot" as it was when one was collected.
#[derive(Debug)]
pub(super) struct State {
    pub(super) directory: Directory,
    /// Snapshot, when its collection began and ended, by account and Region of a key.
    parts: BTreeMap<(String, String), (String, i64, i64)>,
    whole: (String, i64, i64),
}

impl State {
    /// The snapshot that speaks of a key's account and Region; its id, when its collection began and ended.
    pub(super) fn origin(&self, place: &(String, String)) -> &(String, i64, i64) {
        self.parts.get(place).unwrap_or(&self.whole)
    }
}

/// Which instants have a snapshot of what, and the states held.
#[derive(Debug)]
pub(super) struct States {
    location: Location,
    /// Every instant at which a snapshot was collected.
    instants: BTreeSet<i64>,
    /// Those of an account and Region.
    by_place: BTreeMap<(String, String), BTreeSet<i64>>,
    held: VecDeque<(i64, Arc<State>)>,
}

impl States {
    pub(super) async fn new(location: Location) -> Result<States> {
        let mut by_place: BTreeMap<(String, String), BTreeSet<i64>> = BTreeMap::new();
        let mut instants = BTreeSet::new();
        for (header, places) in snapshots::places(&location).await.map_err(external)? {
            instants.insert(header.collected_at);
            for place in places {
                by_place.entry(place).or_default().insert(header.collected_at);
            }
        }
        Ok(States {
            location,
            instants,
            by_place,
            held: VecDeque::new(),
        })
    }

    /// The instants of the snapshots nearest to a call on both sides, the nearer first.
    pub(super) fn around(&self, place: &(String, String), at: i64) -> [Option<i64>; 2] {
        let instants = self.by_place.get(place).unwrap_or(&self.instants);
        let before = instants.range(..=at).next_back().copied();
        let after = instants.range(at.saturating_add(1)..).next().copied();
        match (before, after) {
            (Some(one), Some(two)) if two - at < at - one => [Some(two), Some(one)],
            (None, other) => [other, None],
            (one, other) => [one, other],
        }
    }

    /// The state at an instant.
    pub(super) async fn at(&mut self, instant: i64) -> Result<Option<Arc<State>>> {
        if let Some((_, state)) = self.held.iter().find(|(held, _)| *held == instant) {
            return Ok(Some(state.clone()));
        }
        let loaded = snapshots::load_bundle(&self.location, Some(instant))
            .await
            .map_err(external)?;
        let Some(loaded) = loaded else { return Ok(None) };
        let began: BTreeMap<&str, i64> = loaded
            .snapshots
            .iter()
            .map(|header| {
                (
                    header.snapshot_id.as_str(),
                    header.started_at.unwrap_or(header.collected_at),
                )
            })
            .collect();
        let origin = |id: &str, at: i64| (id.to_owned(), began.get(id).copied().unwrap_or(at), at);
        let newest = loaded.parts.iter().max_by_key(|part| part.collected_at);
        let whole = newest
            .map(|part| origin(&part.snapshot_id, part.collected_at))
            .unwrap_or_default();
        let parts = loaded.parts.iter().filter(|part| part.service == "kms").map(|part| {
            let place = (part.account_id.clone(), part.region.clone());
            (place, origin(&part.snapshot_id, part.collected_at))
        });
        let parts = parts.collect();
        let bundle = loaded.bundle;
        let read = tokio::task::spawn_blocking(move || Directory::of(Snapshot::from_bundle(&bundle).0));
        let directory = read.await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let state = Arc::new(State {
            directory,
            parts,
            whole,
        });
        self.held.push_back((instant, state.clone()));
        if self.held.len() > HELD_MAX {
            self.held.pop_front();
        }
        Ok(Some(state))
    }
}

pub(super) fn external(error: crate::lake::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
