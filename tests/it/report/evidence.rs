//! `report evidence`: the pack is whole, the same from a lake made another way, checked by `sha256sum`, and followed
//! from a row to the record it came from.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::hostile::{SCRIPTS, assert_harmless_cells, assert_harmless_page, hostile_office};
use super::{AS_OF, golden, report, sample, sample_logs};
use crate::support::permissions::guarded_office;
use crate::support::program::{keytrail, run};

/// Writes a pack and returns its folder.
fn pack(lake: &Path, target: &Path, more: &[&str]) -> PathBuf {
    let folder = target.join("pack");
    let place = folder.display().to_string();
    let mut arguments = vec!["evidence", "-o", place.as_str()];
    arguments.extend(more);
    let done = report(lake, &arguments);
    // The office's log vouches for nothing, and the pack says so.
    assert!([0, 3].contains(&done.code), "{}", done.stderr);
    folder
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn add(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    add(folder, folder, &mut found);
    found
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(other[name] == *bytes, "`{name}` differs");
    }
}

fn check_sums(folder: &Path) -> bool {
    let done = Command::new("sha256sum")
        .args(["-c", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(folder)
        .output();
    match done {
        Ok(done) => done.status.success(),
        Err(error) => panic!("sha256sum: {error}"),
    }
}

const KEYS: &str = "alias/payments-orders,alias/feature-flags";

#[test]
fn the_same_objects_and_snapshot_give_the_same_bytes_whatever_happened_to_the_lake() {
    let place = tempfile::tempdir().unwrap();
    let one = pack(
        sample(),
        place.path(),
        &["--as-of", AS_OF, "--format", "html,json,csv,markdown"],
    );
    assert!(check_sums(&one));
    // Another folder with the same objects, taken one day after the other and backwards, in another time zone, twice,
    // and compacted in between.
    let other = tempfile::tempdir().unwrap();
    let logs = other.path().join("elsewhere/copy");
    let mut objects = Vec::new();
    copy(&sample_logs().join("AWSLogs"), &logs.join("AWSLogs"), &mut objects);
    let lake = other.path().join("lake").display().to_string();
    let act = |arguments: &[&str]| {
        let mut all = vec!["--lake", lake.as_str()];
        all.extend(arguments);
        let done = keytrail()
            .args(&all)
            .env("TZ", "Pacific/Kiritimati")
            .env("LANG", "tr_TR.UTF-8")
            .output()
            .unwrap();
        assert!(
            [Some(0), Some(3)].contains(&done.status.code()),
            "{all:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    act(&[
        "snapshot",
        "import",
        &sample_logs().join("snapshot/bundle.json").display().to_string(),
    ]);
    let root = logs.join("AWSLogs").display().to_string();
    for (from, to) in [("2026-09-01", "2026-12-01"), ("2026-08-01", "2026-09-01")] {
        act(&["ingest", &root, "--from", from, "--to", to]);
    }
    act(&["compact"]);
    act(&["ingest", &root]);
    let target = other.path().join("out").join("pack");
    act(&[
        "report",
        "evidence",
        "--as-of",
        AS_OF,
        "--format",
        "html,json,csv,markdown",
        "-o",
        &target.display().to_string(),
    ]);
    assert_same(&one, &target);
    // A changed byte is found.
    let page = one.join("index.html");
    let mut bytes = std::fs::read(&page).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&page, bytes).unwrap();
    assert!(!check_sums(&one));
}

fn copy(from: &Path, to: &Path, copied: &mut Vec<PathBuf>) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, copied);
        } else {
            std::fs::copy(&path, &target).unwrap();
            copied.push(target);
        }
    }
}

#[test]
fn the_story_s_key_is_told_whole_and_each_row_leads_to_its_record() {
    let place = tempfile::tempdir().unwrap();
    let folder = pack(sample(), place.path(), &["--as-of", AS_OF, "--keys", KEYS]);
    let index = read(&folder, "index.json");
    assert_eq!(
        (&index["schema"], &index["version"]),
        (&json!("keytrail.evidence-index"), &json!(1))
    );
    assert_eq!(index["keys"].as_array().unwrap().len(), 2);
    let population: i64 = index["population"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["keys"].as_i64().unwrap())
        .sum();
    assert_eq!(population, 31, "the population is all keys, whatever was asked for");
    let name = "keys/111122223333.us-east-1.70f08269-36e2-46a3-a5ea-574d74653653";
    let orders = read(&folder, &format!("{name}.json"));
    assert_eq!(orders["schema"], "keytrail.evidence-key");
    // The policy, byte for byte as the snapshot has it.
    let bundle: Value =
        serde_json::from_slice(&std::fs::read(sample_logs().join("snapshot/bundle.json")).unwrap()).unwrap();
    let key = bundle["kms"]["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["KeyMetadata"]["Arn"] == orders["key"]["key_arn"]);
    let policy = key.unwrap()["Policy"].as_str().unwrap();
    assert_eq!(orders["policies"][0]["policy"], policy);
    let hash = orders["policies"][0]["policy_sha256"].as_str().unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.join(format!("policies/{hash}.json"))).unwrap(),
        policy
    );
    // Whom the truth of the story names, with path and verdict.
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(sample_logs().join("truth.json")).unwrap()).unwrap();
    let mut checked = 0;
    for expected in truth["rights"].as_array().unwrap() {
        if expected["key_arn"] != orders["key"]["key_arn"] {
            continue;
        }
        let holder = orders["administrators"]
            .as_array()
            .unwrap()
            .iter()
            .find(|holder| holder["principal_arn"] == expected["principal_arn"])
            .unwrap_or_else(|| panic!("{expected} is missing"));
        let right = holder["rights"]
            .as_array()
            .unwrap()
            .iter()
            .find(|right| right["actions"].as_array().unwrap().contains(&expected["action"]))
            .unwrap_or_else(|| panic!("{expected} is missing"));
        assert_eq!(right["verdict"], expected["verdict"], "{expected}");
        assert!(!right["paths"].as_array().unwrap().is_empty(), "{expected} has no path");
        checked += 1;
    }
    assert!(checked > 20, "{checked} rights of the truth");
    // The night of 15 September, each call with the record it came from.
    let night: Vec<&Value> = orders["exercised"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["eventtime"].as_str().unwrap().starts_with("2026-09-15"))
        .collect();
    let operations: Vec<&str> = night.iter().map(|event| event["operation"].as_str().unwrap()).collect();
    assert_eq!(
        operations,
        ["DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "EnableKey"]
    );
    for event in orders["exercised"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&orders["last_use"]])
    {
        let object = sample_logs().join(event["source_object"].as_str().unwrap());
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(object).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        let records: Value = serde_json::from_str(&text).unwrap();
        let index = usize::try_from(event["source_index"].as_i64().unwrap()).unwrap();
        assert_eq!(records["Records"][index]["eventID"], event["eventid"]);
    }
    let page = std::fs::read_to_string(folder.join(format!("{name}.html"))).unwrap();
    for said in [
        "alias&#x2f;payments-orders",
        "KeyMaintenance",
        "Who may administer it, and by which path",
        "nightly-rotation",
    ] {
        assert!(page.contains(said), "`{said}` is not on the page");
    }
    // What is asked about no key of the pack is not lost.
    let elsewhere = index["elsewhere"].to_string();
    assert!(
        elsewhere.contains("9558afd7-723a-4734-b921-c65ea69323d9"),
        "the deleted key is not in the index"
    );
    // Nothing of this machine or of today.
    let here = place.path().display().to_string();
    for (name, bytes) in files(&folder) {
        let text = String::from_utf8(bytes).unwrap();
        for betrayal in [here.as_str(), env!("CARGO_MANIFEST_DIR"), "ingested_at", "compliant"] {
            assert!(!text.contains(betrayal), "`{name}` holds `{betrayal}`");
        }
    }
    let manifest = read(&folder, "manifest.json");
    assert_eq!(manifest["source_objects"]["objects"], 461);
    assert_eq!(manifest["snapshots"].as_array().unwrap().len(), 1);
    let listed = std::fs::read_to_string(folder.join("data/source-objects.csv")).unwrap();
    assert_eq!(listed.lines().count(), 462);
    // The hash of the set, computed another way.
    let lines: String = listed
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(3).collect::<Vec<_>>().join("\t") + "\n")
        .collect();
    assert_eq!(
        manifest["source_objects"]["sha256"],
        crate::generator::sha256::hex(lines.as_bytes())
    );
    // Every query of the pack runs as it stands there.
    assert!(manifest["queries"].as_array().unwrap().len() >= 10);
}

#[test]
fn keys_are_named_by_id_arn_or_alias_and_a_slip_is_told() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("none").display().to_string();
    let unknown = report(
        sample(),
        &["evidence", "-o", &target, "--as-of", AS_OF, "--keys", "alias/nothing"],
    );
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("alias/nothing"), "{}", unknown.stderr);
    assert!(!Path::new(&target).exists());
    let full = place.path().display().to_string();
    std::fs::write(place.path().join("mine.txt"), "mine").unwrap();
    let taken = report(sample(), &["evidence", "-o", &full, "--as-of", AS_OF]);
    assert_eq!(taken.code, 2);
    assert!(taken.stderr.contains("is not empty"), "{}", taken.stderr);
    assert_eq!(
        std::fs::read_dir(place.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
    assert_eq!(run(&["report", "evidence"]).code, 2);
}

#[test]
fn the_office_s_pack_has_its_golden_pages_and_its_exit_codes() {
    let lake = guarded_office();
    let place = tempfile::tempdir().unwrap();
    let folder = pack(
        lake.path(),
        place.path(),
        &[
            "--as-of",
            "2026-01-07",
            "--window",
            "5d",
            "--format",
            "html,json,csv,markdown",
        ],
    );
    for name in [
        "index.html",
        "keys/111122223333.us-east-1.archive.html",
        "keys/111122223333.us-east-1.volumes.md",
        "data/administrators.csv",
    ] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        golden(&format!("evidence.{}", name.replace('/', ".")), &text);
    }
    let failing = place.path().join("failing").display().to_string();
    let named = [
        "evidence",
        "-o",
        &failing,
        "--as-of",
        "2026-01-07",
        "--window",
        "5d",
        "--fail-on",
        "unobservable,unexercised",
    ];
    assert_eq!(report(&lake, &named).code, 1);
}

#[test]
fn hostile_names_are_only_shown_in_the_pack() {
    let lake = hostile_office();
    let place = tempfile::tempdir().unwrap();
    let folder = pack(lake.path(), place.path(), &["--as-of", "2026-01-08", "--window", "5d"]);
    assert!(check_sums(&folder));
    let mut pages = 0;
    for (name, bytes) in files(&folder) {
        let text = String::from_utf8(bytes).unwrap();
        if name.ends_with(".html") {
            assert_harmless_page(&text);
            pages += 1;
        } else if name.ends_with(".csv") && text.lines().count() > 1 {
            assert_harmless_cells(&text);
        }
    }
    assert_eq!(pages, 6);
    let orders = read(&folder, "keys/111122223333.us-east-1.orders.json");
    assert!(
        orders["exercised"]
            .to_string()
            .contains(&json!(SCRIPTS[0]).to_string().trim_matches('"').to_owned())
    );
    if let Some(shown) = super::browser::rendered(
        &std::fs::read_to_string(folder.join("keys/111122223333.us-east-1.orders.html")).unwrap(),
        "420,900",
    ) {
        assert!(!shown.contains("<title>owned"), "a hostile name ran");
    }
}
