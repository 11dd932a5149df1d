//! `json_member(json, name)`: what `requestparameters.bucketName` and `requestparameters['bucketName']` mean.
//!
//! The name is looked for as it is written, then in any case, because SQL folds what is not quoted. Scalars come as
//! text, as in CloudTrail Lake's maps, everything else as JSON.

use arrow::array::ArrayRef;
use datafusion::error::Result;
use serde_json::Value;

use super::json;
use super::scalar::{Read, Scalar, returns_text, text, texts};

/// The function's name.
pub(in crate::engine) const NAME: &str = "json_member";

pub(super) fn function() -> Scalar {
    Scalar::new(NAME, &[Read::Text, Read::Text], 2, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values, names] = arguments else {
        return datafusion::common::internal_err!("json_member takes two arguments");
    };
    texts(values.len(), |row| {
        Ok(text(values, row)
            .zip(text(names, row))
            .and_then(|(value, name)| member(value, name)))
    })
}

/// The member of exactly this name of the object the text holds.
pub(super) fn exactly(text: &str, name: &str) -> Option<String> {
    match json::parse(text)? {
        Value::Object(members) => json::loose(members.get(name)?),
        _ => None,
    }
}

/// The member of this name of the object the text holds, in any case where none is written so.
fn member(text: &str, name: &str) -> Option<String> {
    let Value::Object(members) = json::parse(text)? else {
        return None;
    };
    let exact = members.get(name);
    let any_case = || {
        members
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    json::loose(exact.or_else(any_case)?)
}
