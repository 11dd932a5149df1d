//! `map_concat(a, b, ...)`: all entries; of one key's, the last map's.

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::error::Result;

use super::element_at::bounds;
use super::map_of::{assemble, map_type};
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("map_concat", &[Read::Any; 8], 1, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    if let Some(DataType::Map(entries, _)) = kinds.first()
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
        && kinds.iter().all(|kind| Some(kind) == kinds.first())
    {
        return Ok(map_type(key.data_type().clone(), value.data_type().clone()));
    }
    datafusion::common::plan_err!("map_concat takes maps of one type, not {kinds:?}")
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let Some(first) = arguments.first() else {
        return datafusion::common::internal_err!("map_concat takes maps");
    };
    let maps: Vec<_> = arguments.iter().map(|map| map.as_map()).collect();
    let all = |side: fn(&arrow::array::MapArray) -> &ArrayRef| {
        let sides: Vec<&dyn Array> = maps.iter().map(|map| side(map).as_ref()).collect();
        concat(&sides)
    };
    let (keys, values) = (all(|map| map.keys())?, all(|map| map.values())?);
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let names = converter.convert_columns(std::slice::from_ref(&keys))?;
    let (mut sizes, mut places) = (Vec::new(), Vec::<u64>::new());
    let mut nulls = Vec::with_capacity(first.len());
    for row in 0..first.len() {
        let valid = maps.iter().all(|map| map.is_valid(row));
        nulls.push(valid);
        let (mut entries, mut before): (Vec<(OwnedRow, u64)>, usize) = (Vec::new(), 0);
        for map in maps.iter().filter(|_| valid) {
            for entry in bounds(map.value_offsets(), row) {
                let place = before + entry;
                let (name, place) = (names.row(place).owned(), u64::try_from(place).unwrap_or_default());
                match entries.iter_mut().find(|(held, _)| *held == name) {
                    Some(held) => held.1 = place,
                    None => entries.push((name, place)),
                }
            }
            before += map.keys().len();
        }
        sizes.push(entries.len());
        places.extend(entries.iter().map(|(_, place)| *place));
    }
    let places = UInt64Array::from(places);
    let valid = arrow::array::BooleanArray::new(nulls.iter().copied().collect(), Some(nulls.into()));
    assemble(
        sizes,
        take(&keys, &places, None)?,
        take(&values, &places, None)?,
        &valid,
    )
}
