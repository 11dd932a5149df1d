//! How long an evidence pack of a large organization takes, and how much memory.
//!
//! `cargo bench --bench report -- [KEYS] [RECORDS_A_DAY]`: 50 accounts with KEYS keys (10,000), ninety days of log with
//! RECORDS_A_DAY records for each account (40), a snapshot, then each report, timed, with the peak memory of its process.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a benchmark that cannot run has failed, and says where"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const ACCOUNTS: usize = 50;
const DAYS: i64 = 90;
const ROLES: usize = 12;
const REGION: &str = "eu-west-1";

fn account(n: usize) -> String {
    format!("{:012}", 100_000_000_000 + n)
}

fn key_arn(n: usize) -> String {
    format!("arn:aws:kms:{REGION}:{}:key/{}", account(n % ACCOUNTS), key_id(n))
}

fn key_id(n: usize) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

fn role_arn(account_number: usize, n: usize) -> String {
    format!("arn:aws:iam::{}:role/team{n}", account(account_number))
}

/// The day `ago` days before the end of the window, as year, month and day.
fn day(ago: i64) -> (i32, u32, u32) {
    let date = chrono::DateTime::from_timestamp(1_790_000_000 - ago * 86_400, 0).unwrap();
    let text = date.format("%Y-%m-%d").to_string();
    let mut parts = text.split('-').map(|part| part.parse::<u32>().unwrap());
    (
        i32::try_from(parts.next().unwrap()).unwrap(),
        parts.next().unwrap(),
        parts.next().unwrap(),
    )
}

fn record(number: usize, of: usize, day: (i32, u32, u32), keys: usize) -> Value {
    let operation = match number % 200 {
        0 => "DisableKey",
        1 => "EnableKey",
        2 => "TagResource",
        other if other % 2 == 0 => "Decrypt",
        _ => "GenerateDataKey",
    };
    // Half of the keys are used.
    let key = (number.wrapping_mul(2_654_435_761) % (keys / ACCOUNTS / 2).max(1)) * ACCOUNTS + of;
    let role = number % ROLES;
    let time = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:00Z",
        day.0,
        day.1,
        day.2,
        number / 60 % 24,
        number % 60
    );
    json!({
        "eventVersion": "1.10", "eventTime": time, "eventSource": "kms.amazonaws.com", "eventName": operation, "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.10", "userAgent": "aws-sdk", "eventID": format!("{of:04x}{:04}{:02}{:02}-{number:08x}", day.0, day.1, day.2),
        "readOnly": operation == "Decrypt" || operation == "GenerateDataKey", "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": account(of), "eventCategory": "Management", "requestParameters": {"keyId": key_arn(key)}, "responseElements": null,
        "resources": [{"accountId": account(of), "type": "AWS::KMS::Key", "ARN": key_arn(key)}],
        "userIdentity": {"type": "AssumedRole", "principalId": format!("AROA{of:04}{role:04}:work"), "accountId": account(of), "accessKeyId": "ASIAEXAMPLE",
            "arn": format!("arn:aws:sts::{}:assumed-role/team{role}/work", account(of)),
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROA{of:04}{role:04}"), "arn": role_arn(of, role),
                "accountId": account(of), "userName": format!("team{role}")}, "attributes": {"creationDate": time, "mfaAuthenticated": "false"}}}
    })
}

fn write_logs(root: &Path, keys: usize, a_day: usize) -> usize {
    let mut count = 0;
    for of in 0..ACCOUNTS {
        for ago in 0..=DAYS {
            let date = day(ago);
            let folder = root.join(format!(
                "AWSLogs/{}/CloudTrail/{REGION}/{:04}/{:02}/{:02}",
                account(of),
                date.0,
                date.1,
                date.2
            ));
            std::fs::create_dir_all(&folder).unwrap();
            let records: Vec<Value> = (0..a_day)
                .map(|number| record(number + usize::try_from(ago).unwrap() * 7919 + of * 31, of, date, keys))
                .collect();
            count += records.len();
            let name = format!(
                "{}_CloudTrail_{REGION}_{:04}{:02}{:02}T2355Z_{of:08}{ago:08}.json.gz",
                account(of),
                date.0,
                date.1,
                date.2
            );
            let mut gzip = GzEncoder::new(std::fs::File::create(folder.join(name)).unwrap(), Compression::fast());
            gzip.write_all(json!({"Records": records}).to_string().as_bytes())
                .unwrap();
            gzip.finish().unwrap();
        }
    }
    count
}

fn bundle(keys: usize, collected_at: &str) -> Value {
    let statement = |action: Value| json!({"Version": "2012-10-17", "Statement": [{"Sid": "Work", "Effect": "Allow", "Action": action, "Resource": "*"}]});
    let mut iam = serde_json::Map::new();
    let mut trails = serde_json::Map::new();
    let mut accounts = serde_json::Map::new();
    for of in 0..ACCOUNTS {
        let roles: Vec<Value> = (0..ROLES)
            .map(|role| {
                let actions = if role < 3 { json!("kms:*") } else { json!(["kms:Decrypt", "kms:GenerateDataKey"]) };
                json!({"Arn": role_arn(of, role), "RoleName": format!("team{role}"), "RoleId": format!("AROA{of:04}{role:04}"), "Path": "/",
                    "CreateDate": "2024-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    "RolePolicyList": [{"PolicyName": "work", "PolicyDocument": statement(actions)}]})
            })
            .collect();
        iam.insert(account(of), json!({"RoleDetailList": roles}));
        let name = format!("arn:aws:cloudtrail:{REGION}:{}:trail/all", account(of));
        trails.insert(account(of), json!([{"Trail": {"Name": "all", "TrailARN": name, "S3BucketName": "logs", "HomeRegion": REGION, "IsMultiRegionTrail": true, "IsOrganizationTrail": false},
            "Status": {"IsLogging": true, "StartLoggingTime": "2020-01-01T00:00:00Z"}, "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}]}]));
        accounts.insert(account(of), json!({}));
    }
    let all: Vec<Value> = (0..keys)
        .map(|n| {
            let of = account(n % ACCOUNTS);
            let policy = json!({"Version": "2012-10-17", "Id": format!("key-{}", n % 500), "Statement": [
                {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{of}:root")}, "Action": "kms:*", "Resource": "*"},
                {"Sid": "Administrators", "Effect": "Allow", "Principal": {"AWS": role_arn(n % ACCOUNTS, n % 3)}, "Action": ["kms:Create*", "kms:Enable*", "kms:Put*", "kms:Disable*", "kms:ScheduleKeyDeletion"], "Resource": "*"}]});
            json!({"KeyMetadata": {"AWSAccountId": of, "KeyId": key_id(n), "Arn": key_arn(n), "CreationDate": "2024-01-01T00:00:00Z", "Enabled": true, "KeyState": "Enabled",
                    "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS", "MultiRegion": false, "Description": format!("data of service {n}")},
                "Policy": policy.to_string(), "PolicyName": "default",
                "Grants": if n % 10 == 0 { json!([{"KeyId": key_arn(n), "GrantId": format!("grant-{n}"), "CreationDate": "2025-06-01T00:00:00Z", "GranteePrincipal": role_arn(n % ACCOUNTS, 5),
                    "IssuingAccount": format!("arn:aws:iam::{of}:root"), "Operations": ["Decrypt"]}]) } else { json!([]) },
                "Aliases": [{"AliasName": format!("alias/service-{n}"), "AliasArn": format!("arn:aws:kms:{REGION}:{of}:alias/service-{n}"), "TargetKeyId": key_id(n)}],
                "Tags": [{"TagKey": "owner", "TagValue": format!("team{}", n % ROLES)}], "RotationStatus": {"KeyRotationEnabled": n % 2 == 0}})
        })
        .collect();
    json!({"collected_at": collected_at, "iam": iam, "kms": {"keys": all}, "trails": trails})
}

fn keytrail(lake: &Path, arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_keytrail"))
        .arg("--lake")
        .arg(lake)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find(|line| line.starts_with("VmHWM"));
            let kib = line
                .and_then(|line| line.split_whitespace().nth(1))
                .and_then(|number| number.parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(matches!(ended.code(), Some(0 | 3)), "{arguments:?}: {ended}");
            return (began.elapsed(), peak / 1024);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let keys = numbers.first().copied().unwrap_or(10_000);
    let a_day = numbers.get(1).copied().unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let records = write_logs(folder.path(), keys, a_day);
    let last = day(0);
    let as_of = format!("{:04}-{:02}-{:02}T00:00:00Z", last.0, last.1, last.2);
    let path = folder.path().join("bundle.json");
    std::fs::write(&path, bundle(keys, &as_of).to_string()).unwrap();
    let lake = folder.path().join("lake");
    let text = |path: &Path| path.display().to_string();
    keytrail(&lake, &["-q", "ingest", &text(&folder.path().join("AWSLogs"))]);
    keytrail(&lake, &["-q", "snapshot", "import", &text(&path)]);
    eprintln!("{keys} keys, {ACCOUNTS} accounts, {ROLES} roles each, {records} records");
    let out = |name: &str| text(&folder.path().join(name));
    for (name, arguments) in [
        (
            "evidence pack",
            vec!["-q", "report", "evidence", "--as-of", &as_of, "-o", &out("pack")],
        ),
        (
            "unused keys",
            vec![
                "-q",
                "report",
                "unused-keys",
                "--as-of",
                &as_of,
                "-o",
                &out("unused.html"),
            ],
        ),
        (
            "admin rights",
            vec![
                "-q",
                "report",
                "admin-rights",
                "--as-of",
                &as_of,
                "-o",
                &out("rights.html"),
            ],
        ),
    ] {
        let (took, peak) = keytrail(&lake, &arguments);
        eprintln!("{name}: {:.1} s, {peak} MiB", took.as_secs_f64());
    }
    for name in ["pack/index.html", "unused.html", "rights.html"] {
        eprintln!(
            "{name}: {} bytes",
            std::fs::metadata(folder.path().join(name)).unwrap().len()
        );
    }
}
