//! The generator keeps its word: same seed, same bytes; shares as set; faults as asked for; truth equal to a plain count.

use super::corpus::truth::Truth;
use super::corpus::{Corpus, Faults, huge};
use super::{instant, sha256};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Mutex;

fn small() -> Corpus {
    Corpus {
        records: 1_500,
        days: 5,
        level: 1,
        ..Corpus::default()
    }
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn is_log(key: &str) -> bool {
    key.contains("/CloudTrail/") && key.ends_with(".json.gz")
}

/// Every record with the key of its object.
fn records(objects: &[(String, Vec<u8>)]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (key, bytes) in objects.iter().filter(|(key, _)| is_log(key)) {
        let object: Value = serde_json::from_slice(&inflate(bytes)).unwrap();
        all.extend(
            object["Records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| (key.clone(), record.clone())),
        );
    }
    all
}

const USES: [&str; 8] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "Sign",
    "Verify",
    "GenerateMac",
    "ReEncrypt",
];

/// The truth as anyone counts it who reads the records.
fn counted(objects: &[(String, Vec<u8>)]) -> Truth {
    let mut truth = Truth::default();
    for (key, bytes) in objects {
        if is_log(key) {
            truth.objects += 1;
            truth.gz_bytes += bytes.len() as u64;
            truth.raw_bytes += inflate(bytes).len() as u64;
        } else {
            truth.asides += 1;
        }
    }
    let (mut seen, mut uses) = (BTreeSet::new(), BTreeSet::new());
    for (_, record) in records(objects) {
        truth.records += 1;
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        if !seen.insert(text("eventID")) {
            continue;
        }
        truth.distinct += 1;
        let (source, name, error) = (text("eventSource"), text("eventName"), text("errorCode"));
        *truth.events.entry(format!("{source}:{name}")).or_default() += 1;
        let identity = record["userIdentity"]["type"].as_str().unwrap_or_default();
        *truth.identities.entry(identity.to_owned()).or_default() += 1;
        if !error.is_empty() {
            *truth.errors.entry(error.clone()).or_default() += 1;
        }
        if source != "kms.amazonaws.com" {
            continue;
        }
        let arns: BTreeSet<&str> = record["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["ARN"].as_str().unwrap())
            .collect();
        let shared = record["sharedEventID"]
            .as_str()
            .map_or_else(|| text("eventID"), str::to_owned);
        for arn in arns {
            let counts = match (
                USES.contains(&name.as_str()),
                record["readOnly"].as_bool().unwrap(),
                error.is_empty(),
            ) {
                (true, _, true) if uses.insert((shared.clone(), arn.to_owned())) => &mut truth.uses,
                (true, _, false) => &mut truth.failed_uses,
                (false, false, true) => &mut truth.admin,
                _ => continue,
            };
            *counts.entry(arn.to_owned()).or_default() += 1;
        }
    }
    truth
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let corpus = Corpus {
        faults: Faults {
            two_trails: true,
            digests: true,
            ..Faults::default()
        },
        days: 2,
        ..small()
    };
    let (objects, truth) = corpus.objects().unwrap();
    let shared = Mutex::new(BTreeMap::new());
    let again = corpus
        .generate(3, &|key, bytes| {
            shared.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(truth, again);
    assert!(objects.into_iter().collect::<BTreeMap<_, _>>() == shared.into_inner().unwrap());
    let (other, _) = Corpus {
        seed: 2,
        ..corpus.clone()
    }
    .objects()
    .unwrap();
    assert!(corpus.objects().unwrap().0 != other);
}

#[test]
fn the_truth_is_what_a_plain_count_finds() {
    let faults = Faults {
        prefix: "copies/AWSLogs/old/".to_owned(),
        organization: true,
        cross_account_share: 0.5,
        multi_member_share: 0.3,
        late_share: 0.1,
        late_days: 4,
        asides: true,
        markers: true,
        ..Faults::default()
    };
    for corpus in [
        small(),
        Corpus {
            kms_share: 0.6,
            error_share: 0.3,
            seed: 9,
            ..small()
        },
        Corpus {
            faults,
            kms_share: 0.5,
            accounts: 5,
            regions: 3,
            ..small()
        },
        Corpus {
            faults: Faults {
                two_trails: true,
                ..Faults::default()
            },
            ..small()
        },
        Corpus {
            accounts: 1,
            regions: 1,
            keys: 1,
            principals: 1,
            records: 50,
            ..small()
        },
    ] {
        let (objects, truth) = corpus.objects().unwrap();
        assert_eq!(truth, counted(&objects), "{corpus:?}");
        assert!(truth.distinct >= corpus.records);
    }
}

#[test]
fn shares_and_sizes_are_those_set_and_measured() {
    let corpus = Corpus {
        records: 12_000,
        kms_share: 0.25,
        error_share: 0.1,
        ..Corpus::default()
    };
    let (objects, truth) = corpus.objects().unwrap();
    let share = |n: u64| n as f64 / truth.distinct as f64;
    let near = |is: f64, want: f64, by: f64| assert!((is - want).abs() < by, "{is} is not near {want}");
    near(share(truth.of_service("kms")), 0.25, 0.01);
    near(share(truth.of_service("ec2")), 0.31 * 0.75 / 0.917, 0.05);
    near(share(truth.of_service("s3")), 0.093 * 0.75 / 0.917, 0.03);
    near(share(truth.errors.values().sum()), 0.1 * 0.75, 0.03);
    near(truth.raw_bytes as f64 / truth.records as f64, 1_350.0, 150.0);
    near(truth.raw_bytes as f64 / truth.gz_bytes as f64, 7.5, 1.5);
    near(truth.records as f64 / truth.objects as f64, 55.0, 10.0);
    let decrypt = truth.events["kms.amazonaws.com:Decrypt"] as f64 / truth.of_service("kms") as f64;
    near(decrypt, 0.69, 0.03);
    let all = records(&objects);
    let has = |field: &str| all.iter().filter(|(_, r)| r.get(field).is_some()).count() as f64 / all.len() as f64;
    for field in [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "requestParameters",
        "responseElements",
        "eventID",
        "readOnly",
    ] {
        near(has(field), 1.0, 0.0001);
    }
    near(has("tlsDetails"), 0.76, 0.08);
    near(has("additionalEventData"), 0.08, 0.03);
    near(has("sessionCredentialFromConsole"), 0.088, 0.04);
    let unordered = objects.iter().filter(|(key, bytes)| {
        let one = [(key.clone(), bytes.clone())];
        let times: Vec<String> = records(&one)
            .iter()
            .map(|(_, r)| r["eventTime"].as_str().unwrap().to_owned())
            .collect();
        !times.is_sorted()
    });
    near(unordered.count() as f64 / objects.len() as f64, 0.5, 0.15);
}

#[test]
fn every_account_has_a_record_on_every_day_and_none_is_stamped_before_it_happened() {
    let (objects, _) = Corpus {
        records: 4_000,
        days: 8,
        ..Corpus::default()
    }
    .objects()
    .unwrap();
    let mut days: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, record) in records(&objects) {
        let time = record["eventTime"].as_str().unwrap();
        days.entry(record["recipientAccountId"].as_str().unwrap().to_owned())
            .or_default()
            .insert(time[..10].to_owned());
        let lag = stamp(&key) - instant::at(time);
        assert!((0..=600).contains(&lag), "{key} comes {lag} s after {time}");
    }
    assert!(days.len() == 3 && days.values().all(|days| days.len() == 8), "{days:?}");
}

/// When an object was delivered, from its name.
fn stamp(key: &str) -> i64 {
    let name = key.rsplit('/').next().unwrap();
    let at = name
        .split('_')
        .find(|part| part.len() == 14 && part.ends_with('Z'))
        .unwrap();
    instant::at(&format!(
        "{}-{}-{}T{}:{}:00Z",
        &at[..4],
        &at[4..6],
        &at[6..8],
        &at[9..11],
        &at[11..13]
    ))
}

#[test]
fn two_trails_deliver_each_record_twice_with_equal_content() {
    let corpus = Corpus {
        faults: Faults {
            two_trails: true,
            ..Faults::default()
        },
        ..small()
    };
    let (objects, truth) = corpus.objects().unwrap();
    let mut copies: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for (key, record) in records(&objects) {
        copies
            .entry(record["eventID"].as_str().unwrap().to_owned())
            .or_default()
            .push((key, record));
    }
    assert_eq!(truth.records, 2 * truth.distinct);
    for copies in copies.values() {
        assert_eq!(copies.len(), 2);
        assert_eq!(copies[0].1, copies[1].1);
        assert_ne!(
            copies[0].0.contains("/o-exampleorgid/"),
            copies[1].0.contains("/o-exampleorgid/")
        );
    }
}

#[test]
fn a_use_across_accounts_is_in_both_logs() {
    let corpus = Corpus {
        kms_share: 0.6,
        faults: Faults {
            cross_account_share: 0.5,
            ..Faults::default()
        },
        ..small()
    };
    let (objects, _) = corpus.objects().unwrap();
    let mut pairs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, record) in records(&objects) {
        if let Some(id) = record["sharedEventID"].as_str() {
            pairs.entry(id.to_owned()).or_default().push(record);
        }
    }
    pairs.retain(|_, copies| copies.len() > 1);
    assert!(pairs.len() > 40, "{} pairs", pairs.len());
    for copies in pairs.values() {
        let (owner, caller) = match copies[0]["userIdentity"]["type"].as_str() {
            Some("AWSAccount") => (&copies[0], &copies[1]),
            _ => (&copies[1], &copies[0]),
        };
        for field in [
            "requestParameters",
            "requestID",
            "eventName",
            "eventTime",
            "resources",
            "sourceIPAddress",
        ] {
            assert_eq!(owner[field], caller[field], "{field}");
        }
        assert_ne!(owner["eventID"], caller["eventID"]);
        assert_eq!(owner["recipientAccountId"], owner["resources"][0]["accountId"]);
        assert_eq!(owner["userIdentity"]["accountId"], caller["recipientAccountId"]);
        assert_eq!(
            owner["userIdentity"]["principalId"],
            caller["userIdentity"]["principalId"]
        );
    }
}

#[test]
fn late_objects_lie_under_the_day_they_came() {
    let corpus = Corpus {
        faults: Faults {
            late_share: 0.2,
            late_days: 6,
            ..Faults::default()
        },
        ..small()
    };
    let (objects, _) = corpus.objects().unwrap();
    let late: BTreeSet<String> = records(&objects)
        .into_iter()
        .filter(|(key, record)| stamp(key) - instant::at(record["eventTime"].as_str().unwrap()) > 5 * instant::DAY)
        .map(|(key, _)| key)
        .collect();
    let share = late.len() as f64 / objects.len() as f64;
    assert!((0.05..0.4).contains(&share), "{share} are late");
    assert!(late.iter().all(|key| key.contains(&instant::path(stamp(key)))));
}

#[test]
fn digests_list_every_object_once_with_its_hash_and_hold_on_to_each_other() {
    let faults = Faults {
        digests: true,
        late_share: 0.1,
        late_days: 2,
        ..Faults::default()
    };
    let (objects, _) = Corpus {
        days: 3,
        faults,
        ..small()
    }
    .objects()
    .unwrap();
    let held: BTreeMap<&str, Vec<u8>> = objects
        .iter()
        .map(|(key, bytes)| (key.as_str(), inflate(bytes)))
        .collect();
    let (mut listed, mut hours) = (BTreeSet::new(), 0);
    for (key, raw) in held.iter().filter(|(key, _)| key.contains("/CloudTrail-Digest/")) {
        let digest: Value = serde_json::from_slice(raw).unwrap();
        assert_eq!(digest["digestS3Object"].as_str().unwrap(), *key);
        hours += 1;
        for file in digest["logFiles"].as_array().unwrap() {
            let name = file["s3Object"].as_str().unwrap();
            assert_eq!(file["hashValue"].as_str().unwrap(), sha256::hex(&held[name]));
            assert!(listed.insert(name.to_owned()), "{name} is listed twice");
            let end = instant::at(digest["digestEndTime"].as_str().unwrap());
            assert!(
                (0..3600).contains(&(end - 1 - stamp(name))),
                "{name} in the hour before {end}"
            );
        }
        if let Some(previous) = digest["previousDigestS3Object"].as_str() {
            assert_eq!(
                digest["previousDigestHashValue"].as_str().unwrap(),
                sha256::hex(&held[previous])
            );
        }
    }
    assert!(
        listed
            .iter()
            .map(String::as_str)
            .eq(held.keys().filter(|key| is_log(key)).copied())
    );
    assert!(hours >= 3 * 24 * 6, "{hours} digests");
}

#[test]
fn python_reads_every_object_several_members_included() {
    let corpus = Corpus {
        faults: Faults {
            multi_member_share: 0.5,
            ..Faults::default()
        },
        ..small()
    };
    let dir = tempfile::tempdir().unwrap();
    let truth = corpus.write_to(dir.path()).unwrap();
    let script = "import gzip, json, pathlib, sys\n\
        print(sum(len(json.loads(gzip.open(p).read())['Records']) for p in pathlib.Path(sys.argv[1]).rglob('*.json.gz')))";
    let output = match std::process::Command::new("python3")
        .args(["-c", script])
        .arg(dir.path())
        .output()
    {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: python3 cannot be started: {error}"),
    };
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        truth.records.to_string()
    );
}

#[test]
fn a_huge_object_inflates_twentyfold_and_is_still_json() {
    let mut bytes = Vec::new();
    let corpus = Corpus { level: 6, ..small() };
    let (key, truth) = huge::object(&corpus, 60_000, &mut bytes).unwrap();
    let raw = inflate(&bytes);
    let object: Value = serde_json::from_slice(&raw).unwrap();
    assert_eq!(object["Records"].as_array().unwrap().len() as u64, truth.records);
    assert_eq!(
        (truth.raw_bytes, truth.gz_bytes),
        (raw.len() as u64, bytes.len() as u64)
    );
    assert!(raw.len() > 20 * bytes.len(), "{} of {}", raw.len(), bytes.len());
    assert!(is_log(&key));
}

#[test]
fn hashes_and_dates_are_the_published_ones() {
    assert_eq!(
        sha256::hex(b""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        sha256::hex(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(
        sha256::hex(long),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    );
    assert_eq!(instant::at("1970-01-01T00:00:00Z"), 0);
    assert_eq!(instant::at("2026-07-01T09:30:05Z"), 1_782_898_205);
    for t in [-1, 0, 951_782_399, 1_709_164_800, 1_782_898_205, 4_102_444_799] {
        assert_eq!(instant::at(&instant::iso(t)), t);
    }
    assert_eq!(
        instant::text(instant::at("2026-07-01T00:05:09Z")),
        "Jul 1, 2026, 12:05:09 AM"
    );
}
