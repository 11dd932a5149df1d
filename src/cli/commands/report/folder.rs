//! A folder that appears whole or not at all, whose files are hashed as they are written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::cli::error::hinted;
use crate::report::evidence::{FileEntry, hex};

/// The folder in the making.
pub(super) struct Folder {
    partial: PathBuf,
    target: PathBuf,
}

impl Folder {
    /// Begins a folder beside where it will be.
    ///
    /// # Errors
    /// Something is there already, or nothing can be written there.
    pub(super) fn begin(target: &Path) -> anyhow::Result<Folder> {
        let is_taken = target.exists() && !target.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        if is_taken {
            return Err(hinted(
                format!("folder `{}`: is not empty", target.display()),
                "name a new one: a pack is never written over another",
            ));
        }
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
        let partial = target.with_file_name(format!(".{}.{}.partial", name.unwrap_or_default(), std::process::id()));
        std::fs::create_dir_all(&partial).with_context(|| format!("cannot write `{}`", target.display()))?;
        Ok(Folder {
            partial,
            target: target.to_owned(),
        })
    }

    /// Where its files are while it is in the making.
    pub(super) fn path(&self) -> &Path {
        &self.partial
    }

    /// Makes the folder appear.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        if self.target.exists() {
            std::fs::remove_dir(&self.target).with_context(|| format!("cannot write `{}`", self.target.display()))?;
        }
        std::fs::rename(&self.partial, &self.target)
            .with_context(|| format!("cannot write `{}`", self.target.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // After a rename it is not there any more.
        let _ = std::fs::remove_dir_all(&self.partial);
    }
}

/// Writes a whole file.
pub(super) fn write(folder: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<FileEntry> {
    let place = folder.join(path);
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot write `{}`", parent.display()))?;
    }
    std::fs::write(&place, bytes).with_context(|| format!("cannot write `{}`", place.display()))?;
    Ok(FileEntry::of(path, bytes))
}

/// A file that grows.
pub(super) struct Growing {
    path: String,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Growing {
    pub(super) fn begin(folder: &Path, path: &str, head: &str) -> anyhow::Result<Growing> {
        let place = folder.join(path);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot write `{}`", parent.display()))?;
        }
        let file = File::create(&place).with_context(|| format!("cannot write `{}`", place.display()))?;
        let mut growing = Growing {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            hash: Sha256::new(),
            bytes: 0,
        };
        growing.add(head)?;
        Ok(growing)
    }

    pub(super) fn add(&mut self, text: &str) -> anyhow::Result<()> {
        self.file
            .write_all(text.as_bytes())
            .with_context(|| format!("cannot write `{}`", self.path))?;
        self.hash.update(text);
        self.bytes += text.len() as u64;
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<FileEntry> {
        self.file
            .flush()
            .with_context(|| format!("cannot write `{}`", self.path))?;
        Ok(FileEntry {
            sha256: hex(&self.hash.finalize()),
            bytes: self.bytes,
            path: self.path,
        })
    }
}
