//! The whole-organization view against one question at a time.

use super::arbitrary::bundle;
use flate2::read::GzDecoder;
use keytrail::policy::access::{Access, single_key_actions};
use keytrail::policy::answer::{Question, Verdict, open};
use keytrail::policy::naming;
use keytrail::policy::scene::{Context, Target};
use keytrail::policy::{Snapshot, kms, population};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

type Rows = BTreeMap<(String, String, usize), (Verdict, String, Option<String>, Option<&'static str>, Vec<String>)>;

fn swept(snapshot: &Snapshot) -> Rows {
    let access = Access::of(snapshot, single_key_actions());
    let rows: Vec<_> = access.rows().collect();
    assert_eq!(rows.len() as u64, access.len());
    let row = |row: &keytrail::policy::access::Row| {
        let key = (row.principal.arn.clone(), row.key.arn.clone(), row.action);
        let outcome = row.outcome;
        let condition = outcome.condition.as_deref().map(str::to_owned);
        (
            key,
            (
                outcome.verdict,
                outcome.reason.to_string(),
                condition,
                outcome.condition_kind.map(|k| k.as_str()),
                row.paths(),
            ),
        )
    };
    let found: Rows = rows.iter().map(row).collect();
    assert_eq!(found.len(), rows.len(), "no row twice");
    found
}

fn one_by_one(snapshot: &Snapshot) -> Rows {
    let mut found = Rows::new();
    let context = Context::new();
    for principal in population::everyone(snapshot) {
        for key in &snapshot.keys {
            for action in (0..kms::ACTIONS.len()).filter(|a| single_key_actions() >> a & 1 == 1) {
                let mut question = Question::new(snapshot, &principal.arn, &kms::full_name(action), &key.arn).unwrap();
                question.target = Target::Key(key);
                let answer = open(&question, &context);
                if answer.verdict == Verdict::Denied {
                    continue;
                }
                let paths = naming::names(snapshot, &question.caller, &question.target, &answer.paths);
                let condition = answer.condition.as_deref().map(str::to_owned);
                let kind = answer.condition_kind.map(|k| k.as_str());
                found.insert(
                    (principal.arn.clone(), key.arn.clone(), action),
                    (answer.verdict, answer.reason, condition, kind, paths),
                );
            }
        }
    }
    found
}

fn assert_same(snapshot: &Snapshot, what: &str) {
    let (swept, single) = (swept(snapshot), one_by_one(snapshot));
    for (key, answer) in &single {
        assert_eq!(swept.get(key), Some(answer), "{what}: {key:?}");
    }
    assert_eq!(swept.len(), single.len(), "{what}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn classes_decide_as_single_questions_do(bundle in bundle()) {
        assert_same(&Snapshot::from_bundle(&bundle).0, &bundle.to_string());
    }
}

/// Twins of the role and of the first key: the same policies, but other names, paths, tags, aliases and Regions.
fn crowd(mut bundle: Value) -> Value {
    let tags = |names: [&str; 2], n: usize| match n % 3 {
        0 => json!([]),
        1 => json!([{names[0]: "team", names[1]: "red"}]),
        _ => json!([{names[0]: "Team", names[1]: "blue"}]),
    };
    for (kind, what) in [("RoleDetailList", "Role"), ("UserDetailList", "User")] {
        let entities = bundle["iam"]["111122223333"][kind].as_array_mut().unwrap();
        for n in 0..5 {
            let mut twin = entities[0].clone();
            let path = if n < 3 { "app" } else { "ops" };
            twin["Arn"] = json!(format!(
                "arn:aws:iam::111122223333:{}/{path}/twin{n}",
                what.to_lowercase()
            ));
            twin[format!("{what}Name")] = json!(format!("twin{n}"));
            twin[format!("{what}Id")] = json!(format!("AIDATWIN{n}"));
            twin["Tags"] = tags(["Key", "Value"], n);
            entities.push(twin);
        }
    }
    let keys = bundle["kms"]["keys"].as_array_mut().unwrap();
    for n in 0..6 {
        let mut twin = keys[0].clone();
        let region = if n < 4 { "us-east-1" } else { "eu-west-1" };
        twin["KeyMetadata"]["Arn"] = json!(format!(
            "arn:aws:kms:{region}:111122223333:key/{}-twin",
            n % 2 + 1 + n * 10
        ));
        twin["Tags"] = tags(["TagKey", "TagValue"], n);
        twin["Aliases"] = if n % 2 == 0 {
            json!([])
        } else {
            json!([{"AliasName": "alias/prod-a"}])
        };
        keys.push(twin);
    }
    bundle
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn classes_tell_twins_apart(bundle in bundle()) {
        let bundle = crowd(bundle);
        assert_same(&Snapshot::from_bundle(&bundle).0, &bundle.to_string());
    }
}

#[test]
fn classes_decide_as_single_questions_do_in_whole_worlds() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/policy-cases/worlds-dev.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: no {}", path.display());
        return;
    };
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let world: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_same(&Snapshot::from_bundle(&world["snapshot"]).0, &world["id"].to_string());
    }
}

/// Roles of one policy and keys of one policy are decided once.
#[test]
fn equals_are_one_class() {
    let key = |n: usize| {
        let policy = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}});
        json!({"KeyMetadata": {"Arn": format!("arn:aws:kms:us-east-1:111122223333:key/{n:08}")}, "Policy": policy.to_string(), "Grants": []})
    };
    let role = |n: usize| {
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:PutKeyPolicy", "Resource": "*"}});
        json!({"Arn": format!("arn:aws:iam::111122223333:role/r{n}"), "RoleName": format!("r{n}"),
            "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": policy}], "AttachedManagedPolicies": []})
    };
    let keys: Vec<Value> = (0..200).map(key).collect();
    let roles: Vec<Value> = (0..300).map(role).collect();
    let bundle = json!({"iam": {"111122223333": {"RoleDetailList": roles}}, "kms": {"keys": keys}});
    let (snapshot, _) = Snapshot::from_bundle(&bundle);
    let access = Access::of(&snapshot, single_key_actions());
    assert_eq!(
        (access.principal_classes.members.len(), access.key_classes.members.len()),
        (2, 1)
    );
    let put = kms::find("PutKeyPolicy");
    let by_roles = access.rows().filter(|row| row.principal.kind == "role");
    assert!(
        by_roles
            .filter(|row| Some(row.action) == put && row.outcome.verdict == Verdict::Allowed)
            .count()
            == 200 * 300
    );
    assert_eq!(
        access.len(),
        200 * 300 + 200 * u64::from(single_key_actions().count_ones()) - 200
    );
}
