//! Telling repeated deliveries of one record from different records, in a batch and against the table.
//!
//! Two rows are one record when they have the same `eventID` and equal content: edited files reuse an id for different
//! events, and those all stay. Of several deliveries the one whose object's key sorts first stays, so that the rows do
//! not depend on the order in which objects were taken.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use object_store::ObjectStore;
use serde_json::Value;

use super::restore::{self, Restorer};
use super::{Error, Result, file};

/// A record's identity but for its content.
type Id = u128;

/// Where a delivery stands: its object's key, and its number in the object.
type Delivery = (String, i64);

fn missing(name: &str) -> Error {
    Error::Inconsistent(format!(
        "column `{name}` of `cloudtrail` is missing or has another type"
    ))
}

/// The ids of a batch's rows. A row without `eventID` is known by its time and names.
fn ids(batch: &RecordBatch) -> Result<Vec<Id>> {
    let events = text(batch, "eventid")?;
    let names = text(batch, "eventname")?;
    let times = batch
        .column_by_name("eventtime")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(|| missing("eventtime"))?;
    Ok((0..batch.num_rows())
        .map(|row| {
            if events.is_valid(row) {
                id_of(events.value(row))
            } else {
                id_of(&format!("\u{0}{}\u{0}{}", times.value(row), names.value(row)))
            }
        })
        .collect())
}

fn id_of(text: &str) -> Id {
    if let Ok(id) = uuid::Uuid::try_parse(text)
        && text.len() == 36
    {
        // The content is compared, so that two spellings of one UUID may share an id.
        return id.as_u128();
    }
    // Not a UUID: two hashes of it. A collision costs a comparison of contents, never a record.
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    (u128::from(hasher.hash_one(text)) << 64) | u128::from(hasher.hash_one((text, 1_u8)))
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_string_opt::<i32>())
        .ok_or_else(|| missing(name))
}

/// The deliveries of some rows.
fn deliveries(batch: &RecordBatch, rows: impl Iterator<Item = usize>) -> Result<Vec<Delivery>> {
    let objects = batch
        .column_by_name("source_object")
        .ok_or_else(|| missing("source_object"))?;
    let indexes = batch
        .column_by_name("source_index")
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| missing("source_index"))?;
    let name: Box<dyn Fn(usize) -> String> = match objects.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => {
            let values: &StringArray = dictionary
                .values()
                .as_string_opt()
                .ok_or_else(|| missing("source_object"))?;
            Box::new(move |row| {
                dictionary
                    .key(row)
                    .map_or_else(String::new, |key| values.value(key).to_owned())
            })
        }
        None => {
            let values = text(batch, "source_object")?;
            Box::new(move |row| values.value(row).to_owned())
        }
    };
    Ok(rows.map(|row| (name(row), indexes.value(row))).collect())
}

/// A record's content in a form that is equal exactly when two records are JSON-equal.
fn content(raw: &str) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_key(|(name, _)| *name);
                out.push('{');
                for (name, value) in sorted {
                    crate::trail::json::push_string(out, name);
                    out.push(':');
                    write(value, out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Array(values) => {
                out.push('[');
                for value in values {
                    write(value, out);
                    out.push(',');
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    match serde_json::from_str::<Value>(raw) {
        Ok(mut value) => {
            // A run that keeps session tokens and one that does not deliver the same record.
            if value.get("eventSource").and_then(Value::as_str) == Some("sts.amazonaws.com")
                && let Some(token) = value.pointer_mut("/responseElements/credentials/sessionToken")
            {
                *token = Value::Null;
            }
            let mut out = String::with_capacity(raw.len());
            write(&value, &mut out);
            out
        }
        Err(_) => raw.to_owned(),
    }
}

/// One repeated row in a batch: which object's delivery is dropped.
#[derive(Debug, Default)]
pub struct Repeats {
    /// Rows to drop, counted over all chunks.
    pub rows: HashSet<usize>,
    /// How many rows of each object are dropped.
    pub by_object: HashMap<String, i64>,
}

/// Finds the repeated deliveries among chunks of `cloudtrail` rows.
///
/// # Errors
/// A chunk is not of this table.
pub fn in_batch(chunks: &[RecordBatch]) -> Result<Repeats> {
    let mut first: HashMap<Id, (usize, usize)> = HashMap::new();
    let mut groups: HashMap<Id, Vec<(usize, usize)>> = HashMap::new();
    for (at, chunk) in chunks.iter().enumerate() {
        for (row, id) in ids(chunk)?.into_iter().enumerate() {
            match first.entry(id) {
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert((at, row));
                }
                std::collections::hash_map::Entry::Occupied(slot) => {
                    groups.entry(id).or_insert_with(|| vec![*slot.get()]).push((at, row));
                }
            }
        }
    }
    drop(first);
    let bases: Vec<usize> = chunks
        .iter()
        .scan(0, |base, chunk| {
            let start = *base;
            *base += chunk.num_rows();
            Some(start)
        })
        .collect();
    let restorers: Vec<Restorer<'_>> = chunks.iter().map(Restorer::new).collect::<Result<_>>()?;
    let mut repeats = Repeats::default();
    for rows in groups.into_values() {
        let mut best: HashMap<String, (Delivery, usize)> = HashMap::new();
        for (at, row) in rows {
            let delivery = deliveries(&chunks[at], std::iter::once(row))?.remove(0);
            let place = bases[at] + row;
            match best.entry(content(&restorers[at].record(row))) {
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert((delivery, place));
                }
                std::collections::hash_map::Entry::Occupied(mut slot) => {
                    let loser = if delivery < slot.get().0 {
                        std::mem::replace(slot.get_mut(), (delivery, place))
                    } else {
                        (delivery, place)
                    };
                    repeats.rows.insert(loser.1);
                    *repeats.by_object.entry(loser.0.0).or_default() += 1;
                }
            }
        }
    }
    Ok(repeats)
}

/// How many rows of each object stay.
///
/// # Errors
/// A chunk is not of this table.
pub fn rows_by_object(chunks: &[RecordBatch], repeats: &Repeats) -> Result<HashMap<String, i64>> {
    let mut counts: HashMap<String, i64> = HashMap::new();
    for chunk in chunks {
        let objects = chunk
            .column_by_name("source_object")
            .ok_or_else(|| missing("source_object"))?;
        let dictionary = objects
            .as_dictionary_opt::<Int32Type>()
            .ok_or_else(|| missing("source_object"))?;
        let mut by_key = vec![0_i64; dictionary.values().len()];
        for key in dictionary.keys().iter().flatten() {
            if let Some(count) = usize::try_from(key).ok().and_then(|key| by_key.get_mut(key)) {
                *count += 1;
            }
        }
        let values: &StringArray = dictionary
            .values()
            .as_string_opt()
            .ok_or_else(|| missing("source_object"))?;
        for (value, count) in values.iter().zip(by_key) {
            *counts.entry(value.unwrap_or_default().to_owned()).or_default() += count;
        }
    }
    for (object, dropped) in &repeats.by_object {
        *counts.entry(object.clone()).or_default() -= dropped;
    }
    Ok(counts)
}

/// What to drop from two sets of files so that each record stays once.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Rows to drop, by the new file's place.
    pub from_new: HashMap<usize, HashSet<usize>>,
    /// Rows to drop, by the old file's place.
    pub from_old: HashMap<usize, HashSet<usize>>,
    /// Per object: dropped new rows that are repeats of another delivery.
    pub repeated: HashMap<String, i64>,
    /// Per object: dropped old rows, which a new object whose key sorts before it delivers too.
    pub moved: HashMap<String, i64>,
    /// Per object: dropped new rows that stood in an old file as the very same delivery.
    pub already_there: HashMap<String, i64>,
}

const ID_COLUMNS: [&str; 5] = ["eventid", "eventtime", "eventname", "source_object", "source_index"];

/// Finds the records that stand both in `new` and in `old` files of `cloudtrail`.
///
/// Equal content means equal day, time, account and Region, so that statistics leave only files that overlap in all of
/// them to be read, and of those the ids first.
///
/// # Errors
/// A file cannot be read.
pub async fn across(store: Arc<dyn ObjectStore>, new: &[Add], old: &[Add]) -> Result<Resolution> {
    let mut resolution = Resolution::default();
    let pairs = overlaps(new, old);
    if pairs.is_empty() {
        return Ok(resolution);
    }
    let mut new_rows: HashMap<Id, Vec<(usize, usize)>> = HashMap::new();
    let mut candidates: Vec<usize> = pairs.iter().map(|pair| pair.0).collect();
    candidates.sort_unstable();
    candidates.dedup();
    for &at in &candidates {
        let mut base = 0;
        for batch in file::read(store.clone(), &new[at], &ID_COLUMNS, None).await? {
            for (row, id) in ids(&batch)?.into_iter().enumerate() {
                new_rows.entry(id).or_default().push((at, base + row));
            }
            base += batch.num_rows();
        }
    }
    let mut suspects: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
    suspects.sort_unstable();
    suspects.dedup();
    for old_at in suspects {
        let mut hits: HashMap<Id, Vec<usize>> = HashMap::new();
        let mut base = 0;
        for batch in file::read(store.clone(), &old[old_at], &ID_COLUMNS, None).await? {
            for (row, id) in ids(&batch)?.into_iter().enumerate() {
                if new_rows.contains_key(&id) {
                    hits.entry(id).or_default().push(base + row);
                }
            }
            base += batch.num_rows();
        }
        if !hits.is_empty() {
            compare(&store, new, &new_rows, &old[old_at], old_at, &hits, &mut resolution).await?;
        }
    }
    Ok(resolution)
}

/// Rows of one file with their content and delivery, by row number.
async fn load(
    store: &Arc<dyn ObjectStore>,
    add: &Add,
    mut rows: Vec<usize>,
) -> Result<HashMap<usize, (String, Delivery)>> {
    rows.sort_unstable();
    rows.dedup();
    let mut columns = restore::columns();
    columns.extend(["source_object", "source_index"].map(str::to_owned));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut loaded = HashMap::new();
    let mut at = 0;
    for batch in file::read(store.clone(), add, &columns, Some(&rows)).await? {
        let restorer = Restorer::new(&batch)?;
        let places = deliveries(&batch, 0..batch.num_rows())?;
        for (row, delivery) in places.into_iter().enumerate() {
            let number = rows.get(at).copied().unwrap_or_default();
            loaded.insert(number, (content(&restorer.record(row)), delivery));
            at += 1;
        }
    }
    Ok(loaded)
}

async fn compare(
    store: &Arc<dyn ObjectStore>,
    new: &[Add],
    new_rows: &HashMap<Id, Vec<(usize, usize)>>,
    old: &Add,
    old_at: usize,
    hits: &HashMap<Id, Vec<usize>>,
    resolution: &mut Resolution,
) -> Result<()> {
    let old_loaded = load(store, old, hits.values().flatten().copied().collect()).await?;
    let mut wanted: HashMap<usize, Vec<usize>> = HashMap::new();
    for (file, row) in hits.keys().filter_map(|id| new_rows.get(id)).flatten() {
        wanted.entry(*file).or_default().push(*row);
    }
    let mut new_loaded: HashMap<usize, HashMap<usize, (String, Delivery)>> = HashMap::new();
    for (file, rows) in wanted {
        new_loaded.insert(file, load(store, &new[file], rows).await?);
    }
    for (id, old_rows) in hits {
        for &(file, row) in new_rows.get(id).into_iter().flatten() {
            if resolution
                .from_new
                .get(&file)
                .is_some_and(|dropped| dropped.contains(&row))
            {
                continue;
            }
            let Some((new_content, new_delivery)) = new_loaded.get(&file).and_then(|rows| rows.get(&row)) else {
                continue;
            };
            for old_row in old_rows {
                let Some((old_content, old_delivery)) = old_loaded.get(old_row) else {
                    continue;
                };
                if old_content != new_content {
                    continue;
                }
                if old_delivery == new_delivery {
                    resolution.from_new.entry(file).or_default().insert(row);
                    *resolution.already_there.entry(new_delivery.0.clone()).or_default() += 1;
                } else if old_delivery < new_delivery {
                    resolution.from_new.entry(file).or_default().insert(row);
                    *resolution.repeated.entry(new_delivery.0.clone()).or_default() += 1;
                } else {
                    resolution.from_old.entry(old_at).or_default().insert(*old_row);
                    *resolution.moved.entry(old_delivery.0.clone()).or_default() += 1;
                }
                break;
            }
        }
    }
    Ok(())
}

/// A file's bounds of one column, from its statistics in the log.
fn range(stats: &Value, column: &str) -> Option<(String, String)> {
    let bound = |side: &str| stats.get(side)?.get(column)?.as_str().map(str::to_owned);
    Some((bound("minValues")?, bound("maxValues")?))
}

/// Pairs of (new, old) that may hold the same record.
fn overlaps(new: &[Add], old: &[Add]) -> Vec<(usize, usize)> {
    const COLUMNS: [&str; 3] = ["eventtime", "recipientaccountid", "awsregion"];
    type Bounds = [Option<(String, String)>; 3];
    let bounds = |add: &Add| -> Bounds {
        let stats: Value = add
            .stats
            .as_deref()
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or_default();
        COLUMNS.map(|column| {
            // Rows without a value lie outside the bounds: then the file may hold anything.
            let nulls = stats
                .get("nullCount")
                .and_then(|counts| counts.get(column))
                .and_then(Value::as_u64);
            if nulls == Some(0) { range(&stats, column) } else { None }
        })
    };
    let disjoint = |one: &Bounds, two: &Bounds| {
        one.iter().zip(two).any(|pair| match pair {
            (Some((low, high)), Some((other_low, other_high))) => high < other_low || other_high < low,
            _ => false,
        })
    };
    let mut by_day: HashMap<Option<&str>, Vec<(usize, Bounds)>> = HashMap::new();
    let days: HashSet<Option<&str>> = new.iter().map(file::day_of).collect();
    for (at, add) in old
        .iter()
        .enumerate()
        .filter(|(_, add)| days.contains(&file::day_of(add)))
    {
        by_day.entry(file::day_of(add)).or_default().push((at, bounds(add)));
    }
    let mut pairs = Vec::new();
    for (new_at, add) in new.iter().enumerate() {
        let Some(olds) = by_day.get(&file::day_of(add)) else {
            continue;
        };
        let new_bounds = bounds(add);
        pairs.extend(
            olds.iter()
                .filter(|(_, other)| !disjoint(&new_bounds, other))
                .map(|(old_at, _)| (new_at, *old_at)),
        );
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::batch::BatchBuilder;
    use super::*;
    use crate::trail::record::Record;

    fn chunk(rows: &[(&str, u64, &str)]) -> RecordBatch {
        let mut builder = BatchBuilder::new(false);
        for (object, index, raw) in rows {
            builder.push(object, *index, &Record::parse(raw).unwrap());
        }
        builder.finish().unwrap()
    }

    #[test]
    fn equal_records_stay_once_and_the_first_object_keeps_them() {
        let one =
            r#"{"eventID":"6f4babb0-0000-4000-8000-000000000001","eventName":"A","requestParameters":{"a":1,"b":2}}"#;
        let same = r#"{"eventName":"A","requestParameters":{ "b":2, "a":1 },"eventID":"6f4babb0-0000-4000-8000-000000000001"}"#;
        let other = r#"{"eventID":"6f4babb0-0000-4000-8000-000000000001","eventName":"B"}"#;
        let chunks = [
            chunk(&[("b", 0, one), ("b", 1, other)]),
            chunk(&[("a", 7, same), ("c", 0, one)]),
        ];
        let repeats = in_batch(&chunks).unwrap();
        assert_eq!(repeats.rows, [0, 3].into());
        assert_eq!(repeats.by_object, [("b".to_owned(), 1), ("c".to_owned(), 1)].into());
    }

    #[test]
    fn records_without_an_id_are_known_by_their_content() {
        let bare = r#"{"eventName":"A","userAgent":"x"}"#;
        let different = r#"{"eventName":"A","userAgent":"y"}"#;
        let repeats = in_batch(&[chunk(&[("a", 0, bare), ("a", 1, different), ("a", 2, bare)])]).unwrap();
        assert_eq!(repeats.rows, [2].into());
    }
}
