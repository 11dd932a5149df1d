//! Real logs, where they are at hand (`../shared/data`): the counts an independent script found in them, the same again in a second
//! run, in other engines, and everything back out as it came in.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::ingested::Lake;
use crate::support::peers::Peer;

/// The folder, or `None` (said aloud) in a checkout without it.
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // Straight to standard error: the test harness would swallow a print of a test that passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {} is not there", folder.display());
    None
}

pub fn sources(shared: &Path) -> Vec<(String, String, Value)> {
    let text = std::fs::read_to_string(shared.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let sources = expected["sources"].as_object().unwrap();
    sources
        .iter()
        .map(|(name, expected)| {
            let folder = ["files", "records"]
                .map(|part| shared.join(name).join(part))
                .into_iter()
                .find(|folder| folder.is_dir())
                .unwrap();
            (name.clone(), folder.display().to_string(), expected.clone())
        })
        .collect()
}

fn counts(rows: &[Value], name: &str) -> BTreeMap<String, i64> {
    rows.iter()
        .map(|row| (row[name].as_str().unwrap().to_owned(), row["n"].as_i64().unwrap()))
        .collect()
}

const TOTALS: &str = "SELECT count(*) AS records, count(DISTINCT eventid) AS ids, \
    sum(CASE WHEN eventsource = 'kms.amazonaws.com' THEN 1 ELSE 0 END) AS kms FROM cloudtrail";

#[test]
fn every_source_has_the_counts_that_are_expected_of_it() {
    let Some(shared) = shared() else { return };
    for (name, folder, expected) in sources(&shared) {
        let lake = Lake::in_folder();
        let run = lake.run(&["ingest", &folder]);
        // One file is broken on purpose.
        let is_broken = name == "opensearch_catalog";
        assert_eq!(run.code, if is_broken { 3 } else { 0 }, "{name}: {}", run.stderr);
        lake.check();
        let ours = lake.ask(TOTALS);
        let totals = json!({"records": expected["distinct_records_by_full_content"], "ids": expected["distinct_eventIDs"], "kms": expected["kms_distinct"]});
        assert_eq!(ours[0], totals, "{name}");
        let by_name = lake.ask("SELECT eventname, count(*) AS n FROM cloudtrail WHERE eventsource = 'kms.amazonaws.com' GROUP BY eventname");
        let wanted: BTreeMap<String, i64> = expected["kms_by_eventName"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, count)| (name.clone(), count.as_i64().unwrap()))
            .collect();
        assert_eq!(counts(&by_name, "eventname"), wanted, "{name}");
        let by_key = counts(
            &lake.ask("SELECT key_arn, count(*) AS n FROM kms_events WHERE key_arn IS NOT NULL GROUP BY key_arn"),
            "key_arn",
        );
        for (key, expected) in expected["keys"].as_object().unwrap() {
            assert!(
                by_key.get(key) >= expected["events"].as_i64().as_ref(),
                "{name}: {key}: {:?} of {}",
                by_key.get(key),
                expected["events"]
            );
        }
        let state = lake.state();
        let again = lake.run(&["ingest", &folder]);
        assert!(again.stderr.contains(" 0 read"), "{name}: {}", again.stderr);
        assert!(lake.state() == state, "{name}: a second run changes rows");
    }
}

#[test]
fn other_engines_read_the_same_numbers() {
    let Some(shared) = shared() else { return };
    for name in [
        "invictus-ir_aws_dataset",
        "boogy_cloudtrail_log_parser",
        "umccr_cloudtrail_parquet",
    ] {
        let lake = Lake::in_folder();
        lake.ingest(&[&shared.join(name).join("files").display().to_string()]);
        for sql in [
            TOTALS,
            "SELECT eventname, CAST(event_date AS VARCHAR) AS day, count(*) AS n FROM cloudtrail GROUP BY 1, 2 ORDER BY 1, 2",
            "SELECT useridentity.arn AS arn, count(*) AS n FROM cloudtrail GROUP BY 1 ORDER BY 1 NULLS LAST",
        ] {
            let ours = lake.ask(sql);
            assert!(!ours.is_empty());
            for peer in [Peer::DuckDb, Peer::DeltaPython] {
                let Some(theirs) = peer.query(&lake.tables(&["cloudtrail"]), sql, None) else {
                    return;
                };
                assert_eq!(theirs, ours, "{name}: {peer:?}: {sql}");
            }
        }
        // Uses per key, from the column itself.
        let ours =
            lake.ask("SELECT key_arn, count(*) AS n FROM kms_events WHERE key_arn IS NOT NULL GROUP BY 1 ORDER BY 1");
        let sql = "SELECT key.key_arn AS key_arn, count(*) AS n FROM (SELECT unnest(kms) AS key FROM cloudtrail) \
                   WHERE key.key_arn IS NOT NULL GROUP BY 1 ORDER BY 1";
        let Some(theirs) = Peer::DuckDb.query(&lake.tables(&["cloudtrail"]), sql, None) else {
            return;
        };
        assert_eq!(theirs, ours, "{name}");
    }
}

/// The records anywhere inside a document, in whatever envelope, found without the program.
fn records_in(value: &mut Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if members.contains_key("eventName") && members.contains_key("eventSource") => {
            if members["eventSource"] == "sts.amazonaws.com"
                && let Some(token) = value.pointer_mut("/responseElements/credentials/sessionToken")
            {
                *token = json!("REDACTED_BY_KEYTRAIL");
            }
            found.insert(canonical(value));
        }
        Value::Object(members) if members.get("eventType") == Some(&json!("AwsCloudTrailInsight")) => {}
        Value::Object(members) => members.values_mut().for_each(|value| records_in(value, found)),
        Value::Array(values) => values.iter_mut().for_each(|value| records_in(value, found)),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            if let Ok(mut value) = serde_json::from_str(text) {
                records_in(&mut value, found);
            }
        }
        _ => {}
    }
}

/// One text for all orders of members.
fn canonical(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    value.to_string()
}

fn delivered(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            delivered(&path, found);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut inflated = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut inflated)
                .unwrap();
            bytes = inflated;
        }
        if let Ok(mut value) = serde_json::from_slice(&bytes) {
            records_in(&mut value, found);
        } else {
            // JSON lines; in the file that is broken on purpose no line is a document.
            for line in bytes.split(|byte| *byte == b'\n') {
                if let Ok(mut value) = serde_json::from_slice(line) {
                    records_in(&mut value, found);
                }
            }
        }
    }
}

#[test]
fn every_record_comes_back_as_it_was_delivered() {
    let Some(shared) = shared() else { return };
    for (name, folder, _) in sources(&shared) {
        let mut wanted = BTreeSet::new();
        delivered(Path::new(&folder), &mut wanted);
        let lake = Lake::in_folder();
        lake.run(&["ingest", &folder]);
        let run = lake.run(&["export", "--format", "jsonl"]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        let lines: Vec<String> = run
            .stdout
            .lines()
            .map(|line| canonical(&serde_json::from_str(line).unwrap()))
            .collect();
        let ours: BTreeSet<String> = lines.iter().cloned().collect();
        assert_eq!(lines.len(), ours.len(), "{name}: a record comes back twice");
        let broken = name == "opensearch_catalog";
        let lost: Vec<&String> = wanted.difference(&ours).collect();
        assert!(lost.is_empty(), "{name}: {} lost, such as {}", lost.len(), lost[0]);
        // What was read around the damage of the broken file is more than a plain parser gets from it.
        let extra: Vec<&String> = ours.difference(&wanted).collect();
        assert!(
            broken || extra.is_empty(),
            "{name}: {} invented, such as {}",
            extra.len(),
            extra[0]
        );
    }
}
