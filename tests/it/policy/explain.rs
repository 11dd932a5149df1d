//! Explanations read as an argument: each layer once, with the statements it rests on, and the same answer as without them.

use super::arbitrary::{ACTIONS, KEY, PRINCIPALS, bundle};
use keytrail::policy::Snapshot;
use keytrail::policy::answer::{Question, open};
use keytrail::policy::explain::{Finding, explain};
use keytrail::policy::scene::Context;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

#[test]
fn an_argument_is_readable() {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Enable IAM policies", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"},
        {"Sid": "Deletion needs MFA", "Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion", "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
    ]});
    let identity =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}});
    let role = json!({"Arn": "arn:aws:iam::111122223333:role/app/Dev", "RoleName": "Dev", "AttachedManagedPolicies": [],
        "RolePolicyList": [{"PolicyName": "admin", "PolicyDocument": identity}]});
    let bundle = json!({
        "iam": {"111122223333": {"RoleDetailList": [role]}},
        "kms": {"keys": [{"KeyMetadata": {"Arn": KEY}, "Policy": policy.to_string(), "Grants": []}]},
    });
    let (snapshot, faults) = Snapshot::from_bundle(&bundle);
    assert_eq!(faults, []);
    let question = Question::new(
        &snapshot,
        "arn:aws:iam::111122223333:role/app/Dev",
        "kms:scheduleKeyDeletion",
        KEY,
    )
    .unwrap();
    let expected = "\
kms:ScheduleKeyDeletion by arn:aws:iam::111122223333:role/app/Dev
  on arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab

  + caller: a session of a role in the key's own account: the key policy, IAM by its leave, or a grant must allow
  + key policy: lets the account's IAM policies decide
      key policy default: Enable IAM policies
  . grants: no grant gives the caller this operation
  + identity policies: allow it
      identity policy arn:aws:iam::111122223333:role/app/Dev/admin: #0
    permissions boundary: none
    service control policies: none applies to the caller's account
  ~ explicit denies: a statement denies it under a condition
      key policy default: Deletion needs MFA, when aws:MultiFactorAuthPresent = false or aws:MultiFactorAuthPresent is absent

  = conditional (mfa): aws:MultiFactorAuthPresent = true
";
    assert_eq!(explain(&question, &Context::new()).to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_argument_ends_in_the_answer(bundle in bundle(), principal in select(&PRINCIPALS[..]), action in select(&ACTIONS[..])) {
        let (snapshot, _) = Snapshot::from_bundle(&bundle);
        let question = Question::new(&snapshot, principal, action, KEY).unwrap();
        let (argued, plain) = (explain(&question, &Context::new()), open(&question, &Context::new()));
        prop_assert_eq!(argued.answer.verdict, plain.verdict);
        prop_assert_eq!(&argued.answer.condition, &plain.condition);
        let denied = argued.steps.iter().any(|s| s.finding == Finding::Denies);
        prop_assert!(!denied || plain.verdict.as_str() == "denied", "{}", argued);
        for name in argued.steps.iter().flat_map(|s| &s.statements) {
            prop_assert!(!name.is_empty());
        }
    }
}
