//! `from_unixtime_nanos(n)`: the instant that many nanoseconds after 1970, held to the microsecond.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_instant, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("from_unixtime_nanos", &[Read::Whole], 1, returns_instant, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [nanos] = arguments else {
        return datafusion::common::internal_err!("from_unixtime_nanos takes one argument");
    };
    let mut instants = TimestampMicrosecondBuilder::with_capacity(nanos.len()).with_timezone("UTC");
    for row in 0..nanos.len() {
        instants.append_option(whole(nanos, row).map(|nanos| nanos.div_euclid(1_000)));
    }
    Ok(Arc::new(instants.finish()))
}
