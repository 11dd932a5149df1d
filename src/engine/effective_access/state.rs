//! States of permissions, decided once per session: which snapshots, then who can do what by classes of equals.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::Which;
use crate::lake::{Location, snapshots};
use crate::policy::Snapshot;
use crate::policy::access::{Access, Cell, Outcome};
use crate::policy::classes::Partition;
use crate::policy::kms::ActionSet;
use crate::policy::population::Principal;
use crate::snapshot::bundle::{Purpose, write};

/// A snapshot, or the newest ones together, decided.
#[derive(Debug)]
pub(in crate::engine) struct Decided {
    pub(super) snapshot: Snapshot,
    pub(super) principals: Vec<Principal>,
    pub(super) principal_classes: Partition,
    pub(super) key_classes: Partition,
    pub(super) outcomes: Vec<Vec<Outcome>>,
    pub(super) cells: Vec<Cell>,
    /// Snapshot and time of collection of keys by account and Region.
    parts: HashMap<(String, String), (String, i64)>,
    /// Of keys that no part speaks of.
    whole: (String, i64),
}

impl Decided {
    fn of(
        bundle: &Value,
        actions: ActionSet,
        parts: Vec<((String, String), (String, i64))>,
        whole: (String, i64),
    ) -> Decided {
        let (snapshot, _) = Snapshot::from_bundle(bundle);
        let access = Access::of(&snapshot, actions);
        let (principals, outcomes, cells) = (access.principals, access.outcomes, access.cells);
        let (principal_classes, key_classes) = (access.principal_classes, access.key_classes);
        let parts = parts.into_iter().collect();
        Decided {
            snapshot,
            principals,
            principal_classes,
            key_classes,
            outcomes,
            cells,
            parts,
            whole,
        }
    }

    /// The snapshot that a key's state is of, and when it was collected.
    pub(super) fn origin(&self, account: &str, region: &str) -> (&str, i64) {
        let found = self
            .parts
            .get(&(account.to_owned(), region.to_owned()))
            .unwrap_or(&self.whole);
        (&found.0, found.1)
    }
}

type Held = Arc<OnceCell<Option<Arc<Decided>>>>;

/// What was decided so far.
#[derive(Debug)]
pub(in crate::engine) struct States {
    location: Location,
    newest: Mutex<HashMap<(Which, ActionSet), Held>>,
    each: Mutex<HashMap<(String, ActionSet), Held>>,
}

impl States {
    pub(in crate::engine) fn new(location: Location) -> States {
        States {
            location,
            newest: Mutex::default(),
            each: Mutex::default(),
        }
    }

    /// The newest snapshots at or before an instant, or nothing where there is none.
    pub(super) async fn newest(&self, as_of: Option<i64>, actions: ActionSet) -> Result<Option<Arc<Decided>>> {
        let held = self
            .newest
            .lock()
            .await
            .entry((Which::Newest(as_of), actions))
            .or_default()
            .clone();
        let decide = || async {
            let Some(loaded) = snapshots::load_bundle(&self.location, as_of).await.map_err(external)? else {
                return Ok(None);
            };
            let whole = loaded
                .parts
                .iter()
                .map(|part| (part.snapshot_id.clone(), part.collected_at));
            let whole = whole.max_by_key(|(_, at)| *at).unwrap_or_default();
            let parts = loaded.parts.into_iter().filter(|part| part.service == "kms");
            let parts = parts.map(|part| ((part.account_id, part.region), (part.snapshot_id, part.collected_at)));
            decided(loaded.bundle, actions, parts.collect(), whole).await
        };
        held.get_or_try_init(decide).await.cloned()
    }

    /// Every snapshot collected from `since` to `until`, oldest first.
    pub(super) async fn each(&self, since: i64, until: i64, actions: ActionSet) -> Result<Vec<Arc<Decided>>> {
        let mut all = Vec::new();
        for header in snapshots::list(&self.location).await.map_err(external)? {
            if header.collected_at < since || header.collected_at > until {
                continue;
            }
            let id = header.snapshot_id;
            let held = self.each.lock().await.entry((id.clone(), actions)).or_default().clone();
            let decide = || async {
                let Some((header, bundle)) = snapshots::load(&self.location, &id).await.map_err(external)? else {
                    return Ok(None);
                };
                let whole = (header.snapshot_id, header.collected_at);
                decided(write(&bundle, Purpose::Evaluation), actions, Vec::new(), whole).await
            };
            all.extend(held.get_or_try_init(decide).await?.clone());
        }
        Ok(all)
    }
}

async fn decided(
    bundle: Value,
    actions: ActionSet,
    parts: Vec<((String, String), (String, i64))>,
    whole: (String, i64),
) -> Result<Option<Arc<Decided>>> {
    let deciding = tokio::task::spawn_blocking(move || Decided::of(&bundle, actions, parts, whole));
    let decided = deciding
        .await
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(Some(Arc::new(decided)))
}

fn external(error: crate::lake::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
