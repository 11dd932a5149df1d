//! `slice(array, start, length)`: part of an array, counted from 1 or from the end.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt64Builder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;

use super::element_at::bounds;
use super::scalar::{Read, Scalar, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("slice", &[Read::Any, Read::Whole, Read::Whole], 3, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds.first() {
        Some(DataType::List(element)) => Ok(DataType::new_list(element.data_type().clone(), true)),
        other => datafusion::common::plan_err!("slice takes an array, not {other:?}"),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [arrays, starts, lengths] = arguments else {
        return datafusion::common::internal_err!("slice takes three arguments");
    };
    let DataType::List(_) = arrays.data_type() else {
        return Ok(cast(arrays, &returns(&[arrays.data_type().clone()])?)?);
    };
    let lists = arrays.as_list::<i32>();
    let (mut places, mut sizes, mut valid) = (UInt64Builder::new(), Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let (start, length) = (whole(starts, row), whole(lengths, row));
        let (Some(start), Some(length), true) = (start, length, lists.is_valid(row)) else {
            valid.push(false);
            sizes.push(0);
            continue;
        };
        if start == 0 || length < 0 {
            return datafusion::common::exec_err!("slice: arrays are counted from 1, and a length is not negative");
        }
        let range = bounds(lists.value_offsets(), row);
        let held = i64::try_from(range.len()).unwrap_or(i64::MAX);
        let first = if start > 0 { start - 1 } else { held + start };
        let wanted = if (0..held).contains(&first) {
            first..held.min(first.saturating_add(length))
        } else {
            0..0
        };
        sizes.push(usize::try_from(wanted.end - wanted.start).unwrap_or_default());
        valid.push(true);
        for place in wanted {
            places.append_option(
                u64::try_from(range.start)
                    .ok()
                    .zip(u64::try_from(place).ok())
                    .map(|(base, place)| base + place),
            );
        }
    }
    let values = take(lists.values(), &places.finish(), None)?;
    let element = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(sizes);
    Ok(Arc::new(ListArray::try_new(
        element,
        offsets,
        values,
        Some(NullBuffer::from(valid)),
    )?))
}
