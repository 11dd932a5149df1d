//! Local folders and files, listed in the order of their keys with one folder's names in memory at a time. Links are followed, but
//! nothing is met twice through a link to a folder, and loops end.

use std::fs::{self, Metadata};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc;

use super::local_key::{self, Naming};
use super::name::is_hidden;
use super::object::{Fault, Listed, Listing, Object, Place, Skip, Skipped, admit, received};
use super::spool::Spool;
use super::{Dates, Error, Source, io_reason};
use crate::trail::object_key::{Kind, ObjectKey};

/// Folders within folders, a bound on hostile trees.
const DEPTH: usize = 200;

/// Items found ahead of their use.
const AHEAD: usize = 256;

/// Begins to list a folder, or takes the one file.
pub(super) fn list(source: &Source, path: &Path, dates: Dates) -> Result<Listing, Error> {
    let unlisted = |why: String, hint| Error::Unlisted {
        place: source.to_string(),
        why,
        hint,
    };
    let metadata = fs::metadata(path).map_err(|error| {
        let hint =
            (error.kind() == io::ErrorKind::NotFound).then_some("name a folder, a file, `s3://bucket/prefix` or `-`");
        unlisted(io_reason(&error), hint)
    })?;
    if metadata.is_dir() {
        // A folder that cannot be read at all is found out here, before anything is written.
        fs::read_dir(path).map_err(|error| unlisted(io_reason(&error), None))?;
        let root = fs::canonicalize(path).map_err(|error| unlisted(io_reason(&error), None))?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut walk = Walk {
            naming: Naming::of_folder(path),
            dates,
            roots: vec![root.clone()],
            sender,
        };
        let folder = path.to_owned();
        // A walk nobody listens to ends at its next item.
        tokio::task::spawn_blocking(move || walk.folder(&folder, &root, Path::new(""), 0));
        return Ok(Listing::new(source, dates, received(receiver)));
    }
    if !metadata.is_file() {
        return Ok(spooled(source, path.to_owned()));
    }
    let (key, size) = (local_key::of_file(path), metadata.len());
    let parts = ObjectKey::parse(&key);
    let item = match parts.kind {
        // Named by hand: taken whatever it is called, but never against its kind.
        Kind::CloudTrail | Kind::Unknown | Kind::Digest => Listed::Object(Object {
            key,
            size,
            etag: None,
            parts,
            place: Place::File(path.to_owned()),
        }),
        kind => Listed::Skipped(Skipped {
            key,
            size,
            why: Skip::Kind(kind),
        }),
    };
    Ok(Listing::new(
        source,
        Dates::default(),
        futures::stream::once(async { item }).boxed(),
    ))
}

/// Standard input as one object.
pub(super) fn list_stdin(source: &Source) -> Result<Listing, Error> {
    if io::stdin().is_terminal() {
        return Err(Error::Unlisted {
            place: source.to_string(),
            why: "standard input is a terminal".to_owned(),
            hint: Some("pipe a log into it: `gunzip -c log.json.gz | keytrail ingest -`"),
        });
    }
    Ok(spool(source, || Spool::take(io::stdin().lock())))
}

/// A pipe that was named like a file.
fn spooled(source: &Source, path: PathBuf) -> Listing {
    spool(source, move || {
        Spool::take(fs::File::open(path).map_err(|error| io_reason(&error))?)
    })
}

fn spool(source: &Source, take: impl FnOnce() -> Result<Spool, String> + Send + 'static) -> Listing {
    let place = source.to_string();
    let item = async move {
        let taken = tokio::task::spawn_blocking(take)
            .await
            .unwrap_or_else(|error| Err(error.to_string()));
        match taken {
            Err(reason) => Listed::Fault(Fault {
                place,
                reason,
                hint: None,
            }),
            Ok(spool) => Listed::Object(Object {
                key: spool.key.clone(),
                size: spool.size,
                etag: Some(spool.etag.clone()),
                parts: ObjectKey::parse(&spool.key),
                place: Place::Spool(Arc::new(spool)),
            }),
        }
    };
    Listing::new(source, Dates::default(), futures::stream::once(item).boxed())
}

struct Walk {
    naming: Naming,
    dates: Dates,
    /// Folders that are walked whole, by their real paths: the source itself and the targets of links followed so far.
    roots: Vec<PathBuf>,
    sender: mpsc::Sender<Listed>,
}

/// The listener has gone.
struct Gone;

/// One name in a folder.
struct Found {
    /// What keys are ordered by: a folder's keys go on with a slash.
    order: String,
    path: PathBuf,
    relative: PathBuf,
    is_link: bool,
    /// Of the target where it is a link.
    metadata: io::Result<Metadata>,
}

impl Walk {
    /// Everything in a folder; `real` is its path without links, `relative` the path below the source.
    fn folder(&mut self, folder: &Path, real: &Path, relative: &Path, depth: usize) -> Result<(), Gone> {
        if depth > DEPTH {
            return self.fault(relative, true, format!("more than {DEPTH} folders deep"));
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fault(relative, true, io_reason(&error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => found.push(look(&entry, relative)),
                Err(error) => self.fault(relative, true, io_reason(&error))?,
            }
        }
        found.sort_unstable_by(|one, other| one.order.cmp(&other.order));
        for found in found {
            self.one(found, real, depth)?;
        }
        Ok(())
    }

    fn one(&mut self, found: Found, folder: &Path, depth: usize) -> Result<(), Gone> {
        let name = found.order.trim_end_matches('/');
        let metadata = match &found.metadata {
            // A name that would not be read anyway is no loss.
            Err(_) if !super::looks_like_log(name) => return self.skip(&found.relative, false, 0, Skip::Name),
            Err(error) => {
                let reason = if found.is_link {
                    format!("the link leads nowhere: {}", io_reason(error))
                } else {
                    io_reason(error)
                };
                return self.fault(&found.relative, false, reason);
            }
            Ok(metadata) => metadata,
        };
        if metadata.is_dir() {
            if is_hidden(name) {
                return self.skip(&found.relative, true, 0, Skip::Hidden);
            }
            return self.enter(&found, folder, depth);
        }
        if !metadata.is_file() {
            return self.skip(&found.relative, false, 0, Skip::Special);
        }
        let (key, size) = (self.naming.key(&found.relative), metadata.len());
        let parts = ObjectKey::parse(&key);
        // Hidden folders are not entered, so the name alone is left to judge.
        match admit(name, &parts, self.dates) {
            Err(why) => self.skip(&found.relative, false, size, why),
            Ok(()) => self.send(Listed::Object(Object {
                key,
                size,
                etag: None,
                parts,
                place: Place::File(found.path),
            })),
        }
    }

    fn enter(&mut self, found: &Found, folder: &Path, depth: usize) -> Result<(), Gone> {
        let real = if found.is_link {
            match fs::canonicalize(&found.path) {
                Ok(real) if self.is_walked(&real) => return self.skip(&found.relative, true, 0, Skip::Link),
                Ok(real) => {
                    self.roots.push(real.clone());
                    real
                }
                Err(error) => return self.fault(&found.relative, true, io_reason(&error)),
            }
        } else {
            let real = folder.join(found.path.file_name().unwrap_or_default());
            // Below a link that leads upwards, the walk comes to where it began.
            if self.roots.contains(&real) {
                return self.skip(&found.relative, true, 0, Skip::Link);
            }
            real
        };
        self.folder(&found.path, &real, &found.relative, depth + 1)
    }

    /// Whether a folder is met without following a link to it: it lies in a root, and not in a hidden part of it.
    fn is_walked(&self, real: &Path) -> bool {
        let below = |root: &PathBuf| real.strip_prefix(root).ok().map(Path::to_owned);
        let visible = |path: PathBuf| !path.iter().any(|part| is_hidden(&local_key::component(part)));
        self.roots.iter().filter_map(below).any(visible)
    }

    fn skip(&self, relative: &Path, is_folder: bool, size: u64, why: Skip) -> Result<(), Gone> {
        self.send(Listed::Skipped(Skipped {
            key: self.key(relative, is_folder),
            size,
            why,
        }))
    }

    fn fault(&self, relative: &Path, is_folder: bool, reason: String) -> Result<(), Gone> {
        self.send(Listed::Fault(Fault {
            place: self.key(relative, is_folder),
            reason,
            hint: None,
        }))
    }

    fn key(&self, relative: &Path, is_folder: bool) -> String {
        let mut key = self.naming.key(relative);
        if is_folder && !key.ends_with('/') {
            key.push('/');
        }
        key
    }

    fn send(&self, item: Listed) -> Result<(), Gone> {
        self.sender.blocking_send(item).map_err(|_| Gone)
    }
}

fn look(entry: &fs::DirEntry, relative: &Path) -> Found {
    let path = entry.path();
    let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
    let metadata = fs::metadata(&path);
    let mut order = local_key::component(&entry.file_name());
    if metadata.as_ref().is_ok_and(Metadata::is_dir) {
        order.push('/');
    }
    Found {
        order,
        relative: relative.join(entry.file_name()),
        path,
        is_link,
        metadata,
    }
}
