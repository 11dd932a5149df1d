//! The files of an import: found, read, sorted out. What they mean is `snapshot::dump`'s business.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::snapshot::bundle::Bundle;
use crate::snapshot::dump::{self, SIZE_MAX};
use crate::snapshot::scope::Failure;
use crate::snapshot::{Error, instant};

/// No import takes more files.
const FILES_MAX: usize = 1_000_000;
/// Folders below folders.
const DEPTH_MAX: usize = 32;

/// A snapshot found in files.
#[derive(Debug)]
pub struct Found {
    /// The file or folder.
    pub path: String,
    /// What it holds.
    pub bundle: Bundle,
    /// The time of the newest file, in microseconds, for where the contents do not say when they were collected.
    pub modified_at: i64,
    /// Files that say nothing about permissions.
    pub unrecognised: Vec<String>,
}

/// The snapshots in a file or folder: each bundle is one, all other answers together are one.
///
/// `collected_at` (in microseconds) stands in for what the contents do not say; else the time of the files does.
///
/// # Errors
/// A file or folder cannot be read, a single file is not JSON, or nothing in it is recognised.
pub fn find(paths: &[PathBuf], collected_at: Option<i64>) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    for folder in folders {
        let mut all = Vec::new();
        walk(folder, 0, &mut all)?;
        all.sort();
        found.extend(take(&folder.display().to_string(), &all, false, collected_at)?);
    }
    if !files.is_empty() {
        let all: Vec<PathBuf> = files.into_iter().cloned().collect();
        let name = if let [only] = all.as_slice() {
            only.display().to_string()
        } else {
            format!("{} files", all.len())
        };
        found.extend(take(&name, &all, true, collected_at)?);
    }
    Ok(found)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

fn walk(folder: &Path, depth: usize, all: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || all.len() >= FILES_MAX {
            continue;
        }
        if path.is_dir() {
            if depth < DEPTH_MAX {
                walk(&path, depth + 1, all)?;
            }
        } else if is_json(&path) {
            all.push(path);
        }
    }
    Ok(())
}

/// Files named as JSON or without any known kind; pictures and programs are passed over.
fn is_json(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.') {
        Some((_, kind)) => ["json", "jsonl", "txt", "out", "log", "policy"].contains(&kind) || kind.len() > 5,
        None => true,
    }
}

fn take(name: &str, paths: &[PathBuf], given: bool, collected_at: Option<i64>) -> Result<Vec<Found>, Error> {
    let mut entries = Vec::new();
    let mut broken = Vec::new();
    let mut modified: Vec<(String, i64)> = Vec::new();
    for path in paths {
        let shown = path.to_string_lossy().replace('\\', "/");
        let about = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if about.len() > SIZE_MAX {
            broken.push(Failure::of_input(
                "",
                shown,
                "TooLarge",
                format!("larger than {SIZE_MAX} bytes"),
            ));
            continue;
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if given => return Err(unreadable(path, &error)),
            Err(error) => {
                broken.push(Failure::of_input("", shown, "Unreadable", error.to_string()));
                continue;
            }
        };
        let at = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        modified.push((
            shown.clone(),
            at.and_then(|at| i64::try_from(at.as_micros()).ok()).unwrap_or(0),
        ));
        let (read, failure) = dump::documents(&shown, &bytes);
        // What was asked for by name and is cut off is not half imported.
        if let Some(failure) = failure {
            if given && (paths.len() == 1 || read.iter().any(|entry| dump::is_bundle(&entry.value))) {
                return Err(Error::Json {
                    path: shown,
                    reason: failure.message,
                });
            }
            broken.push(failure);
        }
        entries.extend(read);
    }
    let taken = dump::take(entries, broken);
    let newest = modified.iter().map(|(_, at)| *at).max().unwrap_or(0);
    let oldest = modified.iter().map(|(_, at)| *at).min().unwrap_or(0);
    let mut found = Vec::new();
    for (path, bundle) in taken.bundles {
        let modified_at = modified
            .iter()
            .find(|(held, _)| *held == path)
            .map_or(newest, |(_, at)| *at);
        found.push(Found {
            bundle: stamped(bundle, collected_at, modified_at, None),
            path,
            modified_at,
            unrecognised: Vec::new(),
        });
    }
    if let Some(bundle) = taken.assembled {
        let bundle = stamped(bundle, collected_at, newest, Some(oldest));
        found.push(Found {
            path: name.to_owned(),
            bundle,
            modified_at: newest,
            unrecognised: taken.unrecognised,
        });
    }
    if found.is_empty() {
        return Err(Error::Nothing(name.to_owned()));
    }
    Ok(found)
}

/// Says so where the time of the files stands in for the time of collection.
fn stamped(mut bundle: Bundle, given: Option<i64>, newest: i64, oldest: Option<i64>) -> Bundle {
    bundle.collected_at = bundle.collected_at.or(given);
    if bundle.collected_at.is_none() {
        bundle.collected_at = Some(newest);
        bundle.started_at = bundle.started_at.or(oldest.filter(|oldest| *oldest < newest));
        let text = format!(
            "collected_at is the time of the file, {}: the contents do not say",
            instant::format(newest)
        );
        bundle.notes.push(text);
    }
    bundle
}
