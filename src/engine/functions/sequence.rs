//! `sequence(start, stop[, step])`: numbers, days or instants from one to the other, both in; down where start is later.
//!
//! Without a step by one, of days by a day; instants need a step. As in Trino no sequence is longer than 10,000.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, IntervalMonthDayNanoType, IntervalUnit};
use chrono::{DateTime, Months};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, whole};
use crate::lake::schema;

const ENTRIES_MAX: usize = 10_000;

const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn function() -> Scalar {
    Scalar::new("sequence", &[Read::Any, Read::Any, Read::Any], 2, returns, rows)
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    element(kinds).map(|element| DataType::new_list(element, true))
}

fn element(kinds: &[DataType]) -> Result<DataType> {
    let [from, to, step @ ..] = kinds else {
        return datafusion::common::plan_err!("sequence takes two or three arguments");
    };
    let whole = |kind: &DataType| kind.is_integer() || kind.is_null();
    match (from, to) {
        (from, to) if whole(from) && whole(to) && step.iter().all(whole) => Ok(DataType::Int64),
        (DataType::Date32, DataType::Date32) => Ok(DataType::Date32),
        (DataType::Date32 | DataType::Timestamp(..), DataType::Date32 | DataType::Timestamp(..))
            if !step.is_empty() =>
        {
            Ok(schema::timestamp())
        }
        (DataType::Timestamp(..), DataType::Timestamp(..)) => {
            datafusion::common::plan_err!("sequence of instants needs a step, as `interval '1' hour`")
        }
        (from, to) => datafusion::common::plan_err!("sequence takes numbers, days or instants, not {from} and {to}"),
    }
}

/// A step: whole months, and what has a fixed length.
#[derive(Clone, Copy)]
struct Step {
    months: i32,
    rest: i64,
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [from, to, steps @ ..] = arguments else {
        return datafusion::common::internal_err!("sequence takes two or three arguments");
    };
    let kinds: Vec<DataType> = arguments.iter().map(|column| column.data_type().clone()).collect();
    let element = element(&kinds)?;
    let is_time = element != DataType::Int64;
    let numbers = |column: &ArrayRef| -> Result<ArrayRef> {
        if is_time {
            Ok(cast(&cast(column, &schema::timestamp())?, &DataType::Int64)?)
        } else {
            Ok(cast(column, &DataType::Int64)?)
        }
    };
    let (from, to) = (numbers(from)?, numbers(to)?);
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let steps = match steps.first() {
        Some(steps) if is_time => Some(cast(steps, &interval)?),
        Some(steps) => Some(cast(steps, &DataType::Int64)?),
        None => None,
    };
    let (mut made, mut sizes, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..from.len() {
        let step = match &steps {
            None => Some(None),
            Some(steps) if steps.is_null(row) => None,
            Some(steps) if is_time => {
                let step = steps.as_primitive::<IntervalMonthDayNanoType>().value(row);
                let rest = i64::from(step.days) * DAY_MICROS + step.nanoseconds / 1_000;
                Some(Some(Step {
                    months: step.months,
                    rest,
                }))
            }
            Some(steps) => {
                let rest = steps.as_primitive::<Int64Type>().value(row);
                Some(Some(Step { months: 0, rest }))
            }
        };
        let (Some(first), Some(last), Some(step)) = (whole(&from, row), whole(&to, row), step) else {
            sizes.push(0);
            valid.push(false);
            continue;
        };
        let one = if is_time { DAY_MICROS } else { 1 };
        let rest = if last < first { -one } else { one };
        let before = made.len();
        fill(&mut made, first, last, step.unwrap_or(Step { months: 0, rest }))?;
        sizes.push(made.len() - before);
        valid.push(true);
    }
    let made: ArrayRef = Arc::new(Int64Array::from(made));
    let made = if is_time {
        cast(&made, &schema::timestamp())?
    } else {
        made
    };
    let made = cast(&made, &element)?;
    let field = Arc::new(Field::new_list_field(element, true));
    let offsets = OffsetBuffer::from_lengths(sizes);
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        made,
        Some(NullBuffer::from(valid)),
    )?))
}

fn fill(made: &mut Vec<i64>, first: i64, last: i64, step: Step) -> Result<()> {
    let (Some(second), up) = (at(first, step, 1), last >= first) else {
        return datafusion::common::exec_err!("sequence: the step is too long");
    };
    if second == first || (first != last && (second > first) != up) {
        return datafusion::common::exec_err!("sequence: the step does not lead from start to stop");
    }
    let start = made.len();
    for count in 0.. {
        let Some(next) = at(first, step, count).filter(|next| if up { *next <= last } else { *next >= last }) else {
            break;
        };
        if made.len() - start >= ENTRIES_MAX {
            return datafusion::common::exec_err!("sequence: it would have more than {ENTRIES_MAX} entries");
        }
        made.push(next);
    }
    Ok(())
}

/// The value after so many steps; months are counted from the start, so that the 31st comes back after a short month.
fn at(first: i64, step: Step, count: u32) -> Option<i64> {
    let rest = step.rest.checked_mul(i64::from(count))?;
    if step.months == 0 {
        return first.checked_add(rest);
    }
    let time = DateTime::from_timestamp_micros(first)?;
    let months = Months::new(step.months.unsigned_abs().checked_mul(count)?);
    let moved = if step.months > 0 {
        time.checked_add_months(months)?
    } else {
        time.checked_sub_months(months)?
    };
    moved.timestamp_micros().checked_add(rest)
}
