//! `is_finite(x)` and `is_infinite(x)`: whether a number has an end; a NaN is neither.
//!
//! Trino's (<https://trino.io/docs/current/functions/math.html>). NULL of a NULL.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_flag};

pub(super) fn function() -> Scalar {
    Scalar::new("is_finite", &[Read::Number], 1, returns_flag, |arguments| {
        each(arguments, f64::is_finite)
    })
}

/// `is_infinite`.
pub(super) fn infinite() -> Scalar {
    Scalar::new("is_infinite", &[Read::Number], 1, returns_flag, |arguments| {
        each(arguments, f64::is_infinite)
    })
}

fn each(arguments: &[ArrayRef], is: fn(f64) -> bool) -> Result<ArrayRef> {
    let [numbers] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    let numbers = numbers.as_primitive::<Float64Type>();
    let flags = numbers.iter().map(|number| number.map(is));
    Ok(Arc::new(flags.collect::<BooleanArray>()))
}
