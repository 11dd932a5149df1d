//! `substr(text, start[, length])`: part of a text, counted from 1 or, negative, from the end; empty beyond it.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("substr", &[Read::Text, Read::Whole, Read::Whole], 2, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, starts, lengths @ ..] = arguments else {
        return datafusion::common::internal_err!("substr takes two or three arguments");
    };
    texts(values.len(), |row| {
        let (Some(value), Some(start)) = (text(values, row), whole(starts, row)) else {
            return Ok(None);
        };
        let length = match lengths.first() {
            Some(lengths) => match whole(lengths, row) {
                Some(length) => usize::try_from(length).unwrap_or_default(),
                None => return Ok(None),
            },
            None => usize::MAX,
        };
        let held = value.chars().count();
        let step = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        let skipped = match start {
            0 => return Ok(Some(String::new())),
            start if start > 0 => step - 1,
            _ if step > held => return Ok(Some(String::new())),
            _ => held - step,
        };
        Ok(Some(value.chars().skip(skipped).take(length).collect::<String>()))
    })
}
