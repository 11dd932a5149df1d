//! The `snapshot` commands as a user runs them, and the tables in SQL, with this engine and another.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::peers;
use crate::support::program::{self, Run};

fn bundle(at: &str, action: &str) -> Value {
    let arn = |n: usize| format!("arn:aws:kms:eu-west-1:111122223333:key/{n:08x}-0000-4000-8000-000000000000");
    let keys: Vec<Value> = (0..3)
        .map(|n| {
            let action = if n == 1 { action } else { "kms:*" };
            json!({"KeyMetadata": {"Arn": arn(n), "KeyId": arn(n).rsplit('/').next(), "KeyState": "Enabled", "KeyManager": "CUSTOMER"},
                "Policy": format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{action}\"}}]}}"), "PolicyName": "default",
                "Grants": [{"GrantId": format!("g{n}"), "KeyId": arn(n), "GranteePrincipal": "arn:aws:iam::111122223333:role/r", "Operations": ["Decrypt"]}],
                "Tags": [{"TagKey": "n", "TagValue": n.to_string()}], "Aliases": [],
                "LastUsage": {"TrackingStartDate": "2026-04-23T00:00:00Z", "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": "2026-04-30T00:00:00Z"}}})
        })
        .collect();
    json!({"collected_at": at, "kms": {"keys": keys}, "iam": {"111122223333": {"UserDetailList": [], "GroupDetailList": [], "Policies": [],
        "RoleDetailList": [{"RoleName": "r", "RoleId": "AROAEXAMPLE", "Arn": "arn:aws:iam::111122223333:role/r", "AttachedManagedPolicies": [],
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}]}}})
}

fn run(lake: &Path, arguments: &[&str]) -> Run {
    let lake = lake.display().to_string();
    program::run(&[&["--lake", lake.as_str()], arguments].concat())
}

fn import(lake: &Path, folder: &Path, name: &str, value: &Value) -> String {
    let path = folder.join(name);
    fs::write(&path, value.to_string()).unwrap();
    let done = run(lake, &["snapshot", "import", path.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout.trim().to_owned()
}

#[test]
fn a_lake_of_snapshots_alone_is_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let refused = run(&lake, &["compact"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let days = ["2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z"];
    for day in days {
        import(&lake, folder.path(), "a.json", &bundle(day, &format!("kms:Get{day}")));
    }
    let asked = [
        "query",
        "SELECT * FROM kms_key_policies ORDER BY snapshot_id, key_arn",
        "--format",
        "jsonl",
    ];
    let before = run(&lake, &asked).stdout;
    let done = run(&lake, &["compact", "--retention", "0s"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stderr.contains("merged 0 files"), "{}", done.stderr);
    assert!(
        before.lines().count() == 9 && run(&lake, &asked).stdout == before,
        "{before}"
    );
    // What a lake has no records of cannot be written back.
    assert_eq!(run(&lake, &["export"]).code, 2);
}

#[test]
fn snapshots_are_imported_listed_compared_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let first = import(&lake, folder.path(), "a.json", &bundle("2026-05-01T00:00:00Z", "kms:*"));
    let second = import(
        &lake,
        folder.path(),
        "b.json",
        &bundle("2026-05-02T00:00:00Z", "kms:Describe*"),
    );
    assert!(first.starts_with("20260501T000000Z-"), "{first}");
    let again = run(
        &lake,
        &["snapshot", "import", folder.path().join("a.json").to_str().unwrap()],
    );
    assert!(again.code == 0 && again.stderr.contains("already"), "{}", again.stderr);
    let listed = run(&lake, &["snapshot", "list", "--format", "jsonl"]);
    let rows: Vec<Value> = listed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2, "{}", listed.stdout);
    assert_eq!(
        (
            &rows[0]["keys"],
            &rows[0]["grants"],
            &rows[0]["principals"],
            &rows[0]["complete"]
        ),
        (&json!(3), &json!(3), &json!(1), &json!(true))
    );
    let diff = run(&lake, &["snapshot", "diff", &first, &second]);
    let expected = "changed kms_key_policies: arn:aws:kms:eu-west-1:111122223333:key/00000001-0000-4000-8000-000000000000 default (111122223333 eu-west-1)\n";
    assert!(
        diff.stdout.starts_with(expected) && diff.stdout.contains("+       \"Action\": \"kms:Describe*\""),
        "{}",
        diff.stdout
    );
    assert_eq!(diff.stdout.matches("changed").count(), 1);
    let same = run(&lake, &["snapshot", "diff", &first, &first[..24], "--format", "json"]);
    assert_eq!(same.stdout.trim(), "[]", "{}", same.stderr);
    assert_eq!(run(&lake, &["snapshot", "diff", &first, "nothing"]).code, 2);
    let asked = run(
        &lake,
        &[
            "query",
            "--format",
            "jsonl",
            "SELECT k.key_id, k.last_used_at, p.policy, n.snapshot_id FROM kms_keys k \
        JOIN kms_key_policies p ON p.snapshot_id = k.snapshot_id AND p.key_arn = k.key_arn JOIN snapshot_newest n ON n.snapshot_id = k.snapshot_id AND n.service = 'kms' \
        AND n.account_id = k.account_id AND n.region = k.region WHERE p.policy LIKE '%Describe%'",
        ],
    );
    assert_eq!(asked.stdout.lines().count(), 1, "{}{}", asked.stdout, asked.stderr);
    let row: Value = serde_json::from_str(asked.stdout.trim()).unwrap();
    assert_eq!(row["snapshot_id"], second.as_str());
    assert!(row["last_used_at"].as_str().unwrap().starts_with("2026-04-30"), "{row}");
    // Every table of the contract answers, with its own columns first.
    for table in [
        "kms_keys",
        "kms_key_policies",
        "kms_grants",
        "kms_aliases",
        "kms_tags",
        "iam_principals",
        "iam_policies",
        "org_accounts",
        "org_policies",
        "trails",
        "snapshot_scope",
    ] {
        let sql = format!("SELECT snapshot_id, collected_at, account_id FROM {table}");
        let asked = run(&lake, &["query", "--format", "jsonl", &sql]);
        assert_eq!(asked.code, 0, "{table}: {}", asked.stderr);
    }
}

#[test]
fn what_cannot_be_read_ends_with_three_and_what_cannot_begin_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let mut broken = bundle("2026-05-01T00:00:00Z", "kms:*");
    broken["kms"]["keys"][0]["Policy"] = json!("{not json");
    let path = folder.path().join("broken.json");
    fs::write(&path, broken.to_string()).unwrap();
    let done = run(&lake, &["snapshot", "import", path.to_str().unwrap()]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("MalformedPolicy"), "{}", done.stderr);
    let asked = run(
        &lake,
        &[
            "query",
            "--format",
            "jsonl",
            "SELECT p.policy, p.error, s.error_code FROM kms_key_policies p JOIN snapshot_scope s ON s.resource = p.key_arn WHERE p.error IS NOT NULL",
        ],
    );
    let row: Value = serde_json::from_str(asked.stdout.trim()).unwrap();
    assert_eq!(
        (&row["policy"], &row["error_code"]),
        (&json!("{not json"), &json!("MalformedPolicy"))
    );
    fs::write(&path, &broken.to_string()[..200]).unwrap();
    let done = run(&lake, &["snapshot", "import", path.to_str().unwrap()]);
    assert!(done.code == 2 && done.stderr.contains("not JSON"), "{}", done.stderr);
    assert_eq!(run(&lake, &["snapshot", "import", "/nonexistent.json"]).code, 2);
    let done = run(&lake, &["snapshot", "collect", "--accounts", "12345"]);
    assert!(
        done.code == 2 && done.stderr.contains("twelve digits"),
        "{}",
        done.stderr
    );
}

#[test]
fn the_printed_policy_only_reads() {
    let done = program::run(&["snapshot", "collect", "--print-policy"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let policy: Value = serde_json::from_str(&done.stdout).unwrap();
    let actions: Vec<&str> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    for needed in [
        "kms:ListGrants",
        "kms:GetKeyLastUsage",
        "iam:GetAccountAuthorizationDetails",
        "organizations:ListTargetsForPolicy",
        "cloudtrail:GetEventSelectors",
    ] {
        assert!(actions.contains(&needed), "{needed}");
    }
    assert!(
        actions
            .iter()
            .all(|action| action.contains(":Get") || action.contains(":List") || action.contains(":Describe"))
    );
    assert!(!done.stdout.contains('*') || !actions.iter().any(|action| action.contains('*')));
}

#[test]
fn duckdb_reads_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    import(&lake, folder.path(), "a.json", &bundle("2026-05-01T00:00:00Z", "kms:*"));
    let location = keytrail::lake::Location::parse(lake.to_str().unwrap(), std::collections::HashMap::new()).unwrap();
    let views: std::collections::BTreeMap<&str, String> = keytrail::lake::snapshots::views().into_iter().collect();
    let names = [
        "kms_keys_rows",
        "kms_last_usage_rows",
        "kms_key_policies_rows",
        "snapshot_chunks",
        "policy_texts",
    ];
    let tables = names
        .map(|name| (name.to_owned(), location.table(name).unwrap().path().to_owned()))
        .into_iter()
        .collect();
    let sql = format!(
        "WITH kms_last_usage AS ({}), keys AS ({}), policies AS ({}) SELECT k.key_id, p.policy, k.last_usage_operation FROM keys k JOIN policies p ON p.key_arn = k.key_arn ORDER BY 1",
        views["kms_last_usage"], views["kms_keys"], views["kms_key_policies"]
    );
    let Some(rows) = peers::Peer::DuckDb.query(&tables, &sql, None) else {
        return;
    };
    assert_eq!(rows.len(), 3, "{rows:?}");
}
