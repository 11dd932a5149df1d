//! `numeric_histogram(buckets, value[, weight])`: about how numbers are spread: at most so many buckets, a map of the middle of
//! each to the weight of what is in it.
//!
//! As in Trino (<https://trino.io/docs/current/functions/aggregate.html>), it is the histogram of Ben-Haim and Tom-Tov, "A
//! Streaming Parallel Decision Tree Algorithm": a value is a bucket of its own, and of too many the two that lie closest become
//! one, at their weighted mean. Which two those are depends on the order of rows once there are many values, so the buckets
//! may be somewhat other than Trino's, and than those of another run. Values and weights that are NULL are left out, and of no
//! values the answer is NULL. Buckets are 2 to 1,000, where Trino sets no end; a weight below zero is an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::map_of::{assemble, map_type};

/// Merging takes time with the number of buckets for every value.
const BUCKETS_MAX: usize = 1_000;

/// So many values are taken before the closest are merged.
const FRESH_MAX: usize = 100;

pub(super) fn function() -> AggregateUDF {
    AggregateUDF::from(NumericHistogram {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NumericHistogram {
    signature: Signature,
}

fn kind() -> DataType {
    map_type(DataType::Float64, DataType::Float64)
}

impl AggregateUDFImpl for NumericHistogram {
    fn name(&self) -> &str {
        "numeric_histogram"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        match kinds.len() {
            2 => Ok(vec![DataType::Int64, DataType::Float64]),
            3 => Ok(vec![DataType::Int64, DataType::Float64, DataType::Float64]),
            other => datafusion::common::plan_err!("numeric_histogram takes 2 to 3 arguments, not {other}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(kind())
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let numbers = DataType::new_list(DataType::Float64, true);
        let field = |part: &str, kind: &DataType| {
            let name = format_state_name(arguments.name, part);
            Arc::new(Field::new(name, kind.clone(), true))
        };
        Ok(vec![
            field("buckets", &DataType::Int64),
            field("values", &numbers),
            field("weights", &numbers),
        ])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Histogram::default()))
    }
}

#[derive(Debug, Clone, Default)]
struct Histogram {
    /// How many buckets are asked for; `None` before the first row.
    buckets: Option<usize>,
    /// A value and its weight; the values are in no order before they are merged.
    held: Vec<(f64, f64)>,
}

impl Histogram {
    /// How many buckets this row asks for; the first one speaks.
    fn ask(&mut self, buckets: i64) -> Result<()> {
        if self.buckets.is_some() {
            return Ok(());
        }
        match usize::try_from(buckets) {
            Ok(buckets @ 2..=BUCKETS_MAX) => self.buckets = Some(buckets),
            _ => {
                return datafusion::common::exec_err!(
                    "numeric_histogram: there are 2 to {BUCKETS_MAX} buckets, not {buckets}"
                );
            }
        }
        Ok(())
    }

    fn add(&mut self, value: f64, weight: f64) {
        self.held.push((value, weight));
        if self.held.len() >= self.most() + FRESH_MAX {
            self.merge();
        }
    }

    fn most(&self) -> usize {
        self.buckets.unwrap_or(BUCKETS_MAX)
    }

    /// Equal values become one, then the closest, until there are no more than asked for.
    fn merge(&mut self) {
        self.held.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.held.dedup_by(|next, held| {
            let is_same = next.0 == held.0;
            if is_same {
                held.1 += next.1;
            }
            is_same
        });
        while self.held.len() > self.most() {
            let gaps = self.held.windows(2).map(|pair| match pair {
                [one, next] => next.0 - one.0,
                _ => f64::INFINITY,
            });
            let closest = gaps.enumerate().min_by(|one, other| one.1.total_cmp(&other.1));
            let Some((place, _)) = closest else {
                return;
            };
            let next = self.held.remove(place + 1);
            if let Some(held) = self.held.get_mut(place) {
                let weight = held.1 + next.1;
                *held = ((held.0 * held.1 + next.0 * next.1) / weight, weight);
            }
        }
    }
}

impl Accumulator for Histogram {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [buckets, values, weights @ ..] = values else {
            return datafusion::common::internal_err!("numeric_histogram has {} columns", values.len());
        };
        let buckets = buckets.as_primitive::<Int64Type>();
        let values = values.as_primitive::<Float64Type>();
        let weights = weights.first().map(|weights| weights.as_primitive::<Float64Type>());
        for row in 0..values.len() {
            if buckets.is_null(row) {
                continue;
            }
            self.ask(buckets.value(row))?;
            let weight = match weights {
                Some(weights) if weights.is_null(row) => continue,
                Some(weights) => weights.value(row),
                None => 1.0,
            };
            // A value that is not a number lies nowhere.
            if values.is_null(row) || values.value(row).is_nan() || weight == 0.0 {
                continue;
            }
            if weight.is_nan() || weight < 0.0 {
                return datafusion::common::exec_err!("numeric_histogram: a weight is above zero, not {weight}");
            }
            self.add(values.value(row), weight);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [buckets, values, weights] = states else {
            return datafusion::common::internal_err!("numeric_histogram has {} columns", states.len());
        };
        let (values, weights) = (values.as_list::<i32>(), weights.as_list::<i32>());
        let buckets = buckets.as_primitive::<Int64Type>();
        for row in 0..buckets.len() {
            if buckets.is_null(row) || values.is_null(row) || weights.is_null(row) {
                continue;
            }
            self.ask(buckets.value(row))?;
            let (values, weights) = (values.value(row), weights.value(row));
            let values = values.as_primitive::<Float64Type>().values();
            let weights = weights.as_primitive::<Float64Type>().values();
            for (value, weight) in values.iter().zip(weights) {
                self.add(*value, *weight);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.merge();
        let list = |of: fn(&(f64, f64)) -> f64| {
            let numbers: Vec<ScalarValue> = self
                .held
                .iter()
                .map(|held| ScalarValue::Float64(Some(of(held))))
                .collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64))
        };
        let buckets = self.buckets.and_then(|buckets| i64::try_from(buckets).ok());
        Ok(vec![
            ScalarValue::Int64(buckets),
            list(|held| held.0),
            list(|held| held.1),
        ])
    }

    /// Merges a copy: a window asks after each of its rows, and goes on with what it has.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.held.is_empty() {
            return ScalarValue::try_from_array(&new_null_array(&kind(), 1), 0);
        }
        let mut merged = self.clone();
        merged.merge();
        let column = |of: fn(&(f64, f64)) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(merged.held.iter().map(of)))
        };
        let (keys, values) = (column(|held| held.0), column(|held| held.1));
        let one = BooleanArray::from(vec![true]);
        let map = assemble(vec![merged.held.len()], keys, values, &one)?;
        ScalarValue::try_from_array(&map, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.held.capacity() * size_of::<(f64, f64)>()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    fn of(buckets: i64, values: &[f64]) -> Histogram {
        let mut made = Histogram::default();
        let asked: ArrayRef = Arc::new(Int64Array::from(vec![buckets; values.len()]));
        made.update_batch(&[asked, Arc::new(Float64Array::from(values.to_vec()))])
            .unwrap();
        made
    }

    #[test]
    fn the_closest_become_one() {
        let mut few = of(2, &[10.0, 1.0, 2.0, 2.0]);
        few.merge();
        assert_eq!(few.held, [(5.0 / 3.0, 3.0), (10.0, 1.0)]);
    }

    #[test]
    fn no_weight_is_lost() {
        let many: Vec<f64> = (0..5_000).map(|number| f64::from(number * 7_919 % 5_000)).collect();
        let mut one = of(10, many.get(..3_000).unwrap());
        let mut other = of(10, many.get(3_000..).unwrap());
        let states: Vec<ArrayRef> = other
            .state()
            .unwrap()
            .iter()
            .map(|state| state.to_array().unwrap())
            .collect();
        one.merge_batch(&states).unwrap();
        one.merge();
        assert_eq!(one.held.len(), 10);
        assert_eq!(one.held.iter().map(|held| held.1).sum::<f64>(), 5_000.0);
        assert!(one.held.is_sorted_by(|one, next| one.0 < next.0));
    }

    #[test]
    fn buckets_are_two_or_more() {
        assert!(Histogram::default().ask(1).is_err());
        assert!(Histogram::default().ask(1_001).is_err());
        assert!(Histogram::default().evaluate().unwrap().is_null());
    }
}
