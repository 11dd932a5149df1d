//! Counts the bytes a session reads from the lake's storage: every store it hands out is wrapped in one that counts, and
//! that reads local files itself where it need not wait for them.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::Result as FusionResult;
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

/// The count, shared by all stores of a session.
#[derive(Debug, Clone, Default)]
pub(super) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// Bytes read so far.
    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A registry whose stores count.
#[derive(Debug, Default)]
pub(super) struct CountingRegistry {
    inner: DefaultObjectStoreRegistry,
    read: BytesRead,
}

impl CountingRegistry {
    pub(super) fn new(read: BytesRead) -> CountingRegistry {
        CountingRegistry {
            inner: DefaultObjectStoreRegistry::new(),
            read,
        }
    }
}

impl ObjectStoreRegistry for CountingRegistry {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        let read = self.read.clone();
        self.inner.register_store(url, Arc::new(Counting::over(store, read)))
    }

    fn deregister_store(&self, url: &Url) -> FusionResult<Arc<dyn ObjectStore>> {
        self.inner.deregister_store(url)
    }

    fn get_store(&self, url: &Url) -> FusionResult<Arc<dyn ObjectStore>> {
        // Wrapped when handed out: the store of local files is there without being registered.
        Ok(Arc::new(Counting::over(self.inner.get_store(url)?, self.read.clone())))
    }
}

#[derive(Debug)]
struct Counting {
    inner: Arc<dyn ObjectStore>,
    read: BytesRead,
    /// The store of all local files, if it is that: what says where a file is.
    local: Option<LocalFileSystem>,
}

impl Counting {
    fn over(inner: Arc<dyn ObjectStore>, read: BytesRead) -> Counting {
        let local = LocalFileSystem::new();
        let local = (inner.to_string() == local.to_string()).then_some(local);
        Counting { inner, read, local }
    }

    /// What can be had without waiting.
    fn at_hand(&self, location: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        #[cfg(target_os = "linux")]
        return super::page_cache::read(&self.local.as_ref()?.path_to_filesystem(location).ok()?, ranges);
        #[cfg(not(target_os = "linux"))]
        None
    }
}

impl Display for Counting {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.inner, formatter)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_read = !options.head;
        let answer = self.inner.get_opts(location, options).await?;
        if is_read {
            self.read.add(answer.range.end.saturating_sub(answer.range.start));
        }
        Ok(answer)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let pieces = match self.at_hand(location, ranges) {
            Some(pieces) => pieces,
            None => self.inner.get_ranges(location, ranges).await?,
        };
        self.read.add(pieces.iter().map(|piece| piece.len() as u64).sum());
        Ok(pieces)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
