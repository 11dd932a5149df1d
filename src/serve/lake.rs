//! The lake as it is now: a session sees one state of it for ever, so it is opened anew from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::engine::{Result, Session, SessionSettings};
use crate::lake::Location;

/// A lake that ages.
pub(super) struct Lake {
    location: Location,
    settings: SessionSettings,
    fresh_for: Duration,
    opened: Mutex<(Arc<Session>, Instant)>,
}

impl Lake {
    /// Opens the lake.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(super) async fn open(location: Location, settings: SessionSettings, fresh_for: Duration) -> Result<Lake> {
        let session = Session::open(&location, &settings).await?;
        Ok(Lake {
            location,
            settings,
            fresh_for,
            opened: Mutex::new((Arc::new(session), Instant::now())),
        })
    }

    /// The lake, no older than it may be; where it cannot be opened anew, as it was.
    pub(super) async fn session(&self) -> Arc<Session> {
        let mut opened = self.opened.lock().await;
        if opened.1.elapsed() >= self.fresh_for {
            if let Ok(session) = Session::open(&self.location, &self.settings).await {
                opened.0 = Arc::new(session);
            }
            opened.1 = Instant::now();
        }
        opened.0.clone()
    }
}
