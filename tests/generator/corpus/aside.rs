//! Objects of a bucket that hold no records of a trail: digests, insights, network activity, aggregates, markers.

use super::world::World;
use super::{Corpus, mix};
use crate::generator::instant::{self, DAY};
use crate::generator::rng::Rng;
use crate::generator::{objects, sha256};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What digests say of one log object.
pub struct Listed {
    account: String,
    region: String,
    stamp: i64,
    key: String,
    hash: String,
    oldest: String,
    newest: String,
}

impl Listed {
    /// The entry of an object, from its content before gzip.
    pub fn new(account: &str, region: &str, stamp: i64, key: &str, raw: &[u8]) -> Self {
        const MARK: &[u8] = b"\"eventTime\":\"";
        let times = raw
            .windows(MARK.len() + 20)
            .filter(|w| w.starts_with(MARK))
            .map(|w| &w[MARK.len()..]);
        let times = times.map(|t| String::from_utf8_lossy(t).into_owned());
        let (mut oldest, mut newest) = (String::new(), String::new());
        for time in times {
            if oldest.is_empty() || time < oldest {
                oldest.clone_from(&time);
            }
            newest = newest.max(time);
        }
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            stamp,
            key: key.to_owned(),
            hash: sha256::hex(raw),
            oldest,
            newest,
        }
    }
}

/// The bucket digests say they lie in.
pub const BUCKET: &str = "amzn-s3-demo-trail";

/// Hands on whatever the faults of a corpus ask for.
pub fn all(
    corpus: &Corpus,
    world: &World,
    listed: Vec<Listed>,
    sink: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    if corpus.faults.digests {
        digests(corpus, world, listed, sink)?;
    }
    if corpus.faults.asides {
        others(corpus, world, sink)?;
    }
    if corpus.faults.markers {
        for account in &world.accounts {
            let base = base(corpus, &account.id);
            sink(&base, b"")?;
            sink(&format!("{base}CloudTrail/"), b"")?;
        }
    }
    Ok(())
}

fn base(corpus: &Corpus, account: &str) -> String {
    let organization = if corpus.faults.organization {
        format!("{}/", super::world::ORGANIZATION)
    } else {
        String::new()
    };
    format!("{}AWSLogs/{organization}{account}/", corpus.faults.prefix)
}

fn zipped(value: &Value) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let raw = serde_json::to_vec(value)?;
    let mut out = objects::gzip(Vec::new(), 6);
    out.write_all(&raw)?;
    Ok((out.finish()?, raw))
}

/// One chain of hourly digests for each account and Region, from the first hour of the corpus to the last delivery.
fn digests(
    corpus: &Corpus,
    world: &World,
    listed: Vec<Listed>,
    sink: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    const TRAIL: &str = "example-trail";
    let last = listed
        .iter()
        .map(|l| l.stamp)
        .max()
        .unwrap_or(corpus.start)
        .max(corpus.start + i64::from(corpus.days) * DAY);
    let mut hours: BTreeMap<(String, String, i64), Vec<Listed>> = BTreeMap::new();
    for entry in listed {
        let hour = (entry.stamp - corpus.start).div_euclid(3600);
        hours
            .entry((entry.account.clone(), entry.region.clone(), hour))
            .or_default()
            .push(entry);
    }
    for account in &world.accounts {
        for region in &world.regions {
            let mut rng = Rng::named(&format!("digest {} {region} {}", account.id, corpus.seed));
            let mut previous = (Value::Null, Value::Null, Value::Null);
            for hour in 0..(last - corpus.start) / 3600 + 1 {
                let (from, to) = (corpus.start + hour * 3600, corpus.start + (hour + 1) * 3600);
                let mut files = hours
                    .remove(&(account.id.clone(), (*region).to_owned(), hour))
                    .unwrap_or_default();
                files.sort_by(|a, b| a.key.cmp(&b.key));
                let named = instant::iso(to).replace(['-', ':'], "");
                let key = format!(
                    "{}CloudTrail-Digest/{region}/{}/{}_CloudTrail-Digest_{region}_{TRAIL}_{}_{named}.json.gz",
                    base(corpus, &account.id),
                    instant::path(to),
                    account.id,
                    world.regions[0],
                );
                let newest = files.iter().map(|f| f.newest.clone()).max();
                let oldest = files.iter().map(|f| f.oldest.clone()).min();
                let entries: Vec<Value> = files
                    .iter()
                    .map(|f| {
                        json!({
                            "s3Bucket": BUCKET, "s3Object": f.key, "hashValue": f.hash, "hashAlgorithm": "SHA-256",
                            "newestEventTime": f.newest, "oldestEventTime": f.oldest,
                        })
                    })
                    .collect();
                let algorithm = if previous.0.is_null() {
                    Value::Null
                } else {
                    json!("SHA-256")
                };
                let bucket = if previous.0.is_null() {
                    Value::Null
                } else {
                    json!(BUCKET)
                };
                let digest = json!({
                    "awsAccountId": account.id,
                    "digestStartTime": instant::iso(from),
                    "digestEndTime": instant::iso(to),
                    "digestS3Bucket": BUCKET,
                    "digestS3Object": key,
                    "digestPublicKeyFingerprint": "00112233445566778899aabbccddeeff",
                    "digestSignatureAlgorithm": "SHA256withRSA",
                    "newestEventTime": newest,
                    "oldestEventTime": oldest,
                    "previousDigestS3Bucket": bucket,
                    "previousDigestS3Object": previous.0,
                    "previousDigestHashValue": previous.1,
                    "previousDigestHashAlgorithm": algorithm,
                    "previousDigestSignature": previous.2,
                    "logFiles": entries,
                });
                let (bytes, raw) = zipped(&digest)?;
                sink(&key, &bytes)?;
                previous = (json!(key), json!(sha256::hex(&raw)), json!(rng.hex(512)));
            }
        }
    }
    Ok(())
}

/// One object of each other kind for each account and day.
fn others(corpus: &Corpus, world: &World, sink: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let region = world.regions[0];
    for account in &world.accounts {
        for day in 0..i64::from(corpus.days) {
            let t = corpus.start + day * DAY + 12 * 3600;
            let mut rng = Rng::named(&format!("aside {} {day} {}", account.id, corpus.seed));
            for (kind, record) in [
                ("CloudTrail-Insight", insight(&account.id, region, t, &mut rng)),
                ("CloudTrail-NetworkActivity", network(&account.id, region, t, &mut rng)),
                ("CloudTrail-Aggregated", aggregate(&account.id, region, t, &mut rng)),
            ] {
                let name = rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 16);
                let key = format!(
                    "{}{kind}/{region}/{}/{}_{kind}_{region}_{}_{name}.json.gz",
                    base(corpus, &account.id),
                    instant::path(t),
                    account.id,
                    instant::stamp(t),
                );
                sink(&key, &zipped(&json!({"Records": [record]}))?.0)?;
            }
        }
    }
    Ok(())
}

fn insight(account: &str, region: &str, t: i64, rng: &mut Rng) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": instant::iso(t), "awsRegion": region, "eventID": rng.uuid(),
        "eventType": "AwsCloudTrailInsight", "recipientAccountId": account, "sharedEventID": rng.uuid(),
        "insightDetails": {
            "state": "Start", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "insightType": "ApiCallRateInsight",
            "insightContext": {"statistics": {"baseline": {"average": 0.02}, "insight": {"average": 12.5}, "insightDuration": 1, "baselineDuration": 10_080}},
        },
        "eventCategory": "Insight",
    })
}

fn network(account: &str, region: &str, t: i64, rng: &mut Rng) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSAccount", "principalId": account, "accountId": account},
        "eventTime": instant::iso(t), "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "awsRegion": region,
        "sourceIPAddress": "192.0.2.10", "userAgent": mix::AGENTS[4], "errorCode": "VpceAccessDenied",
        "errorMessage": "The request was denied due to a VPC endpoint policy", "requestParameters": null,
        "responseElements": null, "requestID": rng.uuid(), "eventID": rng.uuid(), "eventType": "AwsVpceEvents",
        "recipientAccountId": account, "vpcEndpointId": "vpce-0123456789abcdef0", "vpcEndpointAccountId": account,
        "eventCategory": "NetworkActivity",
    })
}

fn aggregate(account: &str, region: &str, t: i64, rng: &mut Rng) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": instant::iso(t), "awsRegion": region, "eventID": rng.uuid(),
        "recipientAccountId": account, "eventCategory": "Aggregated", "summary": {"eventSource": "s3.amazonaws.com", "count": 1_250},
    })
}
