//! What the timeline says of the key before and after each change, and what it calls out.

use serde_json::{Value, json};

use super::{story, text};
use crate::support::lake::{Event, TestLake, event};
use crate::support::office::person;

fn ann(id: &str, time: &str, operation: &str) -> Event {
    person(event(id, time, operation), "Ann").keys(&["k1"])
}

fn itself(id: &str, time: &str, operation: &str) -> Event {
    let identity = json!({ "accountid": "111122223333", "invokedby": "AWS Internal" });
    event(id, time, operation)
        .keys(&["k1"])
        .by("AWS Internal", "", identity)
        .with("eventtype", "AwsServiceEvent")
        .with("accesskeyid", Value::Null)
}

fn policy(principals: Value) -> String {
    let allow = json!({ "Sid": "all", "Effect": "Allow", "Principal": { "AWS": principals }, "Action": "kms:*", "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [allow] }).to_string();
    json!({ "keyId": "k1", "policyName": "default", "policy": policy }).to_string()
}

fn states(story: &Value) -> Vec<[&str; 3]> {
    let entries = story["timeline"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| ["operation", "state_before", "state_after"].map(|name| text(entry, name)))
        .collect()
}

#[test]
fn a_policy_changed_while_the_key_waits_for_deletion_is_called_out_and_can_be_put_back() {
    let lake = TestLake::new();
    let (account, me) = ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/Ann");
    lake.events([
        ann("p1", "2026-01-01T00:00:00Z", "PutKeyPolicy").with("requestparameters", policy(json!([account]))),
        event("use", "2026-01-01T12:00:00Z", "Decrypt").keys(&["k1"]),
        ann("gone", "2026-01-02T00:00:00Z", "ScheduleKeyDeletion"),
        ann("p2", "2026-01-02T00:01:00Z", "PutKeyPolicy").with(
            "requestparameters",
            policy(json!([me, "arn:aws:iam::999999999999:root"])),
        ),
    ]);
    let told = story(&lake, &["k1", "--as-of", "2026-01-03T00:00:00Z"]);
    assert_eq!(
        states(&told),
        [
            ["PutKeyPolicy", "Enabled", "Enabled"],
            ["ScheduleKeyDeletion", "Enabled", "PendingDeletion"],
            ["PutKeyPolicy", "PendingDeletion", "PendingDeletion"],
        ]
    );
    // No waiting period was asked for or answered: KMS's default.
    assert_eq!(told["deletion"]["pending_window_days"], 30);
    assert_eq!(told["deletion"]["earliest_deletion_at"], "2026-02-01T00:00:00Z");
    assert_eq!(told["deletion"]["seconds_left"], 29 * 86_400);
    let trick = &told["timeline"][2];
    let alarms = trick["alarms"].to_string();
    for said in [
        "while the key was pending deletion",
        "account 999999999999 is allowed in",
        "account 111122223333 itself is no longer allowed in",
    ] {
        assert!(alarms.contains(said), "{said}: {alarms}");
    }
    let lines: Vec<String> = trick["policy_diff"]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", text(line, "sign"), text(line, "text")))
        .collect();
    assert!(
        lines.contains(&format!("- Principal AWS {account}")) && lines.contains(&format!("+ Principal AWS {me}")),
        "{lines:?}"
    );
    let steps = told["next_steps"].to_string();
    assert!(
        steps.contains("aws kms put-key-policy") && steps.contains("cancel-key-deletion"),
        "{steps}"
    );
}

#[test]
fn material_that_expires_goes_back_to_who_imported_it() {
    let lake = TestLake::new();
    lake.events([
        ann("made", "2026-01-01T00:00:00Z", "CreateKey").with(
            "responseelements",
            json!({ "keyMetadata": { "origin": "EXTERNAL" } }).to_string(),
        ),
        ann("in", "2026-01-01T01:00:00Z", "ImportKeyMaterial"),
        itself("expired", "2026-01-09T00:00:00Z", "DeleteExpiredKeyMaterial"),
    ]);
    let told = story(&lake, &["k1"]);
    assert_eq!(
        states(&told),
        [
            ["CreateKey", "", "PendingImport"],
            ["ImportKeyMaterial", "PendingImport", "Enabled"],
            ["DeleteExpiredKeyMaterial", "Enabled", "PendingImport"],
        ]
    );
    assert_eq!(told["timeline"][2]["attributed_eventid"], "in");
    assert!(told["timeline"][2]["alarms"].to_string().contains("no waiting period"));
    assert!(told["next_steps"].to_string().contains("get-parameters-for-import"));
}

#[test]
fn a_key_store_that_is_disconnected_is_part_of_its_keys_story() {
    let lake = TestLake::new();
    let store = |id: &str, time: &str, operation: &str, of: &str| {
        person(event(id, time, operation), "Ann")
            .with("requestparameters", json!({ "customKeyStoreId": of }).to_string())
    };
    lake.events([
        ann("made", "2026-01-01T00:00:00Z", "CreateKey")
            .with("requestparameters", json!({ "customKeyStoreId": "cks-1" }).to_string()),
        store("off", "2026-01-02T00:00:00Z", "DisconnectCustomKeyStore", "cks-1"),
        store("other", "2026-01-02T00:00:00Z", "DisconnectCustomKeyStore", "cks-2"),
    ]);
    let told = story(&lake, &["k1"]);
    assert_eq!(
        states(&told),
        [
            ["CreateKey", "", "Enabled"],
            ["DisconnectCustomKeyStore", "Enabled", "Unavailable"]
        ]
    );
    assert!(
        told["next_steps"]
            .to_string()
            .contains("connect-custom-key-store --custom-key-store-id cks-1")
    );
}

#[test]
fn the_time_asked_for_bounds_what_is_told_but_not_what_is_known() {
    let lake = TestLake::new();
    lake.events([
        ann("off", "2026-01-01T00:00:00Z", "DisableKey"),
        ann("gone", "2026-01-03T00:00:00Z", "ScheduleKeyDeletion"),
        ann("back", "2026-01-05T00:00:00Z", "CancelKeyDeletion"),
    ]);
    let told = story(&lake, &["k1", "--since", "2026-01-02", "--until", "2026-01-04"]);
    assert_eq!(states(&told), [["ScheduleKeyDeletion", "Disabled", "PendingDeletion"]]);
    assert_eq!(told["deletion"]["status"], "pending");
}
