//! Appending rows to the stored tables and reading them back. Knows nothing of what they mean.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch, StringArray};
use deltalake::DeltaTable;
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::schema;
use crate::lake::{Error, Location, Result, table};
use crate::snapshot::tables::{Row, Table};

/// Files read at once.
const READS: usize = 16;

/// Which rows to read: those whose text in a column is one of some.
#[derive(Clone)]
pub struct Wanted {
    /// The column.
    pub column: &'static str,
    /// The texts.
    pub any_of: Arc<HashSet<String>>,
}

fn failed(table: &Table) -> impl Fn(deltalake::DeltaTableError) -> Error {
    let name = schema::stored_name(table);
    move |source| Error::Table {
        table: name.clone(),
        source,
    }
}

/// Opens a stored table, creating it where there is none.
pub async fn open(lake: &Location, of: &Table) -> Result<DeltaTable> {
    let stats = of
        .columns
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| ["snapshot_id", "table_name"].contains(name));
    let mut stats: Vec<&str> = stats.collect();
    if stats.is_empty() {
        stats = vec![if schema::is_plain(of) { "sha256" } else { schema::CHUNK }];
    }
    table::open_or_create(lake, &schema::stored_name(of), &schema::stored(of), &[], &stats).await
}

/// Writes rows as data files, which become visible only with a commit.
pub async fn write(table: &DeltaTable, of: &Table, rows: &[(Option<&str>, &Row)]) -> Result<Vec<Add>> {
    write_batch(table, of, &schema::batch(of, rows)?).await
}

/// Writes the rows of some data files as new ones, in their order, which take the place of those with a commit.
pub async fn rewrite(table: &DeltaTable, of: &Table, files: &[Add]) -> Result<Vec<Add>> {
    let mut paths = Vec::with_capacity(files.len());
    for add in files {
        paths.push(Path::parse(&add.path).map_err(object_store::Error::from)?);
    }
    let mut batches = Vec::new();
    for batch in read_files(table, paths, None, None).await? {
        batches.push(schema::typed(of, &batch)?);
    }
    let batch = arrow::compute::concat_batches(&schema::stored(of), &batches)?;
    write_batch(table, of, &batch).await
}

async fn write_batch(table: &DeltaTable, of: &Table, batch: &RecordBatch) -> Result<Vec<Add>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(6)?))
        .set_max_row_group_row_count(Some(16_384))
        .build();
    let state = table.snapshot().map_err(failed(of))?;
    let (indexed, columns) =
        deltalake::operations::get_num_idx_cols_and_stats_columns(Some(state.table_config()), HashMap::new());
    let config = WriterConfig::new(
        batch.schema(),
        Vec::new(),
        Some(properties),
        None,
        None,
        indexed,
        columns,
    );
    let mut writer = DeltaWriter::new(table.object_store(), config);
    writer.write(batch).await.map_err(failed(of))?;
    writer.close().await.map_err(failed(of))
}

/// Reads the wanted rows of a table, some or all columns of them.
pub async fn read(
    table: &DeltaTable,
    of: &Table,
    columns: Option<&[&str]>,
    wanted: Option<&Wanted>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for batch in batches(table, of, columns, wanted).await? {
        rows.extend(schema::rows(of, &batch)?);
    }
    Ok(rows)
}

/// The texts of one column of a whole table.
pub async fn texts(table: &DeltaTable, of: &Table, column: &'static str) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for batch in batches(table, of, Some(&[column]), None).await? {
        if let Some(array) = batch.column_by_name(column)
            && let Some(array) = array.as_any().downcast_ref::<StringArray>()
        {
            // Rows of a chunk stand together.
            let mut last = None;
            for text in array.iter().flatten() {
                if last != Some(text) {
                    texts.push(text.to_owned());
                }
                last = Some(text);
            }
        }
    }
    Ok(texts)
}

async fn batches(
    table: &DeltaTable,
    of: &Table,
    columns: Option<&[&str]>,
    wanted: Option<&Wanted>,
) -> Result<Vec<RecordBatch>> {
    let state = table.snapshot().map_err(failed(of))?;
    let files = state.log_data().into_iter();
    read_files(
        table,
        files.map(|file| file.object_store_path()).collect(),
        columns,
        wanted,
    )
    .await
}

async fn read_files(
    table: &DeltaTable,
    files: Vec<Path>,
    columns: Option<&[&str]>,
    wanted: Option<&Wanted>,
) -> Result<Vec<RecordBatch>> {
    let store = table.object_store();
    // Files are small, and most of a file is wanted: one request is cheaper than several ranges. In their order.
    let read = |path: Path| {
        let store = store.clone();
        async move { store.get(&path).await?.bytes().await }
    };
    let mut bodies = futures::stream::iter(files).map(read).buffered(READS);
    let mut all = Vec::new();
    while let Some(bytes) = bodies.try_next().await? {
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let names: Vec<String> = builder
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let descriptor = builder.metadata().file_metadata().schema_descr_ptr();
        if let Some(wanted) = wanted {
            let at = names.iter().position(|name| name == wanted.column);
            let mask = ProjectionMask::roots(&descriptor, at);
            let known = wanted.any_of.clone();
            let filter = ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
                let texts = batch.column(0).as_any().downcast_ref::<StringArray>().cloned();
                let answer = |text: Option<&str>| Some(text.is_some_and(|text| known.contains(text)));
                Ok(texts.map_or_else(
                    || BooleanArray::from(vec![true; batch.num_rows()]),
                    |texts| texts.iter().map(answer).collect(),
                ))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(filter)]));
        }
        if let Some(columns) = columns {
            let at = names
                .iter()
                .enumerate()
                .filter(|(_, name)| columns.contains(&name.as_str()))
                .map(|(at, _)| at);
            let mask = ProjectionMask::roots(&descriptor, at);
            builder = builder.with_projection(mask);
        }
        for batch in builder.build()? {
            all.push(batch?);
        }
    }
    Ok(all)
}

/// Reads the wanted rows of a table that is stored in chunks, each with the name of its chunk.
pub async fn read_chunks(table: &DeltaTable, of: &Table, wanted: &Wanted) -> Result<Vec<(String, Row)>> {
    let mut all = Vec::new();
    for batch in batches(table, of, None, Some(wanted)).await? {
        let chunks = batch
            .column_by_name(schema::CHUNK)
            .and_then(|array| array.as_any().downcast_ref::<StringArray>());
        let names: Vec<String> = chunks
            .map(|array| array.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
            .unwrap_or_default();
        all.extend(names.into_iter().zip(schema::rows(of, &batch)?));
    }
    Ok(all)
}
