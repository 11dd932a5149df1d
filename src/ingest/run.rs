//! One run: every source listed, every new object decoded and taken in.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Days};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::unit::{self, Found, Input, Job};
use super::{Error, Progress, Settings, order};
use crate::lake::Location;
use crate::lake::intake::{Intake, Totals};
use crate::lake::ledger::{self, Entry, Known, ListingRow};
use crate::model::Instant;
use crate::source::{self, Dates, Listed, Object, Source};

/// Small objects are decoded together up to this many compressed bytes and this many objects: a task per object of a
/// few kilobytes would cost more than its decoding.
const UNIT_BYTES: u64 = 2 << 20;
const UNIT_OBJECTS: usize = 256;
/// What a unit may have said before its turn comes: a unit of small objects is decoded to its end while the one before is
/// taken in, and a large object waits with some megabytes. With one, decoders ran in turn instead of side by side.
const UNIT_MESSAGES: usize = 4;
/// Decoders at most: more would wait for what writes their rows, each with its megabytes.
const DECODERS_MAX: usize = 8;
/// Days of delivery that an incremental run of a bucket lists again: CloudTrail retries a delivery for 30 days.
const LATE_DAYS: u64 = 30;

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// Counts over the objects taken.
    pub totals: Totals,
    /// Objects met that the lake had already.
    pub known: u64,
    /// Objects met and not read, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Places that could not be listed, with the reason.
    pub unlisted: Vec<(String, String)>,
    /// The first faults, as place and reason, for people.
    pub faults: Vec<(String, String)>,
    /// What the user should know about how a source was understood.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether anything that should have been read was not.
    pub fn is_incomplete(&self) -> bool {
        self.totals.faulted > 0 || self.totals.objects_with_error > 0 || !self.unlisted.is_empty()
    }
}

/// Lists the sources and takes in what is new.
///
/// # Errors
/// A source is not there, the lake cannot be written, or the accounts do not add up. Sources are looked at before the
/// lake is touched.
pub async fn run(
    lake: &Location,
    sources: &[Source],
    settings: &Settings,
    progress: Arc<Progress>,
) -> Result<Report, Error> {
    let mut report = Report::default();
    let started_at = (settings.clock)();
    let mut listings = Vec::with_capacity(sources.len());
    for source in sources {
        listings.push((source, listing(lake, source, settings, &mut report).await?));
    }
    let mut intake = Intake::open(lake).await?;
    for (source, (options, listing)) in listings {
        let place: Arc<str> = listing.place.as_str().into();
        let is_whole = options.dates.is_everything();
        report.notes.extend(listing.note.clone());
        let known = intake.known();
        let row = {
            let listed = if source.is_s3() {
                listing.boxed()
            } else {
                order::by_day(listing).boxed()
            };
            take(
                listed,
                (&place, is_named(source)),
                settings,
                &known,
                &progress,
                &mut report,
                &mut intake,
            )
            .await?
        };
        let row = ListingRow {
            started_at,
            finished_at: (settings.clock)(),
            since: settings
                .since
                .or_else(|| (!is_whole).then(|| late(started_at)).flatten()),
            until: settings.until,
            trail_arn: settings.trail_arn.clone(),
            ..row
        };
        intake.listing(row.rows()?);
        intake.commit((settings.clock)()).await?;
    }
    report.totals = intake.totals().clone();
    Ok(report)
}

fn late(now: Instant) -> Option<Instant> {
    let day = DateTime::from_timestamp_micros(now.0)?
        .date_naive()
        .checked_sub_days(Days::new(LATE_DAYS))?;
    Some(Instant(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros()))
}

async fn listing(
    lake: &Location,
    source: &Source,
    settings: &Settings,
    report: &mut Report,
) -> Result<(source::Options, source::Listing), Error> {
    let mut options = settings.source.clone();
    if source.is_s3()
        && !settings.full
        && options.dates.is_everything()
        && ledger::was_listed_whole(lake, &source.to_string()).await?
        && let Some(from) = late((settings.clock)()).and_then(|from| DateTime::from_timestamp_micros(from.0))
    {
        let from = from.date_naive();
        options.dates = Dates::since(from);
        report.notes.push(format!(
            "`{source}` was listed whole before: listing deliveries since {from}; --full lists everything"
        ));
    }
    let listing = source::list(source, &options).await?;
    Ok((options, listing))
}

/// Whether the source is one object rather than a place that holds some.
fn is_named(source: &Source) -> bool {
    match source {
        Source::Stdin => true,
        Source::Path(path) => path.is_file(),
        Source::S3 { prefix, .. } => !prefix.is_empty() && !prefix.ends_with(['/', '*']) && prefix.contains('.'),
    }
}

/// A unit in the making.
#[derive(Default)]
struct Unit {
    objects: Vec<(Object, Input, Arc<str>)>,
    bytes: u64,
}

async fn take(
    listed: impl Stream<Item = Listed>,
    (place, is_named): (&Arc<str>, bool),
    settings: &Settings,
    known: &Known,
    progress: &Arc<Progress>,
    report: &mut Report,
    intake: &mut Intake,
) -> Result<ListingRow, Error> {
    let cores = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(DECODERS_MAX);
    // Threads of their own: a decoder may wait for its turn to hand rows on while the batch before is being encoded.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(cores)
        .thread_name(|at| format!("decode-{at}"))
        .build()
        .map_err(|error| Error::Broken(error.to_string()))?;
    let job = Job {
        limits: settings.limits,
        keep_session_tokens: settings.keep_session_tokens,
        trail_arn: settings.trail_arn.clone(),
        is_named,
        progress: progress.clone(),
    };
    let mut row = ListingRow {
        source: place.to_string(),
        trail_arn: None,
        started_at: Instant(0),
        finished_at: Instant(0),
        since: None,
        until: None,
        // One object says nothing about others that may be missing.
        complete: !is_named,
        objects: 0,
        unreadable: 0,
    };
    let mut batch = Batch {
        settings,
        rows: Vec::new(),
        count: 0,
        bytes: 0,
    };
    let mut running: std::collections::VecDeque<mpsc::Receiver<Found>> = std::collections::VecDeque::new();
    let mut unit = Unit::default();
    let launch = |unit: Unit, running: &mut std::collections::VecDeque<mpsc::Receiver<Found>>| {
        if unit.objects.is_empty() {
            return;
        }
        let (sender, receiver) = mpsc::channel(UNIT_MESSAGES);
        let job = job.clone();
        pool.spawn(move || unit::decode(&job, unit.objects, &sender));
        running.push_back(receiver);
    };
    // New objects in order, their bodies opened ahead.
    let mut fresh = pin!(
        listed
            .map(|listed| {
                let progress = progress.clone();
                async move {
                    progress.objects_listed.fetch_add(1, Ordering::Relaxed);
                    match listed {
                        Listed::Object(object) if is_known(known, &object).await => {
                            progress.objects_known.fetch_add(1, Ordering::Relaxed);
                            (Listed::Object(object), true)
                        }
                        other => (other, false),
                    }
                }
            })
            .buffered(settings.ahead.max(1))
    );
    while let Some((listed, is_known)) = fresh.next().await {
        match listed {
            Listed::Object(_) if is_known => {
                row.objects += 1;
                report.known += 1;
            }
            Listed::Object(object) => {
                row.objects += 1;
                if unit.bytes + object.size > UNIT_BYTES || unit.objects.len() >= UNIT_OBJECTS {
                    launch(std::mem::take(&mut unit), &mut running);
                }
                unit.bytes += object.size;
                let input = match object.local_path() {
                    Some(path) => Input::File(path.to_owned()),
                    None => Input::Body(object.open().into_reader()),
                };
                unit.objects.push((object, input, place.clone()));
            }
            Listed::Skipped(skipped) => *report.skipped.entry(skipped.why.reason()).or_default() += 1,
            Listed::Fault(fault) => {
                row.complete = false;
                row.unreadable += 1;
                let entry = Entry {
                    source_object: fault.place.clone(),
                    error: Some(fault.reason.clone()),
                    source: Some(place.to_string()),
                    ..Entry::default()
                };
                intake.object(entry, Vec::new());
                report.unlisted.push((fault.place, fault.reason));
            }
        }
        // No more units wait than can be decoded while one is taken in.
        while running.len() > cores {
            drain(&mut running, &mut batch, intake, report, &mut row).await?;
        }
    }
    launch(unit, &mut running);
    while !running.is_empty() {
        drain(&mut running, &mut batch, intake, report, &mut row).await?;
    }
    batch.write(intake).await?;
    Ok(row)
}

/// Objects whose version the lake has. A local file is hashed for that only where the lake knows its key.
async fn is_known(known: &Known, object: &Object) -> bool {
    if !known.has_row(&object.key) {
        return false;
    }
    match object.etag().await {
        Ok(etag) => known.is_taken(&object.key, Some(&etag)),
        Err(_) => false,
    }
}

/// Rows on their way to files.
struct Batch<'a> {
    settings: &'a Settings,
    rows: Vec<arrow::array::RecordBatch>,
    count: usize,
    bytes: usize,
}

impl Batch<'_> {
    async fn write(&mut self, intake: &mut Intake) -> Result<(), Error> {
        (self.count, self.bytes) = (0, 0);
        Ok(intake.write(std::mem::take(&mut self.rows)).await?)
    }

    fn is_full(&self) -> bool {
        self.count >= self.settings.batch_rows || self.bytes >= self.settings.batch_bytes
    }

    fn is_overfull(&self) -> bool {
        self.count / 5 * 4 >= self.settings.batch_rows || self.bytes / 5 * 4 >= self.settings.batch_bytes
    }
}

/// Takes in the oldest unit.
async fn drain(
    running: &mut std::collections::VecDeque<mpsc::Receiver<Found>>,
    batch: &mut Batch<'_>,
    intake: &mut Intake,
    report: &mut Report,
    listing: &mut ListingRow,
) -> Result<(), Error> {
    const SHOWN: usize = 20;
    let Some(mut receiver) = running.pop_front() else {
        return Ok(());
    };
    let mut is_whole = false;
    while let Some(found) = receiver.recv().await {
        match found {
            Found::Rows(rows) => {
                batch.count += rows.num_rows();
                batch.bytes += rows.get_array_memory_size();
                batch.rows.push(rows);
                // Inside a large object only files are written; its rows become visible with its end.
                if batch.is_overfull() {
                    batch.write(intake).await?;
                }
            }
            Found::Objects(read) => {
                for (entry, faults) in read {
                    for fault in faults.iter().take(SHOWN.saturating_sub(report.faults.len())) {
                        let place = format!("{}: record {}", fault.source_object, fault.source_index);
                        report.faults.push((place, fault.reason.clone()));
                    }
                    if let Some(error) = &entry.error {
                        listing.unreadable += 1;
                        if report.faults.len() < SHOWN {
                            report.faults.push((entry.source_object.clone(), error.clone()));
                        }
                    }
                    if entry.kind.as_deref() == Some(unit::FOREIGN) {
                        *report.skipped.entry("without CloudTrail records").or_default() += 1;
                    }
                    intake.object(entry, faults);
                }
            }
            Found::Digest(rows) => intake.digest(rows),
            Found::Seen(accounts, regions) => {
                intake.seen(accounts, regions);
                is_whole = true;
            }
        }
    }
    if !is_whole {
        return Err(Error::Broken("a decoding thread ended early".to_owned()));
    }
    // Between units every object is whole. A commit each time would cost more than it saves.
    if batch.is_full() || intake.has_files() || intake.waiting() >= COMMIT_OBJECTS {
        batch.write(intake).await?;
        intake.commit((batch.settings.clock)()).await?;
    }
    Ok(())
}

/// Objects at most between two commits, so that a run over many small or empty ones is not lost when it is killed.
const COMMIT_OBJECTS: usize = 20_000;
