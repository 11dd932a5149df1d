//! Input that can be read only once (standard input, pipes), kept in a temporary file so that it can be hashed before it
//! is decoded. The file is readable by its owner alone and gone when the last reader is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::body::PIECE;
use super::file::{Hash, etag, fill};
use super::io_reason;

/// Spooled input.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) size: u64,
}

impl Spool {
    /// Reads input to its end into a temporary file. For a thread that may block.
    pub(super) fn take(mut input: impl Read) -> Result<Spool, String> {
        let path = std::env::temp_dir().join(format!("keytrail-{}", uuid::Uuid::new_v4()));
        let fail = |error: &io::Error| {
            format!(
                "temporary file in `{}`: {}",
                std::env::temp_dir().display(),
                io_reason(error)
            )
        };
        let mut file = create(&path).map_err(|error| fail(&error))?;
        // From here on the file goes with the spool, whatever happens.
        let mut spool = Spool {
            path,
            key: String::new(),
            etag: String::new(),
            size: 0,
        };
        let mut hash = Hash::new();
        let mut buffer = vec![0; PIECE];
        loop {
            match fill(&mut input, &mut buffer).map_err(|error| io_reason(&error))? {
                [] => break,
                read => {
                    hash.update(read);
                    spool.size += read.len() as u64;
                    file.write_all(read).map_err(|error| fail(&error))?;
                }
            }
        }
        let hex = hash.hex();
        spool.key = format!("stdin/{}", hex.get(..16).unwrap_or(&hex));
        spool.etag = etag(&hex);
        Ok(spool)
    }

    pub(super) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A file that cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn create(path: &std::path::Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_kept_hashed_and_removed() {
        let spool = Spool::take(&b"abc"[..]).unwrap();
        assert_eq!(spool.key, "stdin/ba7816bf8f01cfea");
        assert_eq!(
            spool.etag,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(spool.size, 3);
        let mut text = String::new();
        spool.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        let path = spool.path.clone();
        drop(spool);
        assert!(!path.exists());
    }
}
