//! Functions of Trino's dialect that the engine lacks, or has with another meaning; one a file, registered here alone.
//!
//! Their meaning is Trino's (<https://trino.io/docs/current/functions.html>): NULL in, NULL out; the first element is
//! number 1; what is not there is NULL. Where AWS's tables say text and ours an instant, an instant is read as its text.

mod as_text;
mod as_timestamp;
mod calendar_part;
mod cardinality;
mod cast_to_array;
mod cast_to_json;
mod contains;
mod date;
mod date_add;
mod date_diff;
mod date_format;
mod date_parse;
mod element_at;
mod event_json;
mod from_iso8601_timestamp;
mod from_unixtime;
mod ipaddress;
mod json;
mod json_array_contains;
mod json_array_length;
mod json_extract;
mod json_extract_scalar;
mod json_member;
mod json_parse;
mod map_keys;
mod map_values;
mod parse_datetime;
mod pattern;
mod regexp_extract;
mod regexp_replace;
mod scalar;
mod slice;
mod split;
mod split_part;
mod substr;
mod to_unixtime;

use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::ScalarUDF;

pub(super) use json_member::NAME as JSON_MEMBER;

static ALL: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let all = [
        as_text::function(),
        as_timestamp::function(),
        calendar_part::function(),
        cardinality::function(),
        cast_to_array::function(),
        cast_to_json::function(),
        contains::function(),
        date::function(),
        date_add::function(),
        date_diff::function(),
        date_format::function(),
        date_parse::function(),
        date_parse::lenient(),
        element_at::function(),
        event_json::function(),
        from_iso8601_timestamp::function(),
        from_iso8601_timestamp::lenient(),
        from_unixtime::function(),
        ipaddress::function(),
        json_array_contains::function(),
        json_array_length::function(),
        json_extract::function(),
        json_extract_scalar::function(),
        json_member::function(),
        json_parse::function(),
        json_parse::lenient(),
        json_parse::format(),
        map_keys::function(),
        map_values::function(),
        parse_datetime::function(),
        parse_datetime::lenient(),
        parse_datetime::format(),
        regexp_extract::function(),
        regexp_extract::all(),
        regexp_replace::function(),
        slice::function(),
        split::function(),
        split_part::function(),
        substr::function(),
        to_unixtime::function(),
    ];
    all.into_iter()
        .map(|function| Arc::new(ScalarUDF::from(function)))
        .collect()
});

/// Every function.
pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    ALL.iter().cloned()
}

/// The function of this name.
pub(super) fn named(name: &str) -> Option<Arc<ScalarUDF>> {
    ALL.iter().find(|function| function.name() == name).cloned()
}
