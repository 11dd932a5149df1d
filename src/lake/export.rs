//! Records back out of the lake, file by file, in bounded memory.

use futures::{Stream, StreamExt};

use super::restore::{self, Restorer};
use super::{Location, Result, file, ledger, schema, table};
use crate::model::Instant;

/// Which records to write.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Not before this event time.
    pub since: Option<Instant>,
    /// Before this event time.
    pub until: Option<Instant>,
    /// Of this source object only.
    pub source_object: Option<String>,
    /// Of this `eventSource` only.
    pub event_source: Option<String>,
}

/// A record as compact JSON, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The object that delivered it.
    pub source_object: String,
    /// Its number in the object.
    pub source_index: i64,
    /// The record.
    pub record: String,
}

/// Streams the records that pass the filter, day by day.
///
/// # Errors
/// The lake cannot be read. Errors in the stream are about one file.
pub async fn records(lake: &Location, filter: Filter) -> Result<impl Stream<Item = Result<Vec<Exported>>>> {
    let table = table::open(lake, schema::CLOUDTRAIL).await?;
    let (store, mut adds) = match &table {
        Some(table) => (Some(table.object_store()), ledger::files(table, schema::CLOUDTRAIL)?),
        None => (None, Vec::new()),
    };
    adds.sort_by(|one, two| {
        file::day_of(one)
            .cmp(&file::day_of(two))
            .then_with(|| one.path.cmp(&two.path))
    });
    let day = |instant: Option<Instant>| instant.map(|instant| instant.to_string()[..10].to_owned());
    let (first, last) = (day(filter.since), day(filter.until));
    adds.retain(|add| {
        let day = file::day_of(add);
        let bounded = first.is_some() || last.is_some();
        match day {
            None => !bounded,
            Some(day) => {
                first.as_deref().is_none_or(|first| first <= day) && last.as_deref().is_none_or(|last| day <= last)
            }
        }
    });
    let stream = futures::stream::iter(adds.into_iter().zip(std::iter::repeat(filter))).then(move |(add, filter)| {
        let store = store.clone();
        async move {
            let Some(store) = store else { return Ok(Vec::new()) };
            let mut names = restore::columns();
            names.extend(["source_object", "source_index"].map(str::to_owned));
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut out = Vec::new();
            for batch in file::read(store, &add, &names, None).await? {
                restore_batch(&batch, &filter, &mut out)?;
            }
            Ok(out)
        }
    });
    Ok(stream)
}

fn restore_batch(batch: &arrow::array::RecordBatch, filter: &Filter, out: &mut Vec<Exported>) -> Result<()> {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    let restorer = Restorer::new(batch)?;
    let missing = |name: &str| super::Error::Inconsistent(format!("column `{name}` of `cloudtrail` is missing"));
    let objects = batch
        .column_by_name("source_object")
        .and_then(|column| column.as_string_opt::<i32>());
    let indexes = batch
        .column_by_name("source_index")
        .and_then(|column| column.as_primitive_opt::<Int64Type>());
    let times = batch
        .column_by_name("eventtime")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let sources = batch
        .column_by_name("eventsource")
        .and_then(|column| column.as_string_opt::<i32>());
    let objects = objects.ok_or_else(|| missing("source_object"))?;
    let indexes = indexes.ok_or_else(|| missing("source_index"))?;
    let times = times.ok_or_else(|| missing("eventtime"))?;
    let sources = sources.ok_or_else(|| missing("eventsource"))?;
    for row in 0..batch.num_rows() {
        let time = times.is_valid(row).then(|| Instant(times.value(row)));
        let in_time = match time {
            Some(time) => {
                filter.since.is_none_or(|since| since <= time) && filter.until.is_none_or(|until| time < until)
            }
            None => filter.since.is_none() && filter.until.is_none(),
        };
        let of_object = filter
            .source_object
            .as_deref()
            .is_none_or(|object| object == objects.value(row));
        let of_source = filter
            .event_source
            .as_deref()
            .is_none_or(|source| source == sources.value(row));
        if in_time && of_object && of_source {
            out.push(Exported {
                source_object: objects.value(row).to_owned(),
                source_index: indexes.value(row),
                record: restorer.record(row),
            });
        }
    }
    Ok(())
}
