//! `width_bucket(x, bound1, bound2, n)`: which of n ranges of one width between the bounds a number is in;
//! `width_bucket(x, bins)`: behind how many of the sorted bins it is.
//!
//! As in Trino (<https://trino.io/docs/current/functions/math.html>): ranges are counted from 1, what lies before the first is
//! in 0, what lies behind the last in n + 1; with the bounds turned round the ranges are counted from the other end. A NaN,
//! equal or endless bounds, no ranges, and bins that are empty, endless or out of order are errors. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Builder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("width_bucket", &[Read::Any; 4], 2, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds {
        [_, DataType::List(_)] | [_, _, _, _] => Ok(DataType::Int64),
        _ => datafusion::common::plan_err!(
            "width_bucket takes a number, two bounds and a count, or a number and an array"
        ),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    match arguments {
        [numbers, bins] => in_bins(numbers, bins),
        [numbers, first, second, counts] => in_ranges(numbers, first, second, counts),
        _ => datafusion::common::internal_err!("width_bucket takes two or four arguments"),
    }
}

fn number(column: &ArrayRef, row: usize) -> Option<f64> {
    let numbers = column.as_primitive_opt::<Float64Type>()?;
    column.is_valid(row).then(|| numbers.value(row))
}

fn in_ranges(numbers: &ArrayRef, first: &ArrayRef, second: &ArrayRef, counts: &ArrayRef) -> Result<ArrayRef> {
    let numbers = cast(numbers, &DataType::Float64)?;
    let (first, second) = (cast(first, &DataType::Float64)?, cast(second, &DataType::Float64)?);
    let counts = cast(counts, &DataType::Int64)?;
    let mut found = Int64Builder::with_capacity(numbers.len());
    for row in 0..numbers.len() {
        let (Some(value), Some(from), Some(to), Some(count)) = (
            number(&numbers, row),
            number(&first, row),
            number(&second, row),
            whole(&counts, row),
        ) else {
            found.append_null();
            continue;
        };
        found.append_value(range(value, from, to, count)?);
    }
    Ok(Arc::new(found.finish()))
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range saturates")]
#[expect(clippy::cast_precision_loss, reason = "as in Trino, ranges are counted in floats")]
fn range(value: f64, from: f64, to: f64, count: i64) -> Result<i64> {
    if count < 1 || count == i64::MAX {
        return datafusion::common::exec_err!("width_bucket: there is at least one range, not {count}");
    }
    if value.is_nan() {
        return datafusion::common::exec_err!("width_bucket: the value is not a number");
    }
    if !from.is_finite() || !to.is_finite() || from == to {
        return datafusion::common::exec_err!("width_bucket: {from} and {to} bound nothing");
    }
    let (lower, upper) = (from.min(to), from.max(to));
    let place = if value < lower {
        0
    } else if value >= upper {
        count + 1
    } else {
        (count as f64 * (value - lower) / (upper - lower) + 1.0) as i64
    };
    Ok(if from > to { count - place + 1 } else { place })
}

fn in_bins(numbers: &ArrayRef, bins: &ArrayRef) -> Result<ArrayRef> {
    let numbers = cast(numbers, &DataType::Float64)?;
    let bins = cast(bins, &DataType::new_list(DataType::Float64, true))?;
    let lists = bins.as_list::<i32>();
    let mut found = Int64Builder::with_capacity(numbers.len());
    for row in 0..numbers.len() {
        let Some(value) = number(&numbers, row).filter(|_| lists.is_valid(row)) else {
            found.append_null();
            continue;
        };
        let held = lists.value(row);
        found.append_option(i64::try_from(behind(value, held.as_primitive::<Float64Type>())?).ok());
    }
    Ok(Arc::new(found.finish()))
}

fn behind(value: f64, bins: &Float64Array) -> Result<usize> {
    if value.is_nan() {
        return datafusion::common::exec_err!("width_bucket: the value is not a number");
    }
    if bins.is_empty() {
        return datafusion::common::exec_err!("width_bucket: there are no bins");
    }
    let in_order = bins.values().windows(2).all(|pair| match pair {
        [one, next] => one <= next,
        _ => true,
    });
    if bins.null_count() > 0 || !in_order || bins.values().iter().any(|bin| !bin.is_finite()) {
        return datafusion::common::exec_err!("width_bucket: the bins are not finite numbers in ascending order");
    }
    Ok(bins.values().partition_point(|bin| *bin <= value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_may_be_turned_round() {
        let places =
            |from: f64, to: f64| [-1.0, 0.0, 4.9, 5.0, 9.9, 10.0].map(|value| range(value, from, to, 2).unwrap());
        assert_eq!(places(0.0, 10.0), [0, 1, 1, 2, 2, 3]);
        assert_eq!(places(10.0, 0.0), [3, 2, 2, 1, 1, 0]);
    }

    #[test]
    fn bins_are_sorted_numbers() {
        let bins = |bins: Vec<f64>| behind(2.0, &Float64Array::from(bins)).map_err(|error| error.to_string());
        assert_eq!(bins(vec![1.0, 2.0, 3.0]), Ok(2));
        assert!(bins(vec![]).unwrap_err().contains("no bins"));
        assert!(bins(vec![2.0, 1.0]).unwrap_err().contains("ascending"));
        assert!(bins(vec![1.0, f64::INFINITY]).unwrap_err().contains("finite"));
    }
}
