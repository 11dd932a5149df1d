//! Local files, as far as the system already holds them in memory, read on the thread that asks.
//!
//! The store of local files hands every read to another thread and waits for it: most reads of a question are some ten
//! kilobytes that are in memory, and handing over takes longer than they do.

use std::fs::File;
use std::io::IoSliceMut;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

/// More is left to a thread that may take its time.
const BYTES_MAX: u64 = 4 << 20;

/// Of a file's end: the footer and the page statistics of eighty columns are half as much.
const END_BYTES: u64 = 128 << 10;

/// Whether a file system could not tell what is in memory. Those that cannot are mostly over a network, where to open a file
/// in vain costs more than can be won; one such lake ends it for the process.
static IS_UNKNOWN: AtomicBool = AtomicBool::new(false);

/// The ranges of a file, if all of them can be had without waiting for a disk.
pub(super) fn read(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    let bytes: u64 = ranges
        .iter()
        .map(|range| range.end.saturating_sub(range.start))
        .fold(0, u64::saturating_add);
    if bytes > BYTES_MAX || IS_UNKNOWN.load(Ordering::Relaxed) {
        return None;
    }
    let file = File::open(path).ok()?;
    ranges.iter().map(|range| read_range(&file, range)).collect()
}

fn read_range(file: &File, range: &Range<u64>) -> Option<Bytes> {
    let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
    let mut piece = [IoSliceMut::new(&mut bytes)];
    match preadv2(file, &mut piece, range.start, ReadWriteFlags::NOWAIT) {
        // Less than was asked for: the rest is not in memory, or not in the file.
        Ok(read) => (read == bytes.len()).then(|| Bytes::from(bytes)),
        Err(error) => {
            if matches!(error, Errno::OPNOTSUPP | Errno::NOSYS) {
                IS_UNKNOWN.store(true, Ordering::Relaxed);
            }
            None
        }
    }
}

/// Asks the system to bring the ends of files into memory, where Parquet has what it says of itself, while something else is
/// done: read one after another, each would be waited for.
pub(super) fn fetch_ends(files: impl IntoIterator<Item = (PathBuf, u64)>) {
    for (path, bytes) in files {
        let Some(length) = NonZeroU64::new(bytes.min(END_BYTES)) else {
            continue;
        };
        // What cannot be opened is the reader's to say.
        if let Ok(file) = File::open(path) {
            let _ = fadvise(&file, bytes - length.get(), Some(length), Advice::WillNeed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn reads_what_is_there_and_nothing_else() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        // Where the file system cannot tell what is in memory, nothing is ever read here.
        if let Some(pieces) = read(file.path(), &[2..5, 9..10, 4..4]) {
            assert_eq!(pieces, [&b"234"[..], b"9", b""]);
        }
        let none = |range: Range<u64>| assert_eq!(read(file.path(), std::slice::from_ref(&range)), None);
        none(8..12);
        none(12..13);
        #[expect(clippy::reversed_empty_ranges, reason = "what no reader asks for must not panic")]
        none(5..2);
        none(0..BYTES_MAX + 1);
        assert_eq!(read(Path::new("/there is no such file"), &[0..1, 1..2]), None);
    }
}
