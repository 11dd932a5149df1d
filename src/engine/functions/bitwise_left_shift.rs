//! `bitwise_left_shift(x, n)`, `bitwise_right_shift(x, n)` and `bitwise_right_shift_arithmetic(x, n)`: the bits of a whole
//! number moved by n places.
//!
//! Trino's (<https://trino.io/docs/current/functions/bitwise.html>), of 64 bits: the plain shift to the right fills with
//! zeros, so that of -1 it makes a great number, the arithmetic one with the sign; of 64 places and more nothing is left but
//! that. The planner's own operators take n by 64, and have no shift that fills with zeros. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_whole, whole};

const READS: &[Read] = &[Read::Whole, Read::Whole];

pub(super) fn function() -> Scalar {
    Scalar::new("bitwise_left_shift", READS, 2, returns_whole, |arguments| {
        each(arguments, left)
    })
}

/// `bitwise_right_shift`.
pub(super) fn right() -> Scalar {
    Scalar::new("bitwise_right_shift", READS, 2, returns_whole, |arguments| {
        each(arguments, filled_with_zeros)
    })
}

/// `bitwise_right_shift_arithmetic`.
pub(super) fn arithmetic() -> Scalar {
    Scalar::new("bitwise_right_shift_arithmetic", READS, 2, returns_whole, |arguments| {
        each(arguments, filled_with_sign)
    })
}

/// How far, where that is less than all bits; a negative number counts from the end, as in Java.
fn places(by: i64) -> Option<u32> {
    (by < 64).then(|| u32::try_from(by & 63).ok()).flatten()
}

fn left(value: i64, by: i64) -> i64 {
    places(by).map_or(0, |places| value.wrapping_shl(places))
}

fn filled_with_zeros(value: i64, by: i64) -> i64 {
    places(by).map_or(0, |places| value.cast_unsigned().wrapping_shr(places).cast_signed())
}

fn filled_with_sign(value: i64, by: i64) -> i64 {
    value.wrapping_shr(places(by).unwrap_or(63))
}

fn each(arguments: &[ArrayRef], shift: fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let [values, places] = arguments else {
        return datafusion::common::internal_err!("a shift takes two arguments");
    };
    let shifted = (0..values.len()).map(|row| {
        let (value, by) = whole(values, row).zip(whole(places, row))?;
        Some(shift(value, by))
    });
    Ok(Arc::new(shifted.collect::<Int64Array>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_leave_at_the_end() {
        assert_eq!([left(1, 4), left(-1, 63), left(1, 64)], [16, i64::MIN, 0]);
        let zeros = [(16, 4), (-8, 1), (-1, 64)].map(|(value, by)| filled_with_zeros(value, by));
        assert_eq!(zeros, [1, 0x7FFF_FFFF_FFFF_FFFC, 0]);
        let signs = [(16, 4), (-8, 1), (-1, 64), (1, 64)].map(|(value, by)| filled_with_sign(value, by));
        assert_eq!(signs, [1, -4, -1, 0]);
    }
}
