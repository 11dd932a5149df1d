//! Logs in S3, the lake in S3, or both, on a real server: the same rows as from folders, read alike by other engines, and what an
//! incremental run lists.

use std::path::Path;

use chrono::{Days, Utc};
use serde_json::Value;

use crate::support::ingested::Lake;
use crate::support::logs;
use crate::support::moto::{self, Moto};
use crate::support::peers::Peer;
use crate::support::program;
use crate::support::s3_double::{Act, S3Double};

fn samples() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-logs/AWSLogs")
        .display()
        .to_string()
}

/// Rows without the bucket's name in them.
fn without_bucket(state: Vec<String>, bucket: &str) -> Vec<String> {
    let mut state: Vec<String> = state
        .into_iter()
        .map(|row| row.replace(&format!("s3://{bucket}/"), ""))
        .collect();
    state.sort();
    state
}

/// The state without entity tags, which S3 and folders make in different ways.
fn rows_alone(lake: &Lake) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for sql in [
        "SELECT * FROM cloudtrail",
        "SELECT * FROM kms_events",
        "SELECT source_object, records_read, kept, duplicate, faulted FROM ingest_objects",
    ] {
        rows.extend(lake.ask(sql).iter().map(Value::to_string));
    }
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_lake_on_s3_give_the_rows_of_folders() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    bucket.put_folder(Path::new(&samples()), "AWSLogs/").await;
    let plain = Lake::in_folder();
    plain.ingest(&[&samples()]);
    let lake = Lake::on(server, &bucket);
    let logs = format!("s3://{}/AWSLogs", bucket.name);
    lake.ingest(&[&logs]);
    lake.check();
    assert_eq!(
        without_bucket(rows_alone(&lake), &bucket.name),
        without_bucket(rows_alone(&plain), "")
    );
    let state = lake.state();
    let again = lake.ingest(&[&logs, "--full"]);
    assert!(again.stderr.contains("0 read"), "{}", again.stderr);
    assert_eq!(lake.state(), state);
    for peer in [Peer::DuckDb, Peer::DeltaPython] {
        let Some(rows) = peer.query(
            &lake.tables(&["cloudtrail"]),
            "SELECT count(*) AS rows, count(DISTINCT eventid) AS ids FROM cloudtrail",
            lake.endpoint(),
        ) else {
            return;
        };
        assert_eq!(
            rows,
            lake.ask("SELECT count(*) AS rows, count(DISTINCT eventid) AS ids FROM cloudtrail"),
            "{peer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_finds_late_deliveries_and_new_accounts_but_lists_no_old_days() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let lake = Lake::beside(server);
    let today = Utc::now().date_naive();
    let key = |account: &str, region: &str, days_ago: u64, suffix: &str| {
        let day = today.checked_sub_days(Days::new(days_ago)).unwrap();
        format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}T0005Z_{suffix}.json.gz",
            day.format("%Y/%m/%d"),
            day.format("%Y%m%d")
        )
    };
    let logs = format!("s3://{}/", bucket.name);
    bucket
        .put(
            &key("111122223333", "us-east-1", 3, "mmmmmmmmmmmmmmmm"),
            logs::file(&[logs::record(1)]),
        )
        .await;
    bucket
        .put(
            &key("111122223333", "us-east-1", 100, "mmmmmmmmmmmmmmmm"),
            logs::file(&[logs::record(2)]),
        )
        .await;
    lake.ingest(&[&logs]);
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 2);
    // Delivered late: sorts before what was seen, or stands in another day, Region or account.
    bucket
        .put(
            &key("111122223333", "us-east-1", 3, "aaaaaaaaaaaaaaaa"),
            logs::file(&[logs::record(3)]),
        )
        .await;
    bucket
        .put(
            &key("111122223333", "us-east-1", 29, "aaaaaaaaaaaaaaaa"),
            logs::file(&[logs::record(4)]),
        )
        .await;
    bucket
        .put(
            &key("111122223333", "eu-west-1", 2, "aaaaaaaaaaaaaaaa"),
            logs::file(&[logs::record(5)]),
        )
        .await;
    bucket
        .put(
            &key("444455556666", "us-east-1", 1, "aaaaaaaaaaaaaaaa"),
            logs::file(&[logs::record(6)]),
        )
        .await;
    bucket
        .put(
            &key("111122223333", "us-east-1", 99, "aaaaaaaaaaaaaaaa"),
            logs::file(&[logs::record(7)]),
        )
        .await;
    lake.ingest(&[&logs]);
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 6);
    lake.ingest(&[&logs, "--full"]);
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 7);
    lake.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_choose_by_delivery_with_room_for_late_ones() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    for (id, number) in (0..5).enumerate() {
        bucket
            .put(
                &logs::key(number),
                logs::file(&[logs::record(u32::try_from(id).unwrap())]),
            )
            .await;
    }
    let lake = Lake::beside(server);
    lake.ingest(&[
        &format!("s3://{}", bucket.name),
        "--from",
        "2024-01-02",
        "--to",
        "2024-01-02",
    ]);
    assert_eq!(lake.count("SELECT count(*) FROM ingest_objects"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_writes_nothing() {
    let Some(server) = Moto::shared() else { return };
    let lake = Lake::beside(server);
    let logs = tempfile::tempdir().unwrap();
    logs::write(logs.path(), "x.json", b"{}");
    let run = lake.run(&[
        "ingest",
        &logs.path().display().to_string(),
        "s3://no-such-bucket-here/AWSLogs",
    ]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("the bucket does not exist") && run.stderr.contains("hint"),
        "{}",
        run.stderr
    );
    assert!(!Path::new(&lake.address).exists());
}

/// A run of the program against the stand-in; it must not block the runtime that drives the stand-in.
async fn ingest_from(server: &S3Double, lake: &Lake, arguments: &[&str]) -> program::Run {
    let mut command = lake.command(arguments);
    command.envs(moto::environment(&server.endpoint));
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        program::Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_cannot_be_read_are_named_and_tried_again() {
    let files: Vec<Vec<u8>> = (0..5).map(|id| logs::file(&[logs::record(id)])).collect();
    let names = [
        "a.json.gz",
        "denied.json.gz",
        "gone.json.gz",
        "busy.json.gz",
        "broken.json.gz",
    ];
    let objects: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&files)
        .map(|(name, file)| (*name, file.as_slice()))
        .collect();
    let server = S3Double::start(&objects).await;
    server.then("denied.json.gz", &[Act::Fail(403, "AccessDenied")]);
    server.then("gone.json.gz", &[Act::Fail(404, "NoSuchKey")]);
    server.then(
        "busy.json.gz",
        &[Act::Fail(503, "SlowDown"), Act::Fail(503, "SlowDown")],
    );
    server.then("broken.json.gz", &[Act::Break(20)]);
    let lake = Lake::in_folder();
    let run = ingest_from(&server, &lake, &["ingest", "s3://logs"]).await;
    assert_eq!(run.code, 3, "{}", run.stderr);
    for said in [
        "s3://logs/denied.json.gz",
        "access denied",
        "s3://logs/gone.json.gz",
        "no longer exists",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 3);
    assert_eq!(
        lake.count("SELECT count(*) FROM ingest_objects WHERE error IS NOT NULL"),
        2
    );
    let again = ingest_from(&server, &lake, &["ingest", "s3://logs"]).await;
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 5);
    assert_eq!(
        lake.count("SELECT count(*) FROM ingest_objects WHERE error IS NOT NULL"),
        0
    );
    lake.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_pays_for_requests_only_when_told() {
    for (arguments, expected) in [
        (vec!["ingest", "s3://logs"], None),
        (vec!["ingest", "--request-payer", "s3://logs"], Some("requester")),
    ] {
        let server = S3Double::start(&[("a.json.gz", &logs::file(&[logs::record(1)]))]).await;
        let run = ingest_from(&server, &Lake::in_folder(), &arguments).await;
        assert_eq!(run.code, 0, "{}", run.stderr);
        for asked in server.asked() {
            let header = asked
                .headers
                .get("x-amz-request-payer")
                .map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(
                header.as_deref(),
                expected,
                "{} {} {:?}",
                asked.method,
                asked.key,
                asked.query
            );
        }
    }
}
