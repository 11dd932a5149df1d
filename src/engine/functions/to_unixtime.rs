//! `to_unixtime(x)`: seconds since 1970, with fractions.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar, instant};

pub(super) fn function() -> Scalar {
    Scalar::new("to_unixtime", &[Read::Any], 1, |_| Ok(DataType::Float64), rows)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of any calendar date fit into 53 bits to within 1"
)]
fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let instants = from_iso8601_timestamp::read(arguments, false)?;
    let mut seconds = Float64Builder::with_capacity(instants.len());
    for row in 0..instants.len() {
        seconds.append_option(instant(&instants, row).map(|micros| micros as f64 / 1e6));
    }
    Ok(Arc::new(seconds.finish()))
}
