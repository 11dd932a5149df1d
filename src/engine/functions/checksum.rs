//! `checksum(x)`: eight bytes that are the same for the same values, in whatever order they come: whether two tables hold the
//! same. NULL of no rows; a NULL among the values counts.
//!
//! As in Trino (<https://trino.io/docs/current/functions/aggregate.html>): the sum of the values' xxHash64, each times a prime,
//! in 64 bits that run over, the least byte first. The bytes are meant to be Trino's for whole numbers, fractions in floating
//! point, booleans, texts, bytes and days. They are not for what Trino writes down in another way: decimals, instants with a
//! zone, arrays, maps and rows; those can be compared with each other only.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use twox_hash::XxHash64;

/// The first prime of xxHash64.
const PRIME: u64 = 0x9E37_79B1_85EB_CA87;

pub(super) fn function() -> AggregateUDF {
    AggregateUDF::from(Checksum {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checksum {
    signature: Signature,
}

impl AggregateUDFImpl for Checksum {
    fn name(&self) -> &str {
        "checksum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(arguments.name, "sum");
        Ok(vec![Arc::new(Field::new(name, DataType::UInt64, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Sum::default()))
    }
}

/// The sum so far; `None` before the first row.
#[derive(Debug, Default)]
struct Sum(Option<u64>);

impl Sum {
    fn add(&mut self, number: u64) {
        self.0 = Some(self.0.unwrap_or_default().wrapping_add(number));
    }
}

impl Accumulator for Sum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return datafusion::common::internal_err!("checksum has {} columns", values.len());
        };
        for hash in hashes(values)? {
            self.add(hash.map_or(PRIME, |hash| hash.wrapping_mul(PRIME)));
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums] = states else {
            return datafusion::common::internal_err!("checksum has {} columns", states.len());
        };
        let sums = sums.as_primitive::<arrow::datatypes::UInt64Type>();
        sums.iter().flatten().for_each(|sum| self.add(sum));
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::UInt64(self.0)])
    }

    /// Takes nothing: a window asks after each of its rows.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(self.0.map(|sum| sum.to_le_bytes().to_vec())))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

/// The hash of each value, as Trino has it; `None` of a NULL.
fn hashes(values: &ArrayRef) -> Result<Vec<Option<u64>>> {
    let kind = values.data_type();
    Ok(match kind {
        DataType::Null => vec![None; values.len()],
        DataType::Dictionary(_, inner) => return hashes(&cast(values, inner)?),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let numbers = cast(values, &DataType::Float64)?;
            let bits = |number: f64| match number {
                // Zero has two signs, and there are many NaNs.
                0.0 => 0.0_f64.to_bits(),
                number if number.is_nan() => f64::NAN.to_bits(),
                number => number.to_bits(),
            };
            let numbers = numbers.as_primitive::<Float64Type>();
            numbers
                .iter()
                .map(|number| number.map(|number| hash(&bits(number).to_le_bytes())))
                .collect()
        }
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
            return hashes(&cast(
                values,
                &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            )?);
        }
        DataType::Date32 => return hashes(&cast(values, &DataType::Int32)?),
        DataType::Boolean | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::Timestamp(..) => {
            whole_hashes(values)?
        }
        kind if kind.is_signed_integer() => whole_hashes(values)?,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(values, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            texts
                .iter()
                .map(|text| text.map(|text| hash(text.as_bytes())))
                .collect()
        }
        kind if kind.is_binary() => {
            let bytes = cast(values, &DataType::Binary)?;
            let bytes = bytes.as_binary::<i32>();
            bytes.iter().map(|bytes| bytes.map(hash)).collect()
        }
        kind => {
            let converter = RowConverter::new(vec![SortField::new(kind.clone())])?;
            let rows = converter.convert_columns(std::slice::from_ref(values))?;
            (0..values.len())
                .map(|row| values.is_valid(row).then(|| hash(rows.row(row).as_ref())))
                .collect()
        }
    })
}

fn whole_hashes(values: &ArrayRef) -> Result<Vec<Option<u64>>> {
    let numbers = cast(values, &DataType::Int64)?;
    let numbers = numbers.as_primitive::<Int64Type>();
    Ok(numbers
        .iter()
        .map(|number| number.map(|number| hash(&number.to_le_bytes())))
        .collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, StringArray, StringViewArray};

    use super::*;

    fn sum(parts: &[ArrayRef]) -> Option<u64> {
        let mut sum = Sum::default();
        for part in parts {
            sum.update_batch(std::slice::from_ref(part)).unwrap();
        }
        sum.0
    }

    #[test]
    fn order_and_width_change_nothing() {
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(3), Some(1), None]));
        assert_eq!(sum(std::slice::from_ref(&whole)), sum(&[narrow]));
        assert_ne!(sum(std::slice::from_ref(&whole)), sum(&[whole.clone(), whole]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let views: ArrayRef = Arc::new(StringViewArray::from(vec!["b", "a"]));
        assert_eq!(sum(&[texts]), sum(&[views]));
        assert_eq!(sum(&[]), None);
    }

    #[test]
    fn parts_add_up() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let (mut all, mut one) = (Sum::default(), Sum::default());
        all.update_batch(&[numbers.slice(0, 40)]).unwrap();
        one.update_batch(&[numbers.slice(40, 60)]).unwrap();
        let states: Vec<ArrayRef> = one
            .state()
            .unwrap()
            .iter()
            .map(|state| state.to_array().unwrap())
            .collect();
        all.merge_batch(&states).unwrap();
        assert_eq!(all.0, sum(&[numbers]));
    }
}
