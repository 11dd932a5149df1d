//! Page statistics kept with the footer of a file: the engine keeps footers alone, and reads and parses the statistics of
//! all columns anew for every scan that asks for those of one.
//!
//! Of a story's time that was a fourteenth. They are kept from the second scan that needs them: what is needed once is not
//! worth its memory, and what is never needed is not read at all. Who will ask of the same files again and again says so
//! before, and they are read once, with the footer: a twelfth of a story's time again.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;

/// Lets scans keep what they needed; its clones remember the same files.
#[derive(Debug, Clone, Default)]
pub(super) struct PageIndex(Needed);

/// The files whose page statistics a scan has read, or will.
#[derive(Debug, Clone, Default)]
struct Needed {
    read: Arc<Mutex<HashSet<Path>>>,
    /// Whether all files' will be.
    all: Arc<AtomicBool>,
}

impl Needed {
    fn contains(&self, path: &Path) -> bool {
        self.all.load(Ordering::Relaxed) || self.read.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn insert(&self, path: &Path) {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.clone());
    }
}

impl PageIndex {
    /// Keeps them from the first scan on.
    pub(super) fn of_all(&self) {
        self.0.all.store(true, Ordering::Relaxed);
    }

    /// The same scan, keeping what it needs; nothing where the node is no scan of Parquet files.
    pub(super) fn kept(&self, node: &dyn ExecutionPlan) -> Option<Arc<dyn ExecutionPlan>> {
        let scan = node.downcast_ref::<DataSourceExec>()?;
        let (config, source) = scan.downcast_to_file_source::<ParquetSource>()?;
        let factory = Factory {
            inner: source.parquet_file_reader_factory()?.clone(),
            needed: self.0.clone(),
        };
        let source = source.clone().with_parquet_file_reader_factory(Arc::new(factory));
        let config = FileScanConfigBuilder::from(config.clone())
            .with_source(Arc::new(source))
            .build();
        Some(DataSourceExec::from_data_source(config))
    }
}

#[derive(Debug)]
struct Factory {
    /// It keeps what it is asked for in the session's cache of footers.
    inner: Arc<dyn ParquetFileReaderFactory>,
    needed: Needed,
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
            path: file.object_meta.location.clone(),
            inner: self.inner.create_reader(partition, file, hint, metrics)?,
            needed: self.needed.clone(),
            footer: None,
        }))
    }
}

struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    path: Path,
    needed: Needed,
    /// Without page statistics, if they have not been kept.
    footer: Option<Arc<ParquetMetaData>>,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        if self
            .footer
            .as_ref()
            .is_some_and(|footer| begins_index(footer, range.start))
        {
            self.needed.insert(&self.path);
        }
        self.inner.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let with_index = options
                .filter(|_| self.needed.contains(&self.path))
                .map(|options| options.clone().with_page_index_policy(PageIndexPolicy::Optional));
            let footer = self.inner.get_metadata(with_index.as_ref().or(options)).await?;
            self.footer = Some(footer.clone());
            Ok(footer)
        }
        .boxed()
    }
}

/// Whether page statistics of some column stand at this place of the file.
fn begins_index(footer: &ParquetMetaData, at: u64) -> bool {
    let mut columns = footer.row_groups().iter().flat_map(|group| group.columns());
    columns.any(|column| {
        [column.column_index_offset(), column.offset_index_offset()]
            .into_iter()
            .flatten()
            .any(|offset| u64::try_from(offset) == Ok(at))
    })
}
