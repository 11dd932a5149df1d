//! What was taken from which object: the rows of `ingest_objects`, `ingest_faults` and `digests`, and their place in
//! the commit of the records they speak of.
//!
//! INVARIANT: the commit of `cloudtrail` is the truth. The files of the other tables are written before it and named in
//! its metadata; they are committed after it, by whoever comes next if the writer was killed in between. So no table
//! of the ledger is ever ahead of the records, and none stays behind once the lake is opened.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use deltalake::DeltaTable;
use deltalake::kernel::{Add, Remove};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::{self, Layout};
use super::table::{self, Committed};
use super::{Error, Location, Result, schema};
use crate::model::Instant;
use crate::trail::digest::{Digest, LogFile};
use crate::trail::object_key::ObjectKey;

/// One row of `ingest_objects`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct Entry {
    pub source_object: String,
    pub etag: Option<String>,
    pub bytes: i64,
    pub records_read: i64,
    pub kept: i64,
    pub duplicate: i64,
    pub faulted: i64,
    pub error: Option<String>,
    pub source: Option<String>,
    pub kind: Option<String>,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub delivered_at: Option<Instant>,
    pub first_event_at: Option<Instant>,
    pub last_event_at: Option<Instant>,
    pub trail_arn: Option<String>,
}

/// One row of `ingest_faults`.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct FaultRow {
    pub source_object: String,
    pub source_index: i64,
    pub byte_offset: i64,
    pub reason: String,
    pub excerpt: String,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub delivered_at: Option<Instant>,
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn wholes(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<Int64Array>())
}

fn instants(values: impl Iterator<Item = Option<Instant>>) -> ArrayRef {
    let micros: TimestampMicrosecondArray = values.map(|instant| instant.map(|instant| instant.0)).collect();
    Arc::new(micros.with_timezone("UTC"))
}

/// Entries as rows of `ingest_objects`.
///
/// # Errors
/// The columns do not fit the schema: a defect.
pub fn object_rows(entries: &[Entry], now: Instant) -> Result<RecordBatch> {
    let each = || entries.iter();
    let columns = vec![
        texts(each().map(|entry| Some(entry.source_object.as_str()))),
        texts(each().map(|entry| entry.etag.as_deref())),
        wholes(each().map(|entry| entry.bytes)),
        wholes(each().map(|entry| entry.records_read)),
        wholes(each().map(|entry| entry.kept)),
        wholes(each().map(|entry| entry.duplicate)),
        wholes(each().map(|entry| entry.faulted)),
        texts(each().map(|entry| entry.error.as_deref())),
        instants(each().map(|_| Some(now))),
        texts(each().map(|entry| entry.source.as_deref())),
        texts(each().map(|entry| entry.kind.as_deref())),
        texts(each().map(|entry| entry.account_id.as_deref())),
        texts(each().map(|entry| entry.region.as_deref())),
        instants(each().map(|entry| entry.delivered_at)),
        instants(each().map(|entry| entry.first_event_at)),
        instants(each().map(|entry| entry.last_event_at)),
        texts(each().map(|entry| entry.trail_arn.as_deref())),
    ];
    Ok(RecordBatch::try_new(schema::ingest_objects(), columns)?)
}

/// Faults as rows of `ingest_faults`.
///
/// # Errors
/// The columns do not fit the schema: a defect.
pub fn fault_rows(faults: &[FaultRow], now: Instant) -> Result<RecordBatch> {
    let each = || faults.iter();
    let columns = vec![
        texts(each().map(|fault| Some(fault.source_object.as_str()))),
        wholes(each().map(|fault| fault.source_index)),
        wholes(each().map(|fault| fault.byte_offset)),
        texts(each().map(|fault| Some(fault.reason.as_str()))),
        texts(each().map(|fault| Some(fault.excerpt.as_str()))),
        texts(each().map(|fault| fault.account_id.as_deref())),
        texts(each().map(|fault| fault.region.as_deref())),
        instants(each().map(|fault| fault.delivered_at)),
        instants(each().map(|_| Some(now))),
    ];
    Ok(RecordBatch::try_new(schema::ingest_faults(), columns)?)
}

/// A digest as rows of `digests`: one for each log object it lists, or one without where it lists none.
///
/// # Errors
/// The columns do not fit the schema: a defect.
pub fn digest_rows(source_object: &str, key: &ObjectKey, digest: &Digest) -> Result<RecordBatch> {
    let none = LogFile {
        bucket: None,
        object: None,
        hash: None,
        oldest_event_time: None,
        newest_event_time: None,
    };
    let files = if digest.log_files.is_empty() {
        std::slice::from_ref(&none)
    } else {
        digest.log_files.as_slice()
    };
    let each = || files.iter();
    let account = digest.account_id.as_deref().or(key.account.as_deref());
    // The key of a digest names the trail and its home Region; the digest itself does not.
    let trail = match (account, key.trail.as_deref(), key.home_region.as_deref()) {
        (Some(account), Some(trail), Some(home)) => {
            let partition = crate::model::arn::partition_of(home);
            Some(format!("arn:{partition}:cloudtrail:{home}:{account}:trail/{trail}"))
        }
        _ => None,
    };
    let columns = vec![
        texts(each().map(|_| Some(source_object))),
        texts(each().map(|_| account)),
        texts(each().map(|_| key.region.as_deref())),
        texts(each().map(|_| trail.as_deref())),
        instants(each().map(|_| digest.start_time)),
        instants(each().map(|_| digest.end_time)),
        texts(each().map(|_| digest.bucket.as_deref())),
        texts(each().map(|_| digest.object.as_deref())),
        instants(each().map(|_| digest.oldest_event_time)),
        instants(each().map(|_| digest.newest_event_time)),
        texts(each().map(|_| digest.previous_object.as_deref())),
        texts(each().map(|file| file.bucket.as_deref())),
        texts(each().map(|file| file.object.as_deref())),
        texts(each().map(|file| file.hash.as_deref())),
        instants(each().map(|file| file.oldest_event_time)),
        instants(each().map(|file| file.newest_event_time)),
    ];
    Ok(RecordBatch::try_new(schema::digests(), columns)?)
}

/// One row of `ingest_listings`.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct ListingRow {
    pub source: String,
    pub trail_arn: Option<String>,
    pub started_at: Instant,
    pub finished_at: Instant,
    pub since: Option<Instant>,
    pub until: Option<Instant>,
    pub complete: bool,
    pub objects: i64,
    pub unreadable: i64,
}

impl ListingRow {
    /// The row.
    ///
    /// # Errors
    /// The columns do not fit the schema: a defect.
    pub fn rows(&self) -> Result<RecordBatch> {
        use std::iter::once;
        let columns: Vec<ArrayRef> = vec![
            texts(once(Some(self.source.as_str()))),
            texts(once(self.trail_arn.as_deref())),
            instants(once(Some(self.started_at))),
            instants(once(Some(self.finished_at))),
            instants(once(self.since)),
            instants(once(self.until)),
            Arc::new(arrow::array::BooleanArray::from(vec![self.complete])),
            wholes(once(self.objects)),
            wholes(once(self.unreadable)),
        ];
        Ok(RecordBatch::try_new(schema::ingest_listings(), columns)?)
    }
}

/// Whether a source was once listed whole.
///
/// # Errors
/// The table cannot be read.
pub async fn was_listed_whole(lake: &Location, source: &str) -> Result<bool> {
    let Some(table) = table::open(lake, schema::INGEST_LISTINGS).await? else {
        return Ok(false);
    };
    for add in files(&table, schema::INGEST_LISTINGS)? {
        let batch = file::read_typed(table.object_store(), &add, &schema::ingest_listings()).await?;
        let sources = batch.column(0).as_string::<i32>();
        let (since, until) = (batch.column(4), batch.column(5));
        let complete = batch.column(6).as_boolean();
        let whole = |row: usize| {
            sources.value(row) == source && since.is_null(row) && until.is_null(row) && complete.value(row)
        };
        if (0..batch.num_rows()).any(whole) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What must be committed to the other tables once `cloudtrail`'s commit of that number stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pending {
    /// The number of the `cloudtrail` commit it belongs to.
    pub number: i64,
    /// By table: files to add and to remove.
    pub tables: Vec<(String, Vec<Add>, Vec<Remove>)>,
}

/// The metadata member that carries [`Pending`].
pub const PENDING: &str = "keytrail.pending";

/// How a table's files are laid out.
pub fn layout_of(name: &str) -> Layout {
    match name {
        schema::INGEST_OBJECTS | schema::INGEST_FAULTS | schema::DIGESTS => file::BY_OBJECT,
        _ => file::SMALL,
    }
}

/// Opens one of the ledger's tables, creating it where it is missing.
///
/// # Errors
/// Storage refuses.
pub async fn open(lake: &Location, name: &str) -> Result<DeltaTable> {
    let schema = schema::by_name(name).ok_or_else(|| Error::Inconsistent(format!("no table `{name}`")))?;
    let stats: Vec<&str> = layout_of(name).stats.to_vec();
    table::open_or_create(lake, name, &schema, &[], &stats).await
}

/// The files of a table's state.
///
/// # Errors
/// The state cannot be read.
pub fn files(table: &DeltaTable, name: &str) -> Result<Vec<Add>> {
    let state = table.snapshot().map_err(|source| Error::Table {
        table: name.to_owned(),
        source,
    })?;
    #[expect(
        deprecated,
        reason = "the only public way from a state's files to the actions that remove them"
    )]
    let adds = state.log_data().into_iter().map(|view| view.add_action()).collect();
    Ok(adds)
}

/// The action that takes a file out of its table.
pub fn removal(add: &Add, now: Instant, data_change: bool) -> Remove {
    Remove {
        path: add.path.clone(),
        data_change,
        deletion_timestamp: Some(now.0 / 1000),
        extended_file_metadata: Some(true),
        partition_values: Some(add.partition_values.clone()),
        size: Some(add.size),
        ..Remove::default()
    }
}

/// Writes `rows` as a file of a ledger table, in which they replace all rows of the objects in `replaced`.
///
/// # Errors
/// Storage refuses.
pub async fn prepare(
    lake: &Location,
    name: &str,
    rows: &RecordBatch,
    replaced: &HashSet<String>,
    now: Instant,
) -> Result<(Vec<Add>, Vec<Remove>)> {
    let table = open(lake, name).await?;
    let store = table.object_store();
    let schema = schema::by_name(name).ok_or_else(|| Error::Inconsistent(format!("no table `{name}`")))?;
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    let mut parts = vec![rows.clone()];
    if !replaced.is_empty() {
        for add in files(&table, name)?.into_iter().filter(|add| may_hold(add, replaced)) {
            let batch = file::read_typed(store.clone(), &add, &schema).await?;
            let objects = batch.column(0).as_string::<i32>();
            let stay: arrow::array::BooleanArray = objects
                .iter()
                .map(|object| Some(!object.is_some_and(|object| replaced.contains(object))))
                .collect();
            if stay.true_count() == batch.num_rows() {
                continue;
            }
            parts.push(filter_record_batch(&batch, &stay)?);
            removes.push(removal(&add, now, true));
        }
    }
    let batch = arrow::compute::concat_batches(&schema, &parts)?;
    if batch.num_rows() > 0 {
        let by_object = arrow::compute::sort_to_indices(batch.column(0), None, None)?;
        let batch = arrow::compute::take_record_batch(&batch, &by_object)?;
        adds.push(file::store(store.as_ref(), file::encode(&batch, &layout_of(name), None)?).await?);
    }
    Ok((adds, removes))
}

fn may_hold(add: &Add, objects: &HashSet<String>) -> bool {
    let stats: Value = add
        .stats
        .as_deref()
        .and_then(|stats| serde_json::from_str(stats).ok())
        .unwrap_or_default();
    let bound = |side: &str| {
        stats
            .get(side)
            .and_then(|values| values.get("source_object"))
            .and_then(Value::as_str)
    };
    match (bound("minValues"), bound("maxValues")) {
        (Some(low), Some(high)) => objects
            .iter()
            .any(|object| low <= object.as_str() && object.as_str() <= high),
        _ => true,
    }
}

/// Commits what the newest commit of `cloudtrail` announced and its writer did not get to; whether there was anything.
///
/// # Errors
/// Storage refuses.
pub async fn settle(lake: &Location, cloudtrail: &DeltaTable) -> Result<bool> {
    let mut history = cloudtrail.history(Some(1));
    let Some(Ok(commit)) = history.next().await else {
        return Ok(false);
    };
    let Some(pending) = commit.info.get(PENDING).and_then(Value::as_str) else {
        return Ok(false);
    };
    let pending: Pending = serde_json::from_str(pending)
        .map_err(|error| Error::Inconsistent(format!("the newest commit's account of its tables: {error}")))?;
    let mut is_behind = false;
    for (name, adds, removes) in pending.tables {
        loop {
            let table = open(lake, &name).await?;
            if table::commit_number(&table, &name).await? >= pending.number {
                break;
            }
            is_behind = true;
            let commit = table::Commit {
                adds: adds.clone(),
                removes: removes.clone(),
                ..table::Commit::default()
            };
            if let Committed::Done(_) = table::commit(table, &name, commit, Some(pending.number)).await? {
                break;
            }
        }
    }
    Ok(is_behind)
}

/// Objects taken without error, and those tried in vain.
#[derive(Debug, Default, Clone)]
pub struct Known {
    taken: HashMap<u128, u64>,
}

impl Known {
    /// Reads the ledger.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn load(lake: &Location) -> Result<Known> {
        let mut known = Known::default();
        let Some(table) = table::open(lake, schema::INGEST_OBJECTS).await? else {
            return Ok(known);
        };
        let store = table.object_store();
        let adds = files(&table, schema::INGEST_OBJECTS)?;
        let columns = ["source_object", "etag", "error"];
        let mut read = std::pin::pin!(file::read_all(store, &adds, &columns));
        while let Some(batches) = read.next().await {
            for batch in batches? {
                let column = |name: &str| {
                    batch
                        .column_by_name(name)
                        .and_then(|column| column.as_string_opt::<i32>())
                };
                let (Some(objects), Some(etags), Some(errors)) =
                    (column("source_object"), column("etag"), column("error"))
                else {
                    return Err(Error::Inconsistent("`ingest_objects` lacks a column".to_owned()));
                };
                for row in 0..batch.num_rows() {
                    let etag = etags.is_valid(row).then(|| etags.value(row));
                    let mark = if errors.is_valid(row) {
                        FAILED
                    } else {
                        hash(etag.unwrap_or_default())
                    };
                    known.taken.insert(wide_hash(objects.value(row)), mark);
                }
            }
        }
        Ok(known)
    }

    /// Whether this version of an object was taken to its end.
    pub fn is_taken(&self, source_object: &str, etag: Option<&str>) -> bool {
        self.taken.get(&wide_hash(source_object)) == Some(&hash(etag.unwrap_or_default()))
    }

    /// Whether the ledger has a row of this object, of whatever version and outcome.
    pub fn has_row(&self, source_object: &str) -> bool {
        self.taken.contains_key(&wide_hash(source_object))
    }

    /// Whether the ledger holds this very version, read to its end or not. A failed version is never known.
    pub fn insert(&mut self, entry: &Entry) {
        let mark = if entry.error.is_some() {
            FAILED
        } else {
            hash(entry.etag.as_deref().unwrap_or_default())
        };
        self.taken.insert(wide_hash(&entry.source_object), mark);
    }

    /// How many objects the ledger lists.
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether the ledger is empty.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }
}

/// The mark of an object that could not be read to its end.
const FAILED: u64 = 0;

/// Keys are held as hashes, 16 bytes each: ten million objects fit into a few hundred megabytes.
fn wide_hash(text: &str) -> u128 {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    let mut wide = [0_u8; 16];
    wide.copy_from_slice(&digest[..16]);
    u128::from_le_bytes(wide)
}

fn hash(text: &str) -> u64 {
    u64::try_from(wide_hash(text) & u128::from(u64::MAX))
        .unwrap_or(1)
        .max(1)
}

/// The rows of some objects, as they stand in the ledger.
///
/// # Errors
/// The ledger cannot be read.
pub async fn entries(lake: &Location, objects: &HashSet<String>) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    if objects.is_empty() {
        return Ok(found);
    }
    let Some(table) = table::open(lake, schema::INGEST_OBJECTS).await? else {
        return Ok(found);
    };
    let store = table.object_store();
    for add in files(&table, schema::INGEST_OBJECTS)?
        .iter()
        .filter(|add| may_hold(add, objects))
    {
        let batch = file::read_typed(store.clone(), add, &schema::ingest_objects()).await?;
        for row in 0..batch.num_rows() {
            let text = |name: &str| {
                let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let whole = |name: &str| {
                let column = batch
                    .column_by_name(name)?
                    .as_primitive_opt::<arrow::datatypes::Int64Type>()?;
                column.is_valid(row).then(|| column.value(row))
            };
            let instant = |name: &str| {
                let column = batch
                    .column_by_name(name)?
                    .as_primitive_opt::<arrow::datatypes::TimestampMicrosecondType>()?;
                column.is_valid(row).then(|| Instant(column.value(row)))
            };
            let Some(source_object) = text("source_object").filter(|object| objects.contains(object)) else {
                continue;
            };
            found.push(Entry {
                source_object,
                etag: text("etag"),
                bytes: whole("bytes").unwrap_or_default(),
                records_read: whole("records_read").unwrap_or_default(),
                kept: whole("kept").unwrap_or_default(),
                duplicate: whole("duplicate").unwrap_or_default(),
                faulted: whole("faulted").unwrap_or_default(),
                error: text("error"),
                source: text("source"),
                kind: text("kind"),
                account_id: text("account_id"),
                region: text("region"),
                delivered_at: instant("delivered_at"),
                first_event_at: instant("first_event_at"),
                last_event_at: instant("last_event_at"),
                trail_arn: text("trail_arn"),
            });
        }
    }
    Ok(found)
}
