//! `sample-logs/` is what the generator tells, byte for byte, and holds nothing but documentation accounts and addresses.
//!
//! `KEYTRAIL_BLESS=1` writes the folder anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use crate::generator::story;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "123456789012", "999999999999"];
const NETWORKS: [&str; 3] = ["192.0.2.", "198.51.100.", "203.0.113."];

/// The story, told once for all tests.
fn told() -> &'static story::Story {
    static STORY: OnceLock<story::Story> = OnceLock::new();
    STORY.get_or_init(|| story::tell().unwrap())
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

/// Every file below a folder, by its path in it.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut out, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

fn inflated(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if name.ends_with(".gz") {
        MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    } else {
        out.extend_from_slice(bytes);
    }
    out
}

fn records(story: &story::Story) -> impl Iterator<Item = Value> {
    story.objects.iter().flat_map(|(key, bytes)| {
        let object: Value = serde_json::from_slice(&inflated(key, bytes)).unwrap();
        object["Records"].as_array().unwrap().clone()
    })
}

#[test]
fn the_committed_files_are_what_the_generator_tells() {
    if std::env::var_os("KEYTRAIL_BLESS").is_some_and(|v| v == "1") {
        let _ = std::fs::remove_dir_all(committed());
        told().write(&committed()).unwrap();
    }
    let fresh = tempfile::tempdir().unwrap();
    told().write(fresh.path()).unwrap();
    let (told, held) = (files(fresh.path()), files(&committed()));
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        held.keys().collect::<Vec<_>>(),
        "other files; KEYTRAIL_BLESS=1 writes them anew"
    );
    for (name, bytes) in &told {
        // Contents first: bytes that differ around equal contents mean another compressor, not another story.
        assert!(
            inflated(name, bytes) == inflated(name, &held[name]),
            "{name} tells something else"
        );
        assert!(bytes == &held[name], "{name} is packed otherwise");
    }
    assert!(
        held.values().map(Vec::len).sum::<usize>() < 1_500_000,
        "too large to carry along"
    );
}

#[test]
fn only_documentation_accounts_addresses_and_domains_occur() {
    for (name, bytes) in files(&committed()) {
        let text = String::from_utf8(inflated(&name, &bytes)).unwrap();
        let words = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .chain(name.split(['/', '_']));
        for word in words.filter(|w| w.len() == 12 && w.bytes().all(|b| b.is_ascii_digit())) {
            assert!(ACCOUNTS.contains(&word), "{name} names account {word}");
        }
        for (at, _) in text.match_indices('@') {
            assert!(
                text[at + 1..].starts_with("example.com"),
                "{name} holds an address outside example.com"
            );
        }
    }
    for record in records(told()) {
        let ip = record["sourceIPAddress"].as_str().unwrap();
        let service = ip.ends_with(".amazonaws.com") || ip == "AWS Internal";
        assert!(
            service || NETWORKS.iter().any(|n| ip.starts_with(n)),
            "source address {ip}"
        );
        if let Some(ip) = record["requestParameters"]["iPAddress"].as_str() {
            assert!(NETWORKS.iter().any(|n| ip.starts_with(n)), "host address {ip}");
        }
    }
}

#[test]
fn every_day_of_both_accounts_has_a_record_but_the_silent_one() {
    let mut days: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in records(told()) {
        let day = record["eventTime"].as_str().unwrap()[..10].to_owned();
        days.entry(record["recipientAccountId"].as_str().unwrap().to_owned())
            .or_default()
            .insert(day);
    }
    assert_eq!(days["111122223333"].len(), 101);
    assert_eq!(days["444455556666"].len(), 100);
    assert!(!days["444455556666"].contains("2026-08-19"));
}

#[test]
fn event_ids_are_unique_and_shared_ones_join_two_accounts() {
    let (mut ids, mut shared) = (BTreeSet::new(), BTreeMap::<String, Vec<Value>>::new());
    for record in records(told()) {
        let id = record["eventID"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "event id {} twice", record["eventID"]);
        if let Some(id) = record["sharedEventID"].as_str() {
            shared.entry(id.to_owned()).or_default().push(record);
        }
    }
    let pairs: Vec<_> = shared.into_values().filter(|copies| copies.len() > 1).collect();
    assert!(pairs.iter().any(|copies| copies[0]["eventName"] == "Decrypt"));
    for copies in pairs {
        assert_eq!(copies.len(), 2);
        assert_ne!(copies[0]["recipientAccountId"], copies[1]["recipientAccountId"]);
        assert_eq!(copies[0]["requestID"], copies[1]["requestID"]);
    }
}

#[test]
fn the_last_use_a_key_is_said_to_have_is_in_the_log_unless_the_log_was_stopped() {
    let story = told();
    let ids: BTreeSet<String> = records(story)
        .map(|r| r["eventID"].as_str().unwrap().to_owned())
        .collect();
    let mut missing = Vec::new();
    for key in story.bundle["kms"]["keys"].as_array().unwrap() {
        if let Some(id) = key["LastUsage"]["KeyLastUsage"]["CloudTrailEventId"].as_str() {
            missing.extend((!ids.contains(id)).then(|| key["Aliases"][0]["AliasName"].as_str().unwrap().to_owned()));
        }
    }
    missing.sort();
    assert_eq!(missing, ["alias/org-artifacts", "alias/quarterly-close"]);
}

#[test]
fn every_verdict_has_a_key_that_earns_it() {
    let verdicts: BTreeSet<&str> = told().truth.keys.iter().map(|k| k.verdict).collect();
    let all = [
        "attempted",
        "held_by_grant",
        "in_use",
        "inconclusive",
        "not_applicable",
        "too_new",
        "unused",
    ];
    assert_eq!(verdicts, BTreeSet::from(all));
}
