//! `to_base(x, radix)`: a whole number in digits of that radix, letters small; `from_base(text, radix)`: the number they say.
//!
//! As in Trino (<https://trino.io/docs/current/functions/math.html>) a radix is 2 to 36, a sign stands before the digits,
//! and digits that are none, or a number of more than 64 bits, are an error. NULL of a NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, returns_whole, text, texts, whole};

pub(super) fn function() -> Scalar {
    Scalar::new(
        "to_base",
        &[Read::Whole, Read::Whole],
        2,
        returns_text,
        |arguments| match arguments {
            [numbers, radices] => texts(numbers.len(), |row| {
                let (Some(number), Some(radix)) = (whole(numbers, row), radix("to_base", radices, row)?) else {
                    return Ok(None);
                };
                Ok(Some(written(number, radix)))
            }),
            _ => datafusion::common::internal_err!("to_base takes two arguments"),
        },
    )
}

/// `from_base`.
pub(super) fn from() -> Scalar {
    Scalar::new("from_base", &[Read::Text, Read::Whole], 2, returns_whole, read)
}

fn radix(name: &str, column: &ArrayRef, row: usize) -> Result<Option<u32>> {
    let Some(number) = whole(column, row) else {
        return Ok(None);
    };
    match u32::try_from(number) {
        Ok(radix @ 2..=36) => Ok(Some(radix)),
        _ => datafusion::common::exec_err!("{name}: a radix is 2 to 36, not {number}"),
    }
}

fn written(number: i64, radix: u32) -> String {
    let (mut rest, radix) = (number.unsigned_abs(), u64::from(radix));
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % radix).ok();
        digits.extend(digit.and_then(|digit| char::from_digit(digit, 36)));
        rest /= radix;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn read(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, radices] = arguments else {
        return datafusion::common::internal_err!("from_base takes two arguments");
    };
    let mut numbers = Int64Builder::with_capacity(values.len());
    for row in 0..values.len() {
        let (Some(digits), Some(radix)) = (text(values, row), radix("from_base", radices, row)?) else {
            numbers.append_null();
            continue;
        };
        match i64::from_str_radix(digits, radix) {
            Ok(number) => numbers.append_value(number),
            Err(_) => {
                return datafusion::common::exec_err!("from_base: `{digits}` is no number in base {radix}");
            }
        }
    }
    Ok(Arc::new(numbers.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for number in [0, 1, -1, 35, 36, 255, -255, i64::MAX, i64::MIN] {
            for radix in 2..=36 {
                assert_eq!(i64::from_str_radix(&written(number, radix), radix), Ok(number));
            }
        }
    }
}
