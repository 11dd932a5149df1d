//! Queries that run, by the connection that asked, so that another connection can end them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::startup::SecretKey;
use tokio::sync::watch;

/// A process number and its secret, whose form differs between versions of the protocol and its bytes do not.
type Asker = (i32, Bytes);

/// The queries that run.
#[derive(Default)]
pub(super) struct Running(Mutex<HashMap<Asker, watch::Sender<bool>>>);

/// One query that runs; it is forgotten when this goes.
pub(super) struct Run {
    running: Arc<Running>,
    asker: Asker,
    cancelled: watch::Receiver<bool>,
}

impl Running {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Asker, watch::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a connection's query runs.
    pub(super) fn start(self: &Arc<Running>, (process, secret): (i32, SecretKey)) -> Run {
        let asker = (process, secret.to_bytes());
        let (sender, cancelled) = watch::channel(false);
        self.all().insert(asker.clone(), sender);
        Run {
            running: self.clone(),
            asker,
            cancelled,
        }
    }

    /// Ends every query.
    pub(super) fn stop(&self) {
        for sender in self.all().values() {
            let _ = sender.send(true);
        }
    }
}

impl Run {
    /// Is over when somebody ended the query.
    pub(super) async fn cancelled(&mut self) {
        if self.cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            // Another query of the connection took its place; nobody can end this one.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut all = self.running.all();
        if all
            .get(&self.asker)
            .is_some_and(|sender| sender.subscribe().same_channel(&self.cancelled))
        {
            all.remove(&self.asker);
        }
    }
}

/// Takes requests to end a query.
pub(super) struct Cancels(pub(super) Arc<Running>);

#[async_trait]
impl CancelHandler for Cancels {
    async fn on_cancel_request(&self, request: CancelRequest) {
        if let Some(sender) = self.0.all().get(&(request.pid, request.secret_key.to_bytes())) {
            let _ = sender.send(true);
        }
    }
}
