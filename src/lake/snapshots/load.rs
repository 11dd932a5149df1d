//! Snapshots back out of the lake: one of them, all of them, or the newest state of every account and Region.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::index::{Header, Index, NewestPart, Place, chunk_rows};
use super::schema::POLICY_TEXTS;
use super::store::{self, Wanted};
use crate::lake::{Location, Result, table};
use crate::snapshot::bundle::{Bundle, Purpose, write};
use crate::snapshot::rows::{self, Rows};
use crate::snapshot::scope::{CLOUDTRAIL, IAM, KMS, ORGANIZATIONS};
use crate::snapshot::tables::{self, Table};

/// The newest state of every account and Region, as one bundle.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The bundle, for the evaluator.
    pub bundle: Value,
    /// Which snapshot each account, Region and service comes from.
    pub parts: Vec<NewestPart>,
    /// The snapshots they come from, oldest first.
    pub snapshots: Vec<Header>,
}

impl Loaded {
    /// When the oldest part was collected, in microseconds.
    pub fn oldest(&self) -> Option<i64> {
        self.parts.iter().map(|part| part.collected_at).min()
    }

    /// When the newest part was collected, in microseconds.
    pub fn newest(&self) -> Option<i64> {
        self.parts.iter().map(|part| part.collected_at).max()
    }
}

/// "The newest snapshot" at or before an instant (in microseconds; without one, of all), or nothing where there is none.
///
/// # Errors
/// The lake cannot be read.
pub async fn load_bundle(lake: &Location, as_of: Option<i64>) -> Result<Option<Loaded>> {
    let index = Index::read(lake).await?;
    let parts = index.newest(lake, as_of).await?;
    if parts.is_empty() {
        return Ok(None);
    }
    let mut chosen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for part in &parts {
        let Some(tables) = index.chunks.get(&part.snapshot_id) else {
            continue;
        };
        for (table, places) in tables.iter().filter(|(table, _)| service_of(table) == part.service) {
            let fits = places.iter().filter(|place| belongs(part, place));
            chosen
                .entry(table.clone())
                .or_default()
                .extend(fits.map(|place| place.chunk.clone()));
        }
    }
    let mut bundle = rows::bundle(&read_rows(lake, &chosen).await?);
    for part in parts.iter().filter(|part| part.service == IAM) {
        bundle.iam.entry(part.account_id.clone()).or_default();
    }
    let used: BTreeSet<&str> = parts.iter().map(|part| part.snapshot_id.as_str()).collect();
    let snapshots: Vec<Header> = index
        .headers
        .iter()
        .filter(|header| used.contains(header.snapshot_id.as_str()))
        .cloned()
        .collect();
    bundle.collected_at = parts.iter().map(|part| part.collected_at).max();
    bundle.started_at = snapshots
        .iter()
        .map(|header| header.started_at.unwrap_or(header.collected_at))
        .min();
    Ok(Some(Loaded {
        bundle: write(&bundle, Purpose::Evaluation),
        parts,
        snapshots,
    }))
}

/// The service whose scope decides which snapshot a table's rows are taken from.
fn service_of(table: &str) -> &'static str {
    match table.split('_').next() {
        Some("kms") => KMS,
        Some("iam") => IAM,
        Some("org") => ORGANIZATIONS,
        Some("trails") => CLOUDTRAIL,
        _ => "",
    }
}

fn belongs(part: &NewestPart, place: &Place) -> bool {
    match part.service.as_str() {
        KMS => place.account_id == part.account_id && place.region == part.region,
        // A snapshot holds one organization at most.
        ORGANIZATIONS => true,
        _ => place.account_id == part.account_id,
    }
}

/// One snapshot as it was kept, or nothing where there is none of that id. The start of an id will do if it is unique.
///
/// # Errors
/// The lake cannot be read.
pub async fn load(lake: &Location, snapshot_id: &str) -> Result<Option<(Header, Bundle)>> {
    Ok(load_rows(lake, snapshot_id).await?.map(|(header, rows)| {
        let bundle = stamped(&header, rows::bundle(&rows));
        (header, bundle)
    }))
}

/// The rows of one snapshot.
///
/// # Errors
/// The lake cannot be read.
pub async fn load_rows(lake: &Location, snapshot_id: &str) -> Result<Option<(Header, Rows)>> {
    let index = Index::read(lake).await?;
    let exact = index.headers.iter().find(|header| header.snapshot_id == snapshot_id);
    let mut starting = index
        .headers
        .iter()
        .filter(|header| header.snapshot_id.starts_with(snapshot_id));
    let only = starting
        .next()
        .filter(|_| starting.next().is_none() && !snapshot_id.is_empty());
    let Some(header) = exact.or(only) else { return Ok(None) };
    let rows = read_rows(lake, &all_of(&index, &header.snapshot_id)).await?;
    Ok(Some((header.clone(), rows)))
}

fn all_of(index: &Index, snapshot_id: &str) -> BTreeMap<String, BTreeSet<String>> {
    let tables = index.chunks.get(snapshot_id).into_iter().flatten();
    tables
        .map(|(table, places)| (table.clone(), places.iter().map(|place| place.chunk.clone()).collect()))
        .collect()
}

fn stamped(header: &Header, mut bundle: Bundle) -> Bundle {
    bundle.collected_at = Some(header.collected_at);
    bundle.started_at = header.started_at;
    bundle.collected_by = header.collected_by.clone();
    bundle.source = header.source.clone();
    bundle.tool = header.tool.clone();
    bundle.notes = header.notes.clone();
    bundle
}

/// Every snapshot with its bundle for the evaluator, oldest first, one at a time.
///
/// # Errors
/// The lake cannot be read.
pub async fn load_all(lake: &Location, mut each: impl FnMut(Header, Value)) -> Result<()> {
    let index = Index::read(lake).await?;
    for header in &index.headers {
        let rows = read_rows(lake, &all_of(&index, &header.snapshot_id)).await?;
        let bundle = stamped(header, rows::bundle(&rows));
        each(header.clone(), write(&bundle, Purpose::Evaluation));
    }
    Ok(())
}

async fn read_rows(lake: &Location, chosen: &BTreeMap<String, BTreeSet<String>>) -> Result<Rows> {
    let mut rows = Rows::default();
    let mut addresses: HashSet<String> = HashSet::new();
    for (name, chunks) in chosen {
        let Some(table) = tables::by_name(name) else { continue };
        let mut held: Vec<_> = chunk_rows(lake, table, chunks.clone())
            .await?
            .into_iter()
            .map(|(_, row)| row)
            .collect();
        held.sort();
        if let Some((column, _)) = table.text {
            addresses.extend(
                held.iter()
                    .filter_map(|row| table.text_of(row, column))
                    .map(str::to_owned),
            );
        }
        rows.tables.insert(table.name, held);
    }
    rows.texts = read_texts(lake, addresses).await?;
    Ok(rows)
}

async fn read_texts(lake: &Location, addresses: HashSet<String>) -> Result<BTreeMap<String, String>> {
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(table) = table::open(lake, POLICY_TEXTS.name).await? else {
        return Ok(BTreeMap::new());
    };
    let wanted = Wanted {
        column: "sha256",
        any_of: Arc::new(addresses),
    };
    let rows = store::read(&table, &POLICY_TEXTS, None, Some(&wanted)).await?;
    let of = |row: &tables::Row, table: &Table, column: &str| table.text_of(row, column).map(str::to_owned);
    let pair = |row: &tables::Row| Some((of(row, &POLICY_TEXTS, "sha256")?, of(row, &POLICY_TEXTS, "text")?));
    Ok(rows.iter().filter_map(pair).collect())
}
