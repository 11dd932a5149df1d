//! `from_big_endian_64(bytes)`, `to_big_endian_64(x)` and the same of 32 bits: whole numbers as bytes, the greatest first.
//!
//! Trino's (<https://trino.io/docs/current/functions/binary.html>): other than eight (or four) bytes, and a number of more
//! than 32 bits where four are made, are errors. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, binaries, binary, bytes, returns_bytes, returns_whole, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("from_big_endian_64", &[Read::Any], 1, returns_whole, |arguments| {
        numbers(arguments, 8, |bytes| bytes.try_into().ok().map(i64::from_be_bytes))
    })
}

/// `from_big_endian_32`.
pub(super) fn from_32() -> Scalar {
    Scalar::new("from_big_endian_32", &[Read::Any], 1, returns_whole, |arguments| {
        numbers(arguments, 4, |bytes| {
            bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from)
        })
    })
}

/// `to_big_endian_64`.
pub(super) fn to_64() -> Scalar {
    Scalar::new("to_big_endian_64", &[Read::Whole], 1, returns_bytes, |arguments| {
        written(arguments, |number| Some(number.to_be_bytes().to_vec()))
    })
}

/// `to_big_endian_32`.
pub(super) fn to_32() -> Scalar {
    Scalar::new("to_big_endian_32", &[Read::Whole], 1, returns_bytes, |arguments| {
        written(arguments, |number| {
            i32::try_from(number).ok().map(|number| number.to_be_bytes().to_vec())
        })
    })
}

fn numbers(arguments: &[ArrayRef], size: usize, read: fn(&[u8]) -> Option<i64>) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    let values = bytes(values)?;
    let mut numbers = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        match binary(&values, row).map(|bytes| read(bytes).ok_or(bytes.len())) {
            None => numbers.append_null(),
            Some(Ok(number)) => numbers.append_value(number),
            Some(Err(held)) => return datafusion::common::exec_err!("{size} bytes are a number, not {held}"),
        }
    }
    Ok(Arc::new(numbers.finish()))
}

fn written(arguments: &[ArrayRef], write: fn(i64) -> Option<Vec<u8>>) -> Result<ArrayRef> {
    let [numbers] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    binaries(numbers.len(), |row| match whole(numbers, row) {
        None => Ok(None),
        Some(number) => match write(number) {
            Some(bytes) => Ok(Some(bytes)),
            None => datafusion::common::exec_err!("{number} is no number of 32 bits"),
        },
    })
}
