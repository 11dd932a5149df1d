//! Merging a day's small files into sorted larger ones, and dropping files no reader needs any more.
//!
//! Own code on purpose: the crate's `optimize()` keeps no order and drops the transaction id that makes two racing
//! compactions see each other, so that they would double the rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::Add;
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::table::{self, Commit, Committed};
use super::{Location, Result, file, intake, ledger, schema, snapshots, sort};
use crate::model::Instant;

/// Bytes a merged file should have at most: bounds the memory of a merge.
const FILE_BYTES: i64 = 20 << 20;
/// How often a day is tried again when other writers are faster.
const RACES: usize = 20;

/// What a compaction did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// Files merged.
    pub files_before: usize,
    /// Files they became.
    pub files_after: usize,
    /// Bytes of the merged files.
    pub bytes_before: i64,
    /// Bytes of what they became.
    pub bytes_after: i64,
    /// Superseded or never committed files deleted.
    pub deleted: usize,
}

/// Merges the small files of each day, and deletes files that stopped being part of their table before `retain_since`.
///
/// # Errors
/// Storage refuses.
pub async fn compact(lake: &Location, retain_since: Instant, now: Instant) -> Result<Compacted> {
    let mut done = Compacted::default();
    if let Some(table) = table::open(lake, schema::CLOUDTRAIL).await? {
        compact_log(lake, &table, retain_since, now, &mut done).await?;
    }
    let (merged, deleted) = snapshots::compact(lake, retain_since, now).await?;
    done.files_before += merged.files_before;
    done.files_after += merged.files_after;
    done.bytes_before += merged.bytes_before;
    done.bytes_after += merged.bytes_after;
    done.deleted += deleted;
    Ok(done)
}

async fn compact_log(
    lake: &Location,
    table: &DeltaTable,
    retain_since: Instant,
    now: Instant,
    done: &mut Compacted,
) -> Result<()> {
    ledger::settle(lake, table).await?;
    let mut days: BTreeMap<Option<String>, ()> = BTreeMap::new();
    for add in ledger::files(table, schema::CLOUDTRAIL)? {
        days.insert(file::day_of(&add).map(str::to_owned), ());
    }
    for day in days.into_keys() {
        merge_day(lake, day.as_deref(), now, done).await?;
    }
    for name in [
        schema::INGEST_OBJECTS,
        schema::INGEST_FAULTS,
        schema::DIGESTS,
        schema::INGEST_LISTINGS,
    ] {
        merge_ledger(lake, name, now, done).await?;
    }
    for name in [
        schema::CLOUDTRAIL,
        schema::INGEST_OBJECTS,
        schema::INGEST_FAULTS,
        schema::DIGESTS,
        schema::INGEST_LISTINGS,
    ] {
        done.deleted += sweep(lake, name, retain_since).await?;
        table::checkpoint(lake, name).await?;
    }
    Ok(())
}

/// Groups of files to merge: neighbours by size until a group is full. A group of one is left alone.
fn groups(mut adds: Vec<Add>) -> Vec<Vec<Add>> {
    adds.retain(|add| add.size < FILE_BYTES / 2);
    adds.sort_by(|one, two| one.size.cmp(&two.size).then_with(|| one.path.cmp(&two.path)));
    packed(adds, FILE_BYTES)
}

/// Neighbours together until they have so many bytes; what stands alone is left out.
pub(super) fn packed(adds: Vec<Add>, bytes_max: i64) -> Vec<Vec<Add>> {
    let mut groups: Vec<Vec<Add>> = Vec::new();
    let mut bytes = bytes_max;
    for add in adds {
        if bytes + add.size > bytes_max {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += add.size;
        if let Some(group) = groups.last_mut() {
            group.push(add);
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

async fn merge_day(lake: &Location, day: Option<&str>, now: Instant, done: &mut Compacted) -> Result<()> {
    for _ in 0..RACES {
        let table = intake::open_table(lake).await?;
        ledger::settle(lake, &table).await?;
        let adds = ledger::files(&table, schema::CLOUDTRAIL)?;
        let of_day: Vec<Add> = adds.into_iter().filter(|add| file::day_of(add) == day).collect();
        let groups = groups(of_day);
        if groups.is_empty() {
            return Ok(());
        }
        let store = table.object_store();
        let mut merged = Vec::new();
        for group in &groups {
            merged.push(merge(&store, group, day).await?);
        }
        let before: Vec<&Add> = groups.iter().flatten().collect();
        let removes = before.iter().map(|add| ledger::removal(add, now, false)).collect();
        let mut counted = done.clone();
        counted.files_before += before.len();
        counted.files_after += merged.len();
        counted.bytes_before += before.iter().map(|add| add.size).sum::<i64>();
        counted.bytes_after += merged.iter().map(|add| add.size).sum::<i64>();
        let commit = Commit {
            adds: merged.clone(),
            removes,
            is_rewrite: true,
            metadata: Vec::new(),
        };
        if let Committed::Done(_) = table::commit(table, schema::CLOUDTRAIL, commit, None).await? {
            *done = counted;
            return Ok(());
        }
        for add in merged {
            store
                .delete(&Path::parse(&add.path).map_err(object_store::Error::from)?)
                .await?;
        }
    }
    Ok(())
}

async fn merge(store: &Arc<dyn ObjectStore>, group: &[Add], day: Option<&str>) -> Result<Add> {
    let mut chunks = Vec::with_capacity(group.len());
    for add in group {
        chunks.push(file::read_typed(store.clone(), add, &schema::cloudtrail()).await?);
    }
    let encoded = tokio::task::block_in_place(|| {
        let order = sort::order(&chunks, |_| true)?;
        let rows = sort::apply(chunks, &order)?;
        file::encode(
            &rows,
            &file::CLOUDTRAIL,
            Some((schema::EVENT_DATE, day.map(str::to_owned))),
        )
    })?;
    let mut add = file::store(store.as_ref(), encoded).await?;
    add.data_change = false;
    Ok(add)
}

/// Merges a small table into one file. Its number of commit must not run ahead of `cloudtrail`'s, so the merge is
/// committed under the number it has.
async fn merge_ledger(lake: &Location, name: &str, now: Instant, done: &mut Compacted) -> Result<()> {
    let Some(table) = table::open(lake, name).await? else {
        return Ok(());
    };
    let adds = ledger::files(&table, name)?;
    let groups = groups(adds);
    if groups.is_empty() {
        return Ok(());
    }
    let Some(typed) = schema::by_name(name) else {
        return Ok(());
    };
    let store = table.object_store();
    let (mut merged, mut removes) = (Vec::new(), Vec::new());
    for group in &groups {
        let mut parts = Vec::with_capacity(group.len());
        for add in group {
            parts.push(file::read_typed(store.clone(), add, &typed).await?);
            removes.push(ledger::removal(add, now, false));
        }
        let rows = arrow::compute::concat_batches(&typed, &parts)?;
        let by_first = arrow::compute::sort_to_indices(rows.column(0), None, None)?;
        let rows = arrow::compute::take_record_batch(&rows, &by_first)?;
        let mut add = file::store(store.as_ref(), file::encode(&rows, &ledger::layout_of(name), None)?).await?;
        add.data_change = false;
        merged.push(add);
    }
    let number = table::commit_number(&table, name).await?;
    let (before, after) = (removes.len(), merged.len());
    let commit = Commit {
        adds: merged,
        removes,
        is_rewrite: true,
        metadata: Vec::new(),
    };
    // A race is an ingest at work: the next compaction will find the files again.
    if let Committed::Done(_) = table::commit(table, name, commit, Some(number)).await? {
        done.files_before += before;
        done.files_after += after;
    }
    Ok(())
}

/// Deletes files that are not part of the table and have not been touched since `retain_since`: superseded ones, and
/// those a killed run wrote and never committed.
pub(super) async fn sweep(lake: &Location, name: &str, retain_since: Instant) -> Result<usize> {
    let Some(table) = table::open(lake, name).await? else {
        return Ok(0);
    };
    let live: HashSet<Path> = live_paths(&table, name)?;
    let store = table.object_store();
    let mut doomed = Vec::new();
    let mut listing = store.list(None);
    while let Some(meta) = listing.next().await {
        let meta = meta?;
        let is_log = meta
            .location
            .parts()
            .next()
            .is_some_and(|part| part.as_ref() == "_delta_log");
        let is_old = meta.last_modified.timestamp_micros() < retain_since.0;
        if !is_log && is_old && meta.location.as_ref().ends_with(".parquet") && !live.contains(&meta.location) {
            doomed.push(meta.location);
        }
    }
    drop(listing);
    for path in &doomed {
        store.delete(path).await?;
    }
    Ok(doomed.len())
}

fn live_paths(table: &DeltaTable, name: &str) -> Result<HashSet<Path>> {
    ledger::files(table, name)?
        .iter()
        .map(|add| Ok(Path::parse(&add.path).map_err(object_store::Error::from)?))
        .collect()
}
