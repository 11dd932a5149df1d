//! `split_part(text, delimiter, n)`: the n-th part, counted from 1; NULL where there are fewer.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts, whole};

pub(super) fn function() -> Scalar {
    Scalar::new(
        "split_part",
        &[Read::Text, Read::Text, Read::Whole],
        3,
        returns_text,
        rows,
    )
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, delimiters, numbers] = arguments else {
        return datafusion::common::internal_err!("split_part takes three arguments");
    };
    texts(values.len(), |row| {
        let (Some(value), Some(delimiter), Some(number)) =
            (text(values, row), text(delimiters, row), whole(numbers, row))
        else {
            return Ok(None);
        };
        let Some(index) = number.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
            return datafusion::common::exec_err!("split_part: parts are counted from 1");
        };
        if delimiter.is_empty() {
            return Ok(value.chars().nth(index).map(String::from));
        }
        Ok(value.split(delimiter).nth(index).map(str::to_owned))
    })
}
