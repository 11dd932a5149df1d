//! An organization and its trails, collected from an AWS emulator over HTTP: everything that was created, and nothing else.
//!
//! moto pages accounts, units and policies by 20 as AWS does; the pages of ListTargetsForPolicy, and the organization's trail as
//! member accounts see it, are the HTTP double's business (`snapshot_collect.rs`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::program::keytrail;

fn ask(lake: &str, sql: &str) -> Vec<Value> {
    let output = keytrail()
        .args(["--lake", lake, "query", "--format", "jsonl", sql])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rows or descriptions by the text that names each.
fn by<'v>(name: &str, rows: &'v [Value]) -> BTreeMap<&'v str, &'v Value> {
    let held: BTreeMap<&str, &Value> = rows.iter().map(|row| (row[name].as_str().unwrap(), row)).collect();
    assert_eq!(held.len(), rows.len(), "a {name} is there twice");
    held
}

fn parsed(cell: &Value) -> Value {
    cell.as_str()
        .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[test]
fn an_organization_and_its_trails_are_collected_as_they_were_created() {
    let Some(mut emulator) = Emulator::start("populated_organization.py", &[]) else {
        return;
    };
    let made: Value = serde_json::from_str(&emulator.line()).unwrap();
    let list = |name: &str| made[name].as_array().unwrap().as_slice();
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake").display().to_string();
    // Of two trails the home Region is not among these.
    let arguments = [
        "snapshot",
        "collect",
        "--accounts",
        "organization",
        "--role-name",
        "reader",
    ];
    let regions = ["--regions", "eu-west-1,eu-north-1"];
    let done = emulator
        .command(&lake, &[&arguments[..], &regions].concat())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");

    let accounts = ask(&lake, "SELECT * FROM org_accounts");
    assert!(list("accounts").len() > 40, "less than three pages");
    let (held, created) = (by("account_id", &accounts), by("account_id", list("accounts")));
    assert_eq!(held.keys().collect::<Vec<_>>(), created.keys().collect::<Vec<_>>());
    for (id, account) in &created {
        let row = held[id];
        for part in ["name", "state", "path"] {
            assert_eq!(row[part], account[part], "{part} of {id}");
        }
        assert_eq!(row["organization_id"], made["organization_id"]);
        assert_eq!(row["management_account_id"], "123456789012");
        assert_eq!(row["is_management"], *id == "123456789012");
    }
    let units = ask(&lake, "SELECT count(*) AS n FROM org_units WHERE unit_kind = 'unit'");
    assert_eq!(units[0]["n"], made["units"]);

    let mut policies = ask(&lake, "SELECT * FROM org_policies");
    for policy in &mut policies {
        let targets = policy["targets"].as_array_mut().unwrap();
        targets.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    let (held, created) = (by("policy_id", &policies), by("policy_id", list("policies")));
    assert_eq!(held.keys().collect::<Vec<_>>(), created.keys().collect::<Vec<_>>());
    for (id, policy) in &created {
        let row = held[id];
        for part in ["policy_type", "policy_name", "content", "targets"] {
            assert_eq!(row[part], policy[part], "{part} of {id}");
        }
        assert_eq!((&row["verbatim"], &row["error"]), (&json!(true), &Value::Null), "{id}");
        assert_eq!(row["account_id"], "123456789012", "{id}");
    }

    let trails = ask(&lake, "SELECT * FROM trails");
    let (held, created) = (by("trail_arn", &trails), by("trail_arn", list("trails")));
    assert_eq!(
        held.keys().collect::<Vec<_>>(),
        created.keys().collect::<Vec<_>>(),
        "{said}"
    );
    for (arn, trail) in &created {
        let row = held[arn];
        for (part, value) in trail.as_object().unwrap() {
            let is_json = part.ends_with("selectors");
            let cell = if is_json { &parsed(&row[part]) } else { &row[part] };
            let none = is_json && value.as_array().is_some_and(Vec::is_empty) && cell.is_null();
            assert!(none || cell == value, "{part} of {arn}: {cell}, created as {value}");
        }
        assert_eq!(row["selectors_known"], true, "{arn}");
        assert!(row["start_logging_time"].is_string(), "{arn}");
        assert_eq!(
            row["stop_logging_time"].is_string(),
            row["is_logging"] == false,
            "{arn}"
        );
    }
    // What the selectors mean: all but reads of KMS, only writes, and nothing of what is stopped but its selectors.
    let means = |name: &str| {
        let row = trails.iter().find(|row| row["name"] == name).unwrap();
        (row["delivers_kms_read"].clone(), row["delivers_kms_write"].clone())
    };
    assert_eq!(means("everywhere"), (json!(false), json!(true)));
    assert_eq!(means("local"), (json!(false), json!(true)));

    let scopes = ask(
        &lake,
        "SELECT service, state, count(*) AS n FROM snapshot_scope WHERE operation IS NULL GROUP BY 1, 2 ORDER BY 1, 2",
    );
    let count = |service: &str, state: &str| {
        let found = scopes
            .iter()
            .find(|row| row["service"] == service && row["state"] == state);
        found.map_or(0, |row| row["n"].as_u64().unwrap())
    };
    // One account is closed.
    let open = list("accounts").len() as u64 - 1;
    let all = (
        count("iam", "complete"),
        count("kms", "complete"),
        count("cloudtrail", "complete"),
    );
    assert_eq!(all, (open, 2 * open, open), "{scopes:?}");
    assert_eq!(count("organizations", "complete"), 1);
    let closed = ask(
        &lake,
        "SELECT account_id, error_code FROM snapshot_scope WHERE operation = 'AssumeRole'",
    );
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert_eq!(closed[0]["error_code"], "SUSPENDED");
}
