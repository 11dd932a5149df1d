//! `to_hex(bytes)`: their digits in capitals. A digest that the engine holds as its digits already is only written so.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("to_hex", &[Read::Any], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("to_hex takes one argument");
    };
    if *values.data_type() == DataType::Utf8 {
        return texts(values.len(), |row| Ok(text(values, row).map(str::to_uppercase)));
    }
    if !values.data_type().is_binary() && !values.data_type().is_null() {
        return datafusion::common::exec_err!("to_hex takes bytes, not {}", values.data_type());
    }
    let bytes = cast(values, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    texts(bytes.len(), |row| {
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        Ok(bytes.is_valid(row).then(|| digits(bytes.value(row))))
    })
}
