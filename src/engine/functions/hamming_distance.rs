//! `hamming_distance(a, b)`: at how many places two texts of one length differ.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_whole, text};

pub(super) fn function() -> Scalar {
    Scalar::new("hamming_distance", &[Read::Text, Read::Text], 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [left, right] = arguments else {
        return datafusion::common::internal_err!("hamming_distance takes two arguments");
    };
    let mut distances = Int64Builder::with_capacity(left.len());
    for row in 0..left.len() {
        let (Some(one), Some(other)) = (text(left, row), text(right, row)) else {
            distances.append_null();
            continue;
        };
        if one.chars().count() != other.chars().count() {
            return datafusion::common::exec_err!("hamming_distance: `{one}` and `{other}` are not of one length");
        }
        let differing = one
            .chars()
            .zip(other.chars())
            .filter(|(one, other)| one != other)
            .count();
        distances.append_option(i64::try_from(differing).ok());
    }
    Ok(Arc::new(distances.finish()))
}
