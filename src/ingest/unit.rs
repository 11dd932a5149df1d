//! Decoding a unit: one large object, or some small ones in a row. Runs on a thread that may block.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::Progress;
use crate::lake::batch::BatchBuilder;
use crate::lake::intake::DigestRows;
use crate::lake::ledger::{self, Entry, FaultRow};
use crate::model::Instant;
use crate::source::{BodyReader, Object};
use crate::trail::decoder::{Decoder, NO_RECORD};
use crate::trail::digest::Digest;
use crate::trail::field::Field;
use crate::trail::inflate::Inflate;
use crate::trail::object_key::{Kind, ObjectKey};
use crate::trail::record::Record;
use crate::trail::{Fault, Limits, Sink};

/// Rows and bytes of JSON in one piece on its way to the batch.
const PIECE_ROWS: usize = 8_192;
const PIECE_BYTES: usize = 6 << 20;
/// Bytes inflated at a time. The window is zeroed before each read: a larger one costs small objects more than it saves.
const WINDOW: usize = 128 << 10;
/// Faults of one object that get a row of their own; more are counted.
const FAULTS: usize = 10_000;

/// Where an object's bytes come from.
pub(super) enum Input {
    /// A file, read here.
    File(PathBuf),
    /// A stream that fills while other objects are decoded.
    Body(BodyReader),
}

/// What a unit has found.
pub(super) enum Found {
    Rows(RecordBatch),
    /// The objects read, each to its end or as far as it goes.
    Objects(Vec<(Entry, Vec<FaultRow>)>),
    Digest(DigestRows),
    /// Accounts and Regions seen.
    Seen(HashSet<String>, HashSet<String>),
}

/// How a unit is decoded.
#[derive(Clone)]
pub(super) struct Job {
    pub limits: Limits,
    pub keep_session_tokens: bool,
    pub trail_arn: Option<String>,
    /// The user named the object itself, not a folder or prefix it lies in.
    pub is_named: bool,
    pub progress: Arc<Progress>,
}

/// Decodes the objects of a unit. Ends early, without an error, where nobody listens any more.
pub(super) fn decode(job: &Job, objects: Vec<(Object, Input, Arc<str>)>, out: &mpsc::Sender<Found>) {
    let mut rows = Rows::new(job, out);
    let mut read = Vec::with_capacity(objects.len());
    for (object, input, source) in objects {
        let (mut entry, mut faults) = match object.parts.kind {
            Kind::Digest => digest(job, &object, input, &source, out),
            _ => records(job, &object, input, &source, &mut rows),
        };
        if object.parts.kind == Kind::Unknown && !job.is_named && is_foreign(&entry, &faults) {
            // A folder may hold other documents beside logs. Whoever names the file itself hears of a fault.
            (entry.kind, entry.records_read, entry.faulted) = (Some(FOREIGN.to_owned()), 0, 0);
            faults.clear();
        }
        job.progress.objects_read.fetch_add(1, Ordering::Relaxed);
        job.progress
            .faults
            .fetch_add(u64::try_from(entry.faulted).unwrap_or(0), Ordering::Relaxed);
        if out.is_closed() {
            return;
        }
        read.push((entry, faults));
    }
    rows.flush();
    // All at once: a message for each object would fill the channel, and this thread wait for its unit's turn.
    let _ = out.blocking_send(Found::Objects(read));
    let _ = out.blocking_send(Found::Seen(rows.accounts, rows.regions));
}

/// The kind of an object that is sound JSON and holds no CloudTrail record at all.
pub(super) const FOREIGN: &str = "not CloudTrail";

fn is_foreign(entry: &Entry, faults: &[FaultRow]) -> bool {
    entry.error.is_none()
        && entry.faulted > 0
        && entry.records_read == entry.faulted
        && faults.iter().all(|fault| fault.reason == NO_RECORD)
}

/// The rows of a unit, passed on in pieces.
struct Rows<'a> {
    builder: BatchBuilder,
    keep_session_tokens: bool,
    out: &'a mpsc::Sender<Found>,
    object: String,
    first: Option<Instant>,
    last: Option<Instant>,
    faults: Vec<Fault>,
    faulted: i64,
    accounts: HashSet<String>,
    regions: HashSet<String>,
}

impl<'a> Rows<'a> {
    fn new(job: &Job, out: &'a mpsc::Sender<Found>) -> Rows<'a> {
        Rows {
            builder: BatchBuilder::new(job.keep_session_tokens),
            keep_session_tokens: job.keep_session_tokens,
            out,
            object: String::new(),
            first: None,
            last: None,
            faults: Vec::new(),
            faulted: 0,
            accounts: HashSet::new(),
            regions: HashSet::new(),
        }
    }

    fn flush(&mut self) {
        if self.builder.rows() == 0 {
            return;
        }
        let full = std::mem::replace(&mut self.builder, BatchBuilder::new(self.keep_session_tokens));
        match full.finish() {
            Ok(batch) => {
                let _ = self.out.blocking_send(Found::Rows(batch));
            }
            // The counts of the objects will not add up and the run will end: nothing is lost in silence.
            Err(error) => self.faults.push(Fault {
                index: 0,
                offset: 0,
                reason: format!("internal: {error}"),
                excerpt: String::new(),
            }),
        }
    }

    fn note(set: &mut HashSet<String>, raw: Option<&str>) {
        if let Some(text) = raw
            .and_then(|raw| raw.strip_prefix('"'))
            .and_then(|raw| raw.strip_suffix('"'))
            && set.len() < 10_000
            && !set.contains(text)
        {
            set.insert(text.to_owned());
        }
    }
}

impl Sink for Rows<'_> {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        if let Some(time) = self.builder.push(&self.object, index, record) {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = self.last.max(Some(time));
        }
        Rows::note(&mut self.accounts, record.raw(Field::RecipientAccountId));
        Rows::note(&mut self.regions, record.raw(Field::AwsRegion));
        if self.builder.rows() >= PIECE_ROWS || self.builder.bytes() >= PIECE_BYTES {
            self.flush();
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.faulted += 1;
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }
}

/// Reads and hashes.
struct Hashing<R> {
    input: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(out.len());
        out[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(available) = self.input.fill_buf() {
            self.hash.update(&available[..amount.min(available.len())]);
        }
        self.bytes += amount as u64;
        self.input.consume(amount);
    }
}

/// An object's entity tag and size once read, and what went wrong.
struct End {
    etag: Option<String>,
    bytes: u64,
    error: Option<String>,
}

/// Inflates an object through `take`, whatever it comes from, and says how it ended.
fn read(input: Input, limits: Limits, take: &mut dyn FnMut(&mut dyn Read) -> Option<String>) -> End {
    match input {
        Input::File(path) => match std::fs::File::open(&path) {
            Ok(file) => {
                let mut reader = Hashing {
                    input: BufReader::with_capacity(64 << 10, file),
                    hash: Sha256::new(),
                    bytes: 0,
                };
                let mut error = take(&mut Inflate::new(&mut reader, limits.object_bytes));
                // The tag is of the whole file, also where decoding stopped early.
                if let Err(broken) = std::io::copy(&mut reader, &mut std::io::sink()) {
                    error.get_or_insert_with(|| describe(&broken));
                }
                let hex: String = reader
                    .hash
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                End {
                    etag: Some(format!("sha256:{hex}")),
                    bytes: reader.bytes,
                    error,
                }
            }
            Err(error) => End {
                etag: None,
                bytes: 0,
                error: Some(describe(&error)),
            },
        },
        Input::Body(mut body) => {
            let mut error = take(&mut Inflate::new(&mut body, limits.object_bytes));
            if body.drain().is_err() && error.is_none() {
                error = Some("reading was broken off".to_owned());
            }
            // The source's own words say more than the decoder's.
            if let Some(cause) = body.error() {
                error = Some(cause.why().to_owned());
            }
            let (etag, bytes) = body
                .finished()
                .map_or((None, 0), |end| (Some(end.etag.clone()), end.bytes));
            End { etag, bytes, error }
        }
    }
}

fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist any more".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn entry_of(object: &Object, end: End, source: &str, trail_arn: Option<&str>) -> Entry {
    let parts: &ObjectKey = &object.parts;
    Entry {
        source_object: object.key.clone(),
        etag: end.etag.or_else(|| object.etag.clone()),
        bytes: i64::try_from(if end.bytes > 0 { end.bytes } else { object.size }).unwrap_or(i64::MAX),
        error: end.error,
        source: Some(source.to_owned()),
        kind: Some(parts.kind.name().to_owned()),
        account_id: parts.account.clone(),
        region: parts.region.clone(),
        delivered_at: parts
            .delivered_at
            .map(|time| Instant(time.and_utc().timestamp_micros())),
        trail_arn: trail_arn.map(str::to_owned),
        ..Entry::default()
    }
}

fn records(job: &Job, object: &Object, input: Input, source: &str, rows: &mut Rows<'_>) -> (Entry, Vec<FaultRow>) {
    rows.object.clone_from(&object.key);
    (rows.first, rows.last, rows.faulted) = (None, None, 0);
    rows.faults.clear();
    let mut decoder = Decoder::new(job.limits);
    let mut counted = 0;
    let end = read(input, job.limits, &mut |reader| {
        loop {
            let filled = decoder.feed(rows, |buffer| {
                let start = buffer.len();
                buffer.resize(start + WINDOW, 0);
                let result = reader.read(&mut buffer[start..]);
                buffer.truncate(start + result.as_ref().map_or(0, |count| *count));
                result
            });
            job.progress
                .records
                .fetch_add(decoder.count() - counted, Ordering::Relaxed);
            counted = decoder.count();
            match filled {
                Ok(0) => return decoder.finish(rows).err(),
                Ok(count) => job.progress.bytes_read.fetch_add(count as u64, Ordering::Relaxed),
                Err(error) => {
                    // What was cut off is a fault of its own only where a record had begun.
                    let _ = decoder.finish(rows);
                    return Some(describe(&error));
                }
            };
        }
    });
    let mut entry = entry_of(object, end, source, job.trail_arn.as_deref());
    entry.records_read = i64::try_from(decoder.count()).unwrap_or(i64::MAX);
    entry.faulted = rows.faulted;
    (entry.first_event_at, entry.last_event_at) = (rows.first, rows.last);
    let faults = rows.faults.drain(..).map(|fault| fault_row(&entry, fault)).collect();
    (entry, faults)
}

fn fault_row(entry: &Entry, fault: Fault) -> FaultRow {
    FaultRow {
        source_object: entry.source_object.clone(),
        source_index: i64::try_from(fault.index).unwrap_or(i64::MAX),
        byte_offset: i64::try_from(fault.offset).unwrap_or(i64::MAX),
        reason: fault.reason,
        excerpt: fault.excerpt,
        account_id: entry.account_id.clone(),
        region: entry.region.clone(),
        delivered_at: entry.delivered_at,
    }
}

/// Reads a digest file whole: it lists an hour's objects and is small.
fn digest(job: &Job, object: &Object, input: Input, source: &str, out: &mpsc::Sender<Found>) -> (Entry, Vec<FaultRow>) {
    const DIGEST_BYTES: u64 = 256 << 20;
    let limits = Limits {
        object_bytes: DIGEST_BYTES.min(job.limits.object_bytes),
        ..job.limits
    };
    let mut text = Vec::new();
    let end = read(input, limits, &mut |reader| {
        reader.read_to_end(&mut text).err().map(|error| describe(&error))
    });
    let mut entry = entry_of(object, end, source, job.trail_arn.as_deref());
    if entry.error.is_none() {
        match Digest::parse(&text).and_then(|digest| {
            ledger::digest_rows(&entry.source_object, &object.parts, &digest).map_err(|error| error.to_string())
        }) {
            Ok(rows) => {
                let _ = out.blocking_send(Found::Digest(DigestRows {
                    source_object: entry.source_object.clone(),
                    rows,
                }));
            }
            Err(reason) => entry.error = Some(reason),
        }
    }
    (entry, Vec::new())
}
