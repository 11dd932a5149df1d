//! Verdicts on the sample organization: every row of its truth, as a user would get it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::program::{Run, run};

/// The sample organization in a lake, made once.
static SAMPLE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().display().to_string();
    let sample = sample();
    let logs = sample.join("AWSLogs").display().to_string();
    let bundle = sample.join("snapshot/bundle.json").display().to_string();
    let taken = run(&["--lake", &lake, "ingest", &logs]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let imported = run(&["--lake", &lake, "snapshot", "import", &bundle]);
    // The story's collector was refused two answers.
    assert_eq!(imported.code, 3, "{}", imported.stderr);
    folder
});

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

fn truth() -> Value {
    serde_json::from_str(&std::fs::read_to_string(sample().join("truth.json")).unwrap()).unwrap()
}

fn on_sample(arguments: &[&str]) -> Run {
    let lake = SAMPLE.path().display().to_string();
    let mut all = vec!["--lake", lake.as_str()];
    all.extend(arguments);
    run(&all)
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["query", "--format", "jsonl"];
    all.extend(arguments);
    let done = on_sample(&all);
    assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text `{name}` in {row}"))
}

#[test]
fn a_plain_run_gives_every_key_its_true_verdict() {
    // Without parameters: the window ends at the latest instant the lake can vouch for.
    let found: BTreeMap<String, Value> = rows(&["unused-keys"])
        .into_iter()
        .map(|row| (text(&row, "key_arn").to_owned(), row))
        .collect();
    let truth = truth();
    let expected = truth["keys"].as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for key in expected {
        let row = &found[text(key, "key_arn")];
        let proofs: Vec<&str> = key["proof"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let proof = if proofs.is_empty() {
            Value::Null
        } else {
            proofs.join(", ").into()
        };
        assert_eq!(row["proof"], proof, "{row}");
        let same = [
            "verdict",
            "uses",
            "service_uses",
            "failed_uses",
            "live_grants",
            "last_used_at",
            "last_used_by",
        ];
        for column in same {
            assert_eq!(row[column], key[column], "{column} of {}: {row}", key["name"]);
        }
        assert!(
            !text(row, "reason").is_empty() && !text(row, "caution").is_empty(),
            "{row}"
        );
    }
}

#[test]
fn every_right_of_the_story_has_its_true_verdict() {
    let arguments = ["unexercised-admin-rights", "-p", "as_of=2026-10-09T06:00:00Z"];
    let key = |row: &Value| ["principal_arn", "key_arn", "action"].map(|name| text(row, name).to_owned());
    let all = rows(&arguments);
    let found: BTreeMap<[String; 3], &Value> = all.iter().map(|row| (key(row), row)).collect();
    assert_eq!(found.len(), all.len(), "a right stands in one row");
    for right in truth()["rights"].as_array().unwrap() {
        let row = found[&key(right)];
        for column in ["verdict", "decision", "exercised"] {
            assert_eq!(row[column], right[column], "{column}: {row}");
        }
    }
}

#[test]
fn what_no_snapshot_explains_is_named() {
    let found = rows(&["unexplained-admin-use"]);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|row| {
            (
                text(row, "action"),
                text(row, "principal_arn").rsplit('/').next().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        ("kms:TagResource", "KeyCustodian"),
        ("kms:RetireGrant", "settlement-batch"),
        ("kms:DeleteAlias", "KeyAdmin"),
        ("kms:ScheduleKeyDeletion", "KeyAdmin"),
        ("kms:EnableKeyRotation", "KeyCustodian"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_map_shows_the_night_the_trail_was_off() {
    let map = on_sample(&["coverage", "--map"]);
    assert_eq!(map.code, 0, "{}", map.stderr);
    let line = map
        .stdout
        .lines()
        .find(|line| line.starts_with("444455556666 us-east-1      use"))
        .unwrap();
    // 1 July is the first letter; 18 and 20 August are covered in part, 19 August not at all.
    let days: Vec<char> = line.split_whitespace().last().unwrap().chars().collect();
    assert_eq!(&days[47..52], ['#', '+', 'x', '+', '#']);
    assert!(
        map.stdout.contains("StopLogging at 2026-08-18T22:10:31Z"),
        "{}",
        map.stdout
    );
    let rows = on_sample(&["coverage", "--format", "csv", "--fail-on", "excluded"]);
    assert_eq!(rows.code, 1);
    assert_eq!(on_sample(&["coverage", "--format", "csv", "--fail-on", "gap"]).code, 0);
    let span = ["--since", "2026-08-19", "--until", "2026-08-20"];
    let day = on_sample(&[&["coverage", "--format", "csv"][..], &span[..]].concat());
    assert!(
        day.stdout
            .lines()
            .skip(1)
            .all(|line| line.contains("2026-08-19T00:00:00Z,2026-08-20T00:00:00Z"))
    );
}

#[test]
fn what_the_user_vouches_for_is_said_in_the_verdict() {
    let assume = ["--assume-coverage", "2026-08-18..2026-08-21,444455556666"];
    let at = ["-p", "as_of=2026-10-09T06:00:00Z"];
    // In eu-west-1 nothing speaks against it.
    let rights = rows(&[&["unexercised-admin-rights"][..], &at[..], &assume[..]].concat());
    let warehouse = |row: &&Value| text(row, "key_arn").contains("3e6bd518-7b72-4d5e-b833-31c65ea91ffa");
    assert!(rights.iter().filter(warehouse).count() > 0);
    for row in rights.iter().filter(warehouse) {
        assert_eq!(text(row, "verdict"), "unexercised", "{row}");
        assert!(text(row, "reason").contains("basis assumed"), "{row}");
    }
    // Nobody can vouch for a day of which AWS knows a record that is not there.
    let keys = rows(&[&["unused-keys"][..], &at[..], &assume[..]].concat());
    let archive = keys
        .iter()
        .find(|row| row["aliases"] == "alias/legacy-archive")
        .unwrap();
    assert_eq!(text(archive, "verdict"), "inconclusive");
    assert!(
        text(archive, "reason").contains("which the lake does not hold"),
        "{archive}"
    );
}

#[test]
fn an_instant_before_the_first_snapshot_is_refused() {
    for query in [
        "unused-keys",
        "unexercised-admin-rights",
        "removed-admin-rights",
        "unexplained-admin-use",
    ] {
        let refused = on_sample(&["query", query, "-p", "as_of=2026-10-09T05:59:59Z"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{query}");
        assert!(
            refused.stderr.contains("the first is of 2026-10-09T06:00:00Z"),
            "{}",
            refused.stderr
        );
    }
}
