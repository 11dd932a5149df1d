//! The night of 15 September in `sample-logs/`, and the key KMS deleted in July.

use serde_json::json;

use super::{story, text};
use crate::support::lake::sample_lake;
use crate::support::program::{ask, on};

const ORDERS: &str = "arn:aws:kms:us-east-1:111122223333:key/70f08269-36e2-46a3-a5ea-574d74653653";
const TOKENS: &str = "arn:aws:kms:us-east-1:111122223333:key/9558afd7-723a-4734-b921-c65ea69323d9";
const ENGINEER: &str =
    "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_PlatformEngineer_fedcba9876543210";

#[test]
fn the_night_is_told_in_order_with_its_origin_and_its_damage() {
    let told = story(
        sample_lake(),
        &["alias/payments-orders", "--as-of", "2026-10-09T06:00:00Z"],
    );
    assert_eq!(told["schema"], "keytrail.trace");
    assert_eq!(told["version"], 1);
    assert_eq!(told["key"]["arn"], ORDERS);
    assert_eq!(told["key"]["aliases"], json!(["alias/payments-orders"]));
    assert_eq!(told["key"]["state"], "Enabled");
    let night: Vec<[&str; 4]> = told["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| text(entry, "at").starts_with("2026-09-15"))
        .map(|entry| ["at", "operation", "state_before", "state_after"].map(|name| text(entry, name)))
        .collect();
    assert_eq!(
        night,
        [
            ["2026-09-15T02:31:07Z", "DisableKey", "Enabled", "Disabled"],
            [
                "2026-09-15T02:33:52Z",
                "ScheduleKeyDeletion",
                "Disabled",
                "PendingDeletion"
            ],
            [
                "2026-09-15T06:52:20Z",
                "CancelKeyDeletion",
                "PendingDeletion",
                "Disabled"
            ],
            ["2026-09-15T06:53:01Z", "EnableKey", "Disabled", "Enabled"],
        ]
    );
    assert_eq!(told["deletion"]["status"], "cancelled");
    assert_eq!(told["deletion"]["earliest_deletion_at"], "2026-09-22T02:33:52Z");
    let stranger = told["actors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|actor| actor["is_harmful"] == true)
        .unwrap();
    assert_eq!(stranger["origin"]["arn"], ENGINEER);
    assert_eq!(stranger["origin"]["name"], "rroe@example.com");
    assert_eq!(stranger["origin"]["kind"], "identity_center");
    assert_eq!(stranger["origin"]["ip"], "192.0.2.77");
    assert_eq!(stranger["complete"], true);
    assert_eq!(stranger["hops"].as_array().unwrap().len(), 4);
    let firsts = stranger["firsts"].to_string();
    assert!(firsts.contains("address 192.0.2.77 was never seen before"), "{firsts}");
    let callers: Vec<_> = told["blast_radius"]["callers"].as_array().unwrap().iter().collect();
    let of = |at: usize| {
        (
            text(callers[at], "principal_arn"),
            callers[at]["failures"].as_u64(),
            callers[at]["seconds_to_failure"].as_i64(),
        )
    };
    assert_eq!(
        of(0),
        ("arn:aws:iam::111122223333:role/service/orders-api", Some(9), Some(38))
    );
    assert_eq!(
        of(1),
        (
            "arn:aws:iam::111122223333:role/service/settlement-batch",
            Some(1),
            Some(5405)
        )
    );
    assert_eq!(callers[0]["used_again_at"], "2026-09-15T06:53:34Z");
    let tampering = &told["tampering"][0];
    assert_eq!(
        (text(tampering, "operation"), text(tampering, "outcome")),
        ("PutEventSelectors", "denied")
    );
    assert_eq!(tampering["excludes_kms"], true);
    let deeds = told["session"].to_string();
    assert!(
        deeds.contains("PutEventSelectors") && deeds.contains("AssumeRole"),
        "{deeds}"
    );
}

#[test]
fn a_key_that_no_longer_exists_is_traced_to_who_asked_for_its_deletion() {
    let told = story(
        sample_lake(),
        &[
            "9558afd7-723a-4734-b921-c65ea69323d9",
            "--as-of",
            "2026-10-09T06:00:00Z",
        ],
    );
    assert_eq!(told["key"]["arn"], TOKENS);
    assert_eq!(told["key"]["state"], "Deleted");
    assert_eq!(told["deletion"]["status"], "deleted");
    let entries = told["timeline"].as_array().unwrap();
    let deleted = entries.iter().find(|entry| entry["operation"] == "DeleteKey").unwrap();
    let asked = entries
        .iter()
        .find(|entry| entry["operation"] == "ScheduleKeyDeletion")
        .unwrap();
    assert_eq!(deleted["actor_arn"], json!(null));
    assert_eq!(deleted["attributed_eventid"], asked["eventid"]);
    assert_eq!(
        deleted["attributed_actor_arn"],
        "arn:aws:iam::111122223333:role/security/KeyAdmin"
    );
    assert_eq!(deleted["actor"], asked["actor"]);
    let actor = &told["actors"][deleted["actor"].as_u64().unwrap() as usize];
    assert_eq!(actor["origin"]["name"], "mmajor@example.com");
}

#[test]
fn the_rows_say_the_same_as_the_stories() {
    let rows = ask(sample_lake(), &["key-destruction"]);
    let said: Vec<(&str, &str, &str, bool)> = rows
        .iter()
        .map(|row| {
            (
                text(row, "key_arn"),
                text(row, "operation"),
                text(row, "origin_name"),
                row["chain_complete"] == true,
            )
        })
        .collect();
    let archive = "arn:aws:kms:us-east-1:111122223333:key/61dad495-0702-4a97-b718-a322d40b426a";
    assert_eq!(
        said,
        [
            (TOKENS, "ScheduleKeyDeletion", "mmajor@example.com", true),
            (TOKENS, "DeleteKey", "mmajor@example.com", true),
            (ORDERS, "DisableKey", "rroe@example.com", true),
            (ORDERS, "ScheduleKeyDeletion", "rroe@example.com", true),
            (ORDERS, "CancelKeyDeletion", "mmajor@example.com", true),
            (archive, "ScheduleKeyDeletion", "mmajor@example.com", true),
        ]
    );
}

#[test]
fn a_pending_deletion_says_how_long_is_left_and_how_to_cancel() {
    let told = on(
        sample_lake(),
        &[
            "trace",
            "alias/payments-orders",
            "--until",
            "2026-09-15T03:00:00Z",
            "--as-of",
            "2026-09-15T03:00:00Z",
        ],
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout
            .contains("PENDING DELETION, not before 2026-09-22T02:33:52Z (6 days 23 h left to cancel)"),
        "{}",
        told.stdout
    );
    assert!(told.stdout.contains(&format!(
        "aws kms cancel-key-deletion --key-id {ORDERS} --region us-east-1"
    )));
    assert!(
        told.stdout
            .contains(&format!("aws kms enable-key --key-id {ORDERS} --region us-east-1"))
    );
    assert!(told.stdout.contains("1 caller(s) failed 5 time(s)"), "{}", told.stdout);
    assert!(
        !told.stdout.contains("Use came back"),
        "what lies after the end is not told"
    );
}

#[test]
fn the_page_loads_nothing_and_holds_the_drawing() {
    let told = on(
        sample_lake(),
        &["trace", ORDERS, "--format", "html", "--as-of", "2026-10-09T06:00:00Z"],
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    let page = told.stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg ") && page.contains("rroe@example.com"));
    for way in ["src=", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(way), "the page has `{way}`");
    }
    // Links lead to the page itself, and its one script is the layout's, whose hash the page's policy names.
    assert_eq!(page.matches("href=").count(), page.matches("href=\"#").count());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
}
