//! Verdicts at the edges: lakes, logs and snapshots that do not fit each other. Each gives a clear answer or a clear refusal.

use serde_json::{Value, json};

use crate::support::lake::{TestLake, event, key_arn};
use crate::support::office::office;
use crate::support::permissions::{bundle, guarded_office, keep, object, whole_office};
use crate::support::program::{ask, on};

const RIGHTS: [&str; 4] = [
    "unused-keys",
    "unexercised-admin-rights",
    "removed-admin-rights",
    "unexplained-admin-use",
];

fn unused(lake: &TestLake, more: &[&str]) -> Vec<Value> {
    ask(lake, &[&["unused-keys"][..], more].concat())
}

fn row<'r>(rows: &'r [Value], id: &str) -> &'r Value {
    rows.iter()
        .find(|row| row["key_id"] == id)
        .unwrap_or_else(|| panic!("no row of {id}: {rows:?}"))
}

fn reason(row: &Value) -> &str {
    row["reason"].as_str().unwrap_or_default()
}

/// The office's log with a snapshot of another instant.
fn with_snapshot(at: &str, change: impl FnOnce(&mut Value)) -> TestLake {
    let lake = office();
    let objects: Vec<Value> = (1..=7)
        .map(|day| object(&format!("2026-01-{day:02}"), json!({})))
        .collect();
    lake.add("ingest_objects", &objects);
    let mut bundle = bundle();
    bundle["collected_at"] = json!(at);
    change(&mut bundle);
    keep(&lake, &bundle);
    lake
}

#[test]
fn an_empty_lake_and_a_lake_without_snapshots_are_refused() {
    for lake in [TestLake::new(), office()] {
        for query in RIGHTS {
            let refused = on(&lake, &["query", query, "-p", "as_of=2026-01-07"]);
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{query}");
            assert!(refused.stderr.contains("no permission snapshot"), "{}", refused.stderr);
            assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
        }
    }
}

#[test]
fn a_snapshot_newer_than_the_log_is_refused_or_leaves_everything_open() {
    let lake = with_snapshot("2026-02-01T00:00:00Z", |_| {});
    let refused = on(&lake, &["query", "unused-keys"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("the first is of 2026-02-01"),
        "{}",
        refused.stderr
    );
    let rows = unused(&lake, &["-p", "as_of=2026-02-01", "-p", "window=5d"]);
    assert_eq!(rows.len(), 5);
    for row in rows.iter().filter(|row| row["verdict"] == "inconclusive") {
        assert!(reason(row).contains("log: "), "{row}");
    }
    // The one that GetKeyLastUsage speaks of, and the one that a grant holds.
    assert_eq!(row(&rows, "idle")["proof"], "last_usage");
    assert_eq!(row(&rows, "payroll")["verdict"], "inconclusive");
    assert!(rows.iter().all(|row| row["proof"] != "log"));
    let rights = ask(
        &lake,
        &["unexercised-admin-rights", "-p", "as_of=2026-02-01", "-p", "window=5d"],
    );
    assert!(!rights.is_empty());
    assert!(rights.iter().all(|row| row["verdict"] == "unobservable"));
}

#[test]
fn a_snapshot_older_than_the_log_is_brought_up_to_date_by_it() {
    let lake = with_snapshot("2026-01-02T00:00:00Z", |_| {});
    lake.events([event("gone", "2026-01-06T12:00:00Z", "DeleteKey")
        .keys(&["payroll"])
        .with("eventtype", "AwsServiceEvent")]);
    let rows = unused(&lake, &["-p", "as_of=2026-01-07", "-p", "window=5d"]);
    let archive = row(&rows, "archive");
    assert_eq!(archive["key_state"], "Enabled");
    let caution = archive["caution"].as_str().unwrap();
    assert!(
        caution.contains("changed since the snapshot") && caution.contains("EnableKey"),
        "{archive}"
    );
    // Deleted inside the window.
    let payroll = row(&rows, "payroll");
    assert_eq!(
        (payroll["verdict"].as_str(), reason(payroll)),
        (Some("not_applicable"), "deleted since the snapshot")
    );
    assert_eq!(payroll["monthly_cost_usd"].as_f64(), Some(0.0));
    // The answers of GetKeyLastUsage are from before as_of, and prove nothing about it.
    assert_ne!(row(&rows, "idle")["proof"], "last_usage");
}

#[test]
fn a_key_that_a_newer_snapshot_lacks_has_no_row() {
    let rows = unused(&whole_office(), &["-p", "as_of=2026-01-07", "-p", "window=5d"]);
    assert!(rows.iter().all(|row| row["key_id"] != "retired"));
    assert_eq!(rows.len(), 5);
}

#[test]
fn a_window_longer_than_the_log_is_no_proof() {
    let lake = whole_office();
    let short = unused(&lake, &["-p", "as_of=2026-01-07", "-p", "window=5d"]);
    assert_eq!(row(&short, "idle")["proof"], "log, last_usage");
    let long = unused(&lake, &["-p", "as_of=2026-01-07", "-p", "window=400d"]);
    let idle = row(&long, "idle");
    // Tracking began inside so long a window, and the log begins even later.
    assert_eq!(idle["verdict"], "inconclusive", "{idle}");
    assert!(
        reason(idle).contains("log: ") && reason(idle).contains("tracking began inside the window"),
        "{idle}"
    );
    let rights = ask(
        &lake,
        &[
            "unexercised-admin-rights",
            "-p",
            "as_of=2026-01-07",
            "-p",
            "window=400d",
        ],
    );
    assert!(rights.iter().all(|row| row["verdict"] != "unexercised"));
}

#[test]
fn an_account_on_one_side_only() {
    let elsewhere = "arn:aws:kms:us-east-1:444455556666:key/far";
    let lake = with_snapshot("2026-01-07T00:00:00Z", |bundle| {
        let mut far = bundle["kms"]["keys"][3].clone();
        far["KeyMetadata"]["Arn"] = json!(elsewhere);
        far["KeyMetadata"]["AWSAccountId"] = json!("444455556666");
        far["KeyMetadata"]["KeyId"] = json!("far");
        far.as_object_mut().unwrap().remove("LastUsage");
        bundle["kms"]["keys"].as_array_mut().unwrap().push(far);
    });
    // In the log and not in the snapshot: a key of a third account.
    let stranger = "arn:aws:kms:us-east-1:777788889999:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let named =
        json!([{"key_ref": stranger, "key_arn": stranger, "account_id": "777788889999", "region": "us-east-1"}]);
    lake.events([event("strange", "2026-01-06T10:00:00Z", "DisableKey")
        .with("kms", named)
        .with("recipientaccountid", "777788889999")]);
    let at = ["-p", "as_of=2026-01-07", "-p", "window=5d"];
    let rows = unused(&lake, &at);
    assert_eq!(rows.len(), 6, "a key of the log alone has no row");
    let far = row(&rows, "far");
    assert_eq!(far["verdict"], "inconclusive", "{far}");
    assert!(reason(far).contains("444455556666"), "{far}");
    let unexplained = ask(&lake, &[&["unexplained-admin-use"][..], &at[..]].concat());
    let row = unexplained.iter().find(|row| row["key_arn"] == stranger).unwrap();
    assert_eq!(row["reason"], "no snapshot holds the key");
}

/// Accounts are cleared by their last day where that tells, and by the whole log where it does not.
#[test]
fn a_log_that_changes_keys_and_never_reads_is_not_whole() {
    let days: Vec<String> = (1..=31)
        .map(|day| format!("2026-01-{day:02}"))
        .chain((1..=9).map(|day| format!("2026-02-{day:02}")))
        .collect();
    let doubted = |reads_on: Option<usize>| {
        let lake = TestLake::new();
        lake.events(days.iter().enumerate().flat_map(|(place, day)| {
            let made = |id: &str, operation: &str, reads: bool| {
                event(&format!("{id}-{day}"), &format!("{day}T10:00:00Z"), operation).with("readonly", json!(reads))
            };
            let read = (reads_on == Some(place)).then(|| {
                made("read", "ListBuckets", true)
                    .with("eventsource", "s3.amazonaws.com")
                    .with("kms", Value::Null)
            });
            read.into_iter()
                .chain([made("tag", "TagResource", false).keys(&["orders"])])
        }));
        let objects: Vec<Value> = days.iter().map(|day| object(day, json!({}))).collect();
        lake.add("ingest_objects", &objects);
        lake.add(
            "ingest_listings",
            &[json!({ "source": "s3://logs/", "finished_at": "2026-02-10T00:15:00Z", "complete": true })],
        );
        keep(&lake, &bundle());
        let sql = "SELECT count(*) AS n FROM coverage WHERE kind = 'use' AND cause LIKE '%never a read-only one%'";
        ask(&lake, &[sql])[0]["n"].as_i64().unwrap() > 0
    };
    assert!(doubted(None));
    for place in [0, 20, days.len() - 1] {
        assert!(!doubted(Some(place)), "a read-only call on {}", days[place]);
    }
}

#[test]
fn a_use_without_an_event_id_is_a_use() {
    let lake = whole_office();
    let old = event("old", "2026-01-04T10:00:00Z", "Decrypt").keys(&["idle"]);
    lake.events([
        old.clone().with("eventid", Value::Null),
        old.with("eventid", "").with("source_index", 1),
    ]);
    let rows = unused(&lake, &["-p", "as_of=2026-01-07", "-p", "window=5d"]);
    let idle = row(&rows, "idle");
    assert_eq!(
        (idle["verdict"].as_str(), idle["uses"].as_i64()),
        (Some("in_use"), Some(2)),
        "{idle}"
    );
}

#[test]
fn a_window_shorter_than_the_rhythm_of_a_key_is_warned_of() {
    let lake = whole_office();
    lake.events([
        event("yearly-1", "2024-12-31T10:00:00Z", "Decrypt").keys(&["idle"]),
        event("yearly-2", "2025-12-31T10:00:00Z", "Decrypt").keys(&["idle"]),
    ]);
    let at = ["-p", "as_of=2026-01-07", "-p", "window=5d"];
    let rows = unused(&lake, &at);
    let caution = row(&rows, "idle")["caution"].as_str().unwrap();
    assert!(
        caution.contains("the window is shorter than the longest gap between past uses, 365.0 days"),
        "{caution}"
    );
    let rhythm = ask(&lake, &[&["periodicity"][..], &at[..]].concat());
    let row = rhythm.iter().find(|row| row["key_arn"] == key_arn("idle")).unwrap();
    assert_eq!(row["longest_gap_days"].as_f64(), Some(365.0), "{row}");
    assert_eq!(
        row["warning"],
        "the window is shorter than the longest gap between uses"
    );
}

#[test]
fn a_narrowed_log_proves_nothing_that_a_whole_one_proves() {
    let at = ["-p", "as_of=2026-01-07", "-p", "window=5d"];
    let narrowed = unused(&guarded_office(), &at);
    let whole = unused(&whole_office(), &at);
    assert_eq!(row(&narrowed, "idle")["proof"], "last_usage");
    assert_eq!(row(&whole, "idle")["proof"], "log, last_usage");
}
