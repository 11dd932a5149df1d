//! What the pack consists of and what it was made from, each by its SHA-256, so that anyone can check it without this
//! program: `sha256sum -c SHA256SUMS`.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::SourceObject;
use super::sheet::hex;
use crate::trace::facts::At;

/// `manifest.json`.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// The form's name.
    pub schema: &'static str,
    /// Its version.
    pub version: u32,
    /// The program that wrote the pack.
    pub tool: String,
    /// The end of the period.
    pub as_of: At,
    /// Its beginning.
    pub since: At,
    /// Its length in days.
    pub window_days: f64,
    /// The keys asked for, as typed; all where empty.
    pub keys: Vec<String>,
    /// What the user vouched for, as typed.
    pub assumed: Vec<String>,
    /// The permission snapshots.
    pub snapshots: Vec<SnapshotEntry>,
    /// The source objects, together.
    pub source_objects: ObjectSet,
    /// The SQL texts and what was bound to them.
    pub queries: Vec<QueryEntry>,
    /// Every other file of the pack.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// The name of the form.
    pub const SCHEMA: &'static str = "keytrail.evidence-manifest";
    /// Its version.
    pub const VERSION: u32 = 1;
}

/// A snapshot the pack rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SnapshotEntry {
    /// The snapshot.
    pub snapshot_id: String,
    /// When it was collected.
    pub collected_at: String,
    /// SHA-256 of its content.
    pub sha256: Option<String>,
}

/// A query the pack rests on.
#[derive(Debug, Clone, Serialize)]
pub struct QueryEntry {
    /// Its file in the pack.
    pub path: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// What was bound, by name.
    pub parameters: std::collections::BTreeMap<String, String>,
}

/// A file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FileEntry {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl FileEntry {
    /// The entry of a file with these bytes.
    pub fn of(path: impl Into<String>, bytes: &[u8]) -> FileEntry {
        FileEntry {
            path: path.into(),
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(bytes)),
        }
    }
}

/// The source objects, counted and hashed while their list goes by.
#[derive(Debug, Clone, Serialize)]
pub struct ObjectSet {
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many could not be read to their end.
    pub not_whole: u64,
    /// SHA-256 over the lines `key TAB etag TAB size LF`, in the order of the keys.
    pub sha256: String,
    /// Where they are listed.
    pub path: &'static str,
    #[serde(skip)]
    hash: Sha256,
}

impl Default for ObjectSet {
    fn default() -> ObjectSet {
        ObjectSet {
            objects: 0,
            bytes: 0,
            not_whole: 0,
            sha256: String::new(),
            path: "data/source-objects.csv",
            hash: Sha256::new(),
        }
    }
}

impl ObjectSet {
    /// Adds the next object.
    pub fn add(&mut self, object: &SourceObject) {
        let bytes = object.bytes.unwrap_or(0);
        self.objects += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(0);
        self.not_whole += u64::from(!object.is_whole);
        let etag = object.etag.as_deref().unwrap_or_default();
        self.hash.update(format!("{}\t{etag}\t{bytes}\n", object.source_object));
    }

    /// After the last one.
    pub fn finish(mut self) -> ObjectSet {
        self.sha256 = hex(&self.hash.clone().finalize());
        self
    }
}

/// `SHA256SUMS`, as `sha256sum -c` reads it. Names are this program's own, without a line break or a backslash.
pub fn sums(files: &[FileEntry]) -> String {
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{}  {}\n", file.sha256, file.path));
    }
    text
}
