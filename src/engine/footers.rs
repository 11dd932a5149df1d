//! What files say of themselves, read once and kept for all scans of a session, with as much as they need.
//!
//! The engine keeps footers alone: it reads and parses the statistics of all pages of all columns anew for every scan that
//! asks for those of one, into a copy of the footer. Of a story's time that was a seventh. And it reads texts inside of
//! structs as plain ones, copying each, and makes of them the views that the table's columns have: of a question who called
//! (`GROUP BY useridentity.arn`) that was a third, for what lies in the file as numbers of a list.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetMetaData, PagePruningAccessPlanFilter, ParquetFileReaderFactory,
};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::error::Result;
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{
    FileMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
};
use datafusion::parquet::schema::types::SchemaDescPtr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectMeta;

use super::scan;

/// Of a file's end, read at once: the footers of ours have 25 kB, and the statistics of their pages before them 50 kB.
const FOOTER_BYTES: usize = 32 << 10;
const FOOTER_AND_INDEX_BYTES: usize = 96 << 10;

/// The footers that a session keeps; its clones keep the same.
#[derive(Debug, Clone)]
pub(super) struct Footers {
    cache: Arc<FileMetadataCache>,
    /// Whether every scan is given page statistics.
    with_index: Arc<AtomicBool>,
    /// The last file's columns, and how they are to be read.
    columns: Arc<Mutex<Option<(SchemaDescPtr, String)>>>,
}

/// What a scan needs beside the footer.
#[derive(Debug, Clone, Copy, Default)]
struct Needs {
    /// Page statistics.
    index: bool,
    /// Texts inside of structs as views.
    views: bool,
}

impl Footers {
    /// Those of the files that are read with this runtime.
    pub(super) fn of(runtime: &RuntimeEnv) -> Footers {
        Footers {
            cache: runtime.cache_manager.get_file_metadata_cache(),
            with_index: Arc::default(),
            columns: Arc::default(),
        }
    }

    /// Reads page statistics with every footer: who will ask of the same files again and again needs them some time.
    pub(super) fn with_index(&self) {
        self.with_index.store(true, Ordering::Relaxed);
    }

    /// The same scan, reading footers through these; nothing where the node is no scan of Parquet files.
    pub(super) fn kept(&self, node: &dyn ExecutionPlan) -> Option<Arc<dyn ExecutionPlan>> {
        let (config, source) = scan::of(node)?;
        let factory = Factory {
            inner: source.parquet_file_reader_factory()?.clone(),
            footers: self.clone(),
            needs: needs(config, source),
        };
        let source = source.clone().with_parquet_file_reader_factory(Arc::new(factory));
        Some(scan::with_source(config, source))
    }

    fn get(&self, file: &ObjectMeta) -> Option<Arc<ParquetMetaData>> {
        let entry = self.cache.get(&file.location)?;
        let footer: &CachedParquetMetaData = entry.file_metadata.as_any().downcast_ref()?;
        entry.is_valid_for(file).then(|| footer.parquet_metadata().clone())
    }

    fn put(&self, file: &ObjectMeta, footer: Arc<ParquetMetaData>) {
        let footer = Arc::new(CachedParquetMetaData::new(footer));
        self.cache
            .put(&file.location, CachedFileMetadataEntry::new(file.clone(), footer));
    }

    /// The footer, saying how the texts inside of its structs are to be read.
    fn with_views(&self, footer: ParquetMetaData) -> ParquetResult<ParquetMetaData> {
        let file = footer.file_metadata();
        let columns = file.schema_descr_ptr();
        let schema = {
            let mut known = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
            match known.as_ref() {
                Some((of, schema)) if of.root_schema() == columns.root_schema() => schema.clone(),
                _ => {
                    let plain = parquet_to_arrow_schema(&columns, None)?;
                    let fields = plain.fields().iter().map(|field| {
                        let kind = match field.data_type() {
                            nested if nested.is_nested() => with_views(nested),
                            plain => plain.clone(),
                        };
                        field.as_ref().clone().with_data_type(kind)
                    });
                    let schema = encode_arrow_schema(&Schema::new(fields.collect::<Vec<Field>>()));
                    *known = Some((columns.clone(), schema.clone()));
                    schema
                }
            }
        };
        let mut said = file.key_value_metadata().cloned().unwrap_or_default();
        said.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), schema));
        let file = FileMetaData::new(
            file.version(),
            file.num_rows(),
            file.created_by().map(str::to_owned),
            Some(said),
            columns,
            file.column_orders().cloned(),
        );
        let mut parts = footer.into_builder();
        Ok(ParquetMetaDataBuilder::new(file)
            .set_row_groups(parts.take_row_groups())
            .set_column_index(parts.take_column_index())
            .set_offset_index(parts.take_offset_index())
            .build())
    }
}

/// What a scan needs: statistics of pages where its condition can be asked of them, views where it reads structs.
fn needs(config: &FileScanConfig, source: &ParquetSource) -> Needs {
    let (columns, condition) = (config.file_schema(), source.filter());
    let has_index = source.table_parquet_options().global.enable_page_index;
    let is_nested = |name: &str| {
        columns
            .field_with_name(name)
            .is_ok_and(|field| field.data_type().is_nested())
    };
    let projected = source.projection().map(|projection| projection.expr_iter().collect());
    let projected: Vec<_> = projected.unwrap_or_default();
    let read = projected.iter().chain(&condition).flat_map(collect_columns);
    Needs {
        index: has_index
            && condition.as_ref().is_some_and(|condition| {
                PagePruningAccessPlanFilter::new(condition, columns.clone()).filter_number() > 0
            }),
        views: read.into_iter().any(|column| is_nested(column.name())),
    }
}

/// The kind with views in the place of plain texts.
fn with_views(kind: &DataType) -> DataType {
    let of = |field: &FieldRef| {
        let kind = with_views(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(kind))
    };
    match kind {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        DataType::List(field) => DataType::List(of(field)),
        other => other.clone(),
    }
}

#[derive(Debug)]
struct Factory {
    inner: Arc<dyn ParquetFileReaderFactory>,
    footers: Footers,
    needs: Needs,
}

impl ParquetFileReaderFactory for Factory {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        Ok(Box::new(Reader {
            file: file.object_meta.clone(),
            inner: self.inner.create_reader(partition, file, hint, metrics)?,
            footers: self.footers.clone(),
            needs: self.needs,
        }))
    }
}

struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    file: ObjectMeta,
    footers: Footers,
    needs: Needs,
}

impl Reader {
    async fn footer(&mut self, needs: Needs) -> ParquetResult<Arc<ParquetMetaData>> {
        let index = match needs.index {
            true => PageIndexPolicy::Optional,
            false => PageIndexPolicy::Skip,
        };
        let (file, footers) = (self.file.clone(), self.footers.clone());
        let mut footer = match footers.get(&file) {
            Some(kept) => {
                let has_index = kept.column_index().is_some() && kept.offset_index().is_some();
                if (has_index || !needs.index) && (!needs.views || has_schema(&kept)) {
                    return Ok(kept);
                }
                // Where nobody else holds it, it is no copy that is added to.
                drop(footers.cache.remove(&file.location));
                let mut footer = Arc::try_unwrap(kept).unwrap_or_else(|kept| kept.as_ref().clone());
                if needs.index && !has_index {
                    let mut reader = ParquetMetaDataReader::new_with_metadata(footer).with_page_index_policy(index);
                    reader.load_page_index(&mut *self).await?;
                    footer = reader.finish()?;
                }
                footer
            }
            None => {
                let bytes = if needs.index {
                    FOOTER_AND_INDEX_BYTES
                } else {
                    FOOTER_BYTES
                };
                let reader = ParquetMetaDataReader::new()
                    .with_page_index_policy(index)
                    .with_prefetch_hint(Some(bytes));
                reader.load_and_finish(&mut *self, file.size).await.map_err(|error| {
                    ParquetError::General(format!("Failed to fetch metadata for file {}: {error}", file.location))
                })?
            }
        };
        if needs.views && !has_schema(&footer) {
            footer = footers.with_views(footer)?;
        }
        let footer = Arc::new(footer);
        footers.put(&file, footer.clone());
        Ok(footer)
    }
}

/// Whether a file says how its columns are to be read, or was told to.
fn has_schema(footer: &ParquetMetaData) -> bool {
    let said = footer.file_metadata().key_value_metadata();
    said.into_iter().flatten().any(|said| said.key == ARROW_SCHEMA_META_KEY)
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        // One range as a list of them: those are read at once where they are in memory.
        let read = self.inner.get_byte_ranges(vec![range]);
        async move {
            let mut pieces = read.await?;
            pieces
                .pop()
                .ok_or_else(|| ParquetError::General("a range was asked for and none came".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    /// Who gives no options looks at the footer alone.
    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let needs = match options {
            None => Needs::default(),
            Some(_) => Needs {
                index: self.needs.index || self.footers.with_index.load(Ordering::Relaxed),
                ..self.needs
            },
        };
        self.footer(needs).boxed()
    }
}
