//! Hostile and broken input: a fault that names policy and place, an ineffective statement, an open answer; never a panic, never a right.

use super::arbitrary::{KEY, PRINCIPALS, bundle, request};
use keytrail::policy::{Snapshot, simulate, simulate_request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

fn with_policy(policy: &Value) -> Value {
    json!({
        "iam": {"111122223333": {"UserDetailList": [{"Arn": ALICE, "UserName": "alice"}]}},
        "kms": {"keys": [{"KeyMetadata": {"Arn": KEY, "AWSAccountId": "111122223333"}, "Policy": policy, "Grants": []}]},
    })
}

fn ask(bundle: &Value, action: &str) -> (Value, Vec<String>) {
    let (snapshot, faults) = Snapshot::from_bundle(bundle);
    let request = json!({"principal": ALICE, "action": action, "resource": KEY, "context": {}});
    (
        json!(simulate_request(&snapshot, &request).unwrap()),
        faults.iter().map(ToString::to_string).collect(),
    )
}

fn allow(extra: &Value) -> Value {
    let mut statement =
        json!({"Sid": "S", "Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "kms:*", "Resource": "*"});
    for (name, value) in extra.as_object().unwrap() {
        if value.is_null() {
            statement.as_object_mut().unwrap().remove(name);
        } else {
            statement[name] = value.clone();
        }
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
        .to_string()
        .into()
}

#[test]
fn what_cannot_be_understood_gives_nothing_and_is_named() {
    for (extra, place) in [
        (
            json!({"Condition": {"StringSomehow": {"aws:username": "alice"}}}),
            "unknown operator `StringSomehow`",
        ),
        (
            json!({"Condition": {"IpAddress": {"aws:SourceIp": "300.1.2.3/8"}}}),
            "`300.1.2.3/8` is not a value",
        ),
        (
            json!({"Condition": {"NumericLessThan": {"kms:RotationPeriodInDays": "many"}}}),
            "`many` is not a value",
        ),
        (json!({"Condition": "none"}), "Condition: not an object"),
        (
            json!({"Condition": {"Bool": {"aws:SecureTransport": {"a": 1}}}}),
            "is no value",
        ),
        (json!({"Principals": "*"}), "unknown element `Principals`"),
        (json!({"Principal": {"Aws": ALICE}}), "unknown kind of principal `Aws`"),
        (
            json!({"Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}),
            "is no pattern",
        ),
        (json!({"Principal": null}), "names nobody"),
        (
            json!({"Resource": null}),
            "Resource: missing, so the statement has no effect",
        ),
        (
            json!({"Action": null}),
            "Action: missing, so the statement has no effect",
        ),
        (json!({"Effect": "allow"}), "neither Allow nor Deny"),
        (json!({"Action": [1]}), "`1` is not text"),
    ] {
        let (answer, faults) = ask(&with_policy(&allow(&extra)), "kms:DisableKey");
        assert_ne!(answer["decision"], "allow", "{extra}");
        assert_ne!(answer["tri"], "allowed", "{extra}");
        assert!(
            faults
                .iter()
                .any(|f| f.contains(place) && f.contains("key policy default of arn:aws:kms")),
            "{extra}: {faults:?}"
        );
    }
}

#[test]
fn a_deny_that_cannot_be_understood_is_never_dropped() {
    let root = json!({"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "kms:*", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:DisableKey", "Resource": "*",
        "Condition": {"StringSomehow": {"aws:username": "alice"}}});
    let policy = json!({"Version": "2012-10-17", "Statement": [root, deny]});
    let (answer, _) = ask(&with_policy(&policy), "kms:DisableKey");
    assert_eq!(
        (&answer["decision"], &answer["tri"]),
        (&json!("explicit_deny"), &json!("undetermined"))
    );
    let (answer, _) = ask(&with_policy(&policy), "kms:EnableKey");
    assert_eq!(answer["tri"], "allowed");
}

#[test]
fn unreadable_policies_leave_the_answer_open() {
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    for policy in [
        json!("{"),
        json!("[]"),
        json!("\"text\""),
        json!(7),
        json!("%7B%zz"),
        json!({"Statement": "x"}),
        json!({"Version": "2012-10-17"}),
        json!(format!("{{\"Statement\": {nested}}}")),
        Value::Null,
    ] {
        let (answer, faults) = ask(&with_policy(&policy), "kms:DisableKey");
        assert_eq!(
            (&answer["decision"], &answer["tri"]),
            (&json!("implicit_deny"), &json!("undetermined")),
            "{policy}"
        );
        assert!(!faults.is_empty(), "{policy}");
    }
}

#[test]
fn every_shape_of_a_policy_text_is_read() {
    let plain = allow(&json!({}));
    let text = plain.as_str().unwrap();
    let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
    let object: Value = serde_json::from_str(text).unwrap();
    for policy in [
        plain.clone(),
        json!(encoded),
        object,
        json!(format!("\u{feff} {text} ")),
    ] {
        assert_eq!(
            ask(&with_policy(&policy), "KMS:disablekey").0["tri"],
            "allowed",
            "{policy}"
        );
    }
    let mut named = with_policy(&Value::Null);
    let key = named["kms"]["keys"][0].as_object_mut().unwrap();
    key.remove("Policy");
    key.insert(
        "Policies".to_owned(),
        json!({"default": "{\"Statement\": []}", "AWS_RAM": plain}),
    );
    assert_eq!(
        ask(&named, "kms:DisableKey").0["deciding"],
        json!(["key policy AWS_RAM: S"])
    );
}

#[test]
fn large_inputs_take_no_time() {
    let stars = "*a".repeat(16_000) + "*b";
    let wild: Vec<Value> = (0..50).map(|_| json!(stars)).collect();
    let policy = allow(
        &json!({"Action": wild, "Condition": {"StringLike": {"aws:PrincipalArn": stars, "aws:SourceVpce": stars}}}),
    );
    let grants: Vec<Value> = (0..50_000)
        .map(|n| json!({"GrantId": n.to_string(), "GranteePrincipal": format!("arn:aws:iam::111122223333:role/r{n}"), "Operations": ["Decrypt"]}))
        .chain([json!({"GrantId": "mine", "GranteePrincipal": ALICE, "Operations": ["Decrypt"]})])
        .collect();
    let mut bundle = with_policy(&policy);
    bundle["kms"]["keys"][0]["Grants"] = json!(grants);
    let started = std::time::Instant::now();
    let (answer, _) = ask(&bundle, "kms:Decrypt");
    assert_eq!(
        (&answer["reason"], &answer["deciding"]),
        (&json!("grant"), &json!(["grant mine"]))
    );
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn many_unknown_keys_are_answered_conservatively() {
    let mut conditions = json!({});
    for n in 0..60 {
        conditions["StringLike"][format!("aws:RequestTag/t{n}")] = json!(["a*", "b*", "c*"]);
        conditions["StringNotLike"][format!("aws:RequestTag/t{n}")] = json!(["ab*"]);
    }
    let (answer, _) = ask(
        &with_policy(&allow(&json!({"Condition": conditions}))),
        "kms:TagResource",
    );
    assert_eq!(answer["tri"], "conditional");
}

#[test]
fn senseless_questions_are_refused() {
    let bundle = with_policy(&allow(&json!({})));
    let (snapshot, _) = Snapshot::from_bundle(&bundle);
    for (principal, resource) in [
        ("", KEY),
        ("arn:aws", KEY),
        ("arn:aws:iam::1:group/x", KEY),
        (ALICE, ""),
        (ALICE, "arn:aws:s3:::x"),
    ] {
        let request = json!({"principal": principal, "action": "kms:Decrypt", "resource": resource});
        assert!(simulate_request(&snapshot, &request).is_err(), "{request}");
    }
    for line in [
        "",
        "7",
        "{}",
        "{\"id\": 1, \"request\": {}}",
        "{\"id\": 1, \"snapshot\": [], \"request\": {\"principal\": 7}}",
    ] {
        let answer: Value = serde_json::from_str(&simulate(line)).unwrap();
        assert!(answer["error"].is_string(), "{line}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = select(vec![
        "*",
        "Allow",
        "Deny",
        "2012-10-17",
        "kms:*",
        "${aws:username}",
        "${",
        "StringLike",
        "arn:aws:iam::111122223333:root",
        "true",
        "%7B",
        "\u{0}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|b| json!(b)),
        any::<f64>().prop_map(|n| json!(n)),
        words.prop_map(|w| json!(w)),
        ".{0,8}".prop_map(|s| json!(s))
    ];
    let names = select(vec![
        "Statement",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Version",
        "AWS",
        "StringLike",
        "Null",
        "aws:username",
        "Grants",
        "Policy",
        "KeyMetadata",
        "Arn",
        "Tags",
        "Id",
        "LastUsage",
    ]);
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((names.clone(), inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(i, v)| places(v, &format!("{at}/{i}"), found)),
        Value::Object(map) => map
            .iter()
            .for_each(|(k, v)| places(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn any_json_is_a_policy_or_a_fault(policy in any_json(), principal in select(&PRINCIPALS[..])) {
        let (snapshot, _) = Snapshot::from_bundle(&with_policy(&policy));
        let request = json!({"principal": principal, "action": "kms:Decrypt", "resource": KEY, "context": {}});
        prop_assert!(simulate_request(&snapshot, &request).is_ok());
    }

    #[test]
    fn any_json_in_any_place_of_a_bundle(mut bundle in bundle(), request in request(), at in any::<prop::sample::Index>(), junk in any_json()) {
        let mut found = Vec::new();
        places(&bundle, "", &mut found);
        let place: &String = at.get(&found);
        *bundle.pointer_mut(place).unwrap() = junk;
        let (snapshot, _) = Snapshot::from_bundle(&bundle);
        _ = simulate_request(&snapshot, &request);
        _ = keytrail::policy::Access::of(&snapshot, u64::MAX).len();
    }

    #[test]
    fn any_text_is_a_line(line in ".{0,80}") {
        prop_assert!(serde_json::from_str::<Value>(&simulate(&line)).is_ok());
    }
}

#[test]
fn what_the_collector_was_refused_is_left_open() {
    let bundle = |error: Value| {
        let mut bundle = with_policy(&allow(&json!({})));
        bundle["Errors"] = json!([error]);
        bundle
    };
    let error = |service: &str, operation: &str, code: &str| json!({"AccountId": "111122223333", "Region": "us-east-1", "Service": service, "Operation": operation, "Resource": KEY, "Code": code});
    for (service, operation, code, action, expected) in [
        ("kms", "GetKeyPolicy", "AccessDenied", "kms:DisableKey", "undetermined"),
        (
            "organizations",
            "ListPolicies",
            "AccessDenied",
            "kms:DisableKey",
            "undetermined",
        ),
        (
            "organizations",
            "DescribeOrganization",
            "AWSOrganizationsNotInUseException",
            "kms:DisableKey",
            "allowed",
        ),
        ("kms", "ListGrants", "AccessDenied", "kms:Decrypt", "allowed"),
        ("kms", "GetKeyLastUsage", "NotOffered", "kms:Decrypt", "allowed"),
    ] {
        let (answer, _) = ask(&bundle(error(service, operation, code)), action);
        assert_eq!(answer["tri"], expected, "{service}:{operation} {code}");
    }
    let mut nothing = bundle(error("kms", "ListGrants", "AccessDenied"));
    nothing["kms"]["keys"][0]["Policy"] = json!({"Version": "2012-10-17", "Statement": []});
    assert_eq!(ask(&nothing, "kms:Decrypt").0["tri"], "undetermined");
    assert_eq!(ask(&nothing, "kms:DisableKey").0["tri"], "denied");
    let tagged = allow(&json!({"Condition": {"StringEquals": {"aws:ResourceTag/env": "prod"}}}));
    let mut untagged = bundle(error("kms", "ListResourceTags", "AccessDenied"));
    untagged["kms"]["keys"][0]["Policy"] = tagged;
    let (answer, _) = ask(&untagged, "kms:DisableKey");
    assert_eq!(
        (&answer["tri"], &answer["undetermined"]),
        (
            &json!("undetermined"),
            &json!(["the tags of the key were not collected"])
        )
    );
}

#[test]
fn a_variable_that_fills_in_a_text_of_any_case_can_be_met() {
    for (operator, verdict) in [
        ("StringEqualsIgnoreCase", "conditional"),
        ("StringEquals", "conditional"),
        ("StringNotEqualsIgnoreCase", "conditional"),
    ] {
        let bundle = with_policy(&allow(
            &json!({"Condition": {operator: {"aws:SourceVpce": "${aws:username}"}}}),
        ));
        assert_eq!(ask(&bundle, "kms:Decrypt").0["tri"], verdict, "{operator}");
    }
}
