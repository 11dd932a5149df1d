//! `hmac_sha256(bytes, key)`, `hmac_sha1` and `hmac_sha512`: keyed digests, as bytes.
//!
//! Trino's (<https://trino.io/docs/current/functions/binary.html>); a text, which Trino refuses, is taken for its UTF-8. An
//! empty key, which Trino refuses too, is a key. NULL of a NULL.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::scalar::{Read, Scalar, binaries, binary, bytes, returns_bytes};

const READS: &[Read] = &[Read::Any, Read::Any];

pub(super) fn function() -> Scalar {
    Scalar::new("hmac_sha256", READS, 2, returns_bytes, |arguments| {
        each(arguments, keyed::<Hmac<Sha256>>)
    })
}

/// `hmac_sha1`.
pub(super) fn sha1() -> Scalar {
    Scalar::new("hmac_sha1", READS, 2, returns_bytes, |arguments| {
        each(arguments, keyed::<Hmac<Sha1>>)
    })
}

/// `hmac_sha512`.
pub(super) fn sha512() -> Scalar {
    Scalar::new("hmac_sha512", READS, 2, returns_bytes, |arguments| {
        each(arguments, keyed::<Hmac<Sha512>>)
    })
}

/// A digest of a key and what is digested with it.
type Keyed = fn(&[u8], &[u8]) -> Option<Vec<u8>>;

fn keyed<M: Mac + KeyInit>(key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let mut digest = <M as KeyInit>::new_from_slice(key).ok()?;
    digest.update(value);
    Some(digest.finalize().into_bytes().to_vec())
}

fn each(arguments: &[ArrayRef], digest: Keyed) -> Result<ArrayRef> {
    let [values, keys] = arguments else {
        return datafusion::common::internal_err!("a keyed digest is of two arguments");
    };
    let (values, keys) = (bytes(values)?, bytes(keys)?);
    binaries(values.len(), |row| {
        Ok(binary(&keys, row)
            .zip(binary(&values, row))
            .and_then(|(key, value)| digest(key, value)))
    })
}
