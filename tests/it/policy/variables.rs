//! Values with variables, held against keys that nobody knows before the request: whatever could make both equal is tried.

use super::arbitrary::KEY;
use keytrail::policy::{Snapshot, simulate_request};
use serde_json::json;

const DEV: &str = "arn:aws:iam::111122223333:role/Dev";

/// What an untagged role may do where its key policy asks for this.
fn tri(operator: &str, key: &str, value: &str, tags: &serde_json::Value) -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": DEV}, "Action": "kms:*",
        "Resource": "*", "Condition": {operator: {key: value}}}]});
    let bundle = json!({
        "iam": {"111122223333": {"RoleDetailList": [{"Arn": DEV, "RoleName": "Dev", "Tags": tags}]}},
        "kms": {"keys": [{"KeyMetadata": {"Arn": KEY, "AWSAccountId": "111122223333"}, "Policy": policy.to_string(), "Grants": []}]},
    });
    let request = json!({"principal": DEV, "action": "kms:DisableKey", "resource": KEY});
    let answer = json!(simulate_request(&Snapshot::from_bundle(&bundle).0, &request).unwrap());
    answer["tri"].as_str().unwrap().to_owned()
}

#[test]
fn a_request_can_carry_what_a_variable_becomes() {
    let tagged = json!([{"Key": "team", "Value": "Blue"}]);
    for operator in ["StringEquals", "StringEqualsIgnoreCase", "StringLike"] {
        for value in [
            "${aws:PrincipalTag/team, 'Red'}",
            "v-${aws:PrincipalTag/team, 'Red'}-1",
            "v-${aws:RequestedRegion}-${aws:PrincipalTag/team, 'Red'}",
            "v-${aws:SourceVpc}-1",
        ] {
            for tags in [&json!([]), &tagged] {
                assert_eq!(
                    tri(operator, "aws:SourceVpce", value, tags),
                    "conditional",
                    "{operator} {value} {tags}"
                );
            }
        }
    }
}

#[test]
fn a_variable_can_become_what_a_key_is_known_to_be() {
    for (value, wanted) in [
        ("arn:aws:iam::111122223333:role/${aws:SourceVpce}", "conditional"),
        ("arn:aws:iam::${aws:SourceVpce}:role/Dev", "conditional"),
        ("arn:aws:iam::111122223333:role/${aws:SourceVpce, 'Dev'}", "conditional"),
        ("arn:aws:iam::444455556666:role/${aws:SourceVpce}", "denied"),
    ] {
        assert_eq!(
            tri("StringEquals", "aws:PrincipalArn", value, &json!([])),
            wanted,
            "{value}"
        );
    }
}
