//! `regexp_extract(text, pattern[, group])`: the first match, or a group of it; `regexp_extract_all`: all of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::error::{DataFusionError, Result};
use regex::Regex;

use super::scalar::{Read, Scalar, returns_text, returns_texts, text, texts, whole};

const READS: &[Read] = &[Read::Text, Read::Text, Read::Whole];

pub(super) fn function() -> Scalar {
    Scalar::new("regexp_extract", READS, 2, returns_text, rows)
}

/// `regexp_extract_all`.
pub(super) fn all() -> Scalar {
    Scalar::new("regexp_extract_all", READS, 2, returns_texts, all_rows)
}

/// A pattern and its compiled form: most calls have one pattern for all rows.
#[derive(Default)]
pub(super) struct Known(Option<(String, Regex)>);

impl Known {
    /// The compiled pattern. The engine matches in linear time, so it has no look-around and no back-references.
    pub(super) fn compiled(&mut self, pattern: &str) -> Result<&Regex> {
        if self.0.as_ref().is_none_or(|(known, _)| known != pattern) {
            let compiled = Regex::new(pattern).map_err(|error| {
                let reason = error.to_string();
                let reason = reason
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                DataFusionError::Execution(format!("pattern `{pattern}`: {reason}"))
            })?;
            self.0 = Some((pattern.to_owned(), compiled));
        }
        match &self.0 {
            Some((_, compiled)) => Ok(compiled),
            None => datafusion::common::internal_err!("the pattern was just compiled"),
        }
    }
}

fn group(arguments: &[ArrayRef], row: usize) -> Option<usize> {
    match arguments.get(2) {
        Some(groups) => whole(groups, row).and_then(|group| usize::try_from(group).ok()),
        None => Some(0),
    }
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, patterns, ..] = arguments else {
        return datafusion::common::internal_err!("regexp_extract takes two or three");
    };
    let mut known = Known::default();
    texts(values.len(), |row| {
        let (Some(value), Some(pattern), Some(group)) = (text(values, row), text(patterns, row), group(arguments, row))
        else {
            return Ok(None);
        };
        let found = known.compiled(pattern)?.captures(value);
        Ok(found.and_then(|found| found.get(group).map(|found| found.as_str().to_owned())))
    })
}

fn all_rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, patterns, ..] = arguments else {
        return datafusion::common::internal_err!("regexp_extract_all takes two or three");
    };
    let (mut known, mut lists) = (Known::default(), ListBuilder::new(StringBuilder::new()));
    for row in 0..values.len() {
        let (Some(value), Some(pattern), Some(group)) = (text(values, row), text(patterns, row), group(arguments, row))
        else {
            lists.append_null();
            continue;
        };
        for found in known.compiled(pattern)?.captures_iter(value) {
            lists
                .values()
                .append_option(found.get(group).map(|found| found.as_str()));
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
