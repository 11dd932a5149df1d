//! `contains_sequence(array, part)`: whether the elements of the part stand in the array one right after the other.
//!
//! Trino's (<https://trino.io/docs/current/functions/array.html>): a NULL among the elements is like a NULL, and no elements are
//! in every array. NULL of a NULL. Over `array_agg(eventname ORDER BY eventtime)` it finds steps taken in a row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;

use super::element_at::bounds;
use super::scalar::{Read, Scalar, returns_flag};

pub(super) fn function() -> Scalar {
    Scalar::new("contains_sequence", &[Read::Any, Read::Any], 2, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds {
        [DataType::List(_), DataType::List(_)] => returns_flag(kinds),
        _ => datafusion::common::plan_err!("contains_sequence takes two arrays, not {kinds:?}"),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [arrays, parts] = arguments else {
        return datafusion::common::internal_err!("contains_sequence takes two arguments");
    };
    let (arrays, parts) = (arrays.as_list::<i32>(), parts.as_list::<i32>());
    let kind = arrays.value_type();
    let converter = RowConverter::new(vec![SortField::new(kind.clone())])?;
    let elements = converter.convert_columns(std::slice::from_ref(arrays.values()))?;
    let wanted = converter.convert_columns(&[cast(parts.values(), &kind)?])?;
    let mut found = BooleanBuilder::with_capacity(arrays.len());
    for row in 0..arrays.len() {
        if arrays.is_null(row) || parts.is_null(row) {
            found.append_null();
            continue;
        }
        let (within, part) = (bounds(arrays.value_offsets(), row), bounds(parts.value_offsets(), row));
        let mut starts = within.start..=within.end;
        found.append_value(starts.any(|start| {
            start + part.len() <= within.end
                && part
                    .clone()
                    .enumerate()
                    .all(|(step, place)| elements.row(start + step) == wanted.row(place))
        }));
    }
    Ok(Arc::new(found.finish()))
}
