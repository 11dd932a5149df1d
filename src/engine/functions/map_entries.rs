//! `map_entries(x)`: the entries of a map or of a JSON object, as an array of `key`, `value` pairs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;

use super::map_keys::{self, Side};
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("map_entries", &[Read::Any], 1, returns, rows)
}

fn element(of: &DataType) -> DataType {
    match of {
        DataType::List(element) => element.data_type().clone(),
        _ => DataType::Utf8,
    }
}

fn fields(kinds: &[DataType]) -> Result<Fields> {
    let side = |side| map_keys::returns(side, kinds).map(|list| element(&list));
    Ok(Fields::from(vec![
        Field::new("key", side(Side::Keys)?, true),
        Field::new("value", side(Side::Values)?, true),
    ]))
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    fields(kinds).map(|fields| DataType::new_list(DataType::Struct(fields), true))
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("map_entries takes one argument");
    };
    let (keys, held) = (
        map_keys::rows(Side::Keys, arguments)?,
        map_keys::rows(Side::Values, arguments)?,
    );
    let (keys, held) = (keys.as_list::<i32>(), held.as_list::<i32>());
    let fields = fields(&[values.data_type().clone()])?;
    let pairs = StructArray::try_new(fields.clone(), vec![keys.values().clone(), held.values().clone()], None)?;
    let element = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    let lists = ListArray::try_new(element, keys.offsets().clone(), Arc::new(pairs), keys.nulls().cloned())?;
    Ok(Arc::new(lists))
}
