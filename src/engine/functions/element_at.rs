//! `element_at(x, key)`: an array's element, counted from 1 or from the end (-1), or a map's or JSON object's value.

use arrow::array::{Array, ArrayRef, AsArray, UInt64Builder};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;

use super::json_member::exactly;
use super::scalar::{Read, Scalar, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("element_at", &[Read::Any, Read::Any], 2, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds.first() {
        Some(DataType::List(element)) => Ok(element.data_type().clone()),
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) => Ok(fields.get(1).map_or(DataType::Null, |field| field.data_type().clone())),
            _ => Ok(DataType::Null),
        },
        Some(DataType::Utf8 | DataType::Null) => Ok(DataType::Utf8),
        other => datafusion::common::plan_err!("element_at takes an array, a map or JSON, not {other:?}"),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, keys] = arguments else {
        return datafusion::common::internal_err!("element_at takes two arguments");
    };
    match values.data_type() {
        DataType::List(_) => {
            let (lists, numbers) = (values.as_list::<i32>(), cast(keys, &DataType::Int64)?);
            let numbers = numbers.as_primitive::<Int64Type>();
            let mut places = UInt64Builder::with_capacity(lists.len());
            for row in 0..lists.len() {
                let valid = lists.is_valid(row) && numbers.is_valid(row);
                if valid && numbers.value(row) == 0 {
                    return datafusion::common::exec_err!("element_at: arrays are counted from 1");
                }
                places.append_option(
                    valid
                        .then(|| place(lists.value_offsets(), row, numbers.value(row)))
                        .flatten(),
                );
            }
            Ok(take(lists.values(), &places.finish(), None)?)
        }
        DataType::Map(..) => {
            let maps = values.as_map();
            let names = cast(maps.keys(), &DataType::Utf8)?;
            let wanted = cast(keys, &DataType::Utf8)?;
            let mut places = UInt64Builder::with_capacity(maps.len());
            for row in 0..maps.len() {
                let entries = bounds(maps.value_offsets(), row);
                let found = text(&wanted, row)
                    .filter(|_| maps.is_valid(row))
                    .and_then(|wanted| entries.into_iter().find(|entry| text(&names, *entry) == Some(wanted)));
                places.append_option(found.and_then(|entry| u64::try_from(entry).ok()));
            }
            Ok(take(maps.values(), &places.finish(), None)?)
        }
        _ => {
            let (values, keys) = (cast(values, &DataType::Utf8)?, cast(keys, &DataType::Utf8)?);
            texts(values.len(), |row| {
                Ok(text(&values, row)
                    .zip(text(&keys, row))
                    .and_then(|(value, key)| exactly(value, key)))
            })
        }
    }
}

/// Where a row's elements stand in the values of all rows.
pub(super) fn bounds(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |index: usize| {
        offsets
            .get(index)
            .and_then(|offset| usize::try_from(*offset).ok())
            .unwrap_or_default()
    };
    at(row)..at(row + 1)
}

fn place(offsets: &[i32], row: usize, number: i64) -> Option<u64> {
    let range = bounds(offsets, row);
    let step = usize::try_from(number.unsigned_abs())
        .ok()
        .filter(|step| (1..=range.len()).contains(step))?;
    u64::try_from(if number > 0 {
        range.start + step - 1
    } else {
        range.end - step
    })
    .ok()
}
