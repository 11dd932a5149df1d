//! `map_zip(a, b)`: the keys of both maps, each with its value in the one and in the other; what `map_zip_with` is made of.
//!
//! `map_zip_with` is Trino's (<https://trino.io/docs/current/functions/map.html>): the value of a key that a map does not have is
//! NULL, and of a map that is NULL so is the answer. Keys come in the order of the first map, then of the second. A JSON object
//! is a map of texts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{Row, RowConverter, SortField};
use datafusion::error::Result;

use super::element_at::bounds;
use super::map_keys::{self, Side};
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("map_zip", &[Read::Any, Read::Any], 2, returns, rows)
}

fn side(side: Side, of: &DataType) -> Result<DataType> {
    match map_keys::returns(side, std::slice::from_ref(of))? {
        DataType::List(element) => Ok(element.data_type().clone()),
        other => Ok(other),
    }
}

fn fields(kinds: &[DataType]) -> Result<Fields> {
    let [
        left @ (DataType::Map(..) | DataType::Utf8 | DataType::Null),
        right @ (DataType::Map(..) | DataType::Utf8 | DataType::Null),
    ] = kinds
    else {
        return datafusion::common::plan_err!("map_zip_with takes two maps, not {kinds:?}");
    };
    Ok(Fields::from(vec![
        Field::new("key", side(Side::Keys, left)?, true),
        Field::new("left", side(Side::Values, left)?, true),
        Field::new("right", side(Side::Values, right)?, true),
    ]))
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    fields(kinds).map(|fields| DataType::new_list(DataType::Struct(fields), true))
}

/// Where a key stands among the keys of the one and of the other map, if it is there.
type Entry = (Option<usize>, Option<usize>);

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [left, right] = arguments else {
        return datafusion::common::internal_err!("map_zip takes two arguments");
    };
    let fields = fields(&[left.data_type().clone(), right.data_type().clone()])?;
    let lists = |side: Side, of: &ArrayRef| map_keys::rows(side, std::slice::from_ref(of));
    let (left_keys, right_keys) = (lists(Side::Keys, left)?, lists(Side::Keys, right)?);
    let (left_values, right_values) = (lists(Side::Values, left)?, lists(Side::Values, right)?);
    let (left_keys, right_keys) = (left_keys.as_list::<i32>(), right_keys.as_list::<i32>());
    let one = left_keys.values().clone();
    let other = cast(right_keys.values(), one.data_type())?;
    let converter = RowConverter::new(vec![SortField::new(one.data_type().clone())])?;
    let one_rows = converter.convert_columns(std::slice::from_ref(&one))?;
    let other_rows = converter.convert_columns(std::slice::from_ref(&other))?;
    let (mut entries, mut sizes): (Vec<Entry>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut valid = Vec::with_capacity(left.len());
    for row in 0..left.len() {
        let before = entries.len();
        valid.push(left_keys.is_valid(row) && right_keys.is_valid(row));
        if left_keys.is_valid(row) && right_keys.is_valid(row) {
            let mut known: HashMap<Row<'_>, usize> = HashMap::new();
            for place in bounds(left_keys.value_offsets(), row) {
                known.insert(one_rows.row(place), entries.len());
                entries.push((Some(place), None));
            }
            for place in bounds(right_keys.value_offsets(), row) {
                match known.get(&other_rows.row(place)) {
                    Some(held) => entries
                        .iter_mut()
                        .skip(*held)
                        .take(1)
                        .for_each(|entry| entry.1 = Some(place)),
                    None => entries.push((None, Some(place))),
                }
            }
        }
        sizes.push(entries.len() - before);
    }
    let from: Vec<(usize, usize)> = entries
        .iter()
        .map(|entry| match entry {
            (Some(place), _) => (0, *place),
            (None, place) => (1, place.unwrap_or_default()),
        })
        .collect();
    let keys = interleave(&[one.as_ref(), other.as_ref()], &from)?;
    let index = |of: fn(&Entry) -> Option<usize>| -> UInt64Array {
        entries
            .iter()
            .map(|entry| of(entry).and_then(|place| u64::try_from(place).ok()))
            .collect()
    };
    let values = |lists: &ArrayRef, places: UInt64Array| take(lists.as_list::<i32>().values(), &places, None);
    let columns = vec![
        keys,
        values(&left_values, index(|entry| entry.0))?,
        values(&right_values, index(|entry| entry.1))?,
    ];
    let zipped = StructArray::try_new(fields.clone(), columns, None)?;
    let element = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    Ok(Arc::new(ListArray::try_new(
        element,
        OffsetBuffer::from_lengths(sizes),
        Arc::new(zipped),
        Some(NullBuffer::from(valid)),
    )?))
}
