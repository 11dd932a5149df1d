//! `from_unixtime(seconds)`: the instant that many seconds, and fractions of one, after 1970.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondBuilder};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_instant};

pub(super) fn function() -> Scalar {
    Scalar::new("from_unixtime", &[Read::Number], 1, returns_instant, rows)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and is then no instant"
)]
fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [seconds] = arguments else {
        return datafusion::common::internal_err!("from_unixtime takes one argument");
    };
    let seconds = seconds.as_primitive::<Float64Type>();
    let mut instants = TimestampMicrosecondBuilder::with_capacity(seconds.len()).with_timezone("UTC");
    for row in 0..seconds.len() {
        instants.append_option(seconds.is_valid(row).then(|| (seconds.value(row) * 1e6).round() as i64));
    }
    Ok(Arc::new(instants.finish()))
}
