//! Findings about who may: removed and unexplained rights, destructive rights without a second factor, roll-ups by key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::facts::{Facts, calls, is_by, joined, text};
use super::{each, same};
use crate::support::lake::{ACCOUNT, TestLake, key_arn};
use crate::support::permissions::{bundle, keep};
use crate::support::program::ask;

const CORE: [&str; 9] = [
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "EnableKey",
    "DisableKey",
    "CreateGrant",
    "RevokeGrant",
    "EnableKeyRotation",
    "DisableKeyRotation",
];
const MORE: [&str; 12] = [
    "CreateAlias",
    "DeleteAlias",
    "UpdateAlias",
    "DeleteImportedKeyMaterial",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RetireGrant",
    "RotateKeyOnDemand",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
];
const DESTRUCTIVE: [&str; 4] = [
    "ScheduleKeyDeletion",
    "DisableKey",
    "DeleteImportedKeyMaterial",
    "PutKeyPolicy",
];

fn operation(right: &Value) -> &str {
    text(right, "action").trim_start_matches("kms:")
}

fn is_administrative(operation: &str) -> bool {
    CORE.contains(&operation) || MORE.contains(&operation)
}

/// Successful calls of the window that exercise a right.
fn exercised<'f>(facts: &'f Facts, right: &'f Value) -> impl Iterator<Item = &'f Value> {
    facts.events.iter().filter(move |event| {
        facts.is_in_window(event)
            && text(event, "outcome") == "success"
            && text(event, "key_arn") == text(right, "key_arn")
            && text(event, "operation") == operation(right)
            && is_by(right, event)
    })
}

#[test]
fn removed_rights_are_those_of_the_past_less_those_of_now() {
    each(|facts| {
        let identity = |right: &Value| {
            ["principal_arn", "principal_id", "key_arn", "action"].map(|name| text(right, name).to_owned())
        };
        let is_core = |right: &&Value| CORE.contains(&operation(right));
        let now: BTreeSet<[String; 4]> = facts.rights.iter().filter(is_core).map(identity).collect();
        let mut gone: BTreeMap<[String; 4], Vec<&Value>> = BTreeMap::new();
        for right in facts.history.iter().filter(is_core) {
            if !now.contains(&identity(right)) {
                gone.entry(identity(right)).or_default().push(right);
            }
        }
        let mut expected = BTreeMap::new();
        for (id, mut rights) in gone {
            rights.sort_by_key(|right| text(right, "collected_at").to_owned());
            let (first, last) = (rights[0], rights[rights.len() - 1]);
            let (count, at) = calls(exercised(facts, last));
            let reason = match () {
                () if now.iter().all(|held| held[2] != id[2]) => {
                    "nobody holds an administrative right on the key any more"
                }
                () if now.iter().all(|held| held[..2] != id[..2]) => {
                    "the principal holds no administrative right any more"
                }
                () => "the right is gone",
            };
            let values = vec![
                last["principal_type"].clone(),
                last["decision"].clone(),
                first["collected_at"].clone(),
                last["collected_at"].clone(),
                count.into(),
                at,
                reason.into(),
            ];
            expected.insert(vec![id[0].clone(), id[2].clone(), id[3].clone()], values);
        }
        let columns = [
            "principal_type",
            "decision",
            "first_seen_at",
            "last_seen_at",
            "exercised",
            "last_exercised_at",
            "reason",
        ];
        same(
            "removed-admin-rights",
            facts,
            &["principal_arn", "key_arn", "action"],
            &columns,
            expected,
        )
    });
    // The office knows all three reasons.
    let office = Facts::of_office();
    let reasons: BTreeSet<String> = office
        .ask("removed-admin-rights")
        .iter()
        .map(|row| text(row, "reason").to_owned())
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
}

#[test]
fn unexplained_use_is_what_no_right_of_the_window_explains() {
    each(|facts| {
        let mut groups: BTreeMap<Vec<String>, Vec<&Value>> = BTreeMap::new();
        for event in &facts.events {
            let is_done =
                text(event, "outcome") == "success" && facts.is_in_window(event) && !event["key_arn"].is_null();
            if !is_done || !is_administrative(text(event, "operation")) {
                continue;
            }
            let mut rights = facts.history.iter().chain(&facts.rights);
            let is_explained = rights.any(|right| {
                text(right, "key_arn") == text(event, "key_arn")
                    && operation(right) == text(event, "operation")
                    && is_by(right, event)
            });
            if !is_explained {
                let action = format!("kms:{}", text(event, "operation"));
                let group = [
                    text(event, "key_arn"),
                    &action,
                    text(event, "principal_arn"),
                    text(event, "principal_id"),
                ];
                groups.entry(group.map(str::to_owned).to_vec()).or_default().push(event);
            }
        }
        let expected = groups
            .into_iter()
            .map(|(group, events)| {
                let (count, last) = calls(events.iter().copied());
                let first = events.iter().map(|event| text(event, "eventtime")).min().unwrap();
                (group, vec![count.into(), first.into(), last])
            })
            .collect();
        let columns = ["exercised", "first_exercised_at", "last_exercised_at"];
        same(
            "unexplained-admin-use",
            facts,
            &["key_arn", "action", "principal_arn", "principal_id"],
            &columns,
            expected,
        )
    });
}

#[test]
fn destructive_rights_without_a_second_factor_are_those_left_without_it() {
    each(|facts| {
        let sql = format!(
            "SELECT * FROM effective_access_without_mfa_at(TIMESTAMP '{}')",
            facts.as_of
        );
        let mut expected = BTreeMap::new();
        for right in ask(facts.lake(), &[&sql]) {
            let is_finding = DESTRUCTIVE.contains(&operation(&right))
                && right["principal_type"] != "service"
                && right["condition_kind"] != "service_only";
            if !is_finding {
                continue;
            }
            let (count, last) = calls(exercised(facts, &right).filter(|event| event["mfa"] != true));
            let key = ["principal_arn", "key_arn", "action"].map(|name| text(&right, name).to_owned());
            expected.insert(key.to_vec(), vec![right["principal_type"].clone(), count.into(), last]);
        }
        let columns = [
            "principal_type",
            "exercised_without_mfa",
            "last_exercised_without_mfa_at",
        ];
        same(
            "destructive-rights-without-mfa",
            facts,
            &["principal_arn", "key_arn", "action"],
            &columns,
            expected,
        )
    });
}

/// Long-term credentials lack the condition key, so a Deny under `Bool` lets them through; one under `BoolIfExists`
/// stops them too. A role never has long-term credentials.
#[test]
fn a_deny_that_long_term_credentials_escape_is_no_second_factor() {
    let policy = |operator: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "May", "Effect": "Allow", "Action": "kms:DisableKey", "Resource": "*"},
            {"Sid": "Mfa", "Effect": "Deny", "Action": "kms:*", "Resource": "*",
             "Condition": {operator: {"aws:MultiFactorAuthPresent": "false"}}}]})
    };
    let allow_if = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:DisableKey", "Resource": "*",
        "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}}});
    let user = |name: &str, document: Value| {
        json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "UserName": name, "UserId": format!("AIDA{name}"), "Path": "/",
            "CreateDate": "2023-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": document}]})
    };
    let role = json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:role/Ops"), "RoleName": "Ops", "RoleId": "AROAOPS", "Path": "/",
        "CreateDate": "2023-01-01T00:00:00Z", "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy("Bool")}],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}});
    let mut bundle = bundle();
    bundle["iam"] = json!({ACCOUNT: {
        "UserDetailList": [user("loose", policy("Bool")), user("tight", policy("BoolIfExists")), user("recent", allow_if)],
        "RoleDetailList": [role]
    }});
    let lake = TestLake::new();
    keep(&lake, &bundle);
    let rows = ask(&lake, &["destructive-rights-without-mfa", "-p", "as_of=2026-01-07"]);
    let of: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row["key_arn"] == key_arn("idle").as_str() && row["action"] == "kms:DisableKey")
        .map(|row| text(row, "principal_arn").rsplit(['/', ':']).next().unwrap())
        .collect();
    assert_eq!(of, BTreeSet::from(["loose", "root"]));
}

#[test]
fn rights_by_key_are_counted_one_by_one() {
    each(|facts| {
        let mut expected = BTreeMap::new();
        for key in &facts.keys {
            let arn = text(key, "key_arn");
            let held = |test: &dyn Fn(&Value) -> bool| -> BTreeSet<&str> {
                let is_held = |right: &&Value| {
                    text(right, "key_arn") == arn
                        && right["principal_type"] != "service"
                        && right["condition_kind"] != "service_only"
                        && test(right)
                };
                facts
                    .rights
                    .iter()
                    .filter(is_held)
                    .map(|right| text(right, "principal_arn"))
                    .collect()
            };
            let is_known = |right: &Value| right["decision"] != "undetermined";
            let destroyers = held(&|right| is_known(right) && DESTRUCTIVE.contains(&operation(right)));
            let open = held(&|right| !is_known(right) && DESTRUCTIVE.contains(&operation(right)));
            let administrators = held(&|right| is_known(right) && is_administrative(operation(right)));
            let users = held(&|right| is_known(right) && !is_administrative(operation(right)));
            let did = |test: &dyn Fn(&Value) -> bool| -> BTreeSet<&str> {
                let is_done = |event: &&Value| {
                    text(event, "key_arn") == arn
                        && text(event, "outcome") == "success"
                        && facts.is_in_window(event)
                        && text(event, "principal_arn").starts_with("arn:")
                        && test(event)
                };
                facts
                    .events
                    .iter()
                    .filter(is_done)
                    .map(|event| text(event, "principal_arn"))
                    .collect()
            };
            let destroyed = did(&|event| DESTRUCTIVE.contains(&text(event, "operation")));
            let administered = did(&|event| text(event, "class") == "admin");
            let used = did(&|event| text(event, "class") == "use");
            let both: BTreeSet<&str> = administered.intersection(&used).copied().collect();
            let values = vec![
                destroyers.len().into(),
                joined(destroyers.iter().copied()),
                joined(destroyed.iter().copied()),
                administrators.len().into(),
                users.len().into(),
                administrators.intersection(&users).count().into(),
                both.len().into(),
                joined(both.iter().copied()),
                open.difference(&destroyers).count().into(),
                (facts.is_covered(arn, "use") && facts.is_covered(arn, "admin")).into(),
            ];
            expected.insert(vec![arn.to_owned()], values);
        }
        let columns = [
            "destructive_holders",
            "destructive_holder_arns",
            "destructive_exercised_by",
            "administrators",
            "users",
            "administrators_who_may_use",
            "administrators_who_used",
            "administrators_who_used_arns",
            "undetermined_holders",
            "observed",
        ];
        same("admin-rights-by-key", facts, &["key_arn"], &columns, expected)
    });
}
