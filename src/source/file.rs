//! Reading and hashing local bytes. The hash is of the bytes that were passed on, not of what the file may be later.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::body::{Feed, Finished, PIECE};
use super::{Error, io_reason};

/// A hash in the making.
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn new() -> Hash {
        Hash(Sha256::new())
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Lower-case hexadecimal digits.
    pub(super) fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The entity tag of local bytes with this hash.
pub(super) fn etag(hex: &str) -> String {
    format!("sha256:{hex}")
}

/// Opens a file, or says why it cannot be.
pub(super) fn open(place: &str, path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| unread(place, &error))
}

/// The entity tag of a file's bytes as they are now.
pub(super) fn etag_of(place: &str, mut file: impl Read) -> Result<String, Error> {
    let mut hash = Hash::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match fill(&mut file, &mut buffer).map_err(|error| unread(place, &error))? {
            [] => return Ok(etag(&hash.hex())),
            read => hash.update(read),
        }
    }
}

/// Reads to the end into a body. For a thread that may block.
pub(super) fn stream(place: &str, mut file: impl Read, feed: Feed, runtime: &Handle) {
    let mut hash = Hash::new();
    let mut bytes = 0;
    let end = loop {
        let mut buffer = vec![0; PIECE];
        match fill(&mut file, &mut buffer) {
            Err(error) => break Err(unread(place, &error)),
            Ok([]) => {
                break Ok(Finished {
                    etag: etag(&hash.hex()),
                    bytes,
                });
            }
            Ok(read) => {
                hash.update(read);
                bytes += read.len() as u64;
                let length = read.len();
                buffer.truncate(length);
                if runtime.block_on(feed.send(Bytes::from(buffer))).is_err() {
                    return;
                }
            }
        }
    };
    feed.finish(end);
}

/// Fills the buffer as far as the input goes; empty at its end.
pub(super) fn fill<'a>(file: &mut impl Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..length).unwrap_or_default())
}

pub(super) fn unread(place: &str, error: &io::Error) -> Error {
    Error::Unread {
        place: place.to_owned(),
        why: io_reason(error),
        hint: None,
    }
}
