//! `cast_to_json(x)`: what `CAST(x AS JSON)`, `AS MAP(..)` and `AS ROW(..)` mean. JSON is held as text, so JSON text stays.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use serde_json::{Map, Value};

use super::json;
use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("cast_to_json", &[Read::Any], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("cast_to_json takes one argument");
    };
    texts(values.len(), |row| {
        if let Some(written) = text(values, row) {
            let held = json::parse(written).unwrap_or_else(|| Value::String(written.to_owned()));
            return Ok(Some(held.to_string()));
        }
        let is_null = values.is_null(row) || values.data_type().is_null();
        Ok(match is_null {
            true => None,
            false => Some(value(values.as_ref(), row)?.to_string()),
        })
    })
}

fn value(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            let values = (0..elements.len()).map(|element| value(elements.as_ref(), element));
            Value::Array(values.collect::<Result<_>>()?)
        }
        DataType::Struct(fields) => {
            let members = fields.iter().zip(array.as_struct().columns());
            let members = members.map(|(field, column)| Ok((field.name().clone(), value(column.as_ref(), row)?)));
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let [keys, values] = entries.columns() else {
                return datafusion::common::internal_err!("a map has {} columns", entries.num_columns());
            };
            let names = cast(keys, &DataType::Utf8)?;
            let members = (0..names.len()).map(|entry| {
                let name = text(&names, entry).unwrap_or_default().to_owned();
                Ok((name, value(values.as_ref(), entry)?))
            });
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        kind => {
            let written = cast(&array.slice(row, 1), &DataType::Utf8)?;
            let written = text(&written, 0).unwrap_or_default();
            let number = if kind.is_numeric() { json::parse(written) } else { None };
            number.unwrap_or_else(|| Value::String(written.to_owned()))
        }
    })
}
