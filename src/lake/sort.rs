//! The order of rows inside files: by day, service (KMS before the others), key, event name, time. Pure.
//!
//! One service's rows stand together, one key's rows inside them, so that min/max statistics of row groups and pages
//! find them; and similar rows next to each other compress best.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use rayon::prelude::*;

use super::{Error, Result, schema};

/// The service whose rows stand before those of all others, so that a file can give them row groups of their own: the
/// questions this lake is for are about them, and they are a few in a hundred of an organization's records.
pub const FIRST_SOURCE: &str = crate::trail::kms::KMS;

/// Rows of several chunks of one schema, chosen and put in order: which day, and the rows' numbers counted over all
/// chunks.
pub struct Order {
    /// Days since 1970 (`None`: no event time) and the half-open range of `rows` that lies in each.
    pub days: Vec<(Option<i32>, std::ops::Range<usize>)>,
    /// Row numbers over all chunks.
    rows: UInt64Array,
}

fn missing(name: &str) -> Error {
    Error::Inconsistent(format!("column `{name}` is missing or has another type"))
}

/// Orders the rows of `chunks` for which `keep` says so.
///
/// # Errors
/// A chunk lacks one of the columns that decide the order.
pub fn order(chunks: &[RecordBatch], keep: impl Fn(usize) -> bool) -> Result<Order> {
    let mut names: HashMap<(&str, &str, &str), u32> = HashMap::new();
    let mut keys: Vec<(Option<i32>, u32, i64, u64)> =
        Vec::with_capacity(chunks.iter().map(RecordBatch::num_rows).sum());
    let mut base = 0;
    for chunk in chunks {
        let text = |name: &str| {
            chunk
                .column_by_name(name)
                .and_then(|column| column.as_string_opt::<i32>())
                .ok_or_else(|| missing(name))
        };
        let (sources, arns, events) = (text("eventsource")?, text("kms_key_arn")?, text("eventname")?);
        let days = chunk
            .column_by_name(schema::EVENT_DATE)
            .and_then(|column| column.as_primitive_opt::<Date32Type>())
            .ok_or_else(|| missing(schema::EVENT_DATE))?;
        let times = chunk
            .column_by_name("eventtime")
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(|| missing("eventtime"))?;
        for row in 0..chunk.num_rows() {
            if !keep(base + row) {
                continue;
            }
            // A null sorts as the empty text, first, as Parquet readers expect of nulls-first columns.
            let name = (sources.value(row), arns.value(row), events.value(row));
            let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
            let id = *names.entry(name).or_insert(next);
            let day = days.is_valid(row).then(|| days.value(row));
            let time = if times.is_valid(row) {
                times.value(row)
            } else {
                i64::MIN
            };
            keys.push((day, id, time, (base + row) as u64));
        }
        base += chunk.num_rows();
    }
    // Few distinct names stand for many rows: sorting ranks is much cheaper than comparing texts.
    let mut sorted: Vec<((&str, &str, &str), u32)> = names.into_iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| (name.0 != FIRST_SOURCE, *name));
    let mut ranks = vec![0_u32; sorted.len()];
    for (rank, (_, id)) in sorted.iter().enumerate() {
        ranks[*id as usize] = u32::try_from(rank).unwrap_or(u32::MAX);
    }
    for key in &mut keys {
        key.1 = ranks[key.1 as usize];
    }
    keys.sort_unstable();
    let mut days: Vec<(Option<i32>, std::ops::Range<usize>)> = Vec::new();
    for (at, (day, ..)) in keys.iter().enumerate() {
        match days.last_mut() {
            Some((last, range)) if last == day => range.end = at + 1,
            _ => days.push((*day, at..at + 1)),
        }
    }
    Ok(Order {
        days,
        rows: keys.iter().map(|key| key.3).collect(),
    })
}

/// Brings the chunks into order, as many columns at once as there are threads, dropping each chunk's column once it is
/// copied, so that no more than those columns exist twice.
///
/// # Errors
/// Columns of different chunks have different types.
pub fn apply(chunks: Vec<RecordBatch>, order: &Order) -> Result<RecordBatch> {
    let Some(schema) = chunks.first().map(RecordBatch::schema) else {
        return Ok(RecordBatch::new_empty(schema::cloudtrail()));
    };
    let mut columns: Vec<Vec<ArrayRef>> = (0..schema.fields().len())
        .map(|_| Vec::with_capacity(chunks.len()))
        .collect();
    for chunk in chunks {
        let (_, arrays, _) = chunk.into_parts();
        for (column, array) in columns.iter_mut().zip(arrays) {
            column.push(array);
        }
    }
    let sorted = columns
        .into_par_iter()
        .with_max_len(1)
        .map(|column| -> Result<ArrayRef> {
            let whole = if let [one] = column.as_slice() {
                one.clone()
            } else {
                let parts: Vec<&dyn Array> = column.iter().map(AsRef::as_ref).collect();
                concat(&parts)?
            };
            drop(column);
            Ok(take(&whole, &order.rows, None)?)
        });
    Ok(RecordBatch::try_new(schema, sorted.collect::<Result<_>>()?)?)
}

#[cfg(test)]
mod tests {
    use super::super::batch::BatchBuilder;
    use super::*;
    use crate::trail::record::Record;

    #[test]
    fn rows_stand_by_day_service_key_name_and_time() {
        let rows = [
            r#"{"eventTime":"2024-01-02T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"B"}"#,
            r#"{"eventTime":"2024-01-01T00:00:09Z","eventSource":"s3.amazonaws.com","eventName":"B"}"#,
            r#"{"eventTime":"2024-01-01T00:00:05Z","eventSource":"s3.amazonaws.com","eventName":"A"}"#,
            r#"{"eventTime":"2024-01-01T00:00:04Z","eventSource":"ec2.amazonaws.com","eventName":"Z"}"#,
            r#"{"eventName":"no time"}"#,
            r#"{"eventTime":"2024-01-01T00:00:01Z","eventSource":"s3.amazonaws.com","eventName":"B"}"#,
            r#"{"eventTime":"2024-01-01T00:00:03Z","eventSource":"ec2.amazonaws.com","eventName":"C"}"#,
            r#"{"eventTime":"2024-01-01T00:00:02Z","eventSource":"kms.amazonaws.com","eventName":"D"}"#,
        ];
        let chunks: Vec<RecordBatch> = rows
            .chunks(2)
            .map(|pair| {
                let mut builder = BatchBuilder::new(false);
                for (at, raw) in pair.iter().enumerate() {
                    builder.push("o", at as u64, &Record::parse(raw).unwrap());
                }
                builder.finish().unwrap()
            })
            .collect();
        let order = order(&chunks, |row| row != 3).unwrap();
        assert_eq!(order.rows.values(), &[4, 7, 6, 2, 5, 1, 0]);
        let day = |text: &str| crate::model::Instant::parse(text).map(crate::model::Instant::day);
        assert_eq!(
            order.days,
            [(None, 0..1), (day("2024-01-01"), 1..6), (day("2024-01-02"), 6..7)]
        );
        let batch = apply(chunks, &order).unwrap();
        let names = batch.column_by_name("eventname").unwrap().as_string::<i32>().clone();
        assert_eq!(
            names.iter().map(Option::unwrap).collect::<Vec<_>>(),
            ["no time", "D", "C", "A", "B", "B", "B"]
        );
    }
}
