//! `regexp_replace(text, pattern[, replacement])`: every match replaced, or removed; `$1` and `${name}` stand for groups.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::regexp_extract::Known;
use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new(
        "regexp_replace",
        &[Read::Text, Read::Text, Read::Text],
        2,
        returns_text,
        rows,
    )
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, patterns, replacements @ ..] = arguments else {
        return datafusion::common::internal_err!("regexp_replace takes two or three arguments");
    };
    let mut known = Known::default();
    texts(values.len(), |row| {
        let (Some(value), Some(pattern)) = (text(values, row), text(patterns, row)) else {
            return Ok(None);
        };
        let replacement = match replacements.first() {
            Some(replacements) => match text(replacements, row) {
                Some(replacement) => braced(replacement),
                None => return Ok(None),
            },
            None => String::new(),
        };
        Ok(Some(
            known
                .compiled(pattern)?
                .replace_all(value, replacement.as_str())
                .into_owned(),
        ))
    })
}

/// Trino takes the digits after `$` for the group and a backslash for an escape; here a name would go on after them.
fn braced(replacement: &str) -> String {
    let mut out = String::new();
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => out.push_str("$$"),
                Some(escaped) => out.push(escaped),
                None => {}
            },
            '$' if letters.peek().is_some_and(char::is_ascii_digit) => {
                out.push_str("${");
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    out.push(digit);
                }
                out.push('}');
            }
            letter => out.push(letter),
        }
    }
    out
}
