//! `sha1(bytes)` and `xxhash64(bytes)`: digests the engine lacks, as bytes.
//!
//! As in Trino (<https://trino.io/docs/current/functions/binary.html>): twenty bytes, and eight with the greatest first, so that
//! `from_big_endian_64(xxhash64(x))` is the number. A text, which Trino refuses, is taken for its UTF-8. NULL of a NULL.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use sha1::{Digest, Sha1};
use twox_hash::XxHash64;

use super::scalar::{Read, Scalar, binaries, binary, bytes, returns_bytes};

pub(super) fn function() -> Scalar {
    Scalar::new("sha1", &[Read::Any], 1, returns_bytes, |arguments| {
        each(arguments, |value| Sha1::digest(value).to_vec())
    })
}

/// `xxhash64`.
pub(super) fn xxhash64() -> Scalar {
    Scalar::new("xxhash64", &[Read::Any], 1, returns_bytes, |arguments| {
        each(arguments, |value| XxHash64::oneshot(0, value).to_be_bytes().to_vec())
    })
}

fn each(arguments: &[ArrayRef], digest: fn(&[u8]) -> Vec<u8>) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("a digest is of one argument");
    };
    let values = bytes(values)?;
    binaries(values.len(), |row| Ok(binary(&values, row).map(digest)))
}
