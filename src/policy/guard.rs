//! What stands between a key and its destruction: explicit denies of disabling it or scheduling its deletion.
//!
//! A statement counts as a guard only if it denies a key that was used today, so that a condition the wrong way round is
//! none. Nothing here says what a guard's absence allows.
//!
//! <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-trailing-days-without-key-usage>

use std::borrow::Cow;

use super::bundle::{Key, Level, Policy, Snapshot};
use super::condition::{Condition, Fact};
use super::document::{Effect, Principals, Statement};
use super::kms;

/// The operations that a guard keeps from.
pub const GUARDED: [&str; 2] = ["DisableKey", "ScheduleKeyDeletion"];

const TRAILING_DAYS: &str = "kms:trailingdayswithoutkeyusage";
const PENDING_WINDOW: &str = "kms:schedulekeydeletionpendingwindowindays";

/// The days that are tried: a guard that denies for longer denies for good.
const DAYS_MAX: u32 = 3_660;
/// The waiting periods KMS takes, in days.
const WINDOW_DAYS: std::ops::RangeInclusive<u32> = 7..=30;

/// A statement that denies one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard<'s> {
    /// The ARN of the key.
    pub key: &'s str,
    /// The operation, as in [`GUARDED`].
    pub operation: &'static str,
    /// `trailing_days`, `pending_window` or `always`.
    pub kind: &'static str,
    /// Of `trailing_days`, up to how many days without use it denies; of `pending_window`, up to which waiting period.
    pub days: Option<u32>,
    /// The policy and the statement.
    pub place: String,
    /// Whether nobody is exempt.
    pub for_everyone: bool,
}

/// The guards of every key.
pub fn guards(snapshot: &Snapshot) -> Vec<Guard<'_>> {
    snapshot.keys.iter().flat_map(|key| of_key(snapshot, key)).collect()
}

fn of_key<'s>(snapshot: &'s Snapshot, key: &'s Key) -> Vec<Guard<'s>> {
    let mut found = Vec::new();
    for policy in &key.policies {
        of_policy(key, policy, "key policy", &mut found);
    }
    // Neither kind of organization policy binds the management account. Both operations stay inside the key's
    // account, so the service control policies of whoever calls are those of the key's account.
    if let Some(seat) = snapshot
        .seat(&key.account)
        .filter(|_| !snapshot.is_management(&key.account))
    {
        let mut of_levels = |levels: &[Level], kind| {
            for policy in levels.iter().flat_map(|(_, policies)| policies) {
                of_policy(key, policy, kind, &mut found);
            }
        };
        of_levels(&seat.scps, "scp");
        if !key.aws_managed {
            of_levels(&seat.rcps, "rcp");
        }
    }
    found
}

fn of_policy<'s>(key: &'s Key, policy: &Policy, kind: &str, found: &mut Vec<Guard<'s>>) {
    for statement in &policy.document.statements {
        if statement.effect != Effect::Deny || statement.malformed.is_some() {
            continue;
        }
        let Some(is_certain) = concerns(statement, key) else {
            continue;
        };
        let covered = statement.actions.covered(None);
        for operation in GUARDED {
            let is_covered = kms::find(operation).is_some_and(|action| covered >> action & 1 == 1);
            if let (true, Some((kind_of_guard, days, is_sole))) = (is_covered, strength(statement, operation)) {
                found.push(Guard {
                    key: &key.arn,
                    operation,
                    kind: kind_of_guard,
                    days,
                    place: format!("{kind} {}: {}", policy.name, statement.label),
                    for_everyone: is_certain && is_sole && names_everyone(statement, key),
                });
            }
        }
    }
}

/// Whether the statement is about this key, and whether that is certain: an unknown variable may or may not name it.
fn concerns(statement: &Statement, key: &Key) -> Option<bool> {
    let resources = &statement.resources;
    let is_named = resources.fixed.iter().any(|pattern| pattern.matches(&key.arn));
    match (is_named, resources.all_but, resources.templates.is_empty()) {
        (true, false, _) | (false, true, true) => Some(true),
        (false, _, false) => Some(false),
        _ => None,
    }
}

/// A deny to an account denies everyone in it.
fn names_everyone(statement: &Statement, key: &Key) -> bool {
    match &statement.principals {
        Principals::Unnamed => true,
        Principals::Named(names) => names.anyone || names.accounts.contains(&key.account),
        Principals::AllBut(_) => false,
    }
}

/// What kind of guard the statement's conditions make, how far it reaches, and whether they ask for nothing else.
fn strength(statement: &Statement, operation: &str) -> Option<(&'static str, Option<u32>, bool)> {
    let (own, others): (Vec<&Condition>, Vec<&Condition>) = statement
        .conditions
        .iter()
        .partition(|condition| [TRAILING_DAYS, PENDING_WINDOW].contains(&condition.key.as_str()));
    let is_sole = others.is_empty();
    let of_key = |key: &str| {
        own.iter()
            .copied()
            .filter(move |condition| condition.key == key)
            .collect::<Vec<_>>()
    };
    let (trailing, window) = (of_key(TRAILING_DAYS), of_key(PENDING_WINDOW));
    match (trailing.as_slice(), window.as_slice()) {
        ([], []) => is_sole.then_some(("always", None, true)),
        (trailing, []) => {
            let denied = (0..=DAYS_MAX).take_while(|day| hold(trailing, *day)).last()?;
            Some(("trailing_days", (denied < DAYS_MAX).then_some(denied), is_sole))
        }
        // DisableKey has no waiting period, so the key is absent from its requests and the statement denies nothing.
        ([], window) if operation == "ScheduleKeyDeletion" => {
            let denied = WINDOW_DAYS.take_while(|days| hold(window, *days)).last()?;
            Some(("pending_window", Some(denied), is_sole))
        }
        // Both at once: only some recent keys with some waiting period.
        _ => None,
    }
}

fn hold(conditions: &[&Condition], value: u32) -> bool {
    let fact = Fact::One(Cow::Owned(value.to_string()));
    conditions.iter().all(|condition| condition.holds(&fact))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    type Seen = (&'static str, &'static str, Option<u32>, bool);

    fn of(statement: &Value) -> Vec<Seen> {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let key = json!({"KeyMetadata": {"Arn": "arn:aws:kms:us-east-1:111122223333:key/a"}, "Policy": policy.to_string(), "Grants": []});
        let (snapshot, _) = Snapshot::from_bundle(&json!({"kms": {"keys": [key]}}));
        guards(&snapshot)
            .into_iter()
            .map(|guard| (guard.operation, guard.kind, guard.days, guard.for_everyone))
            .collect()
    }

    fn deny(more: Value) -> Value {
        let mut statement = json!({"Sid": "Guard", "Effect": "Deny", "Principal": "*", "Resource": "*",
            "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"],
            "Condition": {"NumericLessThanEquals": {"kms:TrailingDaysWithoutKeyUsage": "365"}}});
        for (name, value) in more.as_object().unwrap() {
            statement[name] = value.clone();
        }
        statement
    }

    #[test]
    fn a_deny_of_destroying_what_was_used_is_a_guard() {
        let both = |kind, days, for_everyone| {
            [
                ("DisableKey", kind, days, for_everyone),
                ("ScheduleKeyDeletion", kind, days, for_everyone),
            ]
        };
        assert_eq!(of(&deny(json!({}))), both("trailing_days", Some(365), true));
        let strict = json!({"Condition": {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}}});
        assert_eq!(of(&deny(strict)), both("trailing_days", Some(89), true));
        let of_account = json!({"Principal": {"AWS": "111122223333"}});
        assert_eq!(of(&deny(of_account)), both("trailing_days", Some(365), true));
        let mut always = deny(json!({}));
        always.as_object_mut().unwrap().remove("Condition");
        assert_eq!(of(&always), both("always", None, true));
    }

    #[test]
    fn what_exempts_somebody_guards_against_some() {
        for more in [
            json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/a"}}),
            json!({"Condition": {"NumericLessThanEquals": {"kms:TrailingDaysWithoutKeyUsage": "365"},
                "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/break-glass"}}}),
        ] {
            let found = of(&deny(more));
            assert_eq!(found.len(), 2);
            assert!(found.iter().all(|guard| !guard.3), "{found:?}");
        }
    }

    #[test]
    fn a_waiting_period_guards_deletion_only() {
        let window = json!({"Condition": {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}});
        assert_eq!(
            of(&deny(window)),
            [("ScheduleKeyDeletion", "pending_window", Some(29), true)]
        );
    }

    #[test]
    fn what_lets_the_use_of_today_through_is_no_guard() {
        for more in [
            json!({"Effect": "Allow"}),
            json!({"Action": "kms:PutKeyPolicy"}),
            json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}),
            // The wrong way round: denies the deletion of keys that nobody uses.
            json!({"Condition": {"NumericGreaterThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}}}),
            json!({"Condition": {"NumericGreaterThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "14"}}}),
            json!({"Resource": "arn:aws:kms:us-east-1:111122223333:key/b"}),
        ] {
            assert_eq!(of(&deny(more.clone())), [], "{more}");
        }
    }

    #[test]
    fn organization_policies_guard_members_and_not_the_management_account() {
        let key = |account: &str| {
            json!({"KeyMetadata": {"Arn": format!("arn:aws:kms:us-east-1:{account}:key/a")},
                "Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}", "Grants": []})
        };
        let scp = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Keep", "Effect": "Deny", "Resource": "*",
            "Action": "kms:ScheduleKeyDeletion"}]});
        let bundle = json!({
            "kms": {"keys": [key("111122223333"), key("123456789012")]},
            "organization": {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": "123456789012"}, "Roots": [{"Id": "r-1"}],
                "Accounts": [{"Id": "111122223333", "Path": ["r-1"]}, {"Id": "123456789012", "Path": ["r-1"]}],
                "Policies": [{"PolicySummary": {"Id": "p-keep", "Type": "SERVICE_CONTROL_POLICY"}, "Content": scp.to_string()}],
                "Targets": {"p-keep": ["r-1"]}}
        });
        let (snapshot, _) = Snapshot::from_bundle(&bundle);
        let found: Vec<_> = guards(&snapshot)
            .into_iter()
            .map(|guard| (guard.key.to_owned(), guard.place))
            .collect();
        let member = "arn:aws:kms:us-east-1:111122223333:key/a".to_owned();
        assert_eq!(found, [(member, "scp p-keep: Keep".to_owned())]);
    }
}
