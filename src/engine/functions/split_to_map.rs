//! `split_to_map(text, between_entries, between_key_and_value)`: a map; a key that comes twice, or an entry without the
//! second delimiter, is an error. `split_to_multimap`: all values of each key.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, MapBuilder, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::map_of::{map_field, map_type};
use super::scalar::{Read, Scalar, text};

const READS: &[Read] = &[Read::Text, Read::Text, Read::Text];

pub(super) fn function() -> Scalar {
    let returns = |_: &[DataType]| Ok(map_type(DataType::Utf8, DataType::Utf8));
    Scalar::new("split_to_map", READS, 3, returns, rows)
}

/// `split_to_multimap`.
pub(super) fn multi() -> Scalar {
    let returns = |_: &[DataType]| Ok(map_type(DataType::Utf8, DataType::new_list(DataType::Utf8, true)));
    Scalar::new("split_to_multimap", READS, 3, returns, multi_rows)
}

/// The entries of a row, in order; `None` where an argument is NULL.
fn entries(arguments: &[ArrayRef], row: usize) -> Result<Option<Vec<(&str, &str)>>> {
    let [values, outer, inner] = arguments else {
        return datafusion::common::internal_err!("a text is split to a map by two delimiters");
    };
    let (Some(value), Some(outer), Some(inner)) = (text(values, row), text(outer, row), text(inner, row)) else {
        return Ok(None);
    };
    if outer.is_empty() || inner.is_empty() {
        return datafusion::common::exec_err!("split_to_map: a delimiter is empty");
    }
    let parts = value.split(outer).filter(|part| !part.is_empty());
    let entries = parts.map(|part| match part.split_once(inner) {
        Some(entry) => Ok(entry),
        None => datafusion::common::exec_err!("split_to_map: `{part}` has no `{inner}`"),
    });
    entries.collect::<Result<Vec<_>>>().map(Some)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = arguments.first().map_or(0, |values| values.len());
    let mut maps = MapBuilder::new(Some(map_field()), StringBuilder::new(), StringBuilder::new());
    for row in 0..rows {
        let Some(entries) = entries(arguments, row)? else {
            maps.append(false)?;
            continue;
        };
        for (index, (key, value)) in entries.iter().enumerate() {
            if entries.iter().take(index).any(|(earlier, _)| earlier == key) {
                return datafusion::common::exec_err!("split_to_map: `{key}` comes twice");
            }
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true)?;
    }
    Ok(Arc::new(maps.finish()))
}

fn multi_rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = arguments.first().map_or(0, |values| values.len());
    let values = ListBuilder::new(StringBuilder::new());
    let mut maps = MapBuilder::new(Some(map_field()), StringBuilder::new(), values);
    for row in 0..rows {
        let Some(entries) = entries(arguments, row)? else {
            maps.append(false)?;
            continue;
        };
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in &entries {
            if !keys.contains(key) {
                keys.push(key);
            }
        }
        for key in keys {
            maps.keys().append_value(key);
            for (_, value) in entries.iter().filter(|(other, _)| *other == key) {
                maps.values().values().append_value(value);
            }
            maps.values().append(true);
        }
        maps.append(true)?;
    }
    Ok(Arc::new(maps.finish()))
}
