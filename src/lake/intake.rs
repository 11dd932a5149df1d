//! Taking records in, exactly once: batches become sorted files, repeated deliveries go, and one commit makes the files
//! of whole objects visible together with what the ledger says of those objects.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use deltalake::DeltaTable;
use deltalake::kernel::Add;
use object_store::ObjectStore;
use rayon::prelude::*;

use super::ledger::{self, Entry, FaultRow, Known, Pending};
use super::table::{self, Commit, Committed};
use super::{Error, Location, Result, duplicates, file, schema, sort};
use crate::model::Instant;
use crate::model::instant::DAY;

/// How often a commit is tried again when other writers are faster.
const RACES: usize = 200;

/// A digest file's rows and the object they come from.
pub struct DigestRows {
    /// The digest file.
    pub source_object: String,
    /// Rows of `digests`.
    pub rows: RecordBatch,
}

/// One run's way into the lake.
pub struct Intake {
    lake: Location,
    table: DeltaTable,
    store: Arc<dyn ObjectStore>,
    known: Arc<Known>,
    /// Files written and not yet committed.
    files: Vec<Add>,
    /// Objects read to their end (or as far as they go) and not yet committed.
    entries: Vec<Entry>,
    /// Per object not yet committed: rows of it in `files`, and repeats dropped.
    kept: HashMap<String, i64>,
    repeated: HashMap<String, i64>,
    already_there: HashMap<String, i64>,
    faults: Vec<FaultRow>,
    digests: Vec<DigestRows>,
    listings: Vec<RecordBatch>,
    totals: Totals,
}

/// What a run has done, over its committed objects.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field counts what its name says")]
pub struct Totals {
    pub objects: i64,
    pub records_read: i64,
    pub kept: i64,
    pub duplicate: i64,
    pub faulted: i64,
    pub objects_with_error: i64,
    pub bytes: i64,
    pub first_event_at: Option<Instant>,
    pub last_event_at: Option<Instant>,
    pub accounts: HashSet<String>,
    pub regions: HashSet<String>,
}

impl Intake {
    /// Opens the lake for writing, finishing what an interrupted run left behind.
    ///
    /// # Errors
    /// The lake cannot be reached or is not one.
    pub async fn open(lake: &Location) -> Result<Intake> {
        let table = open_table(lake).await?;
        ledger::settle(lake, &table).await?;
        let store = table.object_store();
        Ok(Intake {
            lake: lake.clone(),
            store,
            table,
            known: Arc::new(Known::load(lake).await?),
            files: Vec::new(),
            entries: Vec::new(),
            kept: HashMap::new(),
            repeated: HashMap::new(),
            already_there: HashMap::new(),
            faults: Vec::new(),
            digests: Vec::new(),
            listings: Vec::new(),
            totals: Totals::default(),
        })
    }

    /// The objects the lake knows now.
    pub fn known(&self) -> Arc<Known> {
        self.known.clone()
    }

    /// Whether files wait for a commit.
    pub fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Writes a batch of rows, in whatever order, as files. They become visible with the next commit.
    ///
    /// # Errors
    /// Storage refuses.
    pub async fn write(&mut self, chunks: Vec<RecordBatch>) -> Result<()> {
        if chunks.iter().all(|chunk| chunk.num_rows() == 0) {
            return Ok(());
        }
        let (encoded, kept, repeated) = tokio::task::block_in_place(|| encode(chunks))?;
        for (object, rows) in kept {
            *self.kept.entry(object).or_default() += rows;
        }
        for (object, rows) in repeated {
            *self.repeated.entry(object).or_default() += rows;
        }
        let mut written = Vec::with_capacity(encoded.len());
        for file in encoded {
            written.push(file::store(self.store.as_ref(), file).await?);
        }
        // An object too large for one batch may repeat itself across batches.
        if !self.files.is_empty() {
            let resolution = duplicates::across(self.store.clone(), &written, &self.files).await?;
            self.count(&resolution);
            // Both sides are objects of this run.
            for (object, rows) in &resolution.moved {
                *self.repeated.entry(object.clone()).or_default() += rows;
                *self.kept.entry(object.clone()).or_default() -= rows;
            }
            let old = std::mem::take(&mut self.files);
            self.files = self.drop_rows(old, &resolution.from_old).await?;
            written = self.drop_rows(written, &resolution.from_new).await?;
        }
        self.files.extend(written);
        Ok(())
    }

    /// Notes an object read to its end, or as far as it could be. `kept` and `duplicate` are found at the commit.
    pub fn object(&mut self, entry: Entry, faults: Vec<FaultRow>) {
        self.entries.push(entry);
        self.faults.extend(faults);
    }

    /// Notes a digest file's contents.
    pub fn digest(&mut self, digest: DigestRows) {
        self.digests.push(digest);
    }

    /// Notes a finished listing.
    pub fn listing(&mut self, rows: RecordBatch) {
        self.listings.push(rows);
    }

    /// Objects waiting for a commit.
    pub fn waiting(&self) -> usize {
        self.entries.len()
    }

    /// What was committed so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    fn count(&mut self, resolution: &duplicates::Resolution) {
        for (object, rows) in &resolution.repeated {
            *self.repeated.entry(object.clone()).or_default() += rows;
            *self.kept.entry(object.clone()).or_default() -= rows;
        }
        for (object, rows) in &resolution.already_there {
            // The row stays counted as kept: it is there, from this very object.
            *self.already_there.entry(object.clone()).or_default() += rows;
        }
    }

    /// Rewrites files of this run without some rows.
    async fn drop_rows(&self, files: Vec<Add>, drops: &HashMap<usize, HashSet<usize>>) -> Result<Vec<Add>> {
        let mut left = Vec::with_capacity(files.len());
        for (at, add) in files.into_iter().enumerate() {
            match drops.get(&at) {
                None => left.push(add),
                Some(rows) => {
                    left.extend(self.rewrite_without(&add, rows).await?);
                    // Never committed: nobody else can read it.
                    let path = object_store::path::Path::parse(&add.path).map_err(object_store::Error::from)?;
                    object_store::ObjectStoreExt::delete(self.store.as_ref(), &path).await?;
                }
            }
        }
        Ok(left)
    }

    async fn rewrite_without(&self, add: &Add, rows: &HashSet<usize>) -> Result<Option<Add>> {
        let batch = file::read_typed(self.store.clone(), add, &schema::cloudtrail()).await?;
        let stay: BooleanArray = (0..batch.num_rows()).map(|row| Some(!rows.contains(&row))).collect();
        let batch = filter_record_batch(&batch, &stay)?;
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let day = file::day_of(add).map(str::to_owned);
        let encoded = file::encode(&batch, &file::CLOUDTRAIL, Some((schema::EVENT_DATE, day)))?;
        Ok(Some(file::store(self.store.as_ref(), encoded).await?))
    }

    /// Makes everything written and noted since the last commit visible, in one commit of `cloudtrail`.
    ///
    /// # Errors
    /// Storage refuses, or the counts do not add up (a defect; nothing was committed then).
    pub async fn commit(&mut self, now: Instant) -> Result<()> {
        if self.entries.is_empty() && self.files.is_empty() && self.listings.is_empty() && self.digests.is_empty() {
            return Ok(());
        }
        for _ in 0..RACES {
            let old = ledger::files(&self.table, schema::CLOUDTRAIL)?;
            let resolution = duplicates::across(self.store.clone(), &self.files, &old).await?;
            self.count(&resolution);
            let files = std::mem::take(&mut self.files);
            self.files = self.drop_rows(files, &resolution.from_new).await?;
            let mut adds = self.files.clone();
            let mut removes = Vec::new();
            let mut replacements = Vec::new();
            for (at, rows) in &resolution.from_old {
                replacements.extend(self.rewrite_without(&old[*at], rows).await?);
                removes.push(ledger::removal(&old[*at], now, true));
            }
            adds.extend(replacements);
            let (entries, moved) = self.settled_entries(&resolution).await?;
            let number = table::commit_number(&self.table, schema::CLOUDTRAIL).await? + 1;
            let pending = self.pending(number, &entries, moved, now).await?;
            let metadata = serde_json::to_string(&pending).map_err(|error| Error::Inconsistent(error.to_string()))?;
            let metadata = vec![(ledger::PENDING.to_owned(), serde_json::Value::from(metadata))];
            let commit = Commit {
                adds,
                removes,
                metadata,
                ..Commit::default()
            };
            match table::commit(self.table.clone(), schema::CLOUDTRAIL, commit, Some(number)).await? {
                Committed::Done(table) => {
                    self.table = table;
                    ledger::settle(&self.lake, &self.table).await?;
                    self.close(entries);
                    return Ok(());
                }
                Committed::Raced => {
                    // Rows that would have moved from old files did not; they are found again in the new state.
                    self.table = open_table(&self.lake).await?;
                    ledger::settle(&self.lake, &self.table).await?;
                    self.known = Arc::new(Known::load(&self.lake).await?);
                }
            }
        }
        Err(Error::Inconsistent(format!(
            "other writers were faster {RACES} times in a row"
        )))
    }

    /// This run's entries with their counts, and the entries of earlier objects that lost rows to this run's.
    async fn settled_entries(&self, resolution: &duplicates::Resolution) -> Result<(Vec<Entry>, Vec<Entry>)> {
        let of = |counts: &HashMap<String, i64>, object: &str| counts.get(object).copied().unwrap_or_default();
        let again = self
            .entries
            .iter()
            .map(|entry| &entry.source_object)
            .filter(|object| self.known.has_row(object));
        let wanted: HashSet<String> = again.chain(resolution.moved.keys()).cloned().collect();
        let mut before: HashMap<String, Entry> = ledger::entries(&self.lake, &wanted)
            .await?
            .into_iter()
            .map(|entry| (entry.source_object.clone(), entry))
            .collect();
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let mut entry = entry.clone();
            let object = entry.source_object.clone();
            entry.kept = of(&self.kept, &object);
            entry.duplicate = of(&self.repeated, &object);
            if entry.kept + entry.duplicate + entry.faulted != entry.records_read {
                return Err(Error::Inconsistent(format!(
                    "object `{object}`: read {} but kept {} + duplicate {} + faulted {}",
                    entry.records_read, entry.kept, entry.duplicate, entry.faulted
                )));
            }
            if before
                .get(&object)
                .is_some_and(|before| before.etag == entry.etag && before.error.is_none())
            {
                // Another run took the very same version meanwhile: its account stands, and may have changed since.
                continue;
            }
            if let Some(before) = before.remove(&object)
                && before.etag != entry.etag
            {
                // Another version under the same key: its rows stay beside the earlier version's.
                let (same, moved) = (of(&self.already_there, &object), of(&resolution.moved, &object));
                entry.records_read += before.records_read - same;
                entry.kept += before.kept - same - moved;
                entry.duplicate += before.duplicate + moved;
                entry.faulted += before.faulted;
            }
            entries.push(entry);
        }
        let mut moved: Vec<Entry> = before
            .into_values()
            .filter(|entry| resolution.moved.contains_key(&entry.source_object))
            .collect();
        for entry in &mut moved {
            let lost = of(&resolution.moved, &entry.source_object);
            entry.kept -= lost;
            entry.duplicate += lost;
        }
        moved.sort_by(|one, two| one.source_object.cmp(&two.source_object));
        Ok((entries, moved))
    }

    async fn pending(&self, number: i64, entries: &[Entry], moved: Vec<Entry>, now: Instant) -> Result<Pending> {
        let replaced: HashSet<String> = entries
            .iter()
            .chain(&moved)
            .map(|entry| &entry.source_object)
            .filter(|object| self.known.has_row(object))
            .cloned()
            .collect();
        let again: HashSet<String> = entries
            .iter()
            .map(|entry| &entry.source_object)
            .filter(|object| replaced.contains(*object))
            .cloned()
            .collect();
        let all: Vec<Entry> = entries.iter().cloned().chain(moved).collect();
        let mut tables = Vec::new();
        let mut add = |name: &str, (adds, removes): (Vec<Add>, Vec<deltalake::kernel::Remove>)| {
            if !adds.is_empty() || !removes.is_empty() {
                tables.push((name.to_owned(), adds, removes));
            }
        };
        if !all.is_empty() {
            let rows = ledger::object_rows(&all, now)?;
            add(
                schema::INGEST_OBJECTS,
                ledger::prepare(&self.lake, schema::INGEST_OBJECTS, &rows, &replaced, now).await?,
            );
        }
        if !self.faults.is_empty() || !again.is_empty() {
            let rows = ledger::fault_rows(&self.faults, now)?;
            add(
                schema::INGEST_FAULTS,
                ledger::prepare(&self.lake, schema::INGEST_FAULTS, &rows, &again, now).await?,
            );
        }
        if !self.digests.is_empty() {
            let parts: Vec<&RecordBatch> = self.digests.iter().map(|digest| &digest.rows).collect();
            let rows = arrow::compute::concat_batches(&schema::digests(), parts)?;
            add(
                schema::DIGESTS,
                ledger::prepare(&self.lake, schema::DIGESTS, &rows, &again, now).await?,
            );
        }
        if !self.listings.is_empty() {
            let rows = arrow::compute::concat_batches(&schema::ingest_listings(), &self.listings)?;
            let none = HashSet::new();
            add(
                schema::INGEST_LISTINGS,
                ledger::prepare(&self.lake, schema::INGEST_LISTINGS, &rows, &none, now).await?,
            );
        }
        Ok(Pending { number, tables })
    }

    fn close(&mut self, entries: Vec<Entry>) {
        let earliest = |one: Option<Instant>, two: Option<Instant>| match (one, two) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        for entry in &self.entries {
            let kept = self.kept.get(&entry.source_object).copied().unwrap_or_default();
            let duplicate = self.repeated.get(&entry.source_object).copied().unwrap_or_default();
            self.totals.objects += 1;
            self.totals.records_read += entry.records_read;
            self.totals.kept += kept;
            self.totals.duplicate += duplicate;
            self.totals.faulted += entry.faulted;
            self.totals.objects_with_error += i64::from(entry.error.is_some());
            self.totals.bytes += entry.bytes;
            self.totals.first_event_at = earliest(self.totals.first_event_at, entry.first_event_at);
            self.totals.last_event_at = self.totals.last_event_at.max(entry.last_event_at);
        }
        let known = Arc::make_mut(&mut self.known);
        for entry in &entries {
            known.insert(entry);
        }
        self.files.clear();
        self.entries.clear();
        self.kept.clear();
        self.repeated.clear();
        self.already_there.clear();
        self.faults.clear();
        self.digests.clear();
        self.listings.clear();
    }

    /// Adds to the accounts and Regions seen.
    pub fn seen(&mut self, accounts: HashSet<String>, regions: HashSet<String>) {
        self.totals.accounts.extend(accounts);
        self.totals.regions.extend(regions);
    }
}

/// Opens `cloudtrail`, creating it where there is none.
///
/// # Errors
/// Storage refuses.
pub async fn open_table(lake: &Location) -> Result<DeltaTable> {
    let schema = schema::cloudtrail();
    table::open_or_create(
        lake,
        schema::CLOUDTRAIL,
        &schema,
        &[schema::EVENT_DATE],
        file::CLOUDTRAIL.stats,
    )
    .await
}

type Encoded = (Vec<file::Encoded>, HashMap<String, i64>, HashMap<String, i64>);

/// Drops repeats, sorts, and encodes one file per day, days in parallel.
fn encode(chunks: Vec<RecordBatch>) -> Result<Encoded> {
    let repeats = duplicates::in_batch(&chunks)?;
    let kept = duplicates::rows_by_object(&chunks, &repeats)?;
    let order = sort::order(&chunks, |row| !repeats.rows.contains(&row))?;
    let sorted = sort::apply(chunks, &order)?;
    let encoded: Result<Vec<file::Encoded>> = order
        .days
        .par_iter()
        .map(|(day, range)| {
            let rows = sorted.slice(range.start, range.len());
            file::encode(
                &rows,
                &file::CLOUDTRAIL,
                Some((schema::EVENT_DATE, day.map(|day| Instant(i64::from(day) * DAY).date()))),
            )
        })
        .collect();
    Ok((encoded?, kept, repeats.by_object))
}
