//! What a collection has read so far, one unit a line, so that an interrupted one can be continued.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::aws::Error;
use crate::snapshot::bundle::{self, Bundle, Purpose};

/// The record of a collection on disk, which nobody else writes as long as this value is there.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    held: Mutex<HashMap<String, Bundle>>,
    /// When the collection that is continued began.
    pub(super) started_at: i64,
    /// How many units were there already.
    pub(super) resumed: usize,
}

impl Journal {
    /// Opens the record: continues the one of the same request where asked to, else begins a new one.
    ///
    /// Nothing where another collection writes it; one that is to be continued must not be under way.
    pub(super) fn open(path: &Path, request: &Value, resume: bool, now: i64) -> Result<Option<Journal>, Error> {
        let fail = |error: std::io::Error| Error::Journal {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        // Policies are nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(fail)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if resume => {
                return Err(Error::Journal {
                    path: path.display().to_string(),
                    reason: "the collection to continue is still under way".to_owned(),
                });
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut held = HashMap::new();
        let mut started_at = now;
        let mut whole = 0;
        if resume {
            let mut lines = BufReader::new(File::open(path).map_err(fail)?);
            let mut line = String::new();
            let mut first = true;
            // A line without its end was cut off by the interruption.
            while lines.read_line(&mut line).map_err(fail)? > 0 && line.ends_with('\n') {
                let Ok(entry) = serde_json::from_str::<Value>(&line) else {
                    break;
                };
                if first {
                    if entry.get("request") != Some(request) {
                        let text =
                            "holds an interrupted collection with other arguments: repeat those, or leave out --resume";
                        return Err(Error::Journal {
                            path: path.display().to_string(),
                            reason: text.to_owned(),
                        });
                    }
                    started_at = entry.get("started_at").and_then(Value::as_i64).unwrap_or(now);
                } else if let (Some(unit), Some(bundle)) = (entry.get("unit").and_then(Value::as_str), entry.get("bundle"))
                    && let Ok(bundle) = bundle::read(bundle)
                    // What was refused is asked for again.
                    && bundle.failures.iter().all(|failure| failure.skipped)
                {
                    held.insert(unit.to_owned(), bundle);
                }
                first = false;
                whole += line.len() as u64;
                line.clear();
            }
        }
        file.set_len(whole).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        if whole == 0 {
            writeln!(file, "{}", json!({"request": request, "started_at": started_at})).map_err(fail)?;
        }
        let resumed = held.len();
        Ok(Some(Journal {
            path: path.to_owned(),
            file: Mutex::new(file),
            held: Mutex::new(held),
            started_at,
            resumed,
        }))
    }

    /// Removes it: what it holds is safe elsewhere.
    pub fn forget(self) {
        // One that stays is written anew by the next collection.
        let _ = std::fs::remove_file(&self.path);
    }

    /// A unit that was read before the interruption.
    pub(super) fn take(&self, unit: &str) -> Option<Bundle> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(unit)
    }

    /// Notes a unit.
    pub(super) fn put(&self, unit: &str, bundle: &Bundle) -> Result<(), Error> {
        let mut line = json!({"unit": unit, "bundle": bundle::write(bundle, Purpose::HandOver)}).to_string();
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|error| Error::Journal {
            path: self.path.display().to_string(),
            reason: error.to_string(),
        })
    }
}
