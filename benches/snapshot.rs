//! How fast a snapshot is collected and kept: keys per second, requests in flight, memory, bytes of a second snapshot.
//!
//! `cargo bench --bench snapshot -- [KEYS] [LATENCY_MS]` collects from a server in this process that answers every call
//! of KMS after a fixed time, so that what is measured is the collector and not an emulator.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has failed, and says where"
)]

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use keytrail::aws::collect::{self, Request};
use keytrail::lake::Location;
use keytrail::lake::snapshots::{self, Stamp};
use serde_json::{Value, json};

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let keys = numbers.first().copied().unwrap_or(1_000);
    let latency = Duration::from_millis(numbers.get(1).copied().unwrap_or(20));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(measure(keys, latency));
    std::io::stdout().write_all(report.as_bytes()).unwrap();
}

async fn measure(keys: u64, latency: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| answer(keys, latency, headers, body));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("AKIAEXAMPLE", "EXAMPLE", None, None, "bench"))
        .load()
        .await;
    let request = Request {
        regions: vec!["eu-west-1".to_owned()],
        ..Request::default()
    };
    let began = Instant::now();
    let collected = collect::collect(&config, &request, &|| 1_000_000, &|_| {})
        .await
        .unwrap();
    let took = began.elapsed().as_secs_f64();
    let (requests, throttled, in_flight) = collected.meter.read();
    let folder = tempfile::tempdir().unwrap();
    let lake = Location::parse(&folder.path().display().to_string(), HashMap::new()).unwrap();
    let stamp = Stamp {
        collected_at: 0,
        source: "bench".to_owned(),
        kept_at: 0,
    };
    let began = Instant::now();
    snapshots::keep(&lake, &collected.bundle, &stamp).await.unwrap();
    let (kept, first) = (began.elapsed().as_secs_f64(), size_of(folder.path()));
    let mut later = collected.bundle;
    later.collected_at = Some(2_000_000);
    snapshots::keep(&lake, &later, &stamp).await.unwrap();
    let second = size_of(folder.path()) - first;
    let began = Instant::now();
    snapshots::load_bundle(&lake, None).await.unwrap().unwrap();
    let loaded = began.elapsed().as_secs_f64();
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = memory
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM: unknown")
        .to_owned();
    format!(
        "collect: {keys} keys in {took:.1} s, {:.0} keys/s, {requests} requests, {throttled} throttled, at most {in_flight} at once\n\
         keep: {kept:.2} s, {first} bytes; the same again: {second} bytes; load: {loaded:.2} s\n{peak} (server included)\n",
        keys as f64 / took
    )
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                size_of(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
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
