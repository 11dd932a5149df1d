//! `bit_count(x, bits)`: how many bits are set in a whole number written in so many bits.
//!
//! Trino's (<https://trino.io/docs/current/functions/bitwise.html>): a negative number is its two's complement; bits other than
//! 2 to 64, and a number that does not fit into them, are errors. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_whole, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("bit_count", &[Read::Whole, Read::Whole], 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, sizes] = arguments else {
        return datafusion::common::internal_err!("bit_count takes two arguments");
    };
    let mut counts = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        let (Some(value), Some(bits)) = (whole(values, row), whole(sizes, row)) else {
            counts.append_null();
            continue;
        };
        if !(2..=64).contains(&bits) {
            return datafusion::common::exec_err!("bit_count: 2 to 64 bits are counted, not {bits}");
        }
        // What the shift drops is but the sign, or the number does not fit.
        let spare = u32::try_from(64 - bits).unwrap_or_default();
        let kept = value.wrapping_shl(spare);
        if kept.wrapping_shr(spare) != value {
            return datafusion::common::exec_err!("bit_count: {value} does not fit into {bits} bits");
        }
        counts.append_value(i64::from(kept.count_ones()));
    }
    Ok(Arc::new(counts.finish()))
}
