//! Keeping a snapshot: new policy texts, new chunks, and last, in one commit, its place in the index.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::index::{HEADER, Index};
use super::merge;
use super::schema::{self, INDEX, POLICY_TEXTS};
use super::store;
use crate::lake::table::{self, Commit, Committed};
use crate::lake::{Error, Location, Result};
use crate::snapshot::bundle::Bundle;
use crate::snapshot::tables::{self, Cell, Row, Table};
use crate::snapshot::{chunk, instant, rows, scope};

/// How often a commit that others overtook is tried again.
const ATTEMPTS: usize = 32;

/// What the bundle does not say about itself.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When it was collected, where the bundle does not say.
    pub collected_at: i64,
    /// Where it came from, where the bundle does not say.
    pub source: String,
    /// Now.
    pub kept_at: i64,
}

/// What keeping a snapshot did.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The snapshot.
    pub snapshot_id: String,
    /// Whether the lake held it already.
    pub was_there: bool,
    /// Rows by table.
    pub rows: BTreeMap<String, usize>,
    /// Rows that had to be written, the others being shared with earlier snapshots.
    pub rows_written: usize,
    /// Things that could not be read.
    pub failures: usize,
}

/// Keeps a bundle as a snapshot. The same contents at the same instant are the same snapshot.
///
/// # Errors
/// The lake cannot be read or written.
pub async fn keep(lake: &Location, bundle: &Bundle, stamp: &Stamp) -> Result<Kept> {
    let mut bundle = bundle.clone();
    scope::complete(&mut bundle);
    let collected_at = bundle.collected_at.unwrap_or(stamp.collected_at);
    let rows = rows::of(&bundle);
    let cut: Vec<(&'static Table, Vec<chunk::Chunk<'_>>)> = tables::ALL
        .iter()
        .map(|table| (*table, chunk::cut(table, rows.of(table))))
        .collect();
    let names = cut
        .iter()
        .flat_map(|(table, chunks)| chunks.iter().map(|chunk| (table.name, chunk.id.as_str())));
    let content_hash = chunk::content_hash(names);
    let short: String = content_hash.chars().take(12).collect();
    let snapshot_id = format!("{}-{short}", instant::compact(collected_at));
    let mut kept = Kept {
        snapshot_id: snapshot_id.clone(),
        was_there: false,
        rows: rows
            .tables
            .iter()
            .map(|(name, list)| ((*name).to_owned(), list.len()))
            .collect(),
        rows_written: 0,
        failures: bundle.failures.iter().filter(|failure| !failure.skipped).count(),
    };
    let index = Index::read(lake).await?;
    if index.headers.iter().any(|header| header.snapshot_id == snapshot_id) {
        kept.was_there = true;
        return Ok(kept);
    }
    if index.headers.is_empty() {
        // Empty tables too, so that the views stand on something in engines that do not know what may be missing.
        for table in super::physical() {
            store::open(lake, table).await?;
        }
    }
    let mut written: Vec<&'static Table> = vec![&INDEX];
    if keep_texts(lake, &rows.texts).await? > 0 {
        written.push(&POLICY_TEXTS);
    }
    for (table, chunks) in &cut {
        let rows = keep_chunks(lake, table, chunks).await?;
        kept.rows_written += rows;
        written.extend((rows > 0).then_some(*table));
    }
    let header = Header {
        bundle: &bundle,
        stamp,
        snapshot_id: &snapshot_id,
        collected_at,
        content_hash: &content_hash,
    };
    kept.was_there = !keep_index(lake, &header, &cut).await?;
    // The snapshot is there; what follows only makes questions cheaper, and is tried again with the next one.
    for table in written {
        let _ = merge::tidy(lake, table, stamp.kept_at).await;
    }
    Ok(kept)
}

/// A row to append unless its address is there already.
struct Addressed {
    address: String,
    row: Row,
}

async fn keep_texts(lake: &Location, texts: &BTreeMap<String, String>) -> Result<usize> {
    let row = |(address, text): (&String, &String)| {
        let bytes = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let row = vec![
            Cell::from(address.as_str()),
            Cell::from(text.as_str()),
            Cell::Int(bytes),
        ];
        Addressed {
            address: address.clone(),
            row,
        }
    };
    append(lake, &POLICY_TEXTS, "sha256", texts.iter().map(row).collect()).await
}

async fn keep_chunks(lake: &Location, of: &'static Table, chunks: &[chunk::Chunk<'_>]) -> Result<usize> {
    let mut seen = BTreeSet::new();
    let distinct = chunks.iter().filter(|chunk| seen.insert(chunk.id.as_str()));
    let rows = distinct.flat_map(|chunk| {
        chunk.rows.iter().map(|row| Addressed {
            address: chunk.id.clone(),
            row: row.clone(),
        })
    });
    append(lake, of, schema::CHUNK, rows.collect()).await
}

struct Header<'h> {
    bundle: &'h Bundle,
    stamp: &'h Stamp,
    snapshot_id: &'h str,
    collected_at: i64,
    content_hash: &'h str,
}

impl Header<'_> {
    fn row(&self, table: &str) -> Row {
        let mut row = vec![Cell::Null; INDEX.columns.len()];
        put(&mut row, "snapshot_id", self.snapshot_id.into());
        put(&mut row, "collected_at", Cell::Instant(self.collected_at));
        put(&mut row, "table_name", table.into());
        put(&mut row, "started_at", tables::instant(self.bundle.started_at));
        row
    }

    fn whole(&self) -> Row {
        let complete = self.bundle.failures.iter().all(|failure| failure.skipped)
            && self
                .bundle
                .scope
                .iter()
                .all(|scope| scope.state != scope::State::Failed);
        let mut row = self.row(HEADER);
        put(&mut row, "kept_at", Cell::Instant(self.stamp.kept_at));
        let source = self.bundle.source.clone().unwrap_or_else(|| self.stamp.source.clone());
        put(&mut row, "source", source.into());
        put(&mut row, "collected_by", self.bundle.collected_by.clone().into());
        put(&mut row, "tool", self.bundle.tool.clone().into());
        put(&mut row, "content_hash", self.content_hash.into());
        put(&mut row, "complete", complete.into());
        put(&mut row, "accounts", self.bundle.accounts().into());
        put(&mut row, "notes", self.bundle.notes.clone().into());
        row
    }
}

fn put(row: &mut Row, column: &str, cell: Cell) {
    if let Some(slot) = INDEX.position(column).and_then(|at| row.get_mut(at)) {
        *slot = cell;
    }
}

/// Writes the snapshot's rows of the index, unless another process was faster with the same snapshot.
async fn keep_index(
    lake: &Location,
    header: &Header<'_>,
    cut: &[(&'static Table, Vec<chunk::Chunk<'_>>)],
) -> Result<bool> {
    let mut rows = vec![header.whole()];
    for (table, chunks) in cut {
        for chunk in chunks {
            let mut row = header.row(table.name);
            put(&mut row, "chunk", chunk.id.as_str().into());
            put(&mut row, "account_id", chunk.account_id.into());
            put(&mut row, "region", chunk.region.into());
            put(
                &mut row,
                "row_count",
                Cell::Int(i64::try_from(chunk.rows.len()).unwrap_or(i64::MAX)),
            );
            rows.push(row);
        }
    }
    let rows = rows
        .into_iter()
        .map(|row| Addressed {
            address: header.snapshot_id.to_owned(),
            row,
        })
        .collect();
    Ok(append(lake, &INDEX, "snapshot_id", rows).await? > 0)
}

/// Appends the rows whose address a table does not hold, on top of exactly the state in which it did not.
async fn append(lake: &Location, of: &'static Table, column: &'static str, rows: Vec<Addressed>) -> Result<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    for _ in 0..ATTEMPTS {
        let table = store::open(lake, of).await?;
        let held: HashSet<String> = store::texts(&table, of, column).await?.into_iter().collect();
        let new: Vec<&Addressed> = rows.iter().filter(|row| !held.contains(&row.address)).collect();
        if new.is_empty() {
            return Ok(0);
        }
        let chunked = !schema::is_plain(of);
        let borrowed: Vec<(Option<&str>, &Row)> = new
            .iter()
            .map(|row| (chunked.then_some(row.address.as_str()), &row.row))
            .collect();
        let adds = store::write(&table, of, &borrowed).await?;
        let commit = Commit {
            adds,
            ..Commit::default()
        };
        match table::commit(table, &schema::stored_name(of), commit, None).await? {
            Committed::Done(_) => return Ok(new.len()),
            Committed::Raced => {}
        }
    }
    Err(Error::Inconsistent(format!(
        "table `{}`: other writers were faster {ATTEMPTS} times",
        schema::stored_name(of)
    )))
}
