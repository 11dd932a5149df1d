//! Verdicts on the sample organization: every row of its truth, as a user would get it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::program::{Run, run};

/// The sample organization in a lake, made once.
static SAMPLE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().display().to_string();
    let sample = sample();
    let logs = sample.join("AWSLogs").display().to_string();
    let bundle = sample.join("snapshot/bundle.json").display().to_string();
    let taken = run(&["--lake", &lake, "ingest", &logs]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let imported = run(&["--lake", &lake, "snapshot", "import", &bundle]);
    // The story's collector was refused two answers.
    assert_eq!(imported.code, 3, "{}", imported.stderr);
    folder
});

/// The folder of that lake.
pub fn sample_with_snapshot() -> &'static Path {
    SAMPLE.path()
}

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

fn truth() -> Value {
    serde_json::from_str(&std::fs::read_to_string(sample().join("truth.json")).unwrap()).unwrap()
}

fn on_sample(arguments: &[&str]) -> Run {
    let lake = SAMPLE.path().display().to_string();
    let mut all = vec!["--lake", lake.as_str()];
    all.extend(arguments);
    run(&all)
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["query", "--format", "jsonl"];
    all.extend(arguments);
    let done = on_sample(&all);
    assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text `{name}` in {row}"))
}

#[test]
fn a_plain_run_gives_every_key_its_true_verdict() {
    // Without parameters: the window ends at the latest instant the lake can vouch for.
    let found: BTreeMap<String, Value> = rows(&["unused-keys"])
        .into_iter()
        .map(|row| (text(&row, "key_arn").to_owned(), row))
        .collect();
    let truth = truth();
    let expected = truth["keys"].as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for key in expected {
        let row = &found[text(key, "key_arn")];
        let proofs: Vec<&str> = key["proof"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let proof = if proofs.is_empty() {
            Value::Null
        } else {
            proofs.join(", ").into()
        };
        assert_eq!(row["proof"], proof, "{row}");
        let same = [
            "verdict",
            "uses",
            "service_uses",
            "failed_uses",
            "live_grants",
            "last_used_at",
            "last_used_by",
        ];
        for column in same {
            assert_eq!(row[column], key[column], "{column} of {}: {row}", key["name"]);
        }
        assert!(
            !text(row, "reason").is_empty() && !text(row, "caution").is_empty(),
            "{row}"
        );
    }
}

#[test]
fn every_right_of_the_story_has_its_true_verdict() {
    let arguments = ["unexercised-admin-rights", "-p", "as_of=2026-10-09T06:00:00Z"];
    let key = |row: &Value| ["principal_arn", "key_arn", "action"].map(|name| text(row, name).to_owned());
    let all = rows(&arguments);
    let found: BTreeMap<[String; 3], &Value> = all.iter().map(|row| (key(row), row)).collect();
    assert_eq!(found.len(), all.len(), "a right stands in one row");
    for right in truth()["rights"].as_array().unwrap() {
        let row = found[&key(right)];
        for column in ["verdict", "decision", "exercised"] {
            assert_eq!(row[column], right[column], "{column}: {row}");
        }
    }
}

#[test]
fn what_no_snapshot_explains_is_named() {
    let found = rows(&["unexplained-admin-use"]);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|row| {
            (
                text(row, "action"),
                text(row, "principal_arn").rsplit('/').next().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        ("kms:TagResource", "KeyCustodian"),
        ("kms:RetireGrant", "settlement-batch"),
        ("kms:DeleteAlias", "KeyAdmin"),
        ("kms:ScheduleKeyDeletion", "KeyAdmin"),
        ("kms:EnableKeyRotation", "KeyCustodian"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_map_shows_the_night_the_trail_was_off() {
    let map = on_sample(&["coverage", "--map"]);
    assert_eq!(map.code, 0, "{}", map.stderr);
    let line = map
        .stdout
        .lines()
        .find(|line| line.starts_with("444455556666 us-east-1      use"))
        .unwrap();
    // 1 July is the first letter; 18 and 20 August are covered in part, 19 August not at all.
    let days: Vec<char> = line.split_whitespace().last().unwrap().chars().collect();
    assert_eq!(&days[47..52], ['#', '+', 'x', '+', '#']);
    assert!(
        map.stdout.contains("StopLogging at 2026-08-18T22:10:31Z"),
        "{}",
        map.stdout
    );
    let rows = on_sample(&["coverage", "--format", "csv", "--fail-on", "excluded"]);
    assert_eq!(rows.code, 1);
    assert_eq!(on_sample(&["coverage", "--format", "csv", "--fail-on", "gap"]).code, 0);
    let span = ["--since", "2026-08-19", "--until", "2026-08-20"];
    let day = on_sample(&[&["coverage", "--format", "csv"][..], &span[..]].concat());
    assert!(
        day.stdout
            .lines()
            .skip(1)
            .all(|line| line.contains("2026-08-19T00:00:00Z,2026-08-20T00:00:00Z"))
    );
}

#[test]
fn what_the_user_vouches_for_is_said_in_the_verdict() {
    let assume = ["--assume-coverage", "2026-08-18..2026-08-21,444455556666"];
    let at = ["-p", "as_of=2026-10-09T06:00:00Z"];
    // In eu-west-1 nothing speaks against it.
    let rights = rows(&[&["unexercised-admin-rights"][..], &at[..], &assume[..]].concat());
    let warehouse = |row: &&Value| text(row, "key_arn").contains("3e6bd518-7b72-4d5e-b833-31c65ea91ffa");
    assert!(rights.iter().filter(warehouse).count() > 0);
    for row in rights.iter().filter(warehouse) {
        assert_eq!(text(row, "verdict"), "unexercised", "{row}");
        assert!(text(row, "reason").contains("basis assumed"), "{row}");
    }
    // Nobody can vouch for a day of which AWS knows a record that is not there.
    let keys = rows(&[&["unused-keys"][..], &at[..], &assume[..]].concat());
    let archive = keys
        .iter()
        .find(|row| row["aliases"] == "alias/legacy-archive")
        .unwrap();
    assert_eq!(text(archive, "verdict"), "inconclusive");
    assert!(
        text(archive, "reason").contains("which the lake does not hold"),
        "{archive}"
    );
}

#[test]
fn an_instant_before_the_first_snapshot_is_refused() {
    for query in [
        "unused-keys",
        "unexercised-admin-rights",
        "removed-admin-rights",
        "unexplained-admin-use",
    ] {
        let refused = on_sample(&["query", query, "-p", "as_of=2026-10-09T05:59:59Z"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{query}");
        assert!(
            refused.stderr.contains("the first is of 2026-10-09T06:00:00Z"),
            "{}",
            refused.stderr
        );
    }
}

/// The roll-ups, computed by plain loops over the rights one by one.
#[test]
fn roll_ups_add_up_the_rights_one_by_one() {
    type Counts = BTreeMap<&'static str, i64>;
    let at = ["-p", "as_of=2026-10-09T06:00:00Z"];
    let ask = |query: &str| rows(&[&[query][..], &at[..]].concat());
    let rights = ask("unexercised-admin-rights");
    let verdicts = ["exercised", "unexercised", "too_new", "unobservable"];
    let known = |row: &Value| {
        *verdicts
            .iter()
            .find(|verdict| **verdict == text(row, "verdict"))
            .unwrap()
    };
    let mut by_principal: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut by_path: BTreeMap<(String, &str, &str), Counts> = BTreeMap::new();
    type Fates<'r> = BTreeMap<&'r str, BTreeMap<&'r str, BTreeSet<(String, String)>>>;
    let mut fates: Fates<'_> = BTreeMap::new();
    for row in &rights {
        let principal = text(row, "principal_arn");
        *by_principal
            .entry(principal)
            .or_default()
            .entry(known(row))
            .or_default() += 1;
        let key = text(row, "key_arn");
        let account = key.split(':').nth(4).unwrap();
        for path in row["paths"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if path != "root user of the account" {
                let is_of_key = path.starts_with("key policy ") || path.starts_with("grant ");
                let group = (path.to_owned(), account, if is_of_key { key } else { "" });
                *by_path.entry(group).or_default().entry(known(row)).or_default() += 1;
            }
        }
        if ["role", "user"].contains(&text(row, "principal_type")) {
            let fate = match (text(row, "decision"), known(row)) {
                ("undetermined", _) => "apart",
                _ if row["condition_kind"] == "service_only" => "apart",
                (_, "unexercised") => "removed",
                ("conditional", _) => "apart",
                _ => "kept",
            };
            let right = (text(row, "action").to_owned(), key.to_owned());
            fates
                .entry(principal)
                .or_default()
                .entry(fate)
                .or_default()
                .insert(right);
        }
    }
    let found = ask("admin-rights-by-principal");
    assert_eq!(found.len(), by_principal.len());
    for row in &found {
        let counts = &by_principal[text(row, "principal_arn")];
        for verdict in verdicts {
            assert_eq!(
                row[verdict].as_i64(),
                Some(counts.get(verdict).copied().unwrap_or(0)),
                "{verdict}: {row}"
            );
        }
    }
    let found = ask("unneeded-statements");
    assert_eq!(found.len(), by_path.len());
    for row in &found {
        let on_key = row["on_key"].as_str().unwrap_or_default();
        let counts = &by_path[&(text(row, "path").to_owned(), text(row, "account_id"), on_key)];
        assert_eq!(row["rights"].as_i64(), Some(counts.values().sum()), "{row}");
        let verdict = ["exercised", "unobservable", "too_new"]
            .iter()
            .find(|verdict| counts.contains_key(*verdict));
        assert_eq!(text(row, "verdict"), *verdict.unwrap_or(&"unneeded"), "{row}");
    }
    let found = ask("reduced-admin-policies");
    assert_eq!(found.len(), fates.len());
    for row in &found {
        let of = |fate: &str| fates[text(row, "principal_arn")].get(fate).cloned().unwrap_or_default();
        assert_eq!(granted_by(&row["policy"]), of("kept"), "{row}");
        assert_eq!(granted_by(&row["removes"]), of("removed"), "{row}");
        let counts = ["kept", "removed", "kept_apart"].map(|name| row[name].as_u64());
        assert_eq!(
            counts,
            ["kept", "removed", "apart"].map(|fate| Some(of(fate).len() as u64)),
            "{row}"
        );
    }
}

/// Actions and resources of a policy, one by one.
fn granted_by(policy: &Value) -> BTreeSet<(String, String)> {
    let Some(policy) = policy.as_str() else {
        return BTreeSet::new();
    };
    let policy: Value = serde_json::from_str(policy).unwrap();
    let mut granted = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for action in statement["Action"].as_array().unwrap() {
            for resource in statement["Resource"].as_array().unwrap() {
                granted.insert((
                    action.as_str().unwrap().to_owned(),
                    resource.as_str().unwrap().to_owned(),
                ));
            }
        }
    }
    granted
}

#[test]
fn keys_on_their_way_out_name_who_still_asks() {
    let found = rows(&["keys-pending-deletion-still-wanted", "-p", "as_of=2026-10-09T06:00:00Z"]);
    let [row] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (text(row, "aliases"), row["failed_uses"].as_i64()),
        ("alias/old-backup", Some(2)),
        "{row}"
    );
    assert!(text(row, "wanted_by").ends_with("role/service/backup-job"), "{row}");
    assert!(text(row, "scheduled_by").ends_with("role/security/KeyAdmin"), "{row}");
}

#[test]
fn a_guard_stands_before_one_key_only() {
    let found = rows(&["unguarded-keys", "-p", "as_of=2026-10-09T06:00:00Z"]);
    let guarded: Vec<&Value> = found.iter().filter(|row| text(row, "verdict") != "unguarded").collect();
    let [row] = guarded.as_slice() else {
        panic!("{guarded:?}")
    };
    assert!(
        text(row, "key_arn").ends_with("us-east-1:111122223333:key/mrk-93239cb89d00e02b56b7426e335f35d1"),
        "{row}"
    );
    assert!(text(row, "guards").contains("trailing_days"), "{row}");
}

#[test]
fn a_volume_is_known_by_the_grant_that_holds_its_key() {
    let key = "key=arn:aws:kms:us-east-1:111122223333:key/e36358e5-8c1c-45ee-83b1-62953342619e";
    let found = rows(&["protected-resources", "-p", "as_of=2026-10-09T06:00:00Z", "-p", key]);
    let [row] = found.as_slice() else { panic!("{found:?}") };
    let named = (
        text(row, "context_key"),
        text(row, "context_value"),
        text(row, "source"),
    );
    assert_eq!(named, ("aws:ebs:id", "vol-0123456789abcdef0", "grant"));
}

#[test]
fn nobody_who_must_prove_a_second_factor_is_said_to_do_without() {
    let found = rows(&["destructive-rights-without-mfa", "-p", "as_of=2026-10-09T06:00:00Z"]);
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|row| !text(row, "principal_arn").ends_with("user/break-glass"))
    );
}
