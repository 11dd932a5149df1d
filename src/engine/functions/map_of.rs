//! Maps made of lists of pairs: `map_from_entries`, and what `map_agg`, `multimap_agg`, `histogram` and
//! `approx_most_frequent` are once their pairs or values are gathered.
//!
//! A gathered map's keys are sorted: the order in which rows come is the engine's, and an answer should not change with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, MapArray, StructArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::error::Result;

use super::element_at::bounds;
use super::scalar::{Read, Scalar, whole};

/// The names of a map's parts.
pub(super) fn map_field() -> arrow::array::MapFieldNames {
    arrow::array::MapFieldNames {
        entry: "entries".to_owned(),
        key: "keys".to_owned(),
        value: "values".to_owned(),
    }
}

/// The type of a map.
pub(super) fn map_type(key: DataType, value: DataType) -> DataType {
    DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(fields(key, value)), false)),
        false,
    )
}

fn fields(key: DataType, value: DataType) -> Fields {
    Fields::from(vec![Field::new("keys", key, false), Field::new("values", value, true)])
}

/// A map per row: how many entries each has, and the keys and values of all.
pub(super) fn assemble(sizes: Vec<usize>, keys: ArrayRef, values: ArrayRef, of: &dyn Array) -> Result<ArrayRef> {
    let fields = fields(keys.data_type().clone(), values.data_type().clone());
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::from_lengths(sizes);
    Ok(Arc::new(MapArray::try_new(
        field,
        offsets,
        entries,
        of.nulls().cloned(),
        false,
    )?))
}

/// `map_from_entries(array)`: two entries of one key are an error.
pub(super) fn from_entries() -> Scalar {
    Scalar::new("map_from_entries", &[Read::Any], 1, returns_pairs, |arguments| {
        pairs(arguments, true)
    })
}

/// The first value of each key.
pub(super) fn first_of_entries() -> Scalar {
    Scalar::new("map_of_entries", &[Read::Any], 1, returns_pairs, |arguments| {
        pairs(arguments, false)
    })
}

/// All values of each key.
pub(super) fn all_of_entries() -> Scalar {
    Scalar::new("multimap_of_entries", &[Read::Any], 1, returns_all, all)
}

/// How often each value is there; with a number, the most frequent ones only.
pub(super) fn frequencies() -> Scalar {
    Scalar::new("frequencies", &[Read::Any, Read::Whole], 1, returns_counts, counts)
}

fn pair_types(kinds: &[DataType]) -> Result<(DataType, DataType)> {
    if let Some(DataType::List(element)) = kinds.first()
        && let DataType::Struct(fields) = element.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    datafusion::common::plan_err!("an array of pairs is taken, not {kinds:?}")
}

fn returns_pairs(kinds: &[DataType]) -> Result<DataType> {
    pair_types(kinds).map(|(key, value)| map_type(key, value))
}

fn returns_all(kinds: &[DataType]) -> Result<DataType> {
    pair_types(kinds).map(|(key, value)| map_type(key, DataType::new_list(value, true)))
}

fn returns_counts(kinds: &[DataType]) -> Result<DataType> {
    match kinds.first() {
        Some(DataType::List(element)) => Ok(map_type(element.data_type().clone(), DataType::Int64)),
        other => datafusion::common::plan_err!("an array is taken, not {other:?}"),
    }
}

/// The elements of a row by what they are, in order, without NULLs.
struct Groups {
    rows: arrow::row::Rows,
}

impl Groups {
    fn new(keys: &ArrayRef) -> Result<Groups> {
        let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
        Ok(Groups {
            rows: converter.convert_columns(std::slice::from_ref(keys))?,
        })
    }

    /// Of a row of `lists`, whose elements have these keys; of a NULL there are none.
    fn of(&self, keys: &ArrayRef, lists: &ListArray, row: usize) -> BTreeMap<OwnedRow, Vec<usize>> {
        let range = if lists.is_valid(row) {
            bounds(lists.value_offsets(), row)
        } else {
            0..0
        };
        let mut groups: BTreeMap<OwnedRow, Vec<usize>> = BTreeMap::new();
        for place in range.filter(|place| keys.is_valid(*place)) {
            groups.entry(self.rows.row(place).owned()).or_default().push(place);
        }
        groups
    }
}

fn columns(lists: &ListArray) -> Result<(ArrayRef, ArrayRef)> {
    match lists.values().as_struct_opt().map(StructArray::columns) {
        Some([keys, values]) => Ok((keys.clone(), values.clone())),
        _ => datafusion::common::internal_err!("an array of pairs is taken"),
    }
}

fn chosen(from: &ArrayRef, places: Vec<usize>) -> Result<ArrayRef> {
    let places: UInt64Array = places.into_iter().map(|place| u64::try_from(place).ok()).collect();
    Ok(take(from, &places, None)?)
}

fn pairs(arguments: &[ArrayRef], once: bool) -> Result<ArrayRef> {
    let [lists] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    let lists = lists.as_list::<i32>();
    let (keys, values) = columns(lists)?;
    let groups = Groups::new(&keys)?;
    let (mut sizes, mut places) = (Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let found = groups.of(&keys, lists, row);
        sizes.push(found.len());
        for held in found.values() {
            if once && held.len() > 1 {
                return datafusion::common::exec_err!("map_from_entries: a key comes twice");
            }
            places.extend(held.first().copied());
        }
    }
    assemble(sizes, chosen(&keys, places.clone())?, chosen(&values, places)?, lists)
}

fn all(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [lists] = arguments else {
        return datafusion::common::internal_err!("one argument is taken");
    };
    let lists = lists.as_list::<i32>();
    let (keys, values) = columns(lists)?;
    let groups = Groups::new(&keys)?;
    let (mut sizes, mut firsts, mut lengths, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let found = groups.of(&keys, lists, row);
        sizes.push(found.len());
        for held in found.into_values() {
            firsts.extend(held.first().copied());
            lengths.push(held.len());
            places.extend(held);
        }
    }
    let values = chosen(&values, places)?;
    let element = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let grouped = ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), values, None)?;
    assemble(sizes, chosen(&keys, firsts)?, Arc::new(grouped), lists)
}

fn counts(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [lists, most @ ..] = arguments else {
        return datafusion::common::internal_err!("one or two arguments are taken");
    };
    let lists = lists.as_list::<i32>();
    let values = lists.values();
    let groups = Groups::new(values)?;
    let (mut sizes, mut firsts, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let mut found: Vec<Vec<usize>> = groups.of(values, lists, row).into_values().collect();
        if let Some(most) = most.first().and_then(|most| whole(most, row)) {
            found.sort_by_key(|held| std::cmp::Reverse(held.len()));
            found.truncate(usize::try_from(most).unwrap_or_default());
        }
        sizes.push(found.len());
        for held in found {
            firsts.extend(held.first().copied());
            counts.push(i64::try_from(held.len()).unwrap_or(i64::MAX));
        }
    }
    assemble(
        sizes,
        chosen(values, firsts)?,
        Arc::new(Int64Array::from(counts)),
        lists,
    )
}
