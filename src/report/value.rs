//! One value of a batch as text or JSON. Instants are RFC 3339 in UTC, nested values are JSON everywhere.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat};

/// Columns without dictionaries, so that every other function sees plain types.
pub(super) fn plain_columns(batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
    batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values),
            _ => Ok(column.clone()),
        })
        .collect()
}

/// Whether a column holds text that came from outside (numbers and instants cannot carry a formula or an escape).
pub(super) fn is_textual(kind: &DataType) -> bool {
    !(kind.is_numeric() || kind.is_temporal() || matches!(kind, DataType::Boolean | DataType::Null))
}

/// Whether a column reads better aligned to the right.
pub(super) fn is_numeric(kind: &DataType) -> bool {
    kind.is_numeric()
}

/// The value as text: strings as they are, nested values as JSON, `None` for null.
pub(crate) fn text(array: &dyn Array, row: usize) -> Result<Option<String>, ArrowError> {
    if array.is_null(row) || matches!(array.data_type(), DataType::Null) {
        return Ok(None);
    }
    if let Some(string) = string(array, row) {
        return Ok(Some(string.to_owned()));
    }
    if let DataType::Union(..) = array.data_type() {
        return text(array.as_union().value(row).as_ref(), 0);
    }
    Ok(Some(match array.data_type() {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => {
            let mut out = String::new();
            json(array, row, &mut out)?;
            out
        }
        _ => scalar(array, row)?,
    }))
}

/// Appends the value as JSON.
pub(super) fn json(array: &dyn Array, row: usize, out: &mut String) -> Result<(), ArrowError> {
    if array.is_null(row) || matches!(array.data_type(), DataType::Null) {
        out.push_str("null");
        return Ok(());
    }
    if let Some(string) = string(array, row) {
        quote(string, out);
        return Ok(());
    }
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        // NaN and the infinities have no JSON number.
        DataType::Float16 if !array.as_primitive::<Float16Type>().value(row).is_finite() => out.push_str("null"),
        DataType::Float32 if !array.as_primitive::<Float32Type>().value(row).is_finite() => out.push_str("null"),
        DataType::Float64 if !array.as_primitive::<Float64Type>().value(row).is_finite() => out.push_str("null"),
        kind if kind.is_numeric() => out.push_str(&scalar(array, row)?),
        DataType::List(_) => list(&array.as_list::<i32>().value(row), out)?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), out)?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row), out)?,
        DataType::Struct(fields) => {
            let value = array.as_struct();
            out.push('{');
            for (index, (field, column)) in fields.iter().zip(value.columns()).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(field.name(), out);
                out.push(':');
                json(column.as_ref(), row, out)?;
            }
            out.push('}');
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            out.push('{');
            for entry in 0..entries.len() {
                if entry > 0 {
                    out.push(',');
                }
                quote(&text(entries.column(0).as_ref(), entry)?.unwrap_or_default(), out);
                out.push(':');
                json(entries.column(1).as_ref(), entry, out)?;
            }
            out.push('}');
        }
        DataType::Union(..) => json(array.as_union().value(row).as_ref(), 0, out)?,
        DataType::Dictionary(_, values) => json(cast(&array.slice(row, 1), values)?.as_ref(), 0, out)?,
        _ => quote(&scalar(array, row)?, out),
    }
    Ok(())
}

fn list(elements: &ArrayRef, out: &mut String) -> Result<(), ArrowError> {
    out.push('[');
    for index in 0..elements.len() {
        if index > 0 {
            out.push(',');
        }
        json(elements.as_ref(), index, out)?;
    }
    out.push(']');
    Ok(())
}

fn string(array: &dyn Array, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

fn scalar(array: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if let DataType::Timestamp(unit, zone) = array.data_type()
        && let Some(text) = instant(array, row, *unit, zone.as_deref())
    {
        return Ok(text);
    }
    let options = FormatOptions::default().with_display_error(false);
    ArrayFormatter::try_new(array, &options)?.value(row).try_to_string()
}

/// An instant in UTC with `Z`, one without a zone without; other zones are left to arrow.
fn instant(array: &dyn Array, row: usize, unit: TimeUnit, zone: Option<&str>) -> Option<String> {
    use arrow::datatypes::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    };
    let instant = match unit {
        TimeUnit::Second => DateTime::from_timestamp(array.as_primitive::<TimestampSecondType>().value(row), 0),
        TimeUnit::Millisecond => {
            DateTime::from_timestamp_millis(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            DateTime::from_timestamp_micros(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(
            array.as_primitive::<TimestampNanosecondType>().value(row),
        )),
    }?;
    let text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    match zone {
        Some("UTC" | "+00:00" | "Z") => Some(text),
        None => Some(text.trim_end_matches('Z').to_owned()),
        Some(_) => None,
    }
}

/// Appends a JSON string. Control characters beyond ASCII are escaped too, so that no terminal obeys them.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if is_unsafe(letter) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// Characters that a terminal may obey, or that reorder the text around them.
pub(super) fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Text for a person's eyes on one line: what a terminal might obey is shown as an escape instead.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if is_unsafe(letter) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out
}
