//! `regexp_position(text, pattern[, start[, occurrence]])`: at which letter the first match begins, or the one of that number,
//! of those at or after the start; -1 where there is none.
//!
//! Trino's (<https://trino.io/docs/current/functions/regexp.html>): letters and matches are counted from 1, and less is an
//! error. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder};
use datafusion::error::Result;
use regex::Regex;

use super::regexp_extract::Known;
use super::scalar::{Read, Scalar, returns_whole, text, whole};

const READS: &[Read] = &[Read::Text, Read::Text, Read::Whole, Read::Whole];

pub(super) fn function() -> Scalar {
    Scalar::new("regexp_position", READS, 2, returns_whole, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, patterns, numbers @ ..] = arguments else {
        return datafusion::common::internal_err!("regexp_position takes two to four arguments");
    };
    let (mut known, mut places) = (Known::default(), Int64Builder::with_capacity(values.len()));
    for row in 0..values.len() {
        let counted = |place: usize| match numbers.get(place) {
            Some(numbers) => whole(numbers, row),
            None => Some(1),
        };
        let (Some(value), Some(pattern), Some(start), Some(number)) =
            (text(values, row), text(patterns, row), counted(0), counted(1))
        else {
            places.append_null();
            continue;
        };
        let (Ok(start @ 1..), Ok(number @ 1..)) = (usize::try_from(start), usize::try_from(number)) else {
            return datafusion::common::exec_err!("regexp_position: letters and matches are counted from 1");
        };
        let place = position(value, known.compiled(pattern)?, start, number);
        places.append_value(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1));
    }
    Ok(Arc::new(places.finish()))
}

fn position(value: &str, pattern: &Regex, start: usize, number: usize) -> Option<usize> {
    let (mut from, _) = value.char_indices().nth(start - 1)?;
    for _ in 1..number {
        let found = pattern.find_at(value, from)?;
        from = match found.is_empty() {
            false => found.end(),
            // The next letter, or the search would find the same place again.
            true => value
                .get(found.end()..)?
                .char_indices()
                .nth(1)
                .map(|(step, _)| found.end() + step)?,
        };
    }
    let found = pattern.find_at(value, from)?;
    Some(value.get(..found.start())?.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_as_documented() {
        let pattern = Regex::new(r"\b\d+\b").unwrap();
        let text = "I have 23 apples, 5 pears and 13.5 oranges";
        let at = |start, number| position(text, &pattern, start, number);
        assert_eq!([at(1, 1), at(5, 1), at(12, 1)], [Some(8), Some(8), Some(19)]);
        assert_eq!([at(12, 2), at(12, 3), at(12, 4)], [Some(31), Some(34), None]);
        assert_eq!(position("\u{e9}1", &pattern, 9, 1), None);
        assert_eq!(position("ab", &Regex::new("").unwrap(), 1, 2), Some(2));
    }
}
