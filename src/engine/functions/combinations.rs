//! `combinations(array, n)`: every choice of n elements, in the order of the array; `ngrams(array, n)`: every n neighbours.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;

use super::element_at::bounds;
use super::scalar::{Read, Scalar, whole};

/// As in Trino: a choice has at most five elements, and there are at most a hundred thousand choices.
const CHOSEN_MAX: usize = 5;
const CHOICES_MAX: usize = 100_000;

const READS: &[Read] = &[Read::Any, Read::Whole];

pub(super) fn function() -> Scalar {
    Scalar::new("combinations", READS, 2, returns, |arguments| {
        rows(arguments, combinations)
    })
}

/// `ngrams`.
pub(super) fn ngrams() -> Scalar {
    Scalar::new("ngrams", READS, 2, returns, |arguments| rows(arguments, neighbours))
}

fn returns(kinds: &[DataType]) -> Result<DataType> {
    match kinds.first() {
        Some(list @ DataType::List(_)) => Ok(DataType::new_list(list.clone(), true)),
        other => datafusion::common::plan_err!("an array is taken, not {other:?}"),
    }
}

/// The places of the chosen elements among so many.
type Choose = fn(usize, usize) -> Result<Vec<Vec<usize>>>;

fn rows(arguments: &[ArrayRef], choose: Choose) -> Result<ArrayRef> {
    let [arrays, numbers] = arguments else {
        return datafusion::common::internal_err!("two arguments are taken");
    };
    let lists = arrays.as_list::<i32>();
    let (mut places, mut inner, mut outer, mut valid) = (Vec::<u64>::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..lists.len() {
        let number = whole(numbers, row).filter(|_| lists.is_valid(row));
        valid.push(number.is_some());
        let Some(number) = number else {
            outer.push(0);
            continue;
        };
        let Ok(number) = usize::try_from(number) else {
            return datafusion::common::exec_err!("the number of elements is negative");
        };
        let range = bounds(lists.value_offsets(), row);
        let choices = choose(range.len(), number)?;
        outer.push(choices.len());
        for choice in choices {
            inner.push(choice.len());
            places.extend(
                choice
                    .iter()
                    .filter_map(|place| u64::try_from(range.start + place).ok()),
            );
        }
        if places.len() > CHOICES_MAX * CHOSEN_MAX {
            return datafusion::common::exec_err!("there would be more than {CHOICES_MAX} choices");
        }
    }
    let values = take(lists.values(), &UInt64Array::from(places), None)?;
    let DataType::List(element) = lists.data_type() else {
        return datafusion::common::internal_err!("an array is taken");
    };
    let chosen = ListArray::try_new(element.clone(), OffsetBuffer::from_lengths(inner), values, None)?;
    let field = Arc::new(Field::new_list_field(lists.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(outer);
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        Arc::new(chosen),
        Some(NullBuffer::from(valid)),
    )?))
}

fn combinations(held: usize, number: usize) -> Result<Vec<Vec<usize>>> {
    if number > CHOSEN_MAX {
        return datafusion::common::exec_err!("combinations: at most {CHOSEN_MAX} elements are chosen");
    }
    let mut choices: Vec<Vec<usize>> = vec![vec![]];
    for chosen in 0..number {
        let mut longer = Vec::new();
        for choice in &choices {
            let from = choice.last().map_or(0, |last| last + 1);
            for place in from..held.saturating_sub(number - chosen - 1) {
                let mut next = choice.clone();
                next.push(place);
                longer.push(next);
            }
            if longer.len() > CHOICES_MAX {
                return datafusion::common::exec_err!("combinations: there would be more than {CHOICES_MAX}");
            }
        }
        choices = longer;
    }
    Ok(choices)
}

/// An array shorter than the number is one n-gram itself.
fn neighbours(held: usize, number: usize) -> Result<Vec<Vec<usize>>> {
    if number == 0 {
        return datafusion::common::exec_err!("ngrams: n is at least 1");
    }
    if held < number {
        return Ok(vec![(0..held).collect()]);
    }
    let pieces = (held - number + 1).saturating_mul(number);
    if pieces > CHOICES_MAX * CHOSEN_MAX {
        return datafusion::common::exec_err!("ngrams: there would be more than {CHOICES_MAX}");
    }
    Ok((0..=held - number)
        .map(|from| (from..from + number).collect())
        .collect())
}
