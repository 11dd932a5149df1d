//! The evidence pack: per key a page, its policies and its facts; an index with population, coverage, method and
//! limits; tables; a manifest. Pure: rows in, bytes out; what writes files is above.
//!
//! INVARIANT: the bytes depend on the source objects, the snapshots, the period and this program's version alone: no
//! clock, no time of ingest, no path of a machine, no version of a table.

mod facts;
mod frameworks;
mod html;
mod index;
mod manifest;
mod markdown;
mod sheet;
mod tables;

pub use facts::{
    Activity, Event, Key, LastUse, Limit, OfKey, Policy, PopulationPart, Removed, Right, SourceObject, Unexplained,
    Usage, UserRight, Withheld,
};
pub use html::{index_page, key_page};
pub use index::{Index, IndexRow, LIMITS, METHOD, index_row};
pub use manifest::{FileEntry, Manifest, ObjectSet, QueryEntry, SnapshotEntry, sums};
pub use markdown::key_markdown;
pub use sheet::{Common, KeyFacts, Sheet, hex, sheet, stem};
pub use tables::{EVENTS_TABLE, TABLES, Tables, coverage_table, event_line, object_line, objects_head, policy_file};

use serde::Serialize;

use super::Result;

/// Any part of the pack as JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(part: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(part).map_err(std::io::Error::other)?;
    text.push('\n');
    Ok(text)
}
