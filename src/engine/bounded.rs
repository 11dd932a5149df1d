//! Functions that make much of little, held to a size: `repeat('x', 1000000000000)` is refused, not tried.
//!
//! What they make is no operator's memory, so the limit on memory does not see it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// What one call may make of one batch of rows, in bytes of text or elements of arrays.
const MADE_MAX: u128 = 32 << 20;

/// How much one row's call makes, by the row's arguments.
type Makes = fn(&[ArrayRef], usize) -> u128;

const BOUNDED: [(&str, Makes); 8] = [
    ("repeat", repeated),
    ("lpad", padded),
    ("rpad", padded),
    ("replace", replaced),
    ("array_repeat", counted),
    ("array_resize", counted),
    ("generate_series", steps),
    ("range", steps),
];

/// Puts the bounded functions in the place of the engine's own.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for (name, makes) in BOUNDED {
        let inner = registry.udf(name)?;
        registry.register_udf(Arc::new(ScalarUDF::from(Bounded { inner, makes })))?;
    }
    Ok(())
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    makes: Makes,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Bounded) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        self.inner.return_type(kinds)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(kinds)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = arguments
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let rows = if scalars { 1 } else { arguments.number_rows };
        let mut made = 0_u128;
        for row in 0..rows {
            made = made.saturating_add((self.makes)(&columns, row));
            if made > MADE_MAX {
                return datafusion::common::exec_err!("{}: what it would make is too large", self.inner.name());
            }
        }
        self.inner.invoke_with_args(arguments)
    }
}

fn length(columns: &[ArrayRef], index: usize, row: usize) -> u128 {
    let Some(column) = columns.get(index).filter(|column| column.is_valid(row)) else {
        return 0;
    };
    let bytes = match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).len(),
        DataType::Utf8View => column.as_string_view().value(row).len(),
        _ => 0,
    };
    bytes as u128
}

fn whole(columns: &[ArrayRef], index: usize, row: usize) -> Option<i128> {
    let column = columns.get(index).filter(|column| column.is_valid(row))?;
    // Days are counted in days, instants in their own unit.
    let plain = cast(&column.slice(row, 1), &DataType::Int64).ok()?;
    plain
        .is_valid(0)
        .then(|| i128::from(plain.as_primitive::<Int64Type>().value(0)))
}

fn count(columns: &[ArrayRef], index: usize, row: usize) -> u128 {
    u128::try_from(whole(columns, index, row).unwrap_or_default()).unwrap_or_default()
}

fn repeated(columns: &[ArrayRef], row: usize) -> u128 {
    length(columns, 0, row).saturating_mul(count(columns, 1, row))
}

fn padded(columns: &[ArrayRef], row: usize) -> u128 {
    // A letter has up to four bytes.
    count(columns, 1, row).saturating_mul(4)
}

fn replaced(columns: &[ArrayRef], row: usize) -> u128 {
    let (text, from, to) = (
        length(columns, 0, row),
        length(columns, 1, row),
        length(columns, 2, row),
    );
    // An empty text is found before every letter.
    let places = text.checked_div(from).unwrap_or(text.saturating_add(1));
    text.saturating_add(places.saturating_mul(to))
}

fn counted(columns: &[ArrayRef], row: usize) -> u128 {
    // array_repeat(element, n), array_resize(array, n)
    count(columns, 1, row)
}

fn steps(columns: &[ArrayRef], row: usize) -> u128 {
    let last = columns.len().min(3);
    let (start, stop) = match last {
        0 => return 0,
        1 => (Some(0), whole(columns, 0, row)),
        _ => (whole(columns, 0, row), whole(columns, 1, row)),
    };
    let (Some(start), Some(stop)) = (start, stop) else {
        return 0;
    };
    let step = match columns.get(2) {
        None => 1,
        Some(column) => match column.data_type() {
            DataType::Interval(IntervalUnit::MonthDayNano) if column.is_valid(row) => {
                let step = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
                let days = i128::from(step.months) * 28 + i128::from(step.days);
                match columns.first().map(|column| column.data_type()) {
                    Some(DataType::Date32) => days.max(1),
                    // In the smallest unit an instant may have.
                    _ => (days * 86_400_000_000_000 + i128::from(step.nanoseconds)).max(1) / 1_000,
                }
            }
            _ => whole(columns, 2, row).unwrap_or(1),
        },
    };
    (stop - start).unsigned_abs() / step.unsigned_abs().max(1) + 1
}
