//! Bad input: each kind ends in a message with the object, the record and the reason, in a row of the tables, in exit code 3, and
//! takes nothing else with it.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::ingested::Lake;
use crate::support::logs;

/// What became of one bad file, beside a good one.
struct Outcome {
    lake: Lake,
    code: i32,
    said: String,
    _root: tempfile::TempDir,
}

fn beside_a_good_one(name: &str, bytes: &[u8], arguments: &[&str]) -> Outcome {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("logs");
    logs::write(&folder, "a-good.json.gz", &logs::file(&[logs::record(1)]));
    logs::write(&folder, "z-good.json.gz", &logs::file(&[logs::record(2)]));
    logs::write(&folder, name, bytes);
    let lake = Lake::in_folder();
    let folder = folder.display().to_string();
    let run = lake.run(&[&["ingest", &folder], arguments].concat());
    let kept = lake.ask("SELECT eventid FROM cloudtrail WHERE source_object LIKE '%-good.json.gz'");
    assert_eq!(kept.len(), 2, "{name}: the others must be taken: {}", run.stderr);
    lake.check();
    Outcome {
        lake,
        code: run.code,
        said: run.stderr,
        _root: root,
    }
}

impl Outcome {
    /// How many records of the bad object are in the lake.
    fn kept(&self) -> i64 {
        self.lake
            .count("SELECT count(*) FROM cloudtrail WHERE source_object LIKE '%bad%'")
    }

    fn error(&self) -> Option<String> {
        let rows = self
            .lake
            .ask("SELECT error FROM ingest_objects WHERE source_object LIKE '%bad%'");
        rows.first().and_then(|row| row["error"].as_str()).map(str::to_owned)
    }

    fn faults(&self) -> Vec<Value> {
        self.lake.ask(
            "SELECT source_index, reason FROM ingest_faults WHERE source_object LIKE '%bad%' ORDER BY source_index",
        )
    }

    fn is_said(&self, words: &[&str]) {
        assert_eq!(self.code, 3, "{}", self.said);
        for word in words {
            assert!(self.said.contains(word), "`{word}` is not said: {}", self.said);
        }
    }
}

fn many(count: u32) -> Vec<Value> {
    (100..100 + count).map(logs::record).collect()
}

#[test]
fn a_truncated_gzip_gives_what_came_before_the_cut() {
    let whole = logs::file(&many(2_000));
    let found = beside_a_good_one("bad.json.gz", &whole[..whole.len() / 2], &[]);
    found.is_said(&["bad.json.gz"]);
    assert!(found.error().is_some() || !found.faults().is_empty());
    let kept = found.kept();
    assert!(kept > 100 && kept < 2_000, "{kept} of 2000 kept");
    // Mended, it is taken whole.
    let folder = found._root.path().join("logs");
    logs::write(&folder, "bad.json.gz", &whole);
    found.lake.ingest(&[&folder.display().to_string()]);
    assert_eq!(found.kept(), 2_000);
    assert_eq!(found.error(), None);
    assert!(found.faults().is_empty(), "a fault that is mended is none");
    found.lake.check();
}

#[test]
fn a_gzip_cut_in_its_header_or_trailer_is_said() {
    let whole = logs::file(&many(3));
    for cut in [1, 5, 12, whole.len() - 1, whole.len() - 8] {
        let found = beside_a_good_one("bad.json.gz", &whole[..cut], &[]);
        found.is_said(&["bad.json.gz"]);
        assert!(found.error().is_some() || !found.faults().is_empty(), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let mut bytes = logs::file(&many(500));
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    beside_a_good_one("bad.json.gz", &bytes, &[]).is_said(&["bad.json.gz"]);
}

#[test]
fn garbage_after_a_gzip_keeps_the_records_and_is_said() {
    let mut bytes = logs::file(&many(3));
    bytes.extend_from_slice(b"this is not gzip");
    let found = beside_a_good_one("bad.json.gz", &bytes, &[]);
    found.is_said(&["bad.json.gz"]);
    assert_eq!(found.kept(), 3);
}

#[test]
fn several_gzip_members_are_one_file() {
    let text = json!({"Records": many(10)}).to_string();
    let (one, other) = text.as_bytes().split_at(text.len() / 2);
    let bytes = [logs::gzip(one), logs::gzip(b""), logs::gzip(other)].concat();
    let found = beside_a_good_one("bad.json.gz", &bytes, &[]);
    assert_eq!((found.code, found.kept()), (0, 10), "{}", found.said);
}

#[test]
fn invalid_json_in_the_middle_loses_only_what_is_invalid() {
    let records: Vec<String> = many(5).iter().map(Value::to_string).collect();
    let text = format!(
        "{{\"Records\":[{},{},{{\"eventID\": oops}},{},{}]}}",
        records[0], records[1], records[2], records[3]
    );
    let found = beside_a_good_one("bad.json", text.as_bytes(), &[]);
    found.is_said(&["bad.json", "record 2"]);
    assert_eq!(found.kept(), 4);
    let faults = found.faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0]["source_index"], 2);
}

#[test]
fn a_record_that_is_not_an_object_is_a_fault_of_its_own() {
    let mut records = many(2);
    records.insert(1, json!("text"));
    records.insert(2, json!(17));
    records.insert(3, json!(null));
    records.insert(4, json!([1]));
    let found = beside_a_good_one("bad.json.gz", &logs::file(&records), &[]);
    found.is_said(&["bad.json.gz", "record 1"]);
    assert_eq!(found.kept(), 2);
    let indices: Vec<i64> = found
        .faults()
        .iter()
        .map(|fault| fault["source_index"].as_i64().unwrap())
        .collect();
    assert_eq!(indices, [1, 2, 3, 4]);
}

#[test]
fn absurd_nesting_is_a_fault_and_no_crash() {
    let mut deep = logs::record(7).to_string();
    let nested = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    deep = deep.replacen(
        "\"requestParameters\":null",
        &format!("\"requestParameters\":{nested}"),
        1,
    );
    let text = format!("{{\"Records\":[{deep},{}]}}", logs::record(8));
    let found = beside_a_good_one("bad.json", text.as_bytes(), &[]);
    found.is_said(&["bad.json", "record 0"]);
    assert_eq!(found.kept(), 1);
    let only_brackets = "[".repeat(5_000_000);
    beside_a_good_one("bad.json", only_brackets.as_bytes(), &[]).is_said(&["bad.json"]);
    let braces = "{\"Records\":".repeat(500_000);
    beside_a_good_one("bad.json", braces.as_bytes(), &[]).is_said(&["bad.json"]);
}

#[test]
fn a_gzip_bomb_ends_at_the_cap() {
    let mut text = json!({"Records": many(3)}).to_string();
    text.truncate(text.len() - 2);
    text.push_str(&" ".repeat(64 << 20));
    text.push_str("]}");
    let bomb = logs::gzip(text.as_bytes());
    assert!(bomb.len() < 1 << 20);
    let found = beside_a_good_one("bad.json.gz", &bomb, &["--max-object-size", "16MiB"]);
    found.is_said(&["bad.json.gz"]);
    assert_eq!(found.kept(), 3);
    let found = beside_a_good_one("bad.json.gz", &bomb, &[]);
    assert_eq!((found.code, found.kept()), (0, 3), "{}", found.said);
}

#[test]
fn a_record_too_large_is_a_fault_and_the_next_is_read() {
    let mut large = logs::record(7);
    large["requestParameters"] = json!({"text": "x".repeat(3 << 20)});
    let found = beside_a_good_one(
        "bad.json.gz",
        &logs::file(&[large, logs::record(8)]),
        &["--max-record-size", "1MiB"],
    );
    found.is_said(&["bad.json.gz", "record 0"]);
    assert_eq!(found.kept(), 1);
}

#[test]
fn an_empty_object_and_one_of_zeros_are_said_or_harmless() {
    for bytes in [
        &b""[..],
        &[0; 4_096],
        b"\x1f\x8b",
        b"\xff\xfe{\x00}",
        b"\xef\xbb\xbf{\"Records\":[]}",
        b"null",
        b"{\"Records\":null}",
    ] {
        let found = beside_a_good_one(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/bad.json.gz",
            bytes,
            &[],
        );
        assert!([0, 3].contains(&found.code), "{}", found.said);
        assert_eq!(found.kept(), 0);
    }
}

#[test]
fn records_without_time_or_name_or_identity_stay() {
    let odd = [
        json!({}),
        json!({"eventID": "x"}),
        json!({"eventTime": "yesterday", "eventName": 5}),
        json!({"eventTime": "0001-01-01T00:00:00Z"}),
        json!({"eventTime": "9999-12-31T23:59:59Z"}),
    ];
    let found = beside_a_good_one("bad.json", json!({"Records": odd}).to_string().as_bytes(), &[]);
    assert_eq!(
        found.kept() + i64::try_from(found.faults().len()).unwrap(),
        5,
        "{}",
        found.said
    );
    assert_eq!(found.kept(), 5, "{:?}", found.faults());
}

#[test]
fn records_of_a_repeated_envelope_do_not_disappear() {
    let text = r#"{"Records":[{"eventID":"a","eventID":"b","eventTime":"2024-01-02T00:00:00Z"},{"eventID":"c","eventTime":"2024-01-02T00:00:00Z"}],"Records":[{"eventID":"d","eventTime":"2024-01-02T00:00:00Z"}]}"#;
    let found = beside_a_good_one("bad.json", text.as_bytes(), &[]);
    assert_eq!(
        found.kept() + i64::try_from(found.faults().len()).unwrap(),
        3,
        "{}",
        found.said
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_and_links_to_nowhere() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    let name = root.path().join(std::ffi::OsStr::from_bytes(b"x\xff.json.gz"));
    std::fs::write(&name, logs::file(&[logs::record(1)])).unwrap();
    std::os::unix::fs::symlink("nowhere", root.path().join("gone.json.gz")).unwrap();
    let lake = Lake::in_folder();
    let run = lake.run(&["ingest", &root.path().display().to_string()]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("gone.json.gz"), "{}", run.stderr);
    assert_eq!(lake.ask("SELECT source_object FROM cloudtrail").len(), 1);
    assert_eq!(
        lake.count(
            "SELECT count(*) FROM ingest_objects WHERE source_object LIKE '%gone.json.gz' AND error IS NOT NULL"
        ),
        1
    );
    assert_eq!(
        lake.count("SELECT count(*) FROM ingest_objects WHERE ends_with(source_object, '/x%FF.json.gz')"),
        1
    );
    // The file named itself, by its bytes.
    let other = Lake::in_folder();
    let status = other
        .command(&["ingest"])
        .arg(&name)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn standard_input_is_a_source() {
    let lake = Lake::in_folder();
    for read in ["1 read", "0 read"] {
        let mut child = lake
            .command(&["ingest", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&logs::file(&many(4))).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(read), "{said}");
    }
    assert_eq!(
        lake.count("SELECT count(*) FROM cloudtrail WHERE source_object LIKE 'stdin/%'"),
        4
    );
}

#[test]
fn two_files_of_one_name_are_two_objects_to_the_counts() {
    let root = tempfile::tempdir().unwrap();
    logs::write(root.path(), "a/x.json.gz", &logs::file(&many(3)));
    logs::write(
        root.path(),
        "b/x.json.gz",
        &logs::file(&[logs::record(1), logs::record(2)]),
    );
    let lake = Lake::in_folder();
    let path = |name: &str| root.path().join(name).display().to_string();
    lake.ingest(&[&path("a/x.json.gz"), &path("b/x.json.gz")]);
    assert_eq!(
        lake.count("SELECT count(*) FROM cloudtrail"),
        5,
        "records must not disappear with a name that is used twice"
    );
}

#[test]
fn wrong_arguments_are_exit_2_with_a_hint_and_nothing_is_written() {
    for arguments in [
        vec!["ingest"],
        vec!["ingest", "no/such/folder"],
        vec!["ingest", "https://example.com/x"],
        vec!["ingest", "s3://"],
        vec!["ingest", "--from", "soon", "."],
        vec!["ingest", "--from", "2024-02-01", "--to", "2024-01-01", "."],
        vec!["ingest", "--max-object-size", "much", "."],
    ] {
        let lake = Lake::in_folder();
        let run = lake.run(&arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{arguments:?}");
        assert!(!Path::new(&lake.address).exists(), "{arguments:?}");
    }
}
