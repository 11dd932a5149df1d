//! How fast a snapshot is collected and kept: keys per second, requests in flight, memory, bytes of a second snapshot;
//! and what a thousand snapshots cost.
//!
//! `cargo bench --bench snapshot -- [KEYS] [LATENCY_MS]`: the program collects KEYS keys (1,000) of one account and Region
//! from a server that answers every call after a fixed time (20 ms), so that what is measured is the collector and not an
//! emulator. It keeps to nine tenths of AWS's published quotas, as it does everywhere.
//!
//! `cargo bench --bench snapshot -- many [SNAPSHOTS]`: the second part, [`many`] (1,000).
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has failed, and says where"
)]

#[path = "snapshot/many.rs"]
mod many;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The least of the published quotas that every key needs a call of: ListGrants, ListKeyPolicies, ListKeyRotations.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
const QUOTA: f64 = 100.0;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let number = |at: usize, default: u64| numbers.get(at).copied().unwrap_or(default);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = if std::env::args().any(|word| word == "many") {
        runtime.block_on(many::measure(usize::try_from(number(0, 1_000)).unwrap()))
    } else {
        runtime.block_on(measure(number(0, 1_000), Duration::from_millis(number(1, 20))))
    };
    std::io::stdout().write_all(report.as_bytes()).unwrap();
}

/// What a run of the program took: seconds, peak memory in KiB, and what it said.
struct Run {
    seconds: f64,
    peak: u64,
    said: String,
}

/// Collects into a lake from a server.
fn collect(url: &str, lake: &Path) -> Run {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_keytrail"))
        .args(["--endpoint-url", url, "--region", "eu-west-1", "--lake"])
        .arg(lake)
        .args(["snapshot", "collect", "--regions", "eu-west-1"])
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "EXAMPLE")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    Run {
        seconds: began.elapsed().as_secs_f64(),
        peak,
        said,
    }
}

async fn measure(keys: u64, latency: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| answer(keys, latency, headers, body));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let first = tokio::task::block_in_place(|| collect(&url, &lake));
    let whole = size_of(&lake);
    let second = tokio::task::block_in_place(|| collect(&url, &lake));
    let rate = keys as f64 / first.seconds;
    let requests = first
        .said
        .lines()
        .find(|line| line.contains("requests,"))
        .unwrap_or_default();
    format!(
        "collect and keep: {keys} keys in {:.1} s: {rate:.0} keys/s, {:.0} % of the {QUOTA} keys/s that AWS's quotas allow in one account and Region\n\
         {requests}\npeak memory {} MiB; the lake {whole} bytes\n\
         the same again: {:.1} s, {} bytes more\n\
         on paper: 10,000 keys of one account and Region take {:.0} s at AWS's quotas, {:.0} s at this rate\n",
        first.seconds,
        100.0 * rate / QUOTA,
        first.peak / 1024,
        second.seconds,
        size_of(&lake) - whole,
        10_000.0 / QUOTA,
        10_000.0 / rate,
    )
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let size = |entry: std::fs::DirEntry| {
        if entry.path().is_dir() {
            size_of(&entry.path())
        } else {
            entry.metadata().unwrap().len()
        }
    };
    entries.map(size).sum()
}

async fn answer(keys: u64, latency: Duration, headers: HeaderMap, body: Bytes) -> Response {
    tokio::time::sleep(latency).await;
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let arn = input["KeyId"].as_str().unwrap_or_default();
    let value = match target.rsplit('.').next().unwrap_or_default() {
        "ListKeys" => {
            let from: u64 = input["Marker"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
            let to = (from + 1_000).min(keys);
            let list: Vec<Value> = (from..to)
                .map(|number| {
                    let id = format!("{number:08x}-0000-4000-8000-000000000000");
                    json!({"KeyArn": format!("arn:aws:kms:eu-west-1:111122223333:key/{id}"), "KeyId": id})
                })
                .collect();
            json!({"Keys": list, "Truncated": to < keys, "NextMarker": (to < keys).then(|| to.to_string())})
        }
        "DescribeKey" => json!({"KeyMetadata": {"Arn": arn, "KeyId": arn.rsplit('/').next(), "KeyState": "Enabled"}}),
        "ListKeyPolicies" => json!({"PolicyNames": ["default"], "Truncated": false}),
        "GetKeyPolicy" => {
            json!({"Policy": format!("{{\"Version\":\"2012-10-17\",\"Id\":\"{arn}\",\"Statement\":[]}}")})
        }
        "ListGrants" => {
            let grant =
                |number: u64| json!({"KeyId": arn, "GrantId": format!("{arn}-{number}"), "Operations": ["Decrypt"]});
            json!({"Grants": (0..3).map(grant).collect::<Vec<Value>>(), "Truncated": false})
        }
        "ListAliases" => json!({"Aliases": [], "Truncated": false}),
        "ListResourceTags" => json!({"Tags": [{"TagKey": "k", "TagValue": arn}], "Truncated": false}),
        "GetKeyRotationStatus" => json!({"KeyRotationEnabled": true}),
        "ListKeyRotations" => json!({"Rotations": [], "Truncated": false}),
        "GetKeyLastUsage" => json!({"KeyId": arn, "KeyLastUsage": {}, "TrackingStartDate": 1_776_902_400.0}),
        "DescribeCustomKeyStores" => json!({"CustomKeyStores": [], "Truncated": false}),
        "DescribeTrails" => json!({"trailList": []}),
        "DescribeOrganization" => return refuse("AWSOrganizationsNotInUseException"),
        _ => return form(&body),
    };
    (
        StatusCode::OK,
        [("content-type", "application/x-amz-json-1.1")],
        value.to_string(),
    )
        .into_response()
}

fn refuse(code: &str) -> Response {
    let body = json!({"__type": code, "message": ""}).to_string();
    (
        StatusCode::BAD_REQUEST,
        [("content-type", "application/x-amz-json-1.1")],
        body,
    )
        .into_response()
}

fn form(body: &[u8]) -> Response {
    let is_identity = String::from_utf8_lossy(body).contains("GetCallerIdentity");
    let text = if is_identity {
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ana</Arn><UserId>AIDAEXAMPLE</UserId>\
         <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    } else {
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><IsTruncated>false</IsTruncated>\
         </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    };
    (StatusCode::OK, [("content-type", "text/xml")], text).into_response()
}
