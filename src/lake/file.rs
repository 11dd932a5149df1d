//! One Parquet file of a table: encoding rows, describing the file to Delta, reading chosen columns or rows back.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
#[expect(
    deprecated,
    reason = "its successor is an example to copy; the trait can be implemented when it goes"
)]
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{Result, schema, sort};
use crate::model::Instant;

/// Rows in a row group: few enough that one service or key fills its own pages and groups.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows in a page, the unit that statistics and filters skip.
const PAGE_ROWS: usize = 8_192;
/// Of texts in statistics; longer ones are cut to valid bounds.
const STATISTICS_BYTES: usize = 64;
/// Rows of the first kind from which on they get row groups of their own: fewer are read fast wherever they stand, and each
/// row group costs every reader of the file its description of eighty columns.
const APART_ROWS: usize = 1_024;
/// Bytes in a page at most: of JSON texts, so that one key's few are read without thousands of others.
const PAGE_BYTES: usize = 128 << 10;

/// zstd's level, by measurement on generated trails: 3 costs a third more time than 1 for 6 % less space.
const ZSTD: i32 = 1;

/// How a table's files are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Top-level columns whose minimum, maximum and null count go into the Delta log.
    pub stats: &'static [&'static str],
    /// Columns the rows are sorted by.
    pub sorted: &'static [&'static str],
    /// Rows with this value in this column stand first, whatever the order of the others, and in row groups of their own: a
    /// question about them alone reads no dictionary of the others' values, which is a megabyte in some columns.
    pub apart: Option<(&'static str, &'static str)>,
    /// Columns with nearly one value per row: no dictionary, a bloom filter.
    pub unique: &'static [&'static str],
    /// Columns without a dictionary and without a filter.
    pub plain: &'static [&'static str],
    /// Columns with a bloom filter beside their dictionary.
    pub filtered: &'static [&'static str],
}

/// The layout of `cloudtrail`.
pub const CLOUDTRAIL: Layout = Layout {
    stats: &[
        "eventtime",
        "eventsource",
        "eventname",
        "kms_key_arn",
        "eventid",
        "recipientaccountid",
        "awsregion",
        "principal_arn",
        "accesskeyid",
        "source_object",
    ],
    sorted: &["eventsource", "kms_key_arn", "eventname", "eventtime"],
    apart: Some(("eventsource", sort::FIRST_SOURCE)),
    unique: &["eventid"],
    plain: &["requestid"],
    filtered: &["kms_key_arn", "accesskeyid", "principal_arn", "sourceipaddress"],
};

/// The layout of a small table whose rows are looked up by source object.
pub const BY_OBJECT: Layout = Layout {
    stats: &["source_object", "ingested_at"],
    sorted: &["source_object"],
    apart: None,
    unique: &[],
    plain: &[],
    filtered: &[],
};

/// The layout of a table too small to need one.
pub const SMALL: Layout = Layout {
    stats: &[],
    sorted: &[],
    apart: None,
    unique: &[],
    plain: &[],
    filtered: &[],
};

fn properties(layout: &Layout, schema: &Schema, rows: usize, is_sorted: bool) -> WriterProperties {
    let leaf = |name: &str| {
        let mut leaves = 0_i32;
        for field in schema.fields() {
            if field.name() == name {
                return Some(leaves);
            }
            leaves += leaf_count(field.data_type());
        }
        None
    };
    let sorting: Vec<SortingColumn> = layout
        .sorted
        .iter()
        .filter_map(|name| {
            leaf(name).map(|column_idx| SortingColumn {
                column_idx,
                descending: false,
                nulls_first: true,
            })
        })
        .collect();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_created_by(concat!("keytrail ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns((is_sorted && !sorting.is_empty()).then_some(sorting));
    let distinct = rows.min(ROW_GROUP_ROWS) as u64;
    for name in layout.unique.iter().chain(layout.plain) {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    for (names, distinct) in [(layout.unique, distinct), (layout.filtered, distinct.min(2_000))] {
        for name in names {
            builder = builder
                .set_column_bloom_filter_enabled(ColumnPath::from(*name), true)
                .set_column_bloom_filter_fpp(ColumnPath::from(*name), 0.01)
                .set_column_bloom_filter_max_ndv(ColumnPath::from(*name), distinct.max(1));
        }
    }
    builder.build()
}

fn leaf_count(data_type: &DataType) -> i32 {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        DataType::List(element) => leaf_count(element.data_type()),
        _ => 1,
    }
}

/// A file's bytes and what Delta must know of it.
pub struct Encoded {
    /// The Parquet file.
    pub bytes: Bytes,
    /// Its description; `path` is relative to the table.
    pub add: Add,
}

/// Encodes rows that are already in order as one file. `partition` names the partition column and the rows' value; the
/// column itself is left out of the file, as Delta has it.
///
/// # Errors
/// The rows cannot be encoded.
pub fn encode(batch: &RecordBatch, layout: &Layout, partition: Option<(&str, Option<String>)>) -> Result<Encoded> {
    let columns: Vec<usize> = (0..batch.num_columns())
        .filter(|&at| Some(batch.schema_ref().field(at).name().as_str()) != partition.as_ref().map(|(name, _)| *name))
        .collect();
    let batch = batch.project(&columns)?;
    let first = leading(&batch, layout.apart);
    let (groups, is_sorted) = row_groups(batch.num_rows(), first);
    let options = ArrowWriterOptions::new()
        .with_properties(properties(layout, batch.schema_ref(), batch.num_rows(), is_sorted))
        // Without the embedded Arrow schema every reader sees plain strings, whatever this program held in memory.
        .with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let (mut file, columns) =
        ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options)?.into_serialized_writer()?;
    for (group, range) in groups.into_iter().enumerate() {
        let rows = batch.slice(range.start, range.len());
        let mut into = file.next_row_group()?;
        for chunk in chunks(&rows, columns.create_column_writers(group)?)? {
            chunk.append_to_row_group(&mut into)?;
        }
        into.close()?;
    }
    let metadata = file.close()?;
    let bytes = Bytes::from(bytes);
    let name = format!("part-{}.zstd.parquet", uuid::Uuid::new_v4().simple());
    let (path, partition_values) = match partition {
        Some((column, value)) => {
            // Delta's own name for the partition of nulls, as Hive has it.
            let folder = value.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__");
            (
                format!("{column}={folder}/{name}"),
                HashMap::from([(column.to_owned(), value.clone())]),
            )
        }
        None => (name, HashMap::new()),
    };
    let stats = statistics(&metadata, layout, batch.schema_ref());
    let add = Add {
        path,
        partition_values,
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        modification_time: now_millis(),
        data_change: true,
        stats: Some(stats.to_string()),
        ..Add::default()
    };
    Ok(Encoded { bytes, add })
}

/// How many rows at the start have the value that sets rows apart.
fn leading(batch: &RecordBatch, apart: Option<(&str, &str)>) -> usize {
    let Some((column, value)) = apart else { return 0 };
    let column = batch.column_by_name(column);
    let texts = column.and_then(|column| column.as_string_opt::<i32>());
    texts.map_or(0, |texts| texts.iter().take_while(|text| *text == Some(value)).count())
}

/// The rows of each row group, where the first `first` are a kind of their own; and whether each group is in the order of
/// its columns, which the two kinds together are not.
fn row_groups(rows: usize, first: usize) -> (Vec<Range<usize>>, bool) {
    let is_mixed = first > 0 && first < rows && first < APART_ROWS;
    let first = if is_mixed { 0 } else { first };
    let groups = [0..first, first..rows].into_iter().flat_map(|kind| {
        let starts = kind.clone().step_by(ROW_GROUP_ROWS);
        starts.map(move |start| start..kind.end.min(start + ROW_GROUP_ROWS))
    });
    (groups.collect(), !is_mixed)
}

/// Encodes the columns of a row group side by side. A batch of an ordered log is of one day, hence one file: encoded by one
/// thread it kept the decoders waiting, and an ingest took almost half as long again.
fn chunks(rows: &RecordBatch, writers: Vec<ArrowColumnWriter>) -> Result<Vec<ArrowColumnChunk>> {
    let schema = rows.schema();
    let mut writers = writers.into_iter();
    let columns: Vec<(&FieldRef, &ArrayRef, Vec<ArrowColumnWriter>)> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| {
            let leaves = usize::try_from(leaf_count(field.data_type())).unwrap_or_default();
            (field, column, writers.by_ref().take(leaves).collect())
        })
        .collect();
    let encoded: Vec<Vec<ArrowColumnChunk>> = columns
        .into_par_iter()
        .with_max_len(1)
        .map(|(field, column, writers)| -> Result<Vec<ArrowColumnChunk>> {
            let leaves = compute_leaves(field, column)?;
            let each = writers.into_par_iter().zip(leaves).map(|(mut writer, leaf)| {
                writer.write(&leaf)?;
                Ok(writer.close()?)
            });
            each.collect()
        })
        .collect::<Result<_>>()?;
    Ok(encoded.into_iter().flatten().collect())
}

/// Delta wants a file's time; it says nothing about the data.
fn now_millis() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Per-file statistics in Delta's JSON form.
///
/// Source: Delta protocol, "Per-file Statistics".
fn statistics(metadata: &ParquetMetaData, layout: &Layout, schema: &Schema) -> Value {
    let (mut mins, mut maxs, mut nulls) = (Map::new(), Map::new(), Map::new());
    for name in layout.stats {
        let Ok(field) = schema.field_with_name(name) else {
            continue;
        };
        let mut low: Option<Value> = None;
        let mut high: Option<Value> = None;
        let mut null_count = 0_u64;
        let mut whole = true;
        for group in metadata.row_groups() {
            let column = group
                .columns()
                .iter()
                .find(|column| column.column_path().string() == *name);
            let Some(statistics) = column.and_then(|column| column.statistics()) else {
                whole = false;
                continue;
            };
            null_count += statistics.null_count_opt().unwrap_or(0);
            let Some((min, max)) = bounds(statistics, field.data_type()) else {
                continue;
            };
            low = Some(match low {
                Some(old) if !less(&min, &old) => old,
                _ => min,
            });
            high = Some(match high {
                Some(old) if !less(&old, &max) => old,
                _ => max,
            });
        }
        if !whole {
            continue;
        }
        nulls.insert((*name).to_owned(), json!(null_count));
        if let (Some(low), Some(high)) = (low, high) {
            mins.insert((*name).to_owned(), low);
            maxs.insert((*name).to_owned(), high);
        }
    }
    json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": mins,
        "maxValues": maxs,
        "nullCount": nulls,
    })
}

fn less(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::String(one), Value::String(two)) => one < two,
        (Value::Number(one), Value::Number(two)) => one.as_i64() < two.as_i64(),
        _ => false,
    }
}

fn bounds(statistics: &Statistics, data_type: &DataType) -> Option<(Value, Value)> {
    match (statistics, data_type) {
        (Statistics::ByteArray(values), _) => {
            let text = |bytes: &parquet::data_type::ByteArray| bytes.as_utf8().ok().map(Value::from);
            Some((text(values.min_opt()?)?, text(values.max_opt()?)?))
        }
        (Statistics::Int64(values), DataType::Timestamp(..)) => {
            // Delta's timestamps carry milliseconds: round outwards.
            let low = values.min_opt()?.div_euclid(1000) * 1000;
            let high = -((-values.max_opt()?).div_euclid(1000)) * 1000;
            Some((Value::from(millis(low)), Value::from(millis(high))))
        }
        (Statistics::Int64(values), _) => Some((Value::from(*values.min_opt()?), Value::from(*values.max_opt()?))),
        _ => None,
    }
}

fn millis(micros: i64) -> String {
    let text = Instant(micros.div_euclid(1_000_000) * 1_000_000).to_string();
    format!(
        "{}.{:03}Z",
        text.trim_end_matches('Z'),
        micros.rem_euclid(1_000_000) / 1000
    )
}

/// Stores an encoded file.
///
/// # Errors
/// Storage refuses.
pub async fn store(store: &dyn ObjectStore, encoded: Encoded) -> Result<Add> {
    let path = Path::parse(&encoded.add.path).map_err(object_store::Error::from)?;
    store.put(&path, PutPayload::from_bytes(encoded.bytes)).await?;
    Ok(encoded.add)
}

/// Reads some columns (all where `columns` is empty), and of the rows only those named (sorted, distinct) where given.
///
/// # Errors
/// The file is gone or damaged.
pub async fn read(
    store: Arc<dyn ObjectStore>,
    add: &Add,
    columns: &[&str],
    rows: Option<&[usize]>,
) -> Result<Vec<RecordBatch>> {
    let path = Path::parse(&add.path).map_err(object_store::Error::from)?;
    let size = u64::try_from(add.size).unwrap_or_default();
    #[expect(deprecated, reason = "see the import")]
    let reader = ParquetObjectReader::new(store, path).with_file_size(size);
    let mut builder = ParquetRecordBatchStreamBuilder::new(reader)
        .await?
        .with_batch_size(ROW_GROUP_ROWS / 4);
    if !columns.is_empty() {
        let mask = ProjectionMask::roots(
            builder.parquet_schema(),
            builder
                .parquet_schema()
                .root_schema()
                .get_fields()
                .iter()
                .enumerate()
                .filter(|(_, field)| columns.contains(&field.name()))
                .map(|(at, _)| at),
        );
        builder = builder.with_projection(mask);
    }
    if let Some(rows) = rows {
        builder = builder.with_row_selection(selection(rows));
    }
    let batches: Vec<RecordBatch> = builder.build()?.try_collect().await?;
    Ok(batches)
}

fn selection(rows: &[usize]) -> RowSelection {
    let mut selectors = Vec::new();
    let mut at = 0;
    for &row in rows {
        if row > at {
            selectors.push(RowSelector::skip(row - at));
        }
        selectors.push(RowSelector::select(1));
        at = row + 1;
    }
    selectors.into()
}

/// Reads a whole file with its columns in the table's types, the partition column filled in.
///
/// # Errors
/// The file is gone, damaged, or not of this table.
pub async fn read_typed(store: Arc<dyn ObjectStore>, add: &Add, table: &SchemaRef) -> Result<RecordBatch> {
    let batches = read(store, add, &[], None).await?;
    let mut typed = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut columns = Vec::with_capacity(table.fields().len());
        for field in table.fields() {
            let column = match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => column.clone(),
                Some(column) => arrow::compute::cast(column, field.data_type())?,
                None => partition_column(add, field, batch.num_rows())?,
            };
            columns.push(column);
        }
        typed.push(RecordBatch::try_new(table.clone(), columns)?);
    }
    Ok(arrow::compute::concat_batches(table, &typed)?)
}

fn partition_column(add: &Add, field: &arrow::datatypes::Field, rows: usize) -> Result<arrow::array::ArrayRef> {
    let value = add.partition_values.get(field.name()).cloned().flatten();
    let texts: arrow::array::StringArray = std::iter::repeat_n(value.as_deref(), rows).collect();
    Ok(arrow::compute::cast(&texts, field.data_type())?)
}

/// The days of a file of `cloudtrail`: its partition's value.
pub fn day_of(add: &Add) -> Option<&str> {
    add.partition_values.get(schema::EVENT_DATE).and_then(Option::as_deref)
}

/// Streams files through `read` with bounded concurrency, in order.
pub fn read_all<'a>(
    store: Arc<dyn ObjectStore>,
    adds: &'a [Add],
    columns: &'a [&'a str],
) -> impl futures::Stream<Item = Result<Vec<RecordBatch>>> + 'a {
    futures::stream::iter(adds)
        .map(move |add| read(store.clone(), add, columns, None))
        .buffered(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_kind_has_row_groups_of_its_own_where_it_fills_one() {
        assert_eq!(row_groups(0, 0), (vec![], true));
        assert_eq!(row_groups(10, 0), (vec![0..10], true));
        assert_eq!(row_groups(10, 10), (vec![0..10], true));
        assert_eq!(row_groups(5_000, APART_ROWS - 1), (vec![0..5_000], false));
        let (first, rows) = (APART_ROWS, APART_ROWS + 1);
        assert_eq!(row_groups(rows, first), (vec![0..first, first..rows], true));
        let (first, rows) = (ROW_GROUP_ROWS + 2, 2 * ROW_GROUP_ROWS + 3);
        assert_eq!(
            row_groups(rows, first),
            (vec![0..ROW_GROUP_ROWS, ROW_GROUP_ROWS..first, first..rows], true)
        );
    }
}
