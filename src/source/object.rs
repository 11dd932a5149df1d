//! One object of a source, how it is opened, and the stream in which a listing brings them.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};

use super::body::{Body, Feed};
use super::name::{is_hidden, looks_like_log};
use super::spool::Spool;
use super::{Dates, Error, Options, Source, bucket, download, file, folder};
use crate::aws::s3::Bucket;
use crate::trail::object_key::{Kind, ObjectKey};

/// An object that may hold records, or a digest.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its identity, the tables' `source_object`: `s3://bucket/key`, or for local files the key as far as the path tells.
    pub key: String,
    /// Bytes as listed.
    pub size: u64,
    /// The entity tag as listed. Local files have none until they are read, see [`Object::etag`].
    pub etag: Option<String>,
    /// What the key says.
    pub parts: ObjectKey,
    pub(super) place: Place,
}

/// How an object is opened.
#[derive(Debug, Clone)]
pub(super) enum Place {
    S3 { remote: Arc<Remote>, key: String },
    File(PathBuf),
    Spool(Arc<Spool>),
}

/// Downloads of one bucket under way at once, however many objects are open.
const DOWNLOADS: usize = 32;

/// A bucket, and whose turn it is to read from it.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) bucket: Bucket,
    turns: Arc<Semaphore>,
}

impl Remote {
    pub(super) fn new(bucket: Bucket) -> Arc<Remote> {
        Arc::new(Remote {
            bucket,
            turns: Arc::new(Semaphore::new(DOWNLOADS)),
        })
    }

    async fn download(self: Arc<Self>, place: String, key: String, etag: Option<String>, turn: Turn, feed: Feed) {
        let Ok(_turn) = turn.await else { return };
        if !feed.is_closed() {
            download::stream(place, &self.bucket, &key, etag, feed).await;
        }
    }

    /// A place in the queue, taken now. INVARIANT: turns go in the order in which objects are opened; were a later, large
    /// object to come first, it could hold its turn until an earlier one is read that waits for just that turn.
    fn turn(&self) -> Turn {
        // Unconstrained: a poll that yields to the scheduler would not queue.
        let mut turn = Box::pin(tokio::task::unconstrained(Arc::clone(&self.turns).acquire_owned()));
        match turn.as_mut().now_or_never() {
            Some(taken) => ready(taken).boxed(),
            None => turn,
        }
    }
}

type Turn = BoxFuture<'static, Result<OwnedSemaphorePermit, AcquireError>>;

impl Object {
    /// The entity tag: as listed, else of the bytes on disk, which are read for it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn etag(&self) -> Result<String, Error> {
        if let Some(etag) = &self.etag {
            return Ok(etag.clone());
        }
        let Place::File(path) = self.place.clone() else {
            return Ok(String::new());
        };
        let place = self.key.clone();
        let hashing = tokio::task::spawn_blocking(move || file::etag_of(&place, file::open(&place, &path)?));
        hashing.await.unwrap_or_else(|error| {
            Err(Error::Unread {
                place: self.key.clone(),
                why: error.to_string(),
                hint: None,
            })
        })
    }

    /// The file to read on a thread that may block, where the object is one: saves a task and a channel per small file.
    pub fn local_path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::File(path) => Some(path),
            _ => None,
        }
    }

    /// Begins to read; a bounded number of bytes is fetched before the first is asked for. Whatever goes wrong, opening included,
    /// comes out of the body. Must be called inside a tokio runtime.
    pub fn open(&self) -> Body {
        let (feed, body) = Body::channel(&self.key);
        let place = self.key.clone();
        match self.place.clone() {
            Place::S3 { remote, key } => {
                let turn = remote.turn();
                tokio::spawn(remote.download(place, key, self.etag.clone(), turn, feed));
            }
            Place::File(path) => {
                let runtime = Handle::current();
                tokio::task::spawn_blocking(move || match file::open(&place, &path) {
                    Ok(opened) => file::stream(&place, opened, feed, &runtime),
                    Err(error) => feed.finish(Err(error)),
                });
            }
            Place::Spool(spool) => {
                let runtime = Handle::current();
                tokio::task::spawn_blocking(move || match spool.open() {
                    Ok(opened) => file::stream(&place, opened, feed, &runtime),
                    Err(error) => feed.finish(Err(file::unread(&place, &error))),
                });
            }
        }
        body
    }
}

/// Opens objects ahead of their turn: up to `ahead` bodies fill while an earlier one is decoded, and they come in the order of
/// the input. What waits in memory is bounded by `ahead` times a body's own bound.
pub fn read_ahead(objects: impl Stream<Item = Object>, ahead: usize) -> impl Stream<Item = (Object, Body)> {
    objects
        .map(|object| {
            let body = object.open();
            ready((object, body))
        })
        .buffered(ahead.max(1))
}

/// Why something that was met is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// By its key it holds no records: insights, network activity, aggregates, query results, other services, directory markers.
    Kind(Kind),
    /// Delivered outside of the days asked for.
    Date,
    /// Its name is not that of a log.
    Name,
    /// Hidden, or inside a hidden folder or another table's log.
    Hidden,
    /// A link to a folder that is read anyway.
    Link,
    /// Neither a file nor a folder.
    Special,
}

impl Skip {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Skip::Kind(kind) => kind.name(),
            Skip::Date => "outside of the dates",
            Skip::Name => "not named like a log",
            Skip::Hidden => "hidden",
            Skip::Link => "a link to what is read anyway",
            Skip::Special => "neither a file nor a folder",
        }
    }
}

/// Something that was met and is not read. A key that ends in a slash stands for everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its identity, as an object's.
    pub key: String,
    /// Bytes as listed; 0 for a folder.
    pub size: u64,
    /// Why.
    pub why: Skip,
}

/// A place that could not be looked into, so that the listing is not complete there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The object, or the folder or prefix with its trailing slash.
    pub place: String,
    /// What was in the way.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// What a listing meets.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is an object, and few are held at a time"
)]
pub enum Listed {
    /// To be read.
    Object(Object),
    /// To be counted.
    Skipped(Skipped),
    /// To be reported.
    Fault(Fault),
}

/// A source's objects as they are found: in the order of their keys, while later pages are still to come.
/// It is a complete listing if it [is whole](Listing::is_whole) and brought no [`Listed::Fault`].
pub struct Listing {
    /// Where it looks: `s3://bucket/prefix`, a path, or `-`.
    pub place: String,
    /// Whether it looks everywhere: no days are left out.
    pub is_whole: bool,
    /// What the user should know about how the source was understood.
    pub note: Option<String>,
    items: BoxStream<'static, Listed>,
}

impl Listing {
    pub(super) fn new(place: &Source, dates: Dates, items: BoxStream<'static, Listed>) -> Listing {
        Listing {
            place: place.to_string(),
            is_whole: dates.is_everything(),
            note: None,
            items,
        }
    }
}

impl Stream for Listing {
    type Item = Listed;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Listed>> {
        self.items.poll_next_unpin(context)
    }
}

/// Begins to list a source. It returns once it is known that the source is there and may be listed, so that nothing need be
/// written before every source is known to be good. Must be called inside a tokio runtime.
///
/// # Errors
/// There is no such bucket, folder or file, or it may not be listed at all.
pub async fn list(source: &Source, options: &Options) -> Result<Listing, Error> {
    match source {
        Source::S3 { bucket: name, prefix } => bucket::list(source, name, prefix, options).await,
        Source::Path(path) => folder::list(source, path, options.dates),
        Source::Stdin => folder::list_stdin(source),
    }
}

/// Whether an object is read: `below` is its path below the source, `parts` what its whole key says.
pub(super) fn admit(below: &str, parts: &ObjectKey, dates: Dates) -> Result<(), Skip> {
    let (folders, name) = below.rsplit_once('/').unwrap_or(("", below));
    if folders.split('/').any(is_hidden) || is_hidden(name) {
        return Err(Skip::Hidden);
    }
    match parts.kind {
        Kind::CloudTrail | Kind::Unknown if !looks_like_log(name) => return Err(Skip::Name),
        Kind::CloudTrail | Kind::Unknown | Kind::Digest => {}
        kind => return Err(Skip::Kind(kind)),
    }
    if dates.hold(parts.date()) {
        Ok(())
    } else {
        Err(Skip::Date)
    }
}

/// A stream of what a task sends.
pub(super) fn received(receiver: mpsc::Receiver<Listed>) -> BoxStream<'static, Listed> {
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })
    .boxed()
}
