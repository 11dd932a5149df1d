//! Threads for queries, apart from those that talk to clients: a query that computes keeps no clock and no client waiting.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Stack of a thread: statements nest, and planning them recurses.
const STACK_BYTES: usize = 64 << 20;

/// The threads.
pub(super) struct Compute(Option<Runtime>);

/// Work that ends when this goes.
pub(super) struct Work<T>(JoinHandle<T>);

impl Compute {
    /// As many threads as there are processors.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub(super) fn new() -> std::io::Result<Compute> {
        let runtime = Builder::new_multi_thread()
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Compute(Some(runtime)))
    }

    /// Starts work.
    pub(super) fn start<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<Work<T>> {
        Some(Work(self.0.as_ref()?.spawn(work)))
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // What still computes is not waited for.
            runtime.shutdown_background();
        }
    }
}

impl<T> Work<T> {
    /// Its result; `None` where it broke.
    pub(super) async fn done(&mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
