//! One Parquet file of a table: encoding rows, describing the file to Delta, reading chosen columns or rows back.

use std::collections::HashMap;
use std::io::Write;
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
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
#[expect(
    deprecated,
    reason = "its successor is an example to copy; the trait can be implemented when it goes"
)]
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{Result, schema, sort};
use crate::model::Instant;

/// Rows in a row group: few enough that one service or key fills its own pages and groups.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows in a page, the unit that statistics and filters skip.
const PAGE_ROWS: usize = 8_192;
/// Rows in a page of rows that stand apart: of ten thousand a day, one key's are a few.
const PAGE_ROWS_APART: usize = 1_024;
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
    /// Rows that stand first, whatever the order of the others, and in row groups of their own: a question about them alone
    /// reads no dictionary of the others' values, which is a megabyte in some columns.
    pub apart: Option<Apart>,
    /// Columns with nearly one value per row: no dictionary, a bloom filter.
    pub unique: &'static [&'static str],
    /// Columns without a dictionary and without a filter.
    pub plain: &'static [&'static str],
    /// Columns with a bloom filter beside their dictionary.
    pub filtered: &'static [&'static str],
    /// Columns of JSON texts: to know a page's least and greatest leads past nothing.
    pub documents: &'static [&'static str],
}

/// Rows that have row groups of their own, to be read a few at a time.
#[derive(Debug, Clone, Copy)]
pub struct Apart {
    /// The column, and its value, that tell them.
    pub rows: (&'static str, &'static str),
    /// Columns, by their paths, without a dictionary there: to read one key's rows takes their pages, and would take the whole
    /// dictionary. Rows alike stand together, so that pages of plain values compress as well.
    pub plain: &'static [&'static str],
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
    apart: Some(Apart {
        rows: ("eventsource", sort::FIRST_SOURCE),
        plain: &[
            "kms_key_arn",
            "kms.list.element.key_arn",
            "kms.list.element.key_id",
            "kms.list.element.key_ref",
            "resources.list.element.arn",
            "requestparameters",
            "responseelements",
            "additionaleventdata",
            "errormessage",
        ],
    }),
    unique: &["eventid"],
    // Times are nearly as many as rows: a dictionary of them is larger than they are.
    plain: &["requestid", "eventtime"],
    filtered: &[
        "kms_key_arn",
        "accesskeyid",
        "principal_arn",
        "sourceipaddress",
        "eventname",
        "useragent",
    ],
    documents: &schema::DOCUMENTS,
};

/// The layout of a small table whose rows are looked up by source object.
pub const BY_OBJECT: Layout = Layout {
    stats: &["source_object", "ingested_at"],
    sorted: &["source_object"],
    apart: None,
    unique: &[],
    plain: &[],
    filtered: &[],
    documents: &[],
};

/// The layout of a table too small to need one.
pub const SMALL: Layout = Layout {
    stats: &[],
    sorted: &[],
    apart: None,
    unique: &[],
    plain: &[],
    filtered: &[],
    documents: &[],
};

fn properties(layout: &Layout, schema: &Schema, rows: usize, is_sorted: bool) -> WriterPropertiesBuilder {
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
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_created_by(concat!("keytrail ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns((is_sorted && !sorting.is_empty()).then_some(sorting));
    // Every reader of a file reads the statistics of all its pages, which is a seventh of the time of a small question, and
    // no reader uses those of nested columns.
    for field in schema.fields() {
        let name = field.name().as_str();
        if !field.data_type().is_nested() && !layout.documents.contains(&name) {
            builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
        }
    }
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
    builder
}

/// The properties of row groups of rows that stand apart.
fn properties_apart(apart: &Apart, builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    let plain = |builder: WriterPropertiesBuilder, path: &&str| {
        let path = ColumnPath::new(path.split('.').map(str::to_owned).collect());
        builder.set_column_dictionary_enabled(path, false)
    };
    let builder = builder.set_data_page_row_count_limit(PAGE_ROWS_APART);
    apart.plain.iter().fold(builder, plain)
}

/// A writer of files into `bytes`, and what makes the writers of a row group's columns.
fn writer<W: Write + Send>(
    bytes: W,
    schema: SchemaRef,
    properties: WriterPropertiesBuilder,
) -> Result<(SerializedFileWriter<W>, ArrowRowGroupWriterFactory)> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        // Without the embedded Arrow schema every reader sees plain strings, whatever this program held in memory.
        .with_skip_arrow_metadata(true);
    Ok(ArrowWriter::try_new_with_options(bytes, schema, options)?.into_serialized_writer()?)
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
    let (groups, is_sorted) = row_groups(batch.num_rows(), leading(&batch, layout.apart.as_ref()));
    let wanted = || properties(layout, batch.schema_ref(), batch.num_rows(), is_sorted);
    let mut bytes = Vec::new();
    let (mut file, columns) = writer(&mut bytes, batch.schema(), wanted())?;
    // A file has one set of properties; a second file, which is thrown away, lends its own to the rows that stand apart.
    let columns_apart = match &layout.apart {
        Some(apart) if groups.iter().any(|group| group.is_apart) => {
            Some(writer(std::io::sink(), batch.schema(), properties_apart(apart, wanted()))?.1)
        }
        _ => None,
    };
    for (at, group) in groups.iter().enumerate() {
        let rows = batch.slice(group.rows.start, group.rows.len());
        let columns = columns_apart.as_ref().filter(|_| group.is_apart).unwrap_or(&columns);
        let mut into = file.next_row_group()?;
        for chunk in chunks(&rows, columns.create_column_writers(at)?)? {
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

/// How many rows at the start stand apart.
fn leading(batch: &RecordBatch, apart: Option<&Apart>) -> usize {
    let Some((column, value)) = apart.map(|apart| apart.rows) else {
        return 0;
    };
    let column = batch.column_by_name(column);
    let texts = column.and_then(|column| column.as_string_opt::<i32>());
    texts.map_or(0, |texts| texts.iter().take_while(|text| *text == Some(value)).count())
}

/// A row group to be.
struct RowGroup {
    rows: Range<usize>,
    is_apart: bool,
}

/// The row groups of a file whose first `first` rows stand apart; and whether each group is in the order of its columns,
/// which the two kinds together are not.
fn row_groups(rows: usize, first: usize) -> (Vec<RowGroup>, bool) {
    let is_mixed = first > 0 && first < rows && first < APART_ROWS;
    let first = if first < APART_ROWS { 0 } else { first };
    let kinds = [(0..first, true), (first..rows, false)];
    let groups = kinds.into_iter().flat_map(|(kind, is_apart)| {
        let starts = kind.clone().step_by(ROW_GROUP_ROWS);
        starts.map(move |start| RowGroup {
            rows: start..kind.end.min(start + ROW_GROUP_ROWS),
            is_apart,
        })
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
    use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};

    use super::super::batch::BatchBuilder;
    use super::*;
    use crate::trail::record::Record;

    #[test]
    fn the_first_kind_has_row_groups_of_its_own_where_it_fills_one() {
        let of = |rows: usize, first: usize| {
            let (groups, is_sorted) = row_groups(rows, first);
            let groups: Vec<_> = groups.into_iter().map(|group| (group.rows, group.is_apart)).collect();
            (groups, is_sorted)
        };
        assert_eq!(of(0, 0), (vec![], true));
        assert_eq!(of(10, 0), (vec![(0..10, false)], true));
        assert_eq!(of(10, 10), (vec![(0..10, false)], true));
        assert_eq!(of(5_000, APART_ROWS - 1), (vec![(0..5_000, false)], false));
        let (first, rows) = (APART_ROWS, APART_ROWS + 1);
        assert_eq!(of(rows, first), (vec![(0..first, true), (first..rows, false)], true));
        assert_eq!(of(first, first), (vec![(0..first, true)], true));
        let (full, first, rows) = (ROW_GROUP_ROWS, ROW_GROUP_ROWS + 2, 2 * ROW_GROUP_ROWS + 1);
        let three = vec![(0..full, true), (full..first, true), (first..rows, false)];
        assert_eq!(of(rows, first), (three, true));
    }

    #[tokio::test]
    async fn rows_that_stand_apart_come_back_as_they_were() {
        let raw = |at: usize, source: &str| {
            format!(
                r#"{{"eventTime":"2026-01-01T00:{:02}:{:02}Z","eventSource":"{source}","eventName":"E{}","eventID":"{at}",
                "requestParameters":{{"keyId":"arn:aws:kms:us-east-1:111122223333:key/{}"}}}}"#,
                at / 60 % 60,
                at % 60,
                at % 3,
                at % 7
            )
        };
        let mut builder = BatchBuilder::new(false);
        for at in 0..3 * APART_ROWS {
            let source = if at % 3 == 0 {
                "s3.amazonaws.com"
            } else {
                sort::FIRST_SOURCE
            };
            builder.push("o", at as u64, &Record::parse(&raw(at, source)).unwrap());
        }
        let chunks = vec![builder.finish().unwrap()];
        let order = sort::order(&chunks, |_| true).unwrap();
        let rows = sort::apply(chunks, &order).unwrap();
        let day = Some("2026-01-01".to_owned());
        let encoded = encode(&rows, &CLOUDTRAIL, Some((schema::EVENT_DATE, day))).unwrap();
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&encoded.bytes).unwrap();
        let groups: Vec<i64> = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(groups, [2 * APART_ROWS as i64, APART_ROWS as i64]);
        let sources = metadata.row_groups().iter().map(|group| {
            let column = group
                .columns()
                .iter()
                .find(|column| column.column_path().string() == "eventsource");
            let statistics = column.unwrap().statistics().unwrap();
            String::from_utf8(statistics.max_bytes_opt().unwrap().to_vec()).unwrap()
        });
        assert_eq!(sources.collect::<Vec<_>>(), [sort::FIRST_SOURCE, "s3.amazonaws.com"]);
        let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let add = self::store(store.as_ref(), encoded).await.unwrap();
        let back = read_typed(store, &add, &rows.schema()).await.unwrap();
        assert_eq!(back, rows);
    }
}
