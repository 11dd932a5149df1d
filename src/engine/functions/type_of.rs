//! `typeof(x)`: the type's name in Trino. Whole numbers are `bigint`, whatever their size when they were typed.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text};

pub(super) fn function() -> Scalar {
    Scalar::new("typeof", &[Read::Any], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("typeof takes one argument");
    };
    let name = name(values.data_type());
    Ok(Arc::new(StringArray::from(vec![name.as_str(); values.len()])))
}

fn name(kind: &DataType) -> String {
    let fixed = match kind {
        DataType::Null => "unknown",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint",
        DataType::Float16 | DataType::Float32 => "real",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "varbinary",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Interval(_) | DataType::Duration(_) => "interval day to second",
        DataType::Timestamp(unit, zone) => {
            let digits = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let zone = if zone.is_some() { " with time zone" } else { "" };
            return format!("timestamp({digits}){zone}");
        }
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => return format!("decimal({digits},{scale})"),
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            return format!("array({})", name(element.data_type()));
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(sides) => {
                let sides: Vec<String> = sides.iter().map(|side| name(side.data_type())).collect();
                return format!("map({})", sides.join(", "));
            }
            _ => "map",
        },
        DataType::Struct(fields) => {
            let each = |field: &Arc<arrow::datatypes::Field>| format!("{} {}", field.name(), name(field.data_type()));
            let fields: Vec<String> = fields.iter().map(each).collect();
            return format!("row({})", fields.join(", "));
        }
        DataType::Dictionary(_, values) => return name(values),
        _ => "unknown",
    };
    fixed.to_owned()
}
