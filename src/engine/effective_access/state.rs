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
use crate::policy::condition::Fact;
use crate::policy::kms::ActionSet;
use crate::policy::population::Principal;
use crate::snapshot::bundle::{Purpose, write};

/// What is known of the second factor of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::engine) enum SecondFactor {
    /// Nothing: a right may depend on it.
    Unknown,
    /// Temporary credentials that were given without one.
    NotGiven,
    /// Long-term credentials, which know of none.
    Absent,
}

impl SecondFactor {
    fn granted(self) -> HashMap<&'static str, Fact<'static>> {
        let present = match self {
            SecondFactor::Unknown => return HashMap::new(),
            SecondFactor::NotGiven => Fact::One("false".into()),
            SecondFactor::Absent => Fact::Absent,
        };
        HashMap::from([
            ("aws:multifactorauthpresent", present),
            ("aws:multifactorauthage", Fact::Absent),
        ])
    }
}

/// A snapshot, or the newest ones together, decided.
#[derive(Debug)]
pub(in crate::engine) struct Decided {
    pub(super) snapshot: Arc<Snapshot>,
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
        factor: SecondFactor,
    ) -> Decided {
        let (mut snapshot, _) = Snapshot::from_bundle(bundle);
        snapshot.granted = factor.granted();
        let access = Access::of(&snapshot, actions);
        let (principals, outcomes, cells) = (access.principals, access.outcomes, access.cells);
        let (principal_classes, key_classes) = (access.principal_classes, access.key_classes);
        let parts = parts.into_iter().collect();
        Decided {
            snapshot: Arc::new(snapshot),
            principals,
            principal_classes,
            key_classes,
            outcomes,
            cells,
            parts,
            whole,
        }
    }

    /// The rights of the same state that are given and withheld.
    fn withheld(&self, actions: ActionSet) -> Decided {
        let access = Access::withheld(&self.snapshot, actions);
        let (principals, outcomes, cells) = (access.principals, access.outcomes, access.cells);
        let (principal_classes, key_classes) = (access.principal_classes, access.key_classes);
        Decided {
            snapshot: self.snapshot.clone(),
            principals,
            principal_classes,
            key_classes,
            outcomes,
            cells,
            parts: self.parts.clone(),
            whole: self.whole.clone(),
        }
    }

    /// The one snapshot that all of it is of, if it is one.
    pub(super) fn sole(&self) -> Option<&str> {
        let is_whole = |(snapshot, _): &(String, i64)| *snapshot == self.whole.0;
        self.parts.values().all(is_whole).then_some(self.whole.0.as_str())
    }

    /// When the newest snapshot in it was collected.
    pub(super) fn collected_at(&self) -> i64 {
        self.whole.1
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
    newest: Mutex<HashMap<(Which, ActionSet, SecondFactor), Held>>,
    each: Mutex<HashMap<(String, ActionSet), Held>>,
    withheld: Mutex<HashMap<(Option<i64>, ActionSet), Held>>,
}

impl States {
    pub(in crate::engine) fn new(location: Location) -> States {
        States {
            location,
            newest: Mutex::default(),
            each: Mutex::default(),
            withheld: Mutex::default(),
        }
    }

    /// What the newest snapshots at or before an instant give and withhold, or nothing where there is none.
    pub(super) async fn withheld(&self, as_of: Option<i64>, actions: ActionSet) -> Result<Option<Arc<Decided>>> {
        let held = self.withheld.lock().await.entry((as_of, actions)).or_default().clone();
        let decide = || async {
            let Some(state) = self.newest(as_of, actions, SecondFactor::Unknown).await? else {
                return Ok(None);
            };
            let deciding = tokio::task::spawn_blocking(move || state.withheld(actions));
            let decided = deciding
                .await
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(Some(Arc::new(decided)))
        };
        held.get_or_try_init(decide).await.cloned()
    }

    /// The newest snapshots at or before an instant, or nothing where there is none.
    pub(super) async fn newest(
        &self,
        as_of: Option<i64>,
        actions: ActionSet,
        factor: SecondFactor,
    ) -> Result<Option<Arc<Decided>>> {
        let held = self
            .newest
            .lock()
            .await
            .entry((Which::Newest(as_of), actions, factor))
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
            let sole = loaded.parts.iter().all(|part| part.snapshot_id == whole.0);
            if sole
                && factor == SecondFactor::Unknown
                && let Some(known) = self.known(&whole.0, actions).await
            {
                return Ok(Some(known));
            }
            let parts = loaded.parts.into_iter().filter(|part| part.service == "kms");
            let parts = parts.map(|part| ((part.account_id, part.region), (part.snapshot_id, part.collected_at)));
            decided(loaded.bundle, actions, parts.collect(), whole, factor).await
        };
        held.get_or_try_init(decide).await.cloned()
    }

    /// A snapshot that was decided by itself already.
    async fn known(&self, id: &str, actions: ActionSet) -> Option<Arc<Decided>> {
        let each = self.each.lock().await;
        each.get(&(id.to_owned(), actions))?.get()?.clone()
    }

    /// A snapshot that is all that the newest state consists of.
    async fn newest_of(&self, id: &str, actions: ActionSet) -> Option<Arc<Decided>> {
        let newest = self.newest.lock().await;
        let mut states = newest
            .iter()
            .filter(|((_, wanted, factor), _)| *wanted == actions && *factor == SecondFactor::Unknown)
            .filter_map(|(_, held)| held.get()?.clone());
        states.find(|state| state.sole() == Some(id))
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
                if let Some(known) = self.newest_of(&id, actions).await {
                    return Ok(Some(known));
                }
                let Some((header, bundle)) = snapshots::load(&self.location, &id).await.map_err(external)? else {
                    return Ok(None);
                };
                let whole = (header.snapshot_id, header.collected_at);
                let bundle = write(&bundle, Purpose::Evaluation);
                decided(bundle, actions, Vec::new(), whole, SecondFactor::Unknown).await
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
    factor: SecondFactor,
) -> Result<Option<Arc<Decided>>> {
    let deciding = tokio::task::spawn_blocking(move || Decided::of(&bundle, actions, parts, whole, factor));
    let decided = deciding
        .await
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(Some(Arc::new(decided)))
}

fn external(error: crate::lake::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
