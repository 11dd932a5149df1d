//! `strpos(text, part[, n])`: where the part begins, counted from 1; the n-th time, or from the end (-1); 0 where not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_whole, text, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("strpos", &[Read::Text, Read::Text, Read::Whole], 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, parts, instances @ ..] = arguments else {
        return datafusion::common::internal_err!("strpos takes two or three arguments");
    };
    let mut places = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        let instance = instances.first().map_or(Some(1), |instances| whole(instances, row));
        let (Some(value), Some(part), Some(instance)) = (text(values, row), text(parts, row), instance) else {
            places.append_null();
            continue;
        };
        let skipped = match usize::try_from(instance.unsigned_abs()) {
            Ok(step) if step > 0 => step - 1,
            _ => return datafusion::common::exec_err!("strpos: occurrences are counted from 1, or from -1"),
        };
        places.append_value(find(value, part, skipped, instance < 0).unwrap_or(0));
    }
    Ok(Arc::new(places.finish()))
}

/// Occurrences may overlap, as in Trino.
fn find(value: &str, part: &str, skipped: usize, from_end: bool) -> Option<i64> {
    if part.is_empty() {
        return Some(1);
    }
    let starts = |at: &usize| value.get(*at..).is_some_and(|rest| rest.starts_with(part));
    let mut ends = value.char_indices().map(|(at, _)| at).filter(starts);
    let at = if from_end {
        value
            .char_indices()
            .rev()
            .map(|(at, _)| at)
            .filter(starts)
            .nth(skipped)?
    } else {
        ends.nth(skipped)?
    };
    i64::try_from(value.get(..at)?.chars().count() + 1).ok()
}
