//! `date(x)`: the day of an instant, in UTC or the zone it was put into, or of the text of one.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("date", &[Read::Any], 1, |_| Ok(DataType::Date32), rows)
}

pub(super) fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let instants = from_iso8601_timestamp::wall(arguments)?;
    Ok(cast(&instants, &DataType::Date32)?)
}
