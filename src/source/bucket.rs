//! Listing an S3 prefix: pages as they come, or folder by folder where only some days of delivery are wanted. It never
//! begins a listing after the last key it saw: keys end in random letters and arrive out of order, so that would lose logs.

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{Semaphore, mpsc};

use super::layers::{Layer, layer};
use super::name::is_hidden;
use super::object::{Fault, Listed, Listing, Object, Place, Remote, Skip, Skipped, admit, received};
use super::{Dates, Error, Options, Source};
use crate::aws::s3::{self, Bucket, Entry, PAGE};
use crate::trail::object_key::{Kind, ObjectKey};

/// Listing requests under way at once.
const REQUESTS: usize = 16;

/// Folders listed ahead of their turn, at each layer.
const FOLDERS: usize = 4;

/// Items found ahead of their use, for each folder that is being listed.
const AHEAD: usize = 64;

/// Begins to list what is at or below a prefix.
pub(super) async fn list(source: &Source, name: &str, prefix: &str, options: &Options) -> Result<Listing, Error> {
    let unlisted = |error: s3::Error| Error::Unlisted {
        place: source.to_string(),
        why: error.to_string(),
        hint: error.hint(),
    };
    let Some(config) = &options.aws else {
        return Err(unlisted(s3::Error::NoCredentials("none were loaded".to_owned())));
    };
    let bucket = Bucket::new(config, name, options.request_payer);
    let prefix = prefix.strip_suffix('*').map_or(Root::Folder(prefix), Root::Beginning);
    let (bucket, first) = match bucket.page(prefix.text(), false, 1, None).await {
        // Logs are often kept in another Region than one's own.
        Err(s3::Error::OtherRegion(Some(region))) => {
            let bucket = bucket.in_region(config, &region);
            let first = bucket.page(prefix.text(), false, 1, None).await;
            (bucket, first)
        }
        first => (bucket, first),
    };
    let first = match first {
        Ok(page) => page.objects.into_iter().next(),
        // Whoever may read an object need not be allowed to list.
        Err(error @ s3::Error::Denied(_)) if prefix.may_be_object() => {
            Some(bucket.head(prefix.text()).await.map_err(|_| unlisted(error))?)
        }
        Err(error) => return Err(unlisted(error)),
    };
    let start = Start::of(prefix, first, &bucket).await.map_err(unlisted)?;
    let note = start.note(source);
    let walk = Arc::new(Walk {
        remote: Remote::new(bucket),
        below: start.root.rfind('/').map_or(0, |slash| slash + 1),
        dates: options.dates,
        requests: Semaphore::new(REQUESTS),
    });
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        // The object of that very name stands before everything below the folder.
        if let Some(entry) = start.object
            && sender.send(walk.named(entry)).await.is_err()
        {
            return;
        }
        let way = if start.is_raw || walk.dates.is_everything() {
            Layer::Everything
        } else {
            layer(&start.root, &walk.dates)
        };
        if start.goes_on {
            // Nobody listens any more: there is nothing to tell them.
            let _ = walk.list(start.root, way, &sender).await;
        }
    });
    let mut listing = Listing::new(source, options.dates, received(receiver));
    listing.note = note;
    Ok(listing)
}

/// What was typed after the bucket.
#[derive(Clone, Copy)]
enum Root<'a> {
    /// A folder or an object.
    Folder(&'a str),
    /// The beginning of keys: a `*` followed.
    Beginning(&'a str),
}

impl<'a> Root<'a> {
    fn text(self) -> &'a str {
        match self {
            Root::Folder(text) | Root::Beginning(text) => text,
        }
    }

    fn may_be_object(self) -> bool {
        matches!(self, Root::Folder(text) if !text.is_empty() && !text.ends_with('/'))
    }
}

/// Where a listing begins.
struct Start {
    root: String,
    object: Option<Entry>,
    goes_on: bool,
    /// The root is the beginning of keys, not a folder.
    is_raw: bool,
    is_guess: bool,
}

impl Start {
    async fn of(prefix: Root<'_>, first: Option<Entry>, bucket: &Bucket) -> Result<Start, s3::Error> {
        let text = prefix.text();
        let mut start = Start {
            root: text.to_owned(),
            object: None,
            goes_on: first.is_some(),
            is_raw: !prefix.may_be_object(),
            is_guess: false,
        };
        if text.is_empty() || text.ends_with('/') {
            start.is_raw = false;
        }
        let Some(first) = first.filter(|_| prefix.may_be_object()) else {
            return Ok(start);
        };
        let folder = format!("{text}/");
        if first.key == text {
            start.object = Some(first);
            start.root = folder.clone();
            // Without the right to list, the one object is all there is to see.
            start.goes_on = bucket
                .page(&folder, false, 1, None)
                .await
                .is_ok_and(|page| !page.objects.is_empty());
        } else if bucket.page(&folder, false, 1, None).await?.objects.is_empty() {
            (start.is_raw, start.is_guess) = (true, true);
        } else {
            start.root = folder;
        }
        Ok(start)
    }

    fn note(&self, source: &Source) -> Option<String> {
        if !self.goes_on && self.object.is_none() {
            Some(format!("there are no objects at or below `{source}`"))
        } else {
            self.is_guess
                .then(|| format!("there is no folder `{source}/`: every key that begins so is taken"))
        }
    }
}

struct Walk {
    remote: Arc<Remote>,
    /// Where the part of a key begins that the user did not type.
    below: usize,
    dates: Dates,
    requests: Semaphore,
}

/// The listener has gone.
struct Gone;

/// What stands side by side in one folder.
enum Child {
    Object(Entry),
    Folder(String),
}

impl Child {
    fn key(&self) -> &str {
        match self {
            Child::Object(entry) => &entry.key,
            Child::Folder(prefix) => prefix,
        }
    }
}

impl Walk {
    /// Everything wanted below a prefix, in key order.
    async fn list(self: &Arc<Self>, prefix: String, layer: Layer, sender: &mpsc::Sender<Listed>) -> Result<(), Gone> {
        match layer {
            Layer::Nothing => Ok(()),
            Layer::OtherService => {
                self.send(
                    sender,
                    Listed::Skipped(Skipped {
                        key: self.address(&prefix),
                        size: 0,
                        why: Skip::Kind(Kind::OtherService),
                    }),
                )
                .await
            }
            Layer::Everything => self.flat(&prefix, None, sender).await,
            Layer::Folders => self.folders(&prefix, sender).await,
            Layer::Stretch => match self.page(&prefix, false, None).await {
                Err(error) => self.fault(&prefix, &error, sender).await,
                // One page holds it all: cheaper than asking day by day.
                Ok(page) if page.next.is_none() => self.entries(page.objects, sender).await,
                Ok(_) => self.folders(&prefix, sender).await,
            },
        }
    }

    async fn flat(&self, prefix: &str, mut next: Option<String>, sender: &mpsc::Sender<Listed>) -> Result<(), Gone> {
        loop {
            let page = match self.page(prefix, false, next.as_deref()).await {
                Ok(page) => page,
                Err(error) => return self.fault(prefix, &error, sender).await,
            };
            self.entries(page.objects, sender).await?;
            match page.next {
                Some(more) => next = Some(more),
                None => return Ok(()),
            }
        }
    }

    async fn folders(self: &Arc<Self>, prefix: &str, sender: &mpsc::Sender<Listed>) -> Result<(), Gone> {
        let mut children = Vec::new();
        let mut next: Option<String> = None;
        loop {
            match self.page(prefix, true, next.as_deref()).await {
                Err(error) => {
                    self.fault(prefix, &error, sender).await?;
                    break;
                }
                Ok(page) => {
                    children.extend(page.objects.into_iter().map(Child::Object));
                    children.extend(page.folders.into_iter().map(Child::Folder));
                    next = page.next;
                }
            }
            if next.is_none() {
                break;
            }
        }
        children.sort_unstable_by(|one, other| one.key().cmp(other.key()));
        let mut lists = futures::stream::iter(children)
            .map(|child| std::future::ready(Arc::clone(self).begin(child)))
            .buffered(FOLDERS);
        while let Some(mut list) = lists.next().await {
            while let Some(item) = list.next().await {
                self.send(sender, item).await?;
            }
        }
        Ok(())
    }

    /// Begins to list one child on its own; what it finds waits for its turn.
    fn begin(self: Arc<Self>, child: Child) -> futures::stream::BoxStream<'static, Listed> {
        let prefix = match child {
            Child::Object(entry) => {
                let item = self.item(entry);
                return futures::stream::once(async { item }).boxed();
            }
            Child::Folder(prefix) => prefix,
        };
        let name = prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if is_hidden(name) {
            let item = Listed::Skipped(Skipped {
                key: self.address(&prefix),
                size: 0,
                why: Skip::Hidden,
            });
            return futures::stream::once(async { item }).boxed();
        }
        let way = layer(&prefix, &self.dates);
        let (sender, receiver) = mpsc::channel(AHEAD);
        let listing: futures::future::BoxFuture<'static, ()> = Box::pin(async move {
            // Nobody listens any more: there is nothing to tell them.
            let _ = self.list(prefix, way, &sender).await;
        });
        tokio::spawn(listing);
        received(receiver)
    }

    async fn page(&self, prefix: &str, folded: bool, next: Option<&str>) -> Result<s3::Page, s3::Error> {
        // The semaphore is never closed; should it be, a request more does no harm.
        let _turn = self.requests.acquire().await;
        self.remote.bucket.page(prefix, folded, PAGE, next).await
    }

    async fn entries(&self, entries: Vec<Entry>, sender: &mpsc::Sender<Listed>) -> Result<(), Gone> {
        for entry in entries {
            self.send(sender, self.item(entry)).await?;
        }
        Ok(())
    }

    fn item(&self, entry: Entry) -> Listed {
        let (key, parts) = (self.address(&entry.key), ObjectKey::parse(&self.address(&entry.key)));
        let below = entry.key.get(self.below..).unwrap_or(&entry.key);
        match admit(below, &parts, self.dates) {
            Err(why) => Listed::Skipped(Skipped {
                key,
                size: entry.size,
                why,
            }),
            Ok(()) => Listed::Object(self.object(key, parts, entry)),
        }
    }

    /// The object that was named itself: taken whatever it is called, but never against its kind.
    fn named(&self, entry: Entry) -> Listed {
        let key = self.address(&entry.key);
        let parts = ObjectKey::parse(&key);
        match parts.kind {
            Kind::CloudTrail | Kind::Unknown | Kind::Digest => Listed::Object(self.object(key, parts, entry)),
            kind => Listed::Skipped(Skipped {
                key,
                size: entry.size,
                why: Skip::Kind(kind),
            }),
        }
    }

    fn object(&self, key: String, parts: ObjectKey, entry: Entry) -> Object {
        Object {
            key,
            size: entry.size,
            etag: entry.etag,
            parts,
            place: Place::S3 {
                remote: Arc::clone(&self.remote),
                key: entry.key,
            },
        }
    }

    fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.remote.bucket.name())
    }

    async fn fault(&self, prefix: &str, error: &s3::Error, sender: &mpsc::Sender<Listed>) -> Result<(), Gone> {
        let fault = Fault {
            place: self.address(prefix),
            reason: error.to_string(),
            hint: error.hint(),
        };
        self.send(sender, Listed::Fault(fault)).await
    }

    async fn send(&self, sender: &mpsc::Sender<Listed>, item: Listed) -> Result<(), Gone> {
        sender.send(item).await.map_err(|_| Gone)
    }
}
