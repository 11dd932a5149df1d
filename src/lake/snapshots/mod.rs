//! Permission snapshots in the lake: immutable, each visible only when whole, sharing what they agree on.
//!
//! A snapshot's rows are cut into chunks named by their content. A chunk is stored once, in `<table>_rows`, however
//! many snapshots hold it; so is a policy text, in `policy_texts`. `snapshot_chunks` lists the chunks of each snapshot
//! and is written last, in one commit: what a crash leaves behind is invisible, and is used by the next attempt.
//! The tables people query are views over these ([`views`]), readable by any engine that reads Delta.

pub mod files;
mod index;
mod keep;
mod load;
mod merge;
mod schema;
mod store;
mod views;

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

use super::{Location, Result, compact, table};
use crate::model::Instant;
use crate::snapshot::tables::{self, Kind, Table};
use merge::Merged;

pub use index::{Header, NewestPart, list, places};
pub use keep::{Kept, Stamp, keep};
pub use load::{Loaded, load, load_all, load_bundle, load_rows};
pub use views::{duckdb, views};

/// The tables of snapshots as they are queried, with their schemas, in the order of [`views`].
pub fn tables() -> Vec<(&'static str, SchemaRef)> {
    views::all()
        .into_iter()
        .map(|view| (view.name, Arc::new(Schema::new(view.fields()))))
        .collect()
}

/// The Delta tables underneath, by name, with their schemas. One that does not exist yet is empty.
pub fn stored() -> Vec<(String, SchemaRef)> {
    physical()
        .map(|table| (schema::stored_name(table), schema::stored(table)))
        .collect()
}

fn physical() -> impl Iterator<Item = &'static Table> {
    [&schema::INDEX, &schema::POLICY_TEXTS].into_iter().chain(tables::ALL)
}

/// Merges the files of all stored tables and deletes those that were superseded before `retain_since`; what was merged,
/// and how many were deleted.
pub(super) async fn compact(lake: &Location, retain_since: Instant, now: Instant) -> Result<(Merged, usize)> {
    let (mut all, mut deleted) = (Merged::default(), 0);
    for table in physical() {
        all.add(merge::compact(lake, table, now.0).await?);
        deleted += compact::sweep(lake, &schema::stored_name(table), retain_since).await?;
        table::checkpoint(lake, &schema::stored_name(table)).await?;
    }
    Ok((all, deleted))
}

/// A column of a view.
fn column(name: &str, kind: Kind) -> Field {
    schema::field(name, kind)
}
