//! `report unused-keys`: its forms, what changed since another one, and how it ends.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{AS_OF, golden, report, sample, sample_logs};
use crate::support::lake::TestLake;
use crate::support::permissions::{bundle, guarded_office, keep};

const OFFICE: [&str; 5] = ["unused-keys", "--as-of", "2026-01-07", "--window", "5d"];

fn office(lake: &TestLake, more: &[&str]) -> String {
    let mut arguments = OFFICE.to_vec();
    arguments.extend(more);
    let done = report(lake, &arguments);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout
}

#[test]
fn every_form_goes_by_the_name_of_its_file_and_has_its_golden_one() {
    let lake = guarded_office();
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "unused-keys.html",
        "unused-keys.json",
        "unused-keys.csv",
        "unused-keys.md",
    ] {
        let path = folder.path().join(name);
        assert_eq!(office(&lake, &["-o", &path.display().to_string()]), "");
        golden(name, &std::fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn the_sample_is_reported_as_its_story_says() {
    let done = report(sample(), &["unused-keys", "--as-of", AS_OF, "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&told["schema"], &told["version"]),
        (&json!("keytrail.unused-keys"), &json!(1))
    );
    assert_eq!(told["summary"]["customer_managed"], 27);
    assert_eq!(
        (&told["summary"]["places_covered"], &told["summary"]["places"]),
        (&json!(2), &json!(5))
    );
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(sample_logs().join("truth.json")).unwrap()).unwrap();
    let keys: BTreeMap<&str, &Value> = told["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["key_arn"].as_str().unwrap(), key))
        .collect();
    assert_eq!(keys.len(), truth["keys"].as_array().unwrap().len());
    for expected in truth["keys"].as_array().unwrap() {
        let key = keys[expected["key_arn"].as_str().unwrap()];
        for column in ["verdict", "uses", "service_uses", "failed_uses", "live_grants"] {
            assert_eq!(key[column], expected[column], "{} {column}", expected["name"]);
        }
        // The picture shows what the columns count.
        let drawn = |name: &str| -> i64 {
            key["use_over_time"][name]
                .as_array()
                .unwrap()
                .iter()
                .map(|number| number.as_i64().unwrap())
                .sum()
        };
        let all = key["uses"].as_i64().unwrap() + key["service_uses"].as_i64().unwrap();
        assert!(
            drawn("uses") >= all,
            "{}: {} drawn, {all} counted",
            expected["name"],
            drawn("uses")
        );
        assert_eq!(
            key["grants"].as_array().unwrap().len() as i64,
            key["live_grants"],
            "{}",
            expected["name"]
        );
    }
    let unused = |name: &str| keys.values().find(|key| key["aliases"] == name).copied().unwrap();
    let flags = unused("alias/feature-flags");
    assert_eq!(flags["owner"], "web");
    let commands: Vec<&str> = flags["retirement"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["command"].as_str())
        .collect();
    assert!(commands[0].starts_with("aws kms disable-key ") && commands[2].ends_with(" --pending-window-in-days 30"));
    // One that is disabled already is not to be disabled again.
    let disabled = unused("alias/reports-2024")["retirement"].to_string();
    assert!(!disabled.contains("aws kms disable-key"), "{disabled}");
    assert!(told["summary"]["unused_yearly_cost_usd"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_exit_code_says_which_verdicts_there_are() {
    for fail_on in ["inconclusive", "any", "held-by-grant,too_new"] {
        let done = report(
            sample(),
            &["unused-keys", "--as-of", AS_OF, "--format", "csv", "--fail-on", fail_on],
        );
        assert_eq!(done.code, 1, "{fail_on}: {}", done.stderr);
    }
    let lake = guarded_office();
    let mut arguments = OFFICE.to_vec();
    arguments.extend(["--fail-on", "too_new", "--format", "csv"]);
    assert_eq!(report(&lake, &arguments).code, 0);
    let wrong = report(&lake, &["unused-keys", "--fail-on", "idle"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("`idle` is no verdict"), "{}", wrong.stderr);
}

#[test]
fn a_log_too_thin_to_conclude_from_ends_with_three_and_a_named_verdict_beats_it() {
    let lake = TestLake::new();
    let mut nothing_known = bundle();
    for key in nothing_known["kms"]["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("LastUsage");
    }
    keep(&lake, &nothing_known);
    let arguments = [
        "unused-keys",
        "--as-of",
        "2026-01-07",
        "--window",
        "5d",
        "--format",
        "csv",
    ];
    let thin = report(&lake, &arguments);
    assert_eq!(thin.code, 3, "{}", thin.stderr);
    assert!(thin.stderr.contains("too thin"), "{}", thin.stderr);
    assert!(thin.stdout.contains("inconclusive"));
    let mut named = arguments.to_vec();
    named.extend(["--fail-on", "inconclusive"]);
    assert_eq!(report(&lake, &named).code, 1);
    // What the user vouches for is enough, and is said.
    let mut vouched = vec!["unused-keys", "--as-of", "2026-01-07", "--window", "5d"];
    vouched.extend(["--assume-coverage", "2025-12-01..2026-02-01", "--format", "json"]);
    let vouched = report(&lake, &vouched);
    assert_eq!(vouched.code, 0, "{}", vouched.stderr);
    let told: Value = serde_json::from_str(&vouched.stdout).unwrap();
    assert_eq!(told["assumed"], json!(["2025-12-01..2026-02-01"]));
    assert_eq!(told["coverage"][0]["basis"], "assumed");
}

#[test]
fn without_a_snapshot_or_a_lake_it_could_not_run() {
    assert_eq!(
        report(&TestLake::new(), &["unused-keys", "--as-of", "2026-01-07"]).code,
        2
    );
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(report(&nowhere.path().join("none"), &["unused-keys"]).code, 2);
    assert_eq!(report(&guarded_office(), &["unused-keys", "--window", "0d"]).code, 2);
}

#[test]
fn what_changed_since_an_earlier_report_is_told_by_name() {
    let lake = guarded_office();
    let folder = tempfile::tempdir().unwrap();
    let earlier = folder.path().join("earlier.json").display().to_string();
    office(&lake, &["-o", &earlier]);
    // The day after: `idle` is in use, `payroll` waits for its deletion, `archive` is gone, `fresh` is new.
    let mut after = bundle();
    after["collected_at"] = json!("2026-01-08T00:00:00Z");
    let keys = after["kms"]["keys"].as_array_mut().unwrap();
    keys.retain(|key| key["KeyMetadata"]["KeyId"] != "archive");
    let mut fresh = keys[0].clone();
    for key in keys.iter_mut() {
        let id = key["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        if id == "idle" {
            key["LastUsage"]["KeyLastUsage"] = json!({"Operation": "Decrypt", "Timestamp": "2026-01-07T10:00:00Z"});
        }
        if id == "payroll" {
            key["KeyMetadata"]["KeyState"] = json!("PendingDeletion");
            key["KeyMetadata"]["DeletionDate"] = json!("2026-02-01T00:00:00Z");
        }
    }
    fresh["KeyMetadata"]["KeyId"] = json!("fresh");
    fresh["KeyMetadata"]["Arn"] = json!(crate::support::lake::key_arn("fresh"));
    fresh.as_object_mut().unwrap().remove("LastUsage");
    keys.push(fresh);
    keep(&lake, &after);
    let now = [
        "unused-keys",
        "--as-of",
        "2026-01-08",
        "--window",
        "5d",
        "--format",
        "json",
    ];
    for way in [["--since-report", earlier.as_str()], ["--compare-to", "2026-01-07"]] {
        let mut arguments = now.to_vec();
        arguments.extend(way);
        let done = report(&lake, &arguments);
        assert!([0, 3].contains(&done.code), "{}", done.stderr);
        let told: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(told["changes"]["since"], "2026-01-07T00:00:00Z");
        let changes: Vec<(&str, &str)> = told["changes"]["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| (change["kind"].as_str().unwrap(), change["name"].as_str().unwrap()))
            .collect();
        for expected in [
            ("back_in_use", "idle"),
            ("newly_pending_deletion", "payroll"),
            ("new", "fresh"),
            ("gone", "alias/archive"),
        ] {
            assert!(
                changes.contains(&expected),
                "{way:?}: {expected:?} is not in {changes:?}"
            );
        }
    }
    // A report on a later instant is no earlier one, and another document is none at all.
    let mut arguments = OFFICE.to_vec();
    arguments.extend(["--since-report", earlier.as_str()]);
    let backwards = report(&lake, &arguments);
    assert_eq!(backwards.code, 2);
    assert!(backwards.stderr.contains("not before"), "{}", backwards.stderr);
    std::fs::write(&earlier, "{}").unwrap();
    let broken = report(&lake, &arguments);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("is not the JSON form"), "{}", broken.stderr);
}
