//! `crc32(bytes)`: their checksum as in zip archives, a whole number.
//!
//! Trino's (<https://trino.io/docs/current/functions/binary.html>); a text, which Trino refuses, is taken for its UTF-8. NULL of
//! a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, binary, bytes, returns_whole};

pub(super) fn function() -> Scalar {
    Scalar::new("crc32", &[Read::Any], 1, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("crc32 takes one argument");
    };
    let values = bytes(values)?;
    let sums = (0..values.len()).map(|row| binary(&values, row).map(|value| i64::from(crc32fast::hash(value))));
    Ok(Arc::new(sums.collect::<Int64Array>()))
}
