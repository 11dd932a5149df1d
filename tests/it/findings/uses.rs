//! Findings about what was done with keys: dormant principals, keys still wanted, what they protect, rhythms, guards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::facts::{calls, is_by, joined, text};
use super::{each, same};
use crate::support::program::ask;

const CONTEXTS: [&str; 3] = [
    "encryptionContext",
    "sourceEncryptionContext",
    "destinationEncryptionContext",
];

/// Days since 1970, with their fraction.
fn days(instant: &str) -> f64 {
    keytrail::model::Instant::parse(instant).unwrap().0 as f64 / 86_400e6
}

fn rounded(number: f64) -> Value {
    Value::from((number * 100.0).round() / 100.0)
}

fn is_use_right(right: &Value) -> bool {
    let verbs = [
        "Decrypt",
        "Encrypt",
        "Generate",
        "ReEncrypt",
        "Verify",
        "Sign",
        "Derive",
        "Encapsulate",
        "Decapsulate",
    ];
    let operation = text(right, "action").trim_start_matches("kms:");
    verbs.iter().any(|verb| operation.starts_with(verb))
}

#[test]
fn dormant_principals_hold_rights_and_did_nothing() {
    each(|facts| {
        let mut groups: BTreeMap<Vec<String>, Vec<&Value>> = BTreeMap::new();
        for right in facts.rights.iter().filter(|right| is_use_right(right)) {
            let group = ["key_arn", "principal_arn"].map(|name| text(right, name).to_owned());
            groups.entry(group.to_vec()).or_default().push(right);
        }
        let mut expected = BTreeMap::new();
        for (group, rights) in groups {
            let (key, right) = (group[0].as_str(), rights[0]);
            let mine = |outcome: &'static str| facts.on(key, "use", outcome).filter(|event| is_by(right, event));
            let (uses, _) = calls(mine("success").filter(|event| facts.is_in_window(event)));
            let (_, last) = calls(mine("success"));
            let unsuccessful = || mine("denied").chain(mine("failed"));
            let (failed, _) = calls(unsuccessful().filter(|event| facts.is_in_window(event)));
            let is_new = facts.is_new(facts.principal(&group[1]), "create_date")
                || facts.is_new(facts.key(key), "creation_date")
                || rights.iter().all(|right| facts.is_by_new_grant(right));
            let is_unnamed = facts.on(key, "use", "success").any(|event| {
                text(event, "principal_arn").contains('@')
                    && facts.is_in_window(event)
                    && group[1].split(':').nth(4) == event["caller_account_id"].as_str()
                    && !(["role", "user"].contains(&text(right, "principal_type")) && right["principal_id"].is_string())
                    && right["principal_type"] != "account"
            });
            let decision = rights.iter().map(|right| text(right, "decision")).min().unwrap();
            let verdict = match () {
                () if uses > 0 => "active",
                () if is_new => "too_new",
                () if decision == "undetermined" || !facts.is_covered(key, "use") || is_unnamed => "unobservable",
                () => "dormant",
            };
            let values = vec![
                decision.into(),
                joined(rights.iter().map(|right| text(right, "action"))),
                rights
                    .iter()
                    .all(|right| right["condition_kind"] == "service_only")
                    .into(),
                verdict.into(),
                uses.into(),
                last,
                failed.into(),
            ];
            expected.insert(group, values);
        }
        let columns = [
            "decision",
            "actions",
            "service_only",
            "verdict",
            "uses",
            "last_used_at",
            "failed_uses",
        ];
        same(
            "dormant-principals",
            facts,
            &["key_arn", "principal_arn"],
            &columns,
            expected,
        )
    });
}

#[test]
fn keys_pending_deletion_are_wanted_by_whom_they_fail() {
    each(|facts| {
        let mut expected = BTreeMap::new();
        for key in &facts.keys {
            let arn = text(key, "key_arn");
            let last = |operation: &str| {
                let done = |event: &&Value| {
                    text(event, "key_arn") == arn
                        && text(event, "operation") == operation
                        && text(event, "outcome") == "success"
                };
                facts
                    .events
                    .iter()
                    .filter(done)
                    .max_by_key(|event| text(event, "eventtime"))
            };
            let at = |event: Option<&Value>| {
                event
                    .map(|event| text(event, "eventtime").to_owned())
                    .unwrap_or_default()
            };
            let (scheduled, cancelled) = (last("ScheduleKeyDeletion"), at(last("CancelKeyDeletion")));
            let is_pending = text(key, "key_state").starts_with("Pending") && text(key, "key_state") != "PendingImport";
            if !is_pending || at(scheduled) <= cancelled {
                continue;
            }
            let asked = facts.on(arn, "use", "failed").chain(facts.on(arn, "use", "denied"));
            let asked: Vec<&Value> = asked
                .filter(|event| text(event, "eventtime") >= at(scheduled).as_str())
                .collect();
            for principal in asked
                .iter()
                .map(|event| text(event, "principal_arn"))
                .collect::<BTreeSet<_>>()
            {
                let mine = || {
                    asked
                        .iter()
                        .copied()
                        .filter(|event| text(event, "principal_arn") == principal)
                };
                let (count, when) = calls(mine());
                let values = vec![
                    at(scheduled).into(),
                    scheduled.map_or(Value::Null, |event| event["principal_arn"].clone()),
                    count.into(),
                    when,
                    joined(mine().map(|event| text(event, "operation"))),
                    joined(mine().map(|event| text(event, "error_code"))),
                ];
                expected.insert(vec![arn.to_owned(), principal.to_owned()], values);
            }
        }
        let columns = [
            "scheduled_at",
            "scheduled_by",
            "failed_uses",
            "last_failed_at",
            "operations",
            "error_codes",
        ];
        same(
            "keys-pending-deletion-still-wanted",
            facts,
            &["key_arn", "wanted_by"],
            &columns,
            expected,
        )
    });
}

#[test]
fn protected_resources_are_those_that_contexts_and_grants_name() {
    each(|facts| {
        type Named = (BTreeSet<String>, String, BTreeSet<String>);
        let mut named: BTreeMap<Vec<String>, Named> = BTreeMap::new();
        let sql = "SELECT e.key_arn, e.call_id, e.eventtime, e.operation, t.requestparameters AS parameters, \
                   t.kms AS kms FROM kms_events e \
                   JOIN cloudtrail t ON t.source_object = e.source_object AND t.source_index = e.source_index \
                   WHERE e.class = 'use' AND e.outcome = 'success' AND e.key_arn IS NOT NULL";
        for use_of in ask(facts.lake(), &[sql]) {
            let Ok(Value::Object(parameters)) = serde_json::from_str(text(&use_of, "parameters")) else {
                continue;
            };
            if !facts.is_in_window(&use_of) {
                continue;
            }
            for member in CONTEXTS {
                let keys = use_of["kms"].as_array().unwrap();
                let place = if member.starts_with("destination") {
                    keys.len() - 1
                } else {
                    0
                };
                let Some(Value::Object(pairs)) = parameters.get(member) else {
                    continue;
                };
                if keys[place]["key_arn"] != use_of["key_arn"] {
                    continue;
                }
                for (name, value) in pairs {
                    let row = vec![
                        text(&use_of, "key_arn").to_owned(),
                        name.clone(),
                        value.as_str().unwrap().to_owned(),
                    ];
                    let (calls, last, _) = named.entry(row).or_default();
                    calls.insert(text(&use_of, "call_id").to_owned());
                    last.clone_from(&text(&use_of, "eventtime").to_owned().max(last.clone()));
                }
            }
        }
        for grant in &facts.grants {
            let constraints: Value = serde_json::from_str(text(grant, "constraints")).unwrap_or_default();
            let mut pairs: Vec<(String, String)> = Vec::new();
            for member in ["EncryptionContextSubset", "EncryptionContextEquals"] {
                let members = constraints[member].as_object().into_iter().flatten();
                pairs.extend(members.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
            }
            if pairs.is_empty() {
                let service = grant["grantee_service_principal"].as_str();
                let grantee = grant["grantee_principal"].as_str().or(service).unwrap();
                pairs.push(match constraints["SourceArn"].as_str() {
                    Some(arn) => ("source_arn".to_owned(), arn.to_owned()),
                    None => ("grantee".to_owned(), grantee.to_owned()),
                });
            }
            for (name, value) in pairs {
                let row = vec![text(grant, "key_arn").to_owned(), name, value];
                named
                    .entry(row)
                    .or_default()
                    .2
                    .insert(text(grant, "grant_id").to_owned());
            }
        }
        let expected = named
            .into_iter()
            .map(|(row, (calls, last, grants))| {
                let source = match (calls.is_empty(), grants.is_empty()) {
                    (false, false) => "log, grant",
                    (false, true) => "log",
                    _ => "grant",
                };
                let last = if last.is_empty() { Value::Null } else { last.into() };
                (row, vec![source.into(), calls.len().into(), last, grants.len().into()])
            })
            .collect();
        let columns = ["source", "uses", "last_used_at", "grants"];
        same(
            "protected-resources",
            facts,
            &["key_arn", "context_key", "context_value"],
            &columns,
            expected,
        )
    });
}

#[test]
fn rhythms_are_the_gaps_between_days_of_use() {
    each(|facts| {
        let mut used: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for event in &facts.events {
            if text(event, "class") == "use" && text(event, "outcome") == "success" && event["key_arn"].is_string() {
                let time = text(event, "eventtime");
                let days = used.entry(text(event, "key_arn")).or_default();
                days.entry(&time[..10]).or_default().push(time);
            }
        }
        let mut expected = BTreeMap::new();
        for (key, by_day) in used {
            let ends: Vec<(f64, f64)> = by_day
                .values()
                .map(|times| (days(times.iter().min().unwrap()), days(times.iter().max().unwrap())))
                .collect();
            let mut gaps: Vec<f64> = ends.windows(2).map(|pair| pair[1].0 - pair[0].1).collect();
            gaps.sort_by(f64::total_cmp);
            let median = match gaps.len() {
                0 => Value::Null,
                count if count % 2 == 1 => rounded(gaps[count / 2]),
                count => rounded(f64::midpoint(gaps[count / 2 - 1], gaps[count / 2])),
            };
            let longest = gaps.last().copied();
            let idle = days(facts.as_of) - ends[ends.len() - 1].1;
            let warning = match longest {
                Some(longest) if longest > facts.window_days => {
                    "the window is shorter than the longest gap between uses"
                }
                _ if idle <= facts.window_days => "none",
                None => "used on one day only, before the window: its rhythm is not known",
                Some(_) => "used before the window, and longer ago than ever between two uses",
            };
            let values = vec![
                ends.len().into(),
                median,
                longest.map_or(Value::Null, rounded),
                rounded(idle),
                (idle <= facts.window_days).into(),
                warning.into(),
            ];
            expected.insert(vec![key.to_owned()], values);
        }
        let columns = [
            "use_days",
            "median_gap_days",
            "longest_gap_days",
            "days_since_last_use",
            "used_in_window",
            "warning",
        ];
        same("periodicity", facts, &["key_arn"], &columns, expected)
    });
}

#[test]
fn keys_in_use_are_guarded_as_their_policies_say() {
    each(|facts| {
        let sql = format!("SELECT * FROM deletion_guards_at(TIMESTAMP '{}')", facts.as_of);
        let guards = ask(facts.lake(), &[&sql]);
        let answers = ask(facts.lake(), &["SELECT * FROM kms_last_usage"]);
        let mut expected = BTreeMap::new();
        for key in &facts.keys {
            let arn = text(key, "key_arn");
            if key["key_manager"] != "CUSTOMER"
                || ["PendingDeletion", "PendingReplicaDeletion"].contains(&text(key, "key_state"))
            {
                continue;
            }
            let (uses, logged) = calls(
                facts
                    .on(arn, "use", "success")
                    .filter(|event| facts.is_in_window(event)),
            );
            let answered = answers
                .iter()
                .filter(|answer| text(answer, "key_arn") == arn)
                .map(|answer| text(answer, "last_used_at"))
                .filter(|at| (facts.since..facts.as_of).contains(at))
                .max();
            let Some(last) = logged.as_str().max(answered) else {
                continue;
            };
            let idle = (days(facts.as_of) - days(last)).floor();
            let strong: Vec<&Value> = guards
                .iter()
                .filter(|guard| text(guard, "key_arn") == arn)
                .filter(|guard| {
                    guard["kind"] != "trailing_days" || guard["days"].as_f64().is_none_or(|days| days >= idle)
                })
                .collect();
            let open: Vec<&str> = ["DisableKey", "ScheduleKeyDeletion"]
                .into_iter()
                .filter(|operation| {
                    let action = json!(format!("kms:{operation}"));
                    !strong
                        .iter()
                        .any(|guard| guard["action"] == action && guard["for_everyone"] == true)
                })
                .collect();
            let verdict = match (open.len(), strong.len()) {
                (0, _) => "guarded",
                (_, 0) => "unguarded",
                _ => "partly_guarded",
            };
            let holders = |action: &str| {
                let holds = |right: &&Value| {
                    text(right, "key_arn") == arn
                        && right["action"] == action
                        && right["decision"] != "undetermined"
                        && right["condition_kind"] != "service_only"
                };
                facts
                    .rights
                    .iter()
                    .filter(holds)
                    .map(|right| text(right, "principal_arn"))
                    .collect::<BTreeSet<_>>()
            };
            let removers = holders("kms:PutKeyPolicy");
            let values = vec![
                verdict.into(),
                joined(open.into_iter()),
                uses.into(),
                last.into(),
                holders("kms:ScheduleKeyDeletion").len().into(),
                removers.len().into(),
                joined(removers.into_iter()),
            ];
            expected.insert(vec![arn.to_owned()], values);
        }
        let columns = [
            "verdict",
            "open_operations",
            "uses",
            "last_used_at",
            "deleters",
            "guard_removers",
            "guard_remover_arns",
        ];
        same("unguarded-keys", facts, &["key_arn"], &columns, expected)
    });
}
