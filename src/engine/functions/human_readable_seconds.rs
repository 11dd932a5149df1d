//! `human_readable_seconds(x)`: `1 week, 2 days, 3 hours, 4 minutes, 5 seconds`, without what is zero.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("human_readable_seconds", &[Read::Number], 1, returns_text, rows)
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range saturates")]
fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [seconds] = arguments else {
        return datafusion::common::internal_err!("human_readable_seconds takes one argument");
    };
    let seconds = seconds.as_primitive::<Float64Type>();
    texts(seconds.len(), |row| {
        if seconds.is_null(row) {
            return Ok(None);
        }
        let mut rest = (seconds.value(row).abs().round() as i64).unsigned_abs();
        let mut parts = Vec::new();
        for (name, length) in [
            ("week", 604_800),
            ("day", 86_400),
            ("hour", 3_600),
            ("minute", 60),
            ("second", 1),
        ] {
            let count = rest / length;
            rest %= length;
            if count > 0 || (name == "second" && parts.is_empty()) {
                parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
            }
        }
        Ok(Some(parts.join(", ")))
    })
}
