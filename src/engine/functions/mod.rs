//! Functions of Trino's dialect that the engine lacks, or has with another meaning; one a file, registered here alone.
//!
//! Their meaning is Trino's (<https://trino.io/docs/current/functions.html>): NULL in, NULL out; the first element is
//! number 1; what is not there is NULL. Where AWS's tables say text and ours an instant, an instant is read as its text.

mod as_kind;
mod as_text;
mod as_timestamp;
mod as_uuid;
mod bit_count;
mod bitwise_left_shift;
mod calendar_part;
mod cardinality;
mod cast_to_array;
mod cast_to_json;
mod checksum;
mod combinations;
mod contains;
mod contains_sequence;
mod crc32;
mod date;
mod date_add;
mod date_diff;
mod date_format;
mod date_parse;
mod element_at;
mod event_json;
mod format;
mod from_big_endian_64;
mod from_iso8601_timestamp;
mod from_unixtime;
mod from_unixtime_nanos;
mod from_utf8;
mod hamming_distance;
mod hmac_sha256;
mod human_readable_seconds;
mod ip_order;
mod ipaddress;
mod is_finite;
mod is_json_scalar;
mod json;
mod json_array_contains;
mod json_array_get;
mod json_array_length;
mod json_exists;
mod json_extract;
mod json_extract_scalar;
mod json_member;
mod json_parse;
mod json_query;
mod json_size;
mod json_value;
mod last_day_of_month;
mod map_concat;
mod map_entries;
mod map_keys;
mod map_of;
mod map_values;
mod map_zip;
mod normalize;
mod numeric_histogram;
mod parse_datetime;
mod parse_duration;
mod pattern;
mod reduce;
mod regexp_extract;
mod regexp_position;
mod regexp_replace;
mod regexp_split;
mod scalar;
mod sequence;
mod sha1;
mod slice;
mod soundex;
mod split;
mod split_part;
mod split_to_map;
mod strpos;
mod substr;
mod to_base;
mod to_hex;
mod to_iso8601;
mod to_unixtime;
mod type_of;
mod url_encode;
mod url_extract;
mod width_bucket;

use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub(super) use ip_order::NAME as IP_ORDER;
pub(super) use json_member::NAME as JSON_MEMBER;
pub(super) use reduce::function as reduce;

static ALL: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let all = [
        as_kind::function(),
        as_text::function(),
        as_timestamp::function(),
        as_uuid::function(),
        as_uuid::lenient(),
        bit_count::function(),
        bitwise_left_shift::arithmetic(),
        bitwise_left_shift::function(),
        bitwise_left_shift::right(),
        calendar_part::function(),
        cardinality::function(),
        cast_to_array::function(),
        cast_to_json::function(),
        combinations::function(),
        combinations::ngrams(),
        contains::function(),
        contains_sequence::function(),
        crc32::function(),
        date::function(),
        date_add::function(),
        date_diff::function(),
        date_format::function(),
        date_parse::function(),
        date_parse::lenient(),
        element_at::function(),
        event_json::function(),
        format::function(),
        from_big_endian_64::from_32(),
        from_big_endian_64::function(),
        from_big_endian_64::to_32(),
        from_big_endian_64::to_64(),
        from_iso8601_timestamp::function(),
        from_iso8601_timestamp::lenient(),
        from_unixtime::function(),
        from_unixtime_nanos::function(),
        from_utf8::function(),
        hamming_distance::function(),
        hmac_sha256::function(),
        hmac_sha256::sha1(),
        hmac_sha256::sha512(),
        human_readable_seconds::function(),
        ip_order::function(),
        ipaddress::function(),
        is_finite::function(),
        is_finite::infinite(),
        is_json_scalar::function(),
        json_array_contains::function(),
        json_array_get::function(),
        json_array_length::function(),
        json_exists::function(),
        json_extract::function(),
        json_extract_scalar::function(),
        json_member::function(),
        json_parse::function(),
        json_parse::lenient(),
        json_parse::format(),
        json_query::function(),
        json_size::function(),
        json_value::function(),
        last_day_of_month::function(),
        map_concat::function(),
        map_entries::function(),
        map_keys::function(),
        map_of::all_of_entries(),
        map_of::first_of_entries(),
        map_of::frequencies(),
        map_of::from_entries(),
        map_values::function(),
        map_zip::function(),
        normalize::function(),
        parse_datetime::function(),
        parse_datetime::lenient(),
        parse_datetime::format(),
        parse_duration::function(),
        parse_duration::length(),
        regexp_extract::function(),
        regexp_extract::all(),
        regexp_position::function(),
        regexp_replace::function(),
        regexp_split::function(),
        sequence::function(),
        sha1::function(),
        sha1::xxhash64(),
        slice::function(),
        soundex::function(),
        split::function(),
        split_part::function(),
        split_to_map::function(),
        split_to_map::multi(),
        strpos::function(),
        substr::function(),
        to_base::from(),
        to_base::function(),
        to_hex::function(),
        to_iso8601::function(),
        to_unixtime::function(),
        type_of::function(),
        url_encode::decode(),
        url_encode::function(),
        width_bucket::function(),
    ];
    all.into_iter()
        .chain(url_extract::functions())
        .map(|function| Arc::new(ScalarUDF::from(function)))
        .collect()
});

/// Every function.
pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    ALL.iter().cloned()
}

/// Every aggregate that is neither another of the planner's nor a function of gathered rows.
pub(super) fn aggregates() -> [AggregateUDF; 2] {
    [checksum::function(), numeric_histogram::function()]
}

/// The function of this name.
pub(super) fn named(name: &str) -> Option<Arc<ScalarUDF>> {
    ALL.iter().find(|function| function.name() == name).cloned()
}
