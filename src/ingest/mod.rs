//! Objects into the lake: listing, reading ahead, decoding on all cores, and handing batches on, no stage waiting for a
//! whole stage before it. Knows no command line and no clock of its own.
//!
//! ```text
//! source::list --> known already? --> units of small objects --> decode (own threads) --> Intake --> commit
//! ```

mod order;
mod run;
mod unit;

pub use run::{Report, run};

use std::sync::atomic::AtomicU64;

use crate::model::Instant;
use crate::trail::Limits;
use crate::{lake, source};

/// What a run is asked for.
pub struct Settings {
    /// Bounds on objects and records.
    pub limits: Limits,
    /// Keep STS session tokens instead of blanking them.
    pub keep_session_tokens: bool,
    /// The trail that delivered the objects, where the user says so.
    pub trail_arn: Option<String>,
    /// Rows held before they are written as files.
    pub batch_rows: usize,
    /// Bytes of JSON values held before they are written as files: with the working copies of sorting and encoding
    /// this is what bounds the process's memory.
    pub batch_bytes: usize,
    /// Objects open at once.
    pub ahead: usize,
    /// List everything, also where a complete listing is known.
    pub full: bool,
    /// Events asked for, in days as the path dates them.
    pub since: Option<Instant>,
    /// The end of the events asked for.
    pub until: Option<Instant>,
    /// Options of the sources.
    pub source: source::Options,
    /// What time it is.
    pub clock: fn() -> Instant,
}

/// Rows and bytes of a batch, by measurement: larger ones make fewer, better compressed files and cost memory.
pub const BATCH: (usize, usize) = (196_608, 56 << 20);

/// How far a run is, for progress displays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "each field counts what its name says")]
pub struct Progress {
    pub objects_listed: AtomicU64,
    pub objects_read: AtomicU64,
    pub objects_known: AtomicU64,
    pub records: AtomicU64,
    pub bytes_read: AtomicU64,
    pub faults: AtomicU64,
}

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source cannot be listed.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The lake cannot be written.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// A decoding thread is gone: a defect.
    #[error("internal: {0}")]
    Broken(String),
}
