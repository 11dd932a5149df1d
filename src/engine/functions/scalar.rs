//! The frame every function here fills: a name, what its arguments are read as, what it returns, and its rows.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::lake::schema;

/// What an argument is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Text; an instant is read as its text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Whatever it is.
    Any,
}

/// What a function returns, by the types of its arguments.
pub(super) type Returns = fn(&[DataType]) -> Result<DataType>;

/// A function's rows: one array per argument in, one out.
pub(super) type Body = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// A scalar function.
#[derive(Debug)]
pub(super) struct Scalar {
    name: &'static str,
    reads: &'static [Read],
    required: usize,
    returns: Returns,
    body: Body,
    signature: Signature,
}

impl Scalar {
    /// A function that takes `required` to all of `reads`.
    pub(super) fn new(
        name: &'static str,
        reads: &'static [Read],
        required: usize,
        returns: Returns,
        body: Body,
    ) -> Scalar {
        let signature = Signature::user_defined(Volatility::Immutable);
        Scalar {
            name,
            reads,
            required,
            returns,
            body,
            signature,
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.name == other.name
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        (self.returns)(kinds)
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        if kinds.len() < self.required || kinds.len() > self.reads.len() {
            let (least, most) = (self.required, self.reads.len());
            let wanted = if least == most {
                format!("{most}")
            } else {
                format!("{least} to {most}")
            };
            return datafusion::common::plan_err!("{} takes {wanted} arguments, not {}", self.name, kinds.len());
        }
        let read = |(kind, read): (&DataType, &Read)| match read {
            Read::Text => DataType::Utf8,
            Read::Whole => DataType::Int64,
            Read::Number => DataType::Float64,
            Read::Any => match kind {
                DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
                DataType::Dictionary(_, values) => values.as_ref().clone(),
                kind => kind.clone(),
            },
        };
        Ok(kinds.iter().zip(self.reads).map(read).collect())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = arguments
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let result = (self.body)(&columns)?;
        if scalar && result.len() == 1 {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(
                &result, 0,
            )?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// The function returns text.
pub(super) fn returns_text(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Utf8)
}

/// The function returns bytes.
pub(super) fn returns_bytes(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Binary)
}

/// The function returns a whole number.
pub(super) fn returns_whole(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Int64)
}

/// The function returns a boolean.
pub(super) fn returns_flag(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Boolean)
}

/// The function returns an instant.
pub(super) fn returns_instant(_: &[DataType]) -> Result<DataType> {
    Ok(schema::timestamp())
}

/// The function returns a list of texts.
pub(super) fn returns_texts(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::new_list(DataType::Utf8, true))
}

/// The text in a row of an argument read as text.
pub(super) fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    let texts = column.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| texts.value(row))
}

/// The number in a row of an argument read as a whole number.
pub(super) fn whole(column: &ArrayRef, row: usize) -> Option<i64> {
    let numbers = column.as_primitive_opt::<Int64Type>()?;
    column.is_valid(row).then(|| numbers.value(row))
}

/// The instant in a row of an argument read as one, in microseconds since 1970.
pub(super) fn instant(column: &ArrayRef, row: usize) -> Option<i64> {
    let instants = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    column.is_valid(row).then(|| instants.value(row))
}

/// Texts made row by row.
pub(super) fn texts<T: AsRef<str>>(rows: usize, mut each: impl FnMut(usize) -> Result<Option<T>>) -> Result<ArrayRef> {
    let mut made = StringBuilder::with_capacity(rows, 0);
    for row in 0..rows {
        made.append_option(each(row)?);
    }
    let made: StringArray = made.finish();
    Ok(std::sync::Arc::new(made))
}

/// An argument read as it is, as bytes: those of a text are its UTF-8.
pub(super) fn bytes(column: &ArrayRef) -> Result<ArrayRef> {
    let kind = column.data_type();
    if kind.is_binary() || kind.is_null() || *kind == DataType::Utf8 {
        return Ok(cast(column, &DataType::Binary)?);
    }
    datafusion::common::exec_err!("bytes are taken, not {kind}: to_utf8(x) makes them of a text")
}

/// The bytes in a row of what [`bytes`] made.
pub(super) fn binary(column: &ArrayRef, row: usize) -> Option<&[u8]> {
    let values = column.as_binary_opt::<i32>()?;
    column.is_valid(row).then(|| values.value(row))
}

/// Bytes made row by row.
pub(super) fn binaries(rows: usize, mut each: impl FnMut(usize) -> Result<Option<Vec<u8>>>) -> Result<ArrayRef> {
    let mut made = BinaryBuilder::with_capacity(rows, 0);
    for row in 0..rows {
        made.append_option(each(row)?);
    }
    Ok(std::sync::Arc::new(made.finish()))
}
