//! A lake with a thousand snapshots of a small organization, one an hour: what each adds, and how long questions take then.
//!
//! Between two snapshots one key policy changes and a few keys are used; everything else stays.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use keytrail::lake::Location;
use keytrail::lake::snapshots::{self, Stamp};
use keytrail::snapshot::bundle;
use serde_json::{Value, json};

use super::size_of;

const ACCOUNTS: usize = 3;
/// Keys of an account.
const KEYS: usize = 40;
/// Roles of an account.
const ROLES: usize = 20;
/// The first hour.
const BEGIN: i64 = 1_780_000_000;

fn account(of: usize) -> String {
    format!("{:012}", 100_000_000_000 + of)
}

fn instant(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// The organization at an hour.
fn organization(hour: usize) -> Value {
    let mut keys = Vec::new();
    let mut iam = serde_json::Map::new();
    for of in 0..ACCOUNTS {
        let account = account(of);
        for n in 0..KEYS {
            let id = format!("{of:04x}{n:04x}-0000-4000-8000-000000000000");
            let arn = format!("arn:aws:kms:eu-west-1:{account}:key/{id}");
            // The hours at which this key's policy was changed last.
            let all = ACCOUNTS * KEYS;
            let revision = (hour + all - (of * KEYS + n)) / all;
            let policy = json!({"Version": "2012-10-17", "Id": format!("revision {revision} of {n}"), "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Action": "kms:*", "Resource": "*"}]});
            let used = if n < 5 {
                hour
            } else {
                hour.saturating_sub(hour % (n + 20))
            };
            let used = instant(BEGIN + i64::try_from(used).unwrap() * 3_600 - 60);
            keys.push(json!({"KeyMetadata": {"AWSAccountId": account, "KeyId": id, "Arn": arn, "CreationDate": "2024-01-01T00:00:00Z",
                    "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
                "Policy": policy.to_string(), "PolicyName": "default",
                "Grants": [{"KeyId": arn, "GrantId": format!("{of:032x}{n:032x}"), "CreationDate": "2025-06-01T00:00:00Z",
                    "GranteePrincipal": format!("arn:aws:iam::{account}:role/team{}", n % ROLES), "Operations": ["Decrypt"]}],
                "Aliases": [{"AliasName": format!("alias/k{n}"), "AliasArn": format!("arn:aws:kms:eu-west-1:{account}:alias/k{n}"), "TargetKeyId": id}],
                "Tags": [{"TagKey": "owner", "TagValue": format!("team{}", n % ROLES)}], "RotationStatus": {"KeyRotationEnabled": true},
                "LastUsage": {"KeyId": arn, "TrackingStartDate": "2026-04-23T00:00:00Z", "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": used}}}));
        }
        let roles: Vec<Value> = (0..ROLES)
            .map(|n| {
                json!({"Arn": format!("arn:aws:iam::{account}:role/team{n}"), "RoleName": format!("team{n}"), "RoleId": format!("AROA{of:04}{n:04}"),
                    "Path": "/", "CreateDate": "2024-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    "RolePolicyList": [{"PolicyName": "work", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
                        {"Effect": "Allow", "Action": if n == 0 { json!("kms:*") } else { json!("kms:Decrypt") }, "Resource": "*"}]}}]})
            })
            .collect();
        iam.insert(account, json!({"RoleDetailList": roles}));
    }
    let at = instant(BEGIN + i64::try_from(hour).unwrap() * 3_600);
    json!({"collected_at": at, "kms": {"keys": keys}, "iam": iam})
}

/// Keeps the snapshots and asks; the figures as lines.
pub async fn measure(count: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lake");
    let lake = Location::parse(&root.display().to_string(), HashMap::new()).unwrap();
    let stamp = Stamp {
        collected_at: 0,
        source: "bench".to_owned(),
        kept_at: 0,
    };
    let mut said = format!("{count} snapshots of {} keys in {ACCOUNTS} accounts\n", ACCOUNTS * KEYS);
    let (mut before, mut ids) = (0, Vec::new());
    let step = (count / 10).max(1);
    let mut began = Instant::now();
    for hour in 0..count {
        let bundle = bundle::read(&organization(hour)).unwrap();
        ids.push(snapshots::keep(&lake, &bundle, &stamp).await.unwrap().snapshot_id);
        if (hour + 1) % step == 0 || hour == 0 {
            let (size, files) = (size_of(&root), files_of(&root));
            let kept = if hour == 0 { 1 } else { step };
            let each = began.elapsed().as_secs_f64() / f64::from(u32::try_from(kept).unwrap());
            said.push_str(&format!(
                "  after {:>5}: {:.3} s each, {} bytes each, {size} bytes in {files} files\n",
                hour + 1,
                each,
                (size - before) / kept as u64
            ));
            before = size;
            began = Instant::now();
        }
    }
    let log = folder.path().join("log.json");
    let record = json!({"Records": [{"eventVersion": "1.10", "eventTime": instant(BEGIN), "eventSource": "kms.amazonaws.com", "eventName": "Decrypt",
        "awsRegion": "eu-west-1", "eventID": "1", "recipientAccountId": account(0)}]});
    std::fs::write(&log, record.to_string()).unwrap();
    let as_of = instant(BEGIN + i64::try_from(count).unwrap() * 3_600);
    let (first, last) = (ids.first().unwrap().clone(), ids.last().unwrap().clone());
    let newest = format!("SELECT count(*) FROM kms_keys WHERE snapshot_id = '{last}'");
    ask(&root, &["ingest", &log.display().to_string()]);
    let questions: [(&str, &[&str]); 7] = [
        ("snapshot list", &["snapshot", "list"]),
        ("snapshot diff, first and last", &["snapshot", "diff", &first, &last]),
        ("kms_keys, the newest", &["query", &newest]),
        (
            "kms_keys, all",
            &["query", "SELECT count(*), count(DISTINCT last_used_at) FROM kms_keys"],
        ),
        (
            "unused-keys",
            &["query", "unused-keys", "-p", &format!("as_of={as_of}")],
        ),
        (
            "unexercised-admin-rights, 7 days",
            &[
                "query",
                "unexercised-admin-rights",
                "-p",
                &format!("as_of={as_of}"),
                "-p",
                "window=7d",
            ],
        ),
        ("compact", &["compact", "--retention", "1s"]),
    ];
    for round in ["", ", after compact"] {
        for (name, arguments) in &questions {
            said.push_str(&format!("  {name}{round}: {:.2} s\n", ask(&root, arguments)));
        }
        // Superseded files are dropped once they are older than the retention.
        std::thread::sleep(std::time::Duration::from_millis(1_200));
    }
    let (size, files) = (size_of(&root), files_of(&root));
    said.push_str(&format!("  in the end {size} bytes in {files} files\n"));
    said
}

fn ask(lake: &Path, arguments: &[&str]) -> f64 {
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_keytrail"))
        .args(["-q", "--lake"])
        .arg(lake)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(matches!(done.code(), Some(0 | 3)), "{arguments:?}: {done}");
    began.elapsed().as_secs_f64()
}

fn files_of(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { files_of(&path) } else { 1 })
        .sum()
}
