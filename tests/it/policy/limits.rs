//! What limits rights, against the same snapshot without anything that could: what is given there is held or withheld here, and
//! nothing else is.

use std::collections::BTreeSet;

use super::arbitrary::bundle;
use keytrail::policy::Snapshot;
use keytrail::policy::access::{Access, single_key_actions};
use keytrail::policy::answer::Verdict;
use proptest::prelude::*;
use serde_json::{Value, json};

type Rights = BTreeSet<(String, String, usize)>;

fn rights(access: &Access) -> Rights {
    let name = |row: keytrail::policy::access::Row| (row.principal.arn.clone(), row.key.arn.clone(), row.action);
    access.rows().map(name).collect()
}

/// The snapshot with Allows alone: no Deny, no boundary, and control policies that allow everything.
fn freed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let keep = |(name, member): (&String, &Value)| match name.as_str() {
                "PermissionsBoundary" => None,
                "Statement" => Some((name.clone(), allows(member))),
                "Content" => {
                    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
                    Some((name.clone(), all.to_string().into()))
                }
                _ => Some((name.clone(), freed(member))),
            };
            Value::Object(members.iter().filter_map(keep).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(freed).collect()),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(document @ Value::Object(_)) => freed(&document).to_string().into(),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn allows(statements: &Value) -> Value {
    let is_deny = |statement: &Value| statement["Effect"] == "Deny";
    match statements {
        Value::Array(all) => Value::Array(all.iter().filter(|one| !is_deny(one)).cloned().collect()),
        one if is_deny(one) => json!([]),
        one => one.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_is_given_is_held_or_withheld(bundle in bundle()) {
        let actions = single_key_actions();
        let (snapshot, free) = (Snapshot::from_bundle(&bundle).0, Snapshot::from_bundle(&freed(&bundle)).0);
        let (held, withheld) = (Access::of(&snapshot, actions), Access::withheld(&snapshot, actions));
        for row in withheld.rows() {
            prop_assert_eq!(row.outcome.verdict, Verdict::Denied);
            prop_assert!(!row.outcome.limits.is_empty());
            prop_assert!(!row.limits().is_empty(), "{} {}: nothing is named", row.principal.arn, row.action);
            prop_assert!(!row.paths().is_empty(), "{} {}: no path", row.principal.arn, row.action);
        }
        let (held, withheld, given) = (rights(&held), rights(&withheld), rights(&Access::of(&free, actions)));
        prop_assert!(held.is_disjoint(&withheld));
        let either: Rights = held.union(&withheld).cloned().collect();
        let missing: Vec<_> = given.symmetric_difference(&either).take(3).collect();
        prop_assert!(missing.is_empty(), "{missing:?} of {bundle}");
    }
}
