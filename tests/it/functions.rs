//! Functions of Trino's dialect, case by case as Trino's documentation has them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::lake::{TestLake, answers};

/// The cases of a file of `tests/functions`: an expression and its value on each line.
fn written(file: &str) -> Vec<(&'static str, Value)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/functions");
    let text: &'static str = std::fs::read_to_string(folder.join(file)).unwrap().leak();
    let case = |line: &'static str| {
        let (expression, value) = line.rsplit_once(" => ").unwrap();
        (expression, serde_json::from_str(value).unwrap())
    };
    text.lines().map(case).collect()
}

/// An expression and its value.
fn cases() -> Vec<(&'static str, Value)> {
    let mut cases = json_cases();
    for file in [
        "json.txt",
        "arrays.txt",
        "texts.txt",
        "urls.txt",
        "dates.txt",
        "values.txt",
    ] {
        cases.extend(written(file));
    }
    cases.extend(nested_cases());
    cases.extend(text_cases());
    cases.extend(date_cases());
    cases.extend(condition_cases());
    cases
}

fn json_cases() -> Vec<(&'static str, Value)> {
    vec![
        ("json_extract('{\"a\":{\"b\":[1,2]}}', '$.a.b')", json!("[1,2]")),
        ("json_extract('{\"a\":\"x\"}', '$.a')", json!("\"x\"")),
        ("json_extract('{\"a\":1}', '$.b')", json!(null)),
        ("json_extract('not json', '$.a')", json!(null)),
        ("json_extract(NULL, '$.a')", json!(null)),
        ("json_extract('[{\"a\":1},{\"a\":2}]', '$[*].a')", json!("[1,2]")),
        ("json_extract_scalar('[1, 2, 3]', '$[2]')", json!("3")),
        ("json_extract_scalar('{\"a\":true}', '$.a')", json!("true")),
        ("json_extract_scalar('{\"a\":null}', '$.a')", json!(null)),
        ("json_extract_scalar('{\"a\":{\"b\":1}}', '$.a')", json!(null)),
        ("json_extract_scalar('{\"a b\":1}', '$[\"a b\"]')", json!("1")),
        ("CAST(json_extract('{\"a\":5}', '$.a') AS bigint)", json!(5)),
        ("CAST(json_extract('{\"a\":\"x\"}', '$.a') AS varchar)", json!("x")),
        ("json_parse('{\"a\": 1}')", json!("{\"a\":1}")),
        ("try(json_parse('{'))", json!(null)),
        ("json_format(json_parse('[1, 2]'))", json!("[1,2]")),
        ("json_array_length('[1, 2, 3]')", json!(3)),
        ("json_array_length('{}')", json!(null)),
        ("json_array_contains('[1, 2, 3]', 2)", json!(true)),
        ("json_array_contains('[\"a\"]', 'b')", json!(false)),
        ("json_array_contains('[true]', true)", json!(true)),
        ("json_array_contains('{}', 1)", json!(null)),
        ("json_member('{\"bucketName\":\"b\"}', 'bucketname')", json!("b")),
        (
            "CAST('[\"a\",1,{\"b\":2}]' AS ARRAY(VARCHAR))",
            json!(["a", "1", "{\"b\":2}"]),
        ),
        ("CAST(json_parse('[1,2]') AS ARRAY(BIGINT))", json!([1, 2])),
        ("cast_to_array('{}')", json!(null)),
        ("CAST(ARRAY[1,2] AS JSON)", json!("[1,2]")),
        (
            "cast_to_json(named_struct('a', 1, 'b', 'x'))",
            json!("{\"a\":1,\"b\":\"x\"}"),
        ),
    ]
}

fn nested_cases() -> Vec<(&'static str, Value)> {
    vec![
        ("element_at(ARRAY['a','b','c'], 1)", json!("a")),
        ("element_at('{\"roleName\":\"r\"}', 'rolename')", json!(null)),
        ("array_remove(ARRAY[1, 2, 2], 2)", json!([1])),
        ("element_at(ARRAY['a','b','c'], -1)", json!("c")),
        ("element_at(ARRAY['a','b','c'], 4)", json!(null)),
        ("element_at(MAP(ARRAY['x','y'], ARRAY[1,2]), 'y')", json!(2)),
        ("element_at(MAP(ARRAY['x'], ARRAY[1]), 'z')", json!(null)),
        ("element_at('{\"roleName\":\"r\"}', 'roleName')", json!("r")),
        ("element_at(CAST(NULL AS VARCHAR), 'x')", json!(null)),
        ("cardinality(ARRAY[1,2,3])", json!(3)),
        ("cardinality(MAP(ARRAY['x'], ARRAY[1]))", json!(1)),
        ("cardinality('{\"a\":1,\"b\":2}')", json!(2)),
        ("cardinality(CAST(NULL AS VARCHAR))", json!(null)),
        ("contains(ARRAY[1,2,3], 2)", json!(true)),
        ("contains(ARRAY[1,2,3], 4)", json!(false)),
        ("contains(ARRAY['a', NULL], 'b')", json!(null)),
        ("contains('10.0.0.0/8', IPADDRESS '10.255.255.255')", json!(true)),
        ("contains('10.0.0.0/8', IPADDRESS '11.255.255.255')", json!(false)),
        ("contains('2001:db8::/32', IPADDRESS '2001:db8:1::1')", json!(true)),
        ("contains('10.0.0.0/8', IPADDRESS '2001:db8::1')", json!(false)),
        ("contains('0.0.0.0/0', CAST('192.0.2.1' AS IPADDRESS))", json!(true)),
        ("contains('10.0.0.0/8', 's3.amazonaws.com')", json!(false)),
        ("ipaddress('2001:0db8:0:0::1')", json!("2001:db8::1")),
        ("CAST('AWS Internal' AS IPADDRESS)", json!(null)),
        ("transform(ARRAY[5, 6], x -> x + 1)", json!([6, 7])),
        ("filter(ARRAY[5, -6, 7], x -> x > 0)", json!([5, 7])),
        ("any_match(ARRAY[1, 2], x -> x > 1)", json!(true)),
        ("all_match(ARRAY[1, 2], x -> x > 1)", json!(false)),
        ("none_match(ARRAY[1, 2], x -> x > 2)", json!(true)),
        ("map_keys('{\"b\":1,\"a\":2}')", json!(["b", "a"])),
        ("map_keys(MAP(ARRAY['x','y'], ARRAY[1,2]))", json!(["x", "y"])),
        ("map_values('{\"b\":1,\"a\":\"x\"}')", json!(["1", "x"])),
        ("map_values(MAP(ARRAY['x','y'], ARRAY[1,2]))", json!([1, 2])),
        ("slice(ARRAY[1,2,3,4], 2, 2)", json!([2, 3])),
        ("slice(ARRAY[1,2,3,4], -2, 5)", json!([3, 4])),
        ("slice(ARRAY[1,2], 5, 1)", json!([])),
        ("array_join(ARRAY['a','b'], ',')", json!("a,b")),
        ("array_join(ARRAY['a',NULL,'b'], ',')", json!("a,b")),
        ("array_join(ARRAY['a',NULL], ',', '?')", json!("a,?")),
        ("array_distinct(ARRAY[1,1,2])[2]", json!(2)),
        ("ARRAY['a','b'][1]", json!("a")),
    ]
}

fn text_cases() -> Vec<(&'static str, Value)> {
    vec![
        ("split('a:b:c', ':')", json!(["a", "b", "c"])),
        ("split('a:b:c', ':', 2)", json!(["a", "b:c"])),
        ("split('', ':')", json!([""])),
        ("iif(1 > 2, 'a', 'b')", json!("b")),
        ("mod(5, 3)", json!(2)),
        ("from_utf8(from_base64('YWJj'))", json!("abc")),
        ("split_part('a:b:c', ':', 2)", json!("b")),
        ("split_part('a:b', ':', 3)", json!(null)),
        ("substr('abcde', 2)", json!("bcde")),
        ("substr('abcde', 2, 2)", json!("bc")),
        ("substr('abcde', -2)", json!("de")),
        ("substr('abcde', 9)", json!("")),
        ("substring('abcde', 1, 3)", json!("abc")),
        ("substring('abcde' FROM 2 FOR 2)", json!("bc")),
        ("replace('abcb', 'b')", json!("ac")),
        ("replace('abcb', 'b', 'x')", json!("axcx")),
        ("strpos('abc', 'c')", json!(3)),
        ("strpos('abc', 'z')", json!(0)),
        ("concat('a', 'b', 'c')", json!("abc")),
        ("concat('a', NULL)", json!(null)),
        ("regexp_like('1a 2b 14m', '\\d+b')", json!(true)),
        ("regexp_extract('1a 2b 14m', '\\d+')", json!("1")),
        ("regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", json!("a")),
        ("regexp_extract('abc', '\\d')", json!(null)),
        ("regexp_extract_all('1a 2b 14m', '\\d+')", json!(["1", "2", "14"])),
        ("regexp_extract_all('1a 2b', '(\\d+)([a-z]+)', 2)", json!(["a", "b"])),
        ("regexp_replace('1a 2b 14m', '\\d+[ab] ')", json!("14m")),
        (
            "regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')",
            json!("3ca 3cb 14m"),
        ),
        ("as_text(true)", json!("true")),
        ("levenshtein_distance('kitten', 'sitting')", json!(3)),
    ]
}

fn date_cases() -> Vec<(&'static str, Value)> {
    vec![
        ("from_iso8601_timestamp('2020-05-11')", json!("2020-05-11T00:00:00Z")),
        (
            "from_iso8601_timestamp('2020-05-11T11:15:05+02:00')",
            json!("2020-05-11T09:15:05Z"),
        ),
        ("try(from_iso8601_timestamp('soon'))", json!(null)),
        ("date('2020-05-11T11:15:05Z')", json!("2020-05-11")),
        ("date(timestamp '2020-05-11 23:00:00')", json!("2020-05-11")),
        (
            "date_parse('2022/10/20/05', '%Y/%m/%d/%H')",
            json!("2022-10-20T05:00:00Z"),
        ),
        (
            "date_parse('2022-10-20T05:10:20Z', '%Y-%m-%dT%H:%i:%sZ')",
            json!("2022-10-20T05:10:20Z"),
        ),
        ("date_parse('2022-10', '%Y-%m')", json!("2022-10-01T00:00:00Z")),
        ("try(date_parse('x', '%Y'))", json!(null)),
        (
            "date_format(timestamp '2022-10-20 05:10:00', '%m-%d-%Y %H')",
            json!("10-20-2022 05"),
        ),
        (
            "date_format('2022-10-20T17:10:00Z', '%h:%i %p, %W')",
            json!("05:10 PM, Thursday"),
        ),
        (
            "parse_datetime('2022-10-20T05:10:20Z', 'yyyy-MM-dd''T''HH:mm:ss''Z''')",
            json!("2022-10-20T05:10:20Z"),
        ),
        ("try(parse_datetime('x', 'yyyy'))", json!(null)),
        (
            "format_datetime(timestamp '2022-10-20 05:10:00', 'yyyy-MM-dd HH:mm')",
            json!("2022-10-20 05:10"),
        ),
        ("date_add('day', 1, date '2022-02-28')", json!("2022-03-01")),
        (
            "date_add('month', -1, timestamp '2022-03-31 10:00:00')",
            json!("2022-02-28T10:00:00Z"),
        ),
        (
            "date_add('hour', 36, '2022-03-31T00:00:00Z')",
            json!("2022-04-01T12:00:00Z"),
        ),
        (
            "date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')",
            json!(86_400),
        ),
        (
            "date_diff('hour', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:59:59')",
            json!(24),
        ),
        // As in Joda-Time: the last day of a month completes it.
        ("date_diff('month', date '2020-01-31', date '2020-02-29')", json!(1)),
        ("EXTRACT(DOW FROM date '2020-03-01')", json!(7)),
        ("date_diff('year', date '2020-01-01', date '2018-01-01')", json!(-2)),
        ("day_of_week(date '2022-10-20')", json!(4)),
        ("dow(date '2022-10-23')", json!(7)),
        ("day(date '2022-10-20')", json!(20)),
        ("day_of_year(date '2022-02-01')", json!(32)),
        ("week(date '2022-01-01')", json!(52)),
        ("quarter(date '2022-10-20')", json!(4)),
        ("year('2022-10-20T05:10:00Z')", json!(2022)),
        ("hour(timestamp '2022-10-20 05:10:00')", json!(5)),
        ("calendar_part('minute', timestamp '2022-10-20 05:10:00')", json!(10)),
        ("as_timestamp('2022-10-20')", json!("2022-10-20T00:00:00Z")),
        (
            "date_trunc('month', from_iso8601_timestamp('2022-10-20T05:10:00Z'))",
            json!("2022-10-01T00:00:00Z"),
        ),
        ("from_unixtime(1.5)", json!("1970-01-01T00:00:01.500Z")),
        ("to_unixtime(timestamp '1970-01-01 00:00:01')", json!(1.0)),
        (
            "timestamp '2022-10-20 00:00:00' + interval '7' day",
            json!("2022-10-27T00:00:00"),
        ),
    ]
}

fn condition_cases() -> Vec<(&'static str, Value)> {
    vec![
        ("if(1 > 0, 'a', 'b')", json!("a")),
        ("if(1 < 0, 'a')", json!(null)),
        ("try(CAST('x' AS bigint))", json!(null)),
        ("try(1 / 0)", json!(null)),
        ("try_cast('12' AS integer)", json!(12)),
        ("coalesce(NULL, 'x')", json!("x")),
        ("nullif('a', 'a')", json!(null)),
        ("greatest(1, 3, 2)", json!(3)),
        ("greatest(1, NULL)", json!(null)),
        ("least('b', 'a')", json!("a")),
    ]
}

/// Which of the expressions, asked of `from`, have another value.
fn wrong(cases: &[(&str, Value)], from: &str) -> String {
    let lake = TestLake::new();
    let queries: Vec<String> = cases
        .iter()
        .map(|(expression, _)| format!("SELECT {expression} AS v {from}"))
        .collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    let mut wrong = String::new();
    for ((expression, expected), answer) in cases.iter().zip(answers(lake.path(), &queries)) {
        let found = answer.map(|rows| rows.first().map(|row| row["v"].clone()).unwrap_or_default());
        if found.as_ref() != Ok(expected) {
            wrong.push_str(&format!("{expression}: {found:?} instead of {expected}\n"));
        }
    }
    wrong
}

#[test]
fn values_are_as_documented() {
    assert_eq!(wrong(&cases(), ""), "");
}

#[test]
fn aggregates_are_as_documented() {
    let cases = [
        ("max_by(s, v)", json!("b")),
        ("max_by(n, v)", json!(2)),
        ("min_by(n, v)", json!(1)),
        ("count_if(v > 10)", json!(2)),
        ("arbitrary(s)", json!("a")),
        ("any_value(v)", json!(10)),
        ("approx_distinct(s)", json!(2)),
        ("approx_distinct(s, 0.05)", json!(2)),
        ("approx_percentile(v, 0.5)", json!(20)),
        ("approx_percentile(v / 4.0, 0.5)", json!(5.0)),
        ("array_agg(DISTINCT s ORDER BY s)", json!(["a", "b", null])),
        ("array_agg(n ORDER BY n DESC)", json!([4, 3, 2, 1])),
        ("array_agg(n ORDER BY n) FILTER (WHERE s = 'b')", json!([2, 3])),
        ("count(DISTINCT s)", json!(2)),
        ("bool_and(n > 0)", json!(true)),
        ("every(n > 1)", json!(false)),
        ("listagg(s, ',') WITHIN GROUP (ORDER BY n)", json!("a,b,b")),
        ("listagg(DISTINCT s, ',') WITHIN GROUP (ORDER BY s)", json!("a,b")),
        ("max_by(n, v, 2)", json!([2, 3])),
    ];
    let from = "FROM (VALUES (1, 'a', 10), (2, 'b', 30), (3, 'b', 20), (4, NULL, NULL)) AS t(n, s, v)";
    assert_eq!(wrong(&cases, from), "");
    assert_eq!(wrong(&written("aggregates.txt"), from), "");
}

#[test]
fn what_trino_refuses_is_refused() {
    let lake = TestLake::new();
    let cases = [
        ("SELECT json_extract('{}', 'a')", "is not a JSON path"),
        ("SELECT json_parse('{')", "is not JSON"),
        (
            "SELECT md5(to_utf8('a')) = '0CC175B9C0F1B6A831C399E269772661'",
            "to_hex",
        ),
        ("SELECT 1 WHERE 'a' <> sha1(to_utf8('a'))", "to_hex"),
        ("SELECT sha256(to_utf8('a')) IN ('a', 'b')", "to_hex"),
        ("SELECT CAST(5 AS varbinary)", "to_big_endian_64"),
        ("SELECT CAST('nope' AS uuid)", "is not a UUID"),
        ("SELECT to_utf8(now())", "to_big_endian_64"),
        ("SELECT from_iso8601_timestamp('soon')", "is not an ISO 8601 timestamp"),
        ("SELECT date_parse('x', '%Y')", "does not have the form"),
        ("SELECT date_add('fortnight', 1, date '2022-01-01')", "is no unit"),
        ("SELECT split_part('a', ',', 0)", "counted from 1"),
        ("SELECT regexp_extract('a', '(?=x)')", "look-around"),
        ("SELECT substr('a')", "takes 2 to 3 arguments"),
        ("SELECT element_at(ARRAY[1], 0)", "counted from 1"),
        ("SELECT repeat('a', 1000000000000)", "too large"),
        ("SELECT sequence(1, 1000000000000)", "more than 10000 entries"),
        ("SELECT sequence(1, 5, -1)", "does not lead"),
        (
            "SELECT sequence(timestamp '2026-01-01 00:00', timestamp '2026-01-02 00:00')",
            "needs a step",
        ),
        ("SELECT format('%d', 'x')", "nothing for `%d`"),
        ("SELECT format('%s %s', 'x')", "asks for argument 2"),
        ("SELECT format('%9999999d', 1)", "not known"),
        ("SELECT split_to_map('a=1,a=2', ',', '=')", "comes twice"),
        ("SELECT split_to_map('a', ',', '=')", "has no `=`"),
        (
            "SELECT map_from_entries(ARRAY[ROW('a', 1), ROW('a', 2)])",
            "comes twice",
        ),
        ("SELECT combinations(sequence(1, 1000), 5)", "more than"),
        ("SELECT strpos('a', 'a', 0)", "counted from 1"),
        ("SELECT hamming_distance('a', 'ab')", "not of one length"),
        (
            "SELECT array_sort(ARRAY[2, 1], (a, b) -> a - b)",
            "a lambda is not taken here",
        ),
        ("SELECT json_value('{}', 'x')", "is not a JSON path"),
        ("SELECT to_base(1, 1)", "a radix is 2 to 36"),
        ("SELECT from_base('12', 2)", "is no number in base 2"),
        ("SELECT width_bucket(1, 0, 10, 0)", "at least one range"),
        ("SELECT width_bucket(1, 5, 5, 2)", "bound nothing"),
        ("SELECT width_bucket(1, ARRAY[2, 1])", "ascending order"),
        ("SELECT bit_count(100, 4)", "does not fit into 4 bits"),
        ("SELECT soundex('\u{436}\u{443}\u{43a}')", "no English letter"),
        ("SELECT normalize('a', NFX)", "is no form"),
        ("SELECT regexp_position('a', 'a', 0)", "counted from 1"),
        ("SELECT parse_duration('soon')", "is no duration"),
        ("SELECT to_milliseconds(interval '1' month)", "no length of its own"),
        ("SELECT from_big_endian_64(to_utf8('abc'))", "8 bytes are a number"),
        ("SELECT sha1(5)", "bytes are taken"),
        ("SELECT ROW(1, 'a')[3]", "has no field 3"),
        (
            "SELECT numeric_histogram(1, x) FROM (VALUES 1, 2) AS t(x)",
            "2 to 1000 buckets",
        ),
        ("SELECT map_zip_with(1, 2, (k, a, b) -> a)", "takes two maps"),
        (
            "SELECT * FROM cloudtrail MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true)",
            "MATCH_RECOGNIZE is not supported",
        ),
    ];
    let queries: Vec<&str> = cases.iter().map(|(query, _)| *query).collect();
    for ((query, expected), answer) in cases.iter().zip(answers(lake.path(), &queries)) {
        let error = answer.unwrap_err();
        assert!(error.contains(expected), "{query}: {error}");
    }
}

#[test]
fn every_function_has_a_case() {
    let mut cases = cases();
    cases.extend(written("aggregates.txt"));
    let text: String = cases.iter().map(|(expression, _)| format!("{expression} ")).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/functions");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let named: BTreeSet<String> = files
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .collect();
    for name in named {
        let through = match name.as_str() {
            // The frame, what others share, and what needs a whole record.
            "mod" | "scalar" | "json" | "pattern" | "event_json" => continue,
            "map_of" => "map_of_entries(".to_owned(),
            "type_of" => "typeof(".to_owned(),
            "url_extract" => "url_extract_host(".to_owned(),
            other => format!("{other}("),
        };
        assert!(text.contains(&through), "`{name}` has no case");
    }
}
