//! `split(text, delimiter[, limit])`: the parts of a text, an empty text's one part too; the last of `limit` parts holds
//! the rest.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_texts, text, whole};

pub(super) fn function() -> Scalar {
    Scalar::new("split", &[Read::Text, Read::Text, Read::Whole], 2, returns_texts, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, delimiters, limits @ ..] = arguments else {
        return datafusion::common::internal_err!("split takes two or three arguments");
    };
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..values.len() {
        let (Some(value), Some(delimiter)) = (text(values, row), text(delimiters, row)) else {
            lists.append_null();
            continue;
        };
        if delimiter.is_empty() {
            return datafusion::common::exec_err!("split: the delimiter is empty");
        }
        let limit = match limits.first().map(|limits| whole(limits, row)) {
            None => usize::MAX,
            Some(None) => {
                lists.append_null();
                continue;
            }
            Some(Some(limit)) if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
            Some(Some(_)) => return datafusion::common::exec_err!("split: a limit is positive"),
        };
        value
            .splitn(limit, delimiter)
            .for_each(|part| lists.values().append_value(part));
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
