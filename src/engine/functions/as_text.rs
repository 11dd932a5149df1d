//! `as_text(x)`: an instant as CloudTrail writes it, anything else as its text. Texts pass for nothing.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text};

pub(super) fn function() -> Scalar {
    Scalar::new("as_text", &[Read::Any], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [value] = arguments else {
        return datafusion::common::internal_err!("as_text takes one argument");
    };
    Ok(cast(value, &DataType::Utf8)?)
}
