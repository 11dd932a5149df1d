//! `last_day_of_month(x)`: the last day of the month of a day or an instant.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array};
use arrow::datatypes::{DataType, Date32Type};
use chrono::{Datelike, Days, Months};
use datafusion::error::Result;

use super::date;
use super::scalar::{Read, Scalar};

pub(super) fn function() -> Scalar {
    Scalar::new("last_day_of_month", &[Read::Any], 1, |_| Ok(DataType::Date32), rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let days = date::rows(arguments)?;
    let days = days.as_primitive::<Date32Type>();
    let last = |day: i32| {
        let day = Date32Type::to_naive_date_opt(day)?;
        let last = day
            .with_day(1)?
            .checked_add_months(Months::new(1))?
            .checked_sub_days(Days::new(1))?;
        Some(Date32Type::from_naive_date(last))
    };
    let lasts: Date32Array = days.iter().map(|day| day.and_then(last)).collect();
    Ok(Arc::new(lasts))
}
