//! Which snapshots there are, what each is made of, and which is the newest where.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::schema::INDEX;
use super::store::{self, Wanted};
use crate::lake::{Location, Result, table};
use crate::snapshot::rows::scope::scope_of;
use crate::snapshot::scope::{Candidate, KMS, newest};
use crate::snapshot::tables::{Cell, Row, SNAPSHOT_SCOPE};

/// The name of a snapshot's own row in the index.
pub(super) const HEADER: &str = "snapshots";

/// What is known about a snapshot as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Its id: when it was collected, and the start of its content hash.
    pub snapshot_id: String,
    /// When it was collected, in microseconds.
    pub collected_at: i64,
    /// When its first answer was read.
    pub started_at: Option<i64>,
    /// When it came into the lake.
    pub kept_at: Option<i64>,
    /// Where it came from.
    pub source: Option<String>,
    /// The caller who collected it.
    pub collected_by: Option<String>,
    /// What made it.
    pub tool: Option<String>,
    /// The SHA-256 of its contents.
    pub content_hash: String,
    /// Whether everything that was tried was read.
    pub complete: bool,
    /// The accounts it tried.
    pub accounts: Vec<String>,
    /// Remarks to show beside results.
    pub notes: Vec<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, i64>,
}

/// One account, Region and service of "the newest snapshot", and where its state stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewestPart {
    /// `kms`, `iam`, `organizations` or `cloudtrail`.
    pub service: String,
    /// The account, or for `organizations` the id of the organization.
    pub account_id: String,
    /// The Region, for `kms`.
    pub region: String,
    /// The snapshot.
    pub snapshot_id: String,
    /// When it was collected, in microseconds.
    pub collected_at: i64,
}

/// The index as read: headers and chunks of every snapshot.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) headers: Vec<Header>,
    /// Chunks by snapshot and table: account, Region and chunk.
    pub(super) chunks: BTreeMap<String, BTreeMap<String, Vec<Place>>>,
}

/// Where a chunk belongs.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account_id: String,
    pub(super) region: String,
    pub(super) chunk: String,
}

pub(super) fn header_of(row: &Row) -> Option<Header> {
    let text = |column: &str| INDEX.text_of(row, column).map(str::to_owned);
    let texts = |column: &str| {
        if let Cell::Texts(texts) = INDEX.cell(row, column) {
            texts.clone()
        } else {
            Vec::new()
        }
    };
    Some(Header {
        snapshot_id: text("snapshot_id")?,
        collected_at: INDEX.cell(row, "collected_at").instant()?,
        started_at: INDEX.cell(row, "started_at").instant(),
        kept_at: INDEX.cell(row, "kept_at").instant(),
        source: text("source"),
        collected_by: text("collected_by"),
        tool: text("tool"),
        content_hash: text("content_hash").unwrap_or_default(),
        complete: INDEX.cell(row, "complete").flag().unwrap_or(false),
        accounts: texts("accounts"),
        notes: texts("notes"),
        rows: BTreeMap::new(),
    })
}

impl Index {
    pub(super) async fn read(lake: &Location) -> Result<Index> {
        let Some(table) = table::open(lake, INDEX.name).await? else {
            return Ok(Index::default());
        };
        Ok(Index::of(&store::read(&table, &INDEX, None, None).await?))
    }

    pub(super) fn of(rows: &[Row]) -> Index {
        let mut index = Index::default();
        let mut counts: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for row in rows {
            let text = |column: &str| INDEX.text_of(row, column).unwrap_or_default().to_owned();
            let (snapshot, table) = (text("snapshot_id"), text("table_name"));
            if table == HEADER {
                index.headers.extend(header_of(row));
                continue;
            }
            let count = INDEX.cell(row, "row_count").int().unwrap_or(0);
            *counts
                .entry(snapshot.clone())
                .or_default()
                .entry(table.clone())
                .or_default() += count;
            let place = Place {
                account_id: text("account_id"),
                region: text("region"),
                chunk: text("chunk"),
            };
            index
                .chunks
                .entry(snapshot)
                .or_default()
                .entry(table)
                .or_default()
                .push(place);
        }
        for header in &mut index.headers {
            header.rows = counts.remove(&header.snapshot_id).unwrap_or_default();
        }
        index
            .headers
            .sort_by(|a, b| (a.collected_at, &a.snapshot_id).cmp(&(b.collected_at, &b.snapshot_id)));
        index
    }

    /// What every snapshot tried.
    pub(super) async fn candidates(&self, lake: &Location) -> Result<Vec<Candidate>> {
        let mut of_chunk: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (snapshot, tables) in &self.chunks {
            for place in tables.get(SNAPSHOT_SCOPE.name).into_iter().flatten() {
                of_chunk.entry(place.chunk.clone()).or_default().push(snapshot);
            }
        }
        let mut scopes: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (chunk, row) in chunk_rows(lake, &SNAPSHOT_SCOPE, of_chunk.keys().cloned().collect()).await? {
            if let Some(scope) = scope_of(&row) {
                for snapshot in of_chunk.get(&chunk).into_iter().flatten() {
                    scopes.entry(snapshot).or_default().push(scope.clone());
                }
            }
        }
        let candidate = |header: &Header| Candidate {
            snapshot_id: header.snapshot_id.clone(),
            collected_at: header.collected_at,
            scope: scopes.remove(header.snapshot_id.as_str()).unwrap_or_default(),
        };
        Ok(self.headers.iter().map(candidate).collect())
    }

    /// The parts of "the newest snapshot" at or before an instant.
    pub(super) async fn newest(&self, lake: &Location, as_of: Option<i64>) -> Result<Vec<NewestPart>> {
        let candidates = self.candidates(lake).await?;
        let mut parts = Vec::new();
        for ((account_id, region, service), at) in newest(&candidates, as_of) {
            if let Some(held) = candidates.get(at) {
                let (snapshot_id, collected_at) = (held.snapshot_id.clone(), held.collected_at);
                parts.push(NewestPart {
                    service,
                    account_id,
                    region,
                    snapshot_id,
                    collected_at,
                });
            }
        }
        Ok(parts)
    }
}

/// Rows of some chunks of a table, each with its chunk.
pub(super) async fn chunk_rows(
    lake: &Location,
    of: &crate::snapshot::tables::Table,
    chunks: BTreeSet<String>,
) -> Result<Vec<(String, Row)>> {
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    let Some(table) = table::open(lake, &super::schema::stored_name(of)).await? else {
        return Ok(Vec::new());
    };
    let any_of: Arc<HashSet<String>> = Arc::new(chunks.into_iter().collect());
    let wanted = Wanted {
        column: super::schema::CHUNK,
        any_of,
    };
    store::read_chunks(&table, of, &wanted).await
}

/// The snapshots a lake holds, oldest first.
///
/// # Errors
/// The lake cannot be read.
pub async fn list(lake: &Location) -> Result<Vec<Header>> {
    Ok(Index::read(lake).await?.headers)
}

/// Every snapshot, oldest first, with the accounts and Regions whose keys it read.
///
/// # Errors
/// The lake cannot be read.
pub async fn places(lake: &Location) -> Result<Vec<(Header, Vec<(String, String)>)>> {
    let index = Index::read(lake).await?;
    let candidates = index.candidates(lake).await?;
    let of = |candidate: &Candidate| {
        let alone = std::slice::from_ref(candidate);
        let parts = newest(alone, None).into_keys().filter(|(.., service)| service == KMS);
        parts.map(|(account, region, _)| (account, region)).collect()
    };
    Ok(index.headers.into_iter().zip(candidates.iter().map(of)).collect())
}
