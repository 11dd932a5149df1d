//! `to_iso8601(x)`: a day as `2026-01-31`, an instant as `2026-01-31T10:00:00.000Z`, in its zone where it has another.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, instant, returns_text, texts};
use super::{from_iso8601_timestamp, pattern};

pub(super) fn function() -> Scalar {
    Scalar::new("to_iso8601", &[Read::Any], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [value] = arguments else {
        return datafusion::common::internal_err!("to_iso8601 takes one argument");
    };
    if *value.data_type() == DataType::Date32 {
        return Ok(cast(value, &DataType::Utf8)?);
    }
    let has_zone = !matches!(value.data_type(), DataType::Timestamp(_, None));
    let (instants, walls) = (
        from_iso8601_timestamp::read(arguments, false)?,
        from_iso8601_timestamp::wall(arguments)?,
    );
    texts(value.len(), |row| {
        let (Some(instant), Some(wall)) = (instant(&instants, row), instant(&walls, row)) else {
            return Ok(None);
        };
        let minutes = (wall - instant) / 60_000_000;
        let zone = match (has_zone, minutes) {
            (false, _) => String::new(),
            (true, 0) => "Z".to_owned(),
            (true, minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        };
        Ok(pattern::write(wall, "%Y-%m-%dT%H:%M:%S%.3f").map(|written| written + &zone))
    })
}
