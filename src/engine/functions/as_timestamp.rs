//! `as_timestamp(x)`: an instant, a date or the text of either, as an instant; one that was put into a zone stays there.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::error::Result;

use super::from_iso8601_timestamp;
use super::scalar::{Read, Scalar};
use crate::lake::schema;

pub(super) fn function() -> Scalar {
    Scalar::new("as_timestamp", &[Read::Any], 1, |kinds| Ok(kind(kinds.first())), rows)
}

fn kind(of: Option<&DataType>) -> DataType {
    match of {
        Some(DataType::Timestamp(_, Some(zone))) => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.clone())),
        _ => schema::timestamp(),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let instants = from_iso8601_timestamp::read(arguments, false)?;
    Ok(cast(
        &instants,
        &kind(arguments.first().map(|value| value.data_type())),
    )?)
}
