//! Collecting from a populated AWS emulator over HTTP, with the program itself.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::emulator::Emulator;
use crate::support::program::keytrail;

fn ask(lake: &str, sql: &str) -> Vec<Value> {
    let output = keytrail()
        .args(["--lake", lake, "query", "--format", "jsonl", sql])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_populated_emulator_is_collected_whole_and_after_a_kill_to_the_same_result() {
    // The whole of it (1,200 keys, 3,000 grants, 300 roles) takes minutes of the emulator's time on a small machine.
    let whole = std::env::var_os("KEYTRAIL_TEST_WHOLE").is_some();
    let (keys, grants, roles) = if whole { (1_200, 3_000, 300) } else { (160, 400, 40) };
    let Some(emulator) = Emulator::start("populated_aws.py", &[keys, grants, roles]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (lake, other, bundle) = (path("lake"), path("other"), path("bundle.json"));
    let began = Instant::now();
    let done = emulator.collect(&lake, &["-o", &bundle]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    let took = began.elapsed();
    eprintln!(
        "collected {keys} keys in {:.1} s: {:.0} keys/s: {said}",
        took.as_secs_f64(),
        keys as f64 / took.as_secs_f64()
    );
    let counts = "SELECT (SELECT count(*) FROM kms_keys) AS keys, (SELECT count(DISTINCT key_arn) FROM kms_key_policies WHERE policy IS NOT NULL AND verbatim) AS policies, \
        (SELECT count(*) FROM kms_grants) AS grants, (SELECT count(*) FROM kms_aliases WHERE target_key_arn IS NOT NULL AND alias_name LIKE 'alias/k%') AS aliases, \
        (SELECT count(*) FROM kms_tags) AS tags, (SELECT count(*) FROM iam_principals WHERE principal_type = 'role') AS roles, \
        (SELECT count(*) FROM iam_policies WHERE policy_kind = 'inline' AND document LIKE '%kms:Decrypt%') AS inline";
    let held = ask(&lake, counts).remove(0);
    for (name, expected) in [
        ("keys", keys),
        ("policies", keys),
        ("grants", grants),
        ("aliases", keys),
        ("tags", keys),
        ("roles", roles),
        ("inline", roles),
    ] {
        assert_eq!(held[name], expected, "{name} of {held}");
    }
    let joined = "SELECT count(*) AS n FROM kms_keys k JOIN kms_key_policies p ON p.snapshot_id = k.snapshot_id AND p.key_arn = k.key_arn \
        JOIN kms_grants g ON g.snapshot_id = k.snapshot_id AND g.key_arn = k.key_arn JOIN kms_aliases a ON a.snapshot_id = k.snapshot_id AND a.target_key_arn = k.key_arn AND a.alias_name LIKE 'alias/k%' \
        JOIN kms_tags t ON t.snapshot_id = k.snapshot_id AND t.key_arn = k.key_arn JOIN snapshot_scope s ON s.snapshot_id = k.snapshot_id AND s.account_id = k.account_id \
        AND s.region = k.region AND s.service = 'kms' AND s.operation IS NULL WHERE p.policy LIKE '%' || split_part(k.description, ' ', 2) || '%'";
    assert_eq!(ask(&lake, joined)[0]["n"], grants, "all tables join");
    // Killed half-way, then continued.
    let mut killed = emulator.collect(&other, &[]).spawn().unwrap();
    let journal = path("other.collecting.jsonl");
    let noted = || std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    let deadline = Instant::now() + Duration::from_secs(120);
    while noted() < keys / 2 && Instant::now() < deadline && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let done = emulator.collect(&other, &["--resume"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("parts were read before the interruption"), "{said}");
    let hashes = |lake: &str| ask(lake, "SELECT content_hash FROM snapshots");
    assert_eq!(hashes(&other), hashes(&lake), "the same contents");
    assert!(!std::path::Path::new(&journal).exists());
    // The bundle is the same snapshot again.
    let imported = path("imported");
    let done = keytrail()
        .args(["--lake", &imported, "snapshot", "import", &bundle])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(
        ask(
            &imported,
            "SELECT snapshot_id, content_hash, collected_by FROM snapshots"
        ),
        ask(&lake, "SELECT snapshot_id, content_hash, collected_by FROM snapshots")
    );
}
