//! `as_kind(x, y)`: a number as one of y's kind: rounded where y is whole. A percentile of whole numbers is whole in Trino.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;

use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("as_kind", &[Read::Number, Read::Any], 2, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    Ok(match kinds.get(1) {
        Some(kind) if kind.is_integer() => DataType::Int64,
        _ => DataType::Float64,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range saturates")]
fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [numbers, of] = arguments else {
        return datafusion::common::internal_err!("as_kind takes two arguments");
    };
    if !of.data_type().is_integer() {
        return Ok(cast(numbers, &DataType::Float64)?);
    }
    let numbers = numbers.as_primitive::<Float64Type>();
    let whole: Int64Array = numbers
        .iter()
        .map(|number| number.map(|number| number.round() as i64))
        .collect();
    Ok(std::sync::Arc::new(whole))
}
