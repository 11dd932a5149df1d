//! Snapshots in a lake: what comes back, what is shared, what a crash leaves.

use std::collections::HashMap;
use std::path::Path;

use keytrail::lake::Location;
use keytrail::lake::snapshots::{self, Stamp};
use keytrail::snapshot::bundle::{self, Bundle, Purpose};
use keytrail::snapshot::{diff, instant, rows, scope};
use serde_json::{Value, json};

fn lake(folder: &Path) -> Location {
    Location::parse(&folder.display().to_string(), HashMap::new()).unwrap()
}

fn stamp() -> Stamp {
    Stamp {
        collected_at: 0,
        source: "test".to_owned(),
        kept_at: 1,
    }
}

/// An organization's worth of keys, each with its own policy, grants and tags.
fn keys(account: &str, region: &str, count: usize, changed: Option<usize>) -> Vec<Value> {
    (0..count)
        .map(|index| {
            let arn = format!("arn:aws:kms:{region}:{account}:key/{index:08x}-0000-4000-8000-000000000000");
            let action = if changed == Some(index) { "kms:Describe*" } else { "kms:*" };
            let policy = format!(
                "{{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"{index}\",\n  \"Statement\" : [ {{ \"Effect\" : \"Allow\", \
                 \"Principal\" : {{ \"AWS\" : \"arn:aws:iam::{account}:root\" }}, \"Action\" : \"{action}\", \
                 \"Resource\" : \"*\" }} ]\n}}"
            );
            let grants: Vec<Value> = (0..2)
                .map(|grant| {
                    json!({"KeyId": arn, "GrantId": format!("{index:060x}{grant:04x}"), "Name": "",
                           "CreationDate": "2024-05-01T00:00:00Z",
                           "GranteePrincipal": format!("arn:aws:iam::{account}:role/r{}", index % 50),
                           "IssuingAccount": format!("arn:aws:iam::{account}:root"),
                           "Operations": ["Decrypt", "CreateGrant"],
                           "Constraints": {"EncryptionContextSubset": {"aws:ebs:id": format!("vol-{index}")}}})
                })
                .collect();
            json!({
                "KeyMetadata": {"AWSAccountId": account, "KeyId": arn.rsplit('/').next(), "Arn": arn,
                    "CreationDate": "2024-01-01T00:00:00+00:00", "Enabled": true, "KeyState": "Enabled",
                    "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
                "Policy": policy, "PolicyName": "default", "Grants": grants,
                "Tags": [{"TagKey": "team", "TagValue": format!("t{}", index % 7)}],
                "Aliases": [{"AliasName": format!("alias/k{index}"),
                    "AliasArn": format!("arn:aws:kms:{region}:{account}:alias/k{index}"),
                    "TargetKeyId": arn.rsplit('/').next()}],
                "LastUsage": {"KeyId": arn, "TrackingStartDate": "2026-04-23T00:00:00Z", "KeyLastUsage": {}},
                "RotationStatus": {"KeyId": arn, "KeyRotationEnabled": false}
            })
        })
        .collect()
}

fn bundle_at(at: &str, keys: Vec<Value>) -> Bundle {
    bundle::read(&json!({"collected_at": at, "kms": {"keys": keys}})).unwrap()
}

fn size_of(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        bytes += if entry.path().is_dir() {
            size_of(&entry.path())
        } else {
            entry.metadata().unwrap().len()
        };
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_comes_back_as_it_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let whole = json!({
        "collected_at": "2026-05-01T10:00:00Z", "started_at": "2026-05-01T09:00:00Z",
        "kms": {"keys": keys("000012345678", "eu-west-1", 3, None)},
        "iam": {"000012345678": {
            "UserDetailList": [{"UserName": "ana", "UserId": "AIDAEXAMPLE", "Path": "/", "GroupList": ["ops"],
                "Arn": "arn:aws:iam::000012345678:user/ana", "PasswordLastUsed": "2026-04-01T00:00:00Z",
                "UserPolicyList": [{"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}}],
                "AttachedManagedPolicies": [], "Tags": [{"Key": "a", "Value": "b"}]}],
            "GroupDetailList": [{"GroupName": "ops", "GroupId": "AGPAEXAMPLE", "Arn": "arn:aws:iam::000012345678:group/ops", "AttachedManagedPolicies": []}],
            "RoleDetailList": [{"RoleName": "r", "RoleId": "AROAEXAMPLE", "Path": "/x/", "Arn": "arn:aws:iam::000012345678:role/x/r",
                "AssumeRolePolicyDocument": "%7B%22Version%22%3A%20%222012-10-17%22%2C%20%22Statement%22%3A%20%5B%5D%7D",
                "RoleLastUsed": {"LastUsedDate": "2026-04-02T00:00:00Z", "Region": "eu-west-1"}, "AttachedManagedPolicies": []}],
            "Policies": [{"PolicyName": "p", "Arn": "arn:aws:iam::000012345678:policy/p", "PolicyId": "ANPAEXAMPLE", "DefaultVersionId": "v2",
                "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": false, "Document": {"Version": "2012-10-17", "Statement": []}},
                                      {"VersionId": "v2", "IsDefaultVersion": true, "Document": "{ \"Version\": \"2012-10-17\", \"Statement\": [] }"}]}]}},
        "organization": {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": "111122223333"}, "Roots": [{"Id": "r-ab12"}],
            "Accounts": [{"Id": "000012345678", "Path": ["r-ab12", "ou-ab12-11111111"]}],
            "Policies": [{"PolicySummary": {"Id": "p-FullAWSAccess", "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": true},
                          "Content": "{\"Version\": \"2012-10-17\", \"Statement\": []}"}],
            "Targets": {"p-FullAWSAccess": ["r-ab12", "000012345678"]}},
        "trails": {"111122223333": [{"Trail": {"Name": "t", "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", "HomeRegion": "eu-west-1",
            "IsMultiRegionTrail": true, "S3BucketName": "b"}, "Status": {"IsLogging": true, "StartLoggingTime": "2025-01-01T00:00:00Z"},
            "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "ExcludeManagementEventSources": []}]}]}
    });
    let mut given = bundle::read(&whole).unwrap();
    let kept = snapshots::keep(&lake, &given, &stamp()).await.unwrap();
    assert!(!kept.was_there);
    assert_eq!(kept.snapshot_id.split('-').next(), Some("20260501T100000Z"));
    let (header, mut back) = snapshots::load(&lake, &kept.snapshot_id).await.unwrap().unwrap();
    assert!(header.complete);
    assert_eq!(header.accounts, ["000012345678", "111122223333"]);
    scope::complete(&mut given);
    assert_eq!(rows::of(&back), rows::of(&given));
    // Written out and read again, by way of JSON text, nothing is different either: not a byte of a policy.
    back.source = None;
    let text = bundle::write(&back, Purpose::HandOver).to_string();
    let again = bundle::read(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(rows::of(&again), rows::of(&given));
    let again = snapshots::keep(&lake, &again, &stamp()).await.unwrap();
    assert!(
        again.was_there,
        "the same contents at the same instant are the same snapshot"
    );
    assert_eq!(snapshots::list(&lake).await.unwrap().len(), 1);
    // The evaluator gets strings for key policies and objects for IAM documents.
    let loaded = snapshots::load_bundle(&lake, None).await.unwrap().unwrap();
    assert!(loaded.bundle["kms"]["keys"][0]["Policy"].is_string());
    let versions = &loaded.bundle["iam"]["000012345678"]["Policies"][0]["PolicyVersionList"];
    assert!(versions[1]["Document"].is_object(), "{versions}");
    assert_eq!(loaded.parts.len(), 4, "{:?}", loaded.parts);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_that_agree_share_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let of = |at: &str, changed| bundle_at(at, keys("111122223333", "eu-west-1", 2_000, changed));
    let first = snapshots::keep(&lake, &of("2026-05-01T00:00:00Z", None), &stamp())
        .await
        .unwrap();
    let whole = size_of(folder.path());
    let second = snapshots::keep(&lake, &of("2026-05-02T00:00:00Z", Some(1_234)), &stamp())
        .await
        .unwrap();
    let more = size_of(folder.path()) - whole;
    assert!(
        second.rows_written < 600,
        "{} rows of {:?}",
        second.rows_written,
        second.rows
    );
    assert!(
        more * 4 < whole,
        "a second snapshot takes {more} bytes, the first {whole}"
    );
    let (_, before) = snapshots::load_rows(&lake, &first.snapshot_id).await.unwrap().unwrap();
    let (_, after) = snapshots::load_rows(&lake, &second.snapshot_id).await.unwrap().unwrap();
    let changes = diff::between(&before, &after);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].table, "kms_key_policies");
    assert!(changes[0].subject.contains("/000004d2-"), "{}", changes[0].subject);
    for day in 3..13 {
        snapshots::keep(&lake, &of(&format!("2026-05-{day:02}T00:00:00Z"), Some(day)), &stamp())
            .await
            .unwrap();
    }
    let each = (size_of(folder.path()) - whole) / 11;
    assert!(
        each * 8 < whole,
        "each further snapshot takes {each} bytes, the first {whole}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_snapshot_is_decided_per_account_and_region() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let one = |account: &str, region: &str| keys(account, region, 2, None);
    let both = [one("111122223333", "eu-west-1"), one("444455556666", "us-east-1")].concat();
    snapshots::keep(&lake, &bundle_at("2026-05-01T00:00:00Z", both), &stamp())
        .await
        .unwrap();
    let only = keys("111122223333", "eu-west-1", 1, Some(0));
    snapshots::keep(&lake, &bundle_at("2026-05-03T00:00:00Z", only), &stamp())
        .await
        .unwrap();
    let count = |loaded: &snapshots::Loaded| loaded.bundle["kms"]["keys"].as_array().unwrap().len();
    let newest = snapshots::load_bundle(&lake, None).await.unwrap().unwrap();
    assert_eq!(
        count(&newest),
        3,
        "one key of the account collected again, two of the other"
    );
    assert_eq!(newest.oldest(), instant::parse("2026-05-01"));
    assert_eq!(newest.newest(), instant::parse("2026-05-03"));
    let earlier = snapshots::load_bundle(&lake, instant::parse("2026-05-02"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(count(&earlier), 4);
    assert!(
        snapshots::load_bundle(&lake, instant::parse("2026-04-30"))
            .await
            .unwrap()
            .is_none()
    );
    let mut all = Vec::new();
    snapshots::load_all(&lake, |header, bundle| {
        all.push((header.collected_at, bundle["kms"]["keys"].as_array().unwrap().len()));
    })
    .await
    .unwrap();
    assert_eq!(
        all,
        [
            (instant::parse("2026-05-01").unwrap(), 4),
            (instant::parse("2026-05-03").unwrap(), 1)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_is_invisible_and_used_by_the_next_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let bundle = bundle_at("2026-05-01T00:00:00Z", keys("111122223333", "eu-west-1", 100, None));
    let first = snapshots::keep(&lake, &bundle, &stamp()).await.unwrap();
    // The state before the last commit: every row is there, the index is not.
    std::fs::remove_dir_all(folder.path().join("snapshot_chunks")).unwrap();
    assert!(snapshots::list(&lake).await.unwrap().is_empty());
    assert!(snapshots::load_bundle(&lake, None).await.unwrap().is_none());
    let again = snapshots::keep(&lake, &bundle, &stamp()).await.unwrap();
    assert_eq!(again.snapshot_id, first.snapshot_id);
    assert_eq!(again.rows_written, 0);
    let (_, held) = snapshots::load_rows(&lake, &first.snapshot_id).await.unwrap().unwrap();
    assert_eq!(held.tables["kms_grants"].len(), 200, "no row is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_keep_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let shared = keys("111122223333", "eu-west-1", 300, None);
    let tasks = (1..5).map(|day| {
        let (lake, bundle) = (
            lake.clone(),
            bundle_at(&format!("2026-05-0{day}T00:00:00Z"), shared.clone()),
        );
        tokio::spawn(async move { snapshots::keep(&lake, &bundle, &stamp()).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        let kept = task.await.unwrap();
        let (_, held) = snapshots::load_rows(&lake, &kept.snapshot_id).await.unwrap().unwrap();
        assert_eq!(held.tables["kms_keys"].len(), 300);
        assert_eq!(held.tables["kms_grants"].len(), 600);
    }
    assert_eq!(snapshots::list(&lake).await.unwrap().len(), 4);
}

fn data_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_data = |path: &Path| {
        path.extension().is_some_and(|kind| kind == "parquet") && !path.to_string_lossy().contains("_delta_log")
    };
    entries
        .map(|path| {
            if path.is_dir() {
                data_files(&path)
            } else {
                usize::from(is_data(&path))
            }
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_snapshots_are_few_files_and_each_is_as_it_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let mut kept = Vec::new();
    for hour in 0..60_usize {
        // Another policy every time, so that most tables get a file each time.
        let mut given = bundle_at(
            &format!("2026-05-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24),
            keys("111122223333", "eu-west-1", 8, Some(hour % 8)),
        );
        scope::complete(&mut given);
        let stamp = Stamp {
            kept_at: 1_780_000_000_000_000,
            ..stamp()
        };
        let id = snapshots::keep(&lake, &given, &stamp).await.unwrap().snapshot_id;
        kept.push((id, rows::of(&given)));
    }
    let check = || async {
        for (id, rows) in kept.iter().step_by(7) {
            let (_, held) = snapshots::load_rows(&lake, id).await.unwrap().unwrap();
            assert_eq!(held, *rows, "{id}");
        }
        assert_eq!(snapshots::list(&lake).await.unwrap().len(), kept.len());
    };
    check().await;
    let live = |name: &'static str| {
        let lake = lake.clone();
        async move {
            let table = keytrail::lake::table::open(&lake, name).await.unwrap().unwrap();
            keytrail::lake::ledger::files(&table, name).unwrap().len()
        }
    };
    for name in ["snapshot_chunks", "kms_key_policies_rows"] {
        let files = live(name).await;
        assert!((2..30).contains(&files), "{name}: {files} files of 60 snapshots");
    }
    // `compact` makes one of each, and deletes what is superseded; the contents stay.
    let far = keytrail::model::Instant(4_000_000_000_000_000);
    keytrail::lake::table::open_or_create(
        &lake,
        "cloudtrail",
        &keytrail::lake::schema::cloudtrail(),
        &["event_date"],
        &["eventtime"],
    )
    .await
    .unwrap();
    let before = data_files(folder.path());
    let done = keytrail::lake::compact::compact(&lake, far, far).await.unwrap();
    assert!(done.files_before > 2 && done.deleted > 60, "{done:?}");
    assert_eq!(live("snapshot_chunks").await, 1);
    assert!(
        data_files(folder.path()) < before / 4,
        "{} of {before} files",
        data_files(folder.path())
    );
    check().await;
    // And the next snapshot is kept on top of them.
    let next = bundle_at("2026-06-01T00:00:00Z", keys("111122223333", "eu-west-1", 8, Some(1)));
    let next = snapshots::keep(&lake, &next, &stamp()).await.unwrap();
    assert!(next.rows_written < 10, "{next:?}");
}
