//! The permission side of the office lake: a snapshot, a trail, and a ledger that vouches for its log.

use keytrail::lake::snapshots::{self, Stamp};
use keytrail::snapshot::bundle;
use serde_json::{Value, json};

use super::lake::{ACCOUNT, REGION, TestLake, key_arn, run};
use super::office::{events, office};

/// Keeps a bundle in a lake.
pub fn keep(lake: &TestLake, bundle: &Value) {
    let bundle = bundle::read(bundle).unwrap();
    let location = lake.location();
    let stamp = Stamp {
        collected_at: 0,
        source: "test".to_owned(),
        kept_at: 1,
    };
    run(async { snapshots::keep(&location, &bundle, &stamp).await.unwrap() });
}

fn key(id: &str, more: Value) -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Delegate", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app/Worker"},
         "Action": ["kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"], "Resource": "*"}]});
    let mut key = json!({
        "KeyMetadata": {"AWSAccountId": ACCOUNT, "KeyId": id, "Arn": key_arn(id), "CreationDate": "2024-01-01T00:00:00Z",
            "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
        "Policy": policy.to_string(), "PolicyName": "default", "Grants": [], "Aliases": [],
        "Tags": [{"TagKey": "owner", "TagValue": id}],
        "RotationStatus": {"KeyId": id, "KeyRotationEnabled": false}
    });
    for (name, value) in more.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// A snapshot of the morning after the last record.
pub fn bundle() -> Value {
    let admin = json!({"Version": "2012-10-17", "Statement": {"Sid": "Keys", "Effect": "Allow",
        "Action": ["kms:DisableKey", "kms:EnableKey", "kms:ScheduleKeyDeletion"], "Resource": "*"}});
    let gated = json!({"Version": "2012-10-17", "Statement": {"Sid": "Gated", "Effect": "Allow",
        "Action": "kms:PutKeyPolicy", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}});
    json!({
        "collected_at": "2026-01-07T00:00:00Z",
        "iam": {ACCOUNT: {
            "UserDetailList": [
                {"Arn": format!("arn:aws:iam::{ACCOUNT}:user/Bob"), "UserName": "Bob", "UserId": "AIDAEXAMPLEBOB", "Path": "/",
                 "CreateDate": "2023-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "keys", "PolicyDocument": admin}]},
                {"Arn": format!("arn:aws:iam::{ACCOUNT}:user/Ann"), "UserName": "Ann", "UserId": "AIDAEXAMPLEANN", "Path": "/",
                 "CreateDate": "2023-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "gated", "PolicyDocument": gated}]}
            ],
            "RoleDetailList": [
                {"Arn": "arn:aws:iam::111122223333:role/app/Worker", "RoleName": "Worker", "RoleId": "AROAEXAMPLEWORKER", "Path": "/app/",
                 "CreateDate": "2023-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}
            ]
        }},
        "kms": {"keys": [
            key("orders", json!({"LastUsage": {"KeyId": key_arn("orders"), "TrackingStartDate": "2025-04-23T00:00:00Z",
                "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": "2026-01-03T10:00:00Z", "CloudTrailEventId": "use-5"}}})),
            key("archive", json!({"Aliases": [{"AliasName": "alias/archive", "AliasArn": super::lake::alias_arn("archive"), "TargetKeyId": "archive"}]})),
            key("payroll", json!({})),
            key("idle", json!({"LastUsage": {"KeyId": key_arn("idle"), "TrackingStartDate": "2025-04-23T00:00:00Z", "KeyLastUsage": {}}})),
            key("volumes", json!({"Grants": [{"KeyId": key_arn("volumes"), "GrantId": "grant-1", "CreationDate": "2025-06-01T00:00:00Z",
                "GranteePrincipal": "arn:aws:iam::111122223333:role/app/Worker", "IssuingAccount": "arn:aws:iam::111122223333:root",
                "Operations": ["Decrypt", "CreateGrant"], "Constraints": {"EncryptionContextSubset": {"aws:ebs:id": "vol-1"}}}]}))
        ]},
        "trails": {ACCOUNT: [trail(json!({}))]}
    })
}

/// A trail of the tests' account that delivers everything of every Region to the bucket `logs`.
pub fn trail(more: Value) -> Value {
    let mut trail = json!({
        "Trail": {"Name": "all", "TrailARN": format!("arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all"), "S3BucketName": "logs",
            "HomeRegion": REGION, "IsMultiRegionTrail": true, "IsOrganizationTrail": false},
        "Status": {"IsLogging": true, "StartLoggingTime": "2020-01-01T00:00:00Z"},
        "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}]
    });
    for (part, value) in more.as_object().unwrap() {
        match trail[part].as_object_mut() {
            Some(members) => members.extend(value.as_object().unwrap().clone()),
            None => trail[part] = value.clone(),
        }
    }
    trail
}

/// A row of the ledger: an object with records of one day.
pub fn object(day: &str, more: Value) -> Value {
    let name = day.replace('-', "");
    let mut row = json!({
        "source_object": format!("s3://logs/AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{}/{ACCOUNT}_CloudTrail_{REGION}_{name}T2300Z_aaaaaaaaaaaaaaaa.json.gz", day.replace('-', "/")),
        "source": "s3://logs/", "kind": "CloudTrail", "account_id": ACCOUNT, "region": REGION,
        "records_read": 1, "kept": 1, "duplicate": 0, "faulted": 0,
        "delivered_at": format!("{day}T23:00:00Z"),
        "first_event_at": format!("{day}T00:10:00Z"), "last_event_at": format!("{day}T22:50:00Z")
    });
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// The office lake with a snapshot, and objects on each of its days.
pub fn guarded_office() -> TestLake {
    let lake = office();
    let objects: Vec<Value> = (1..=7)
        .map(|day| object(&format!("2026-01-{day:02}"), json!({})))
        .collect();
    lake.add("ingest_objects", &objects);
    keep(&lake, &bundle());
    lake
}

/// The same lake without the record that narrows the trail, so that the log can vouch for its days; and with a snapshot
/// of the third day, when there was one more user, one more right and one more key.
pub fn whole_office() -> TestLake {
    let lake = TestLake::new();
    lake.events(events().into_iter().filter(|event| event.row["eventid"] != "blinded"));
    lake.add(
        "ingest_listings",
        &[json!({ "source": "s3://logs/", "finished_at": "2026-01-07T00:15:00Z", "complete": true })],
    );
    let objects: Vec<Value> = (1..=7)
        .map(|day| object(&format!("2026-01-{day:02}"), json!({})))
        .collect();
    lake.add("ingest_objects", &objects);
    keep(&lake, &earlier_bundle());
    keep(&lake, &bundle());
    lake
}

fn earlier_bundle() -> Value {
    let mut earlier = bundle();
    earlier["collected_at"] = json!("2026-01-03T00:00:00Z");
    let all = json!({"Version": "2012-10-17", "Statement": {"Sid": "All", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}});
    let users = earlier["iam"][ACCOUNT]["UserDetailList"].as_array_mut().unwrap();
    users.push(json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:user/Carol"), "UserName": "Carol", "UserId": "AIDAEXAMPLECAROL",
        "Path": "/", "CreateDate": "2023-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "all", "PolicyDocument": all}]}));
    // Bob could do more.
    users[0]["UserPolicyList"][0]["PolicyDocument"]["Statement"]["Action"] = json!([
        "kms:DisableKey",
        "kms:EnableKey",
        "kms:ScheduleKeyDeletion",
        "kms:PutKeyPolicy"
    ]);
    earlier["kms"]["keys"]
        .as_array_mut()
        .unwrap()
        .push(key("retired", json!({})));
    earlier
}
