//! Random snapshots and requests from small alphabets, so that things meet: a few accounts, names, actions, condition keys and values.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub const OTHER_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab";
pub const ACTIONS: [&str; 7] = [
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "kms:PutKeyPolicy",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:ListGrants",
];
pub const PRINCIPALS: [&str; 7] = [
    "arn:aws:iam::111122223333:role/app/Dev",
    "arn:aws:sts::111122223333:assumed-role/Dev/bob",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:role/Ops",
    "arn:aws:iam::444455556666:user/eve",
    "logs.amazonaws.com",
];

fn one_or_list(value: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![value.clone(), prop::collection::vec(value, 1..3).prop_map(Value::Array)]
}

fn text(options: &'static [&'static str]) -> impl Strategy<Value = Value> + Clone {
    select(options).prop_map(|s| json!(s))
}

/// The name and value of a condition operator with one key.
fn condition() -> impl Strategy<Value = (String, String, Value)> {
    const STRINGS: [&str; 8] = [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringLike",
        "ForAllValues:StringNotLike",
    ];
    let suffix = prop_oneof![3 => Just(""), 1 => Just("IfExists")];
    let team = one_or_list(text(&[
        "red",
        "b*",
        "RED",
        "${aws:PrincipalTag/team}",
        "${aws:PrincipalTag/team, 'red'}",
        "v-${aws:PrincipalTag/team, 'Red'}-1",
        "v-${aws:SourceVpce}-1",
        "${aws:RequestTag/team}${aws:PrincipalTag/team}",
        "${aws:username}",
    ]));
    let tag = select(
        &[
            "aws:PrincipalTag/team",
            "aws:ResourceTag/Team",
            "AWS:principaltag/TEAM",
            "aws:RequestTag/team",
            "aws:SourceVpce",
        ][..],
    );
    let of_text =
        (select(&STRINGS[..]), suffix.clone(), tag, team).prop_map(|(o, s, k, v)| (format!("{o}{s}"), k.to_owned(), v));
    let arns = one_or_list(text(&[
        "arn:aws:iam::111122223333:role/app/Dev",
        "arn:aws:iam::*:role/*",
        "arn:aws:iam::111122223333:user/${aws:username}",
        "arn:aws:iam::444455556666:*",
    ]));
    let arn_operators = select(
        &[
            "ArnLike",
            "ArnNotLike",
            "ArnEquals",
            "ArnNotEquals",
            "StringLike",
            "StringNotLike",
        ][..],
    );
    let of_arn = (arn_operators, suffix.clone(), arns)
        .prop_map(|(o, s, v)| (format!("{o}{s}"), "aws:PrincipalArn".to_owned(), v));
    let mfa = (
        select(&["Bool", "Null"][..]),
        select(
            &[
                "aws:MultiFactorAuthPresent",
                "kms:GrantIsForAWSResource",
                "aws:PrincipalIsAWSService",
            ][..],
        ),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(o, k, v, e)| {
            (
                if o == "Bool" && e {
                    "BoolIfExists".to_owned()
                } else {
                    o.to_owned()
                },
                k.to_owned(),
                if e { json!(v) } else { json!(v.to_string()) },
            )
        });
    let numbers = (
        select(&["NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"][..]),
        suffix.clone(),
        one_or_list(select(vec![json!(7), json!("14"), json!(30)])),
    )
        .prop_map(|(o, s, v)| {
            (
                format!("{o}{s}"),
                "kms:ScheduleKeyDeletionPendingWindowInDays".to_owned(),
                v,
            )
        });
    let addresses = (
        select(&["IpAddress", "NotIpAddress"][..]),
        suffix.clone(),
        one_or_list(text(&["203.0.113.0/24", "203.0.113.9", "198.51.100.0/25"])),
    )
        .prop_map(|(o, s, v)| (format!("{o}{s}"), "aws:SourceIp".to_owned(), v));
    let dates = (
        select(&["DateLessThan", "DateGreaterThanEquals"][..]),
        text(&["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
    )
        .prop_map(|(o, v)| (o.to_owned(), "aws:CurrentTime".to_owned(), v));
    let aliases = (
        select(
            &[
                "ForAnyValue:StringLike",
                "ForAllValues:StringLike",
                "ForAnyValue:StringNotLike",
                "ForAllValues:StringNotEquals",
            ][..],
        ),
        one_or_list(text(&["alias/prod*", "alias/dev"])),
    )
        .prop_map(|(o, v)| (o.to_owned(), "kms:ResourceAliases".to_owned(), v));
    let context = (select(&STRINGS[..4]), text(&["it", "h*"]))
        .prop_map(|(o, v)| (o.to_owned(), "kms:EncryptionContext:dept".to_owned(), v));
    let organization = (select(&STRINGS[..4]), suffix, text(&["o-abc", "o-*"]))
        .prop_map(|(o, s, v)| (format!("{o}{s}"), "aws:PrincipalOrgID".to_owned(), v));
    prop_oneof![4 => of_text, 2 => of_arn, 2 => mfa, 1 => numbers, 1 => addresses, 1 => dates, 1 => aliases, 1 => context, 1 => organization]
}

fn conditions() -> impl Strategy<Value = Option<Value>> {
    let block = prop::collection::vec(condition(), 1..3).prop_map(|list| {
        let mut block = json!({});
        for (operator, key, values) in list {
            block[operator][key] = values;
        }
        block
    });
    prop_oneof![2 => Just(None), 3 => block.prop_map(Some)]
}

fn statement(principals: bool, effects: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let actions = one_or_list(text(&[
        "*",
        "kms:*",
        "kms:D*",
        "KMS:decrypt",
        "kms:D?crypt",
        "kms:CreateGrant",
        "kms:*Key*",
        "s3:*",
        "kms:ScheduleKeyDeletion",
    ]));
    let resources = one_or_list(text(&[
        "*",
        "*",
        KEY,
        OTHER_KEY,
        "arn:aws:kms:*:111122223333:key/*",
        "arn:aws:kms:*:*:alias/*",
        "arn:aws:kms:${aws:RequestedRegion}:*:key/1*",
    ]));
    let named = text(&[
        "*",
        "arn:aws:iam::111122223333:root",
        "111122223333",
        "444455556666",
        "arn:aws:iam::444455556666:root",
        "arn:aws:iam::111122223333:role/app/Dev",
        "arn:aws:iam::111122223333:role/Dev",
        "arn:aws:sts::111122223333:assumed-role/Dev/bob",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::444455556666:role/Ops",
        "AROAEXAMPLEEXAMPLEEXA",
    ]);
    let principal = prop_oneof![
        1 => Just(json!("*")),
        5 => one_or_list(named).prop_map(|v| json!({"AWS": v})),
        1 => Just(json!({"Service": ["logs.amazonaws.com"], "AWS": "arn:aws:iam::111122223333:user/alice"})),
    ];
    (
        select(effects),
        actions,
        any::<u8>(),
        resources,
        any::<u8>(),
        principal,
        conditions(),
    )
        .prop_map(
            move |(effect, actions, not_action, resources, not_resource, principal, conditions)| {
                let mut statement = json!({"Effect": effect});
                statement[if not_action < 40 { "NotAction" } else { "Action" }] = actions;
                statement[if not_resource < 30 { "NotResource" } else { "Resource" }] = resources;
                if principals {
                    statement["Principal"] = principal;
                }
                if let Some(conditions) = conditions {
                    statement["Condition"] = conditions;
                }
                statement
            },
        )
}

/// A policy document.
pub fn document(principals: bool, effects: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let version = prop_oneof![5 => Just(Some("2012-10-17")), 1 => Just(Some("2008-10-17")), 1 => Just(None)];
    (
        version,
        prop::collection::vec(statement(principals, effects), 1..4),
        any::<bool>(),
    )
        .prop_map(|(version, mut list, alone)| {
            let statements = if alone && list.len() == 1 {
                list.remove(0)
            } else {
                Value::Array(list)
            };
            let mut document = json!({"Statement": statements});
            if let Some(version) = version {
                document["Version"] = json!(version);
            }
            document
        })
}

const BOTH: &[&str] = &["Allow", "Allow", "Deny"];

fn tags(key: &'static str, value: &'static str) -> impl Strategy<Value = Value> {
    prop::option::of(select(&["red", "blue"][..]))
        .prop_map(move |t| t.map_or(json!([]), |t| json!([{key: "Team", value: t}])))
}

fn grants() -> impl Strategy<Value = Value> {
    let constraint = prop::option::of(select(vec![
        json!({"EncryptionContextEquals": {"Dept": "it"}}),
        json!({"EncryptionContextSubset": {"dept": "it"}}),
    ]));
    let grant = (
        select(&PRINCIPALS[..6]),
        select(vec![json!(["Decrypt"]), json!(["CreateGrant", "DescribeKey"])]),
        constraint,
    );
    prop::collection::vec(grant, 0..2).prop_map(|list| {
        let grants = list
            .into_iter()
            .enumerate()
            .filter(|(_, (grantee, ..))| !grantee.ends_with(":root"));
        grants
            .map(|(i, (grantee, operations, constraints))| {
                let mut grant =
                    json!({"GrantId": i.to_string(), "GranteePrincipal": grantee, "Operations": operations});
                if let Some(constraints) = constraints {
                    grant["Constraints"] = constraints;
                }
                grant
            })
            .collect()
    })
}

fn key(arn: &'static str) -> impl Strategy<Value = Value> {
    let aliases = select(vec![
        json!([]),
        json!([{"AliasName": "alias/dev"}]),
        json!([{"AliasName": "alias/dev"}, {"AliasName": "alias/prod-a"}]),
    ]);
    (document(true, BOTH), grants(), tags("TagKey", "TagValue"), aliases, any::<bool>()).prop_map(move |(policy, grants, tags, aliases, delegates)| {
        let mut policy = policy;
        if delegates && let Some(list) = policy["Statement"].as_array_mut() {
            let root = "arn:aws:iam::111122223333:root";
            list.push(json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}));
        }
        json!({
            "KeyMetadata": {"AWSAccountId": "111122223333", "Arn": arn, "KeyManager": "CUSTOMER"},
            "Policy": policy.to_string(), "PolicyName": "default", "Grants": grants, "Tags": tags, "Aliases": aliases,
        })
    })
}

fn managed(arn: &str, document: &Value) -> Value {
    json!({"Arn": arn, "PolicyVersionList": [
        {"IsDefaultVersion": false, "Document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
        {"IsDefaultVersion": true, "Document": document},
    ]})
}

fn iam() -> impl Strategy<Value = Value> {
    let policies = prop::collection::vec(document(false, BOTH), 6);
    (policies, tags("Key", "Value"), tags("Key", "Value"), prop::option::of(document(false, BOTH)), any::<bool>()).prop_map(
        |(policies, dev_tags, alice_tags, boundary, bound_alice)| {
            let inline = |i: usize| json!([{"PolicyName": "inline", "PolicyDocument": policies[i]}]);
            let mut dev = json!({"Arn": PRINCIPALS[0], "RoleName": "Dev", "RoleId": "AROADEV", "RolePolicyList": inline(0), "Tags": dev_tags,
                "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/shared"}]});
            let mut alice = json!({"Arn": PRINCIPALS[2], "UserName": "alice", "UserId": "AIDAALICE", "UserPolicyList": inline(1), "Tags": alice_tags,
                "GroupList": ["team"], "AttachedManagedPolicies": []});
            let mut managed_policies = vec![managed("arn:aws:iam::aws:policy/shared", &policies[2])];
            if let Some(boundary) = boundary {
                managed_policies.push(managed("arn:aws:iam::111122223333:policy/boundary", &boundary));
                let reference = json!({"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary"});
                if bound_alice { alice["PermissionsBoundary"] = reference } else { dev["PermissionsBoundary"] = reference }
            }
            let ops = json!({"Arn": PRINCIPALS[4], "RoleName": "Ops", "RoleId": "AROAOPS", "RolePolicyList": inline(3), "Tags": [], "AttachedManagedPolicies": []});
            let eve = json!({"Arn": PRINCIPALS[5], "UserName": "eve", "UserId": "AIDAEVE", "UserPolicyList": inline(4), "Tags": [], "GroupList": [], "AttachedManagedPolicies": []});
            let group = json!({"GroupName": "team", "Arn": "arn:aws:iam::111122223333:group/team", "GroupPolicyList": inline(5), "AttachedManagedPolicies": []});
            json!({
                "111122223333": {"UserDetailList": [alice], "RoleDetailList": [dev], "GroupDetailList": [group], "Policies": managed_policies},
                "444455556666": {"UserDetailList": [eve], "RoleDetailList": [ops], "GroupDetailList": [], "Policies": []},
            })
        },
    )
}

fn organization() -> impl Strategy<Value = Value> {
    let rcp = document(true, &["Deny"]).prop_map(|mut document| {
        let list = document["Statement"]
            .as_array_mut()
            .map(|list| list.iter_mut().collect::<Vec<_>>())
            .unwrap_or_default();
        list.into_iter()
            .for_each(|statement| statement["Principal"] = json!("*"));
        document
    });
    (document(false, BOTH), rcp, any::<u8>()).prop_map(|(scp, rcp, luck)| {
        let full = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let policy = |id: &str, kind: &str, document: &Value| json!({"PolicySummary": {"Id": id, "Type": kind}, "Content": document.to_string()});
        let everywhere = json!(["r-1", "ou-1", "111122223333", "444455556666"]);
        json!({
            "Organization": {"Id": "o-abc", "MasterAccountId": if luck < 40 { "444455556666" } else { "999999999999" }},
            "Accounts": [{"Id": "111122223333", "Path": ["r-1", "ou-1"]}, {"Id": "444455556666", "Path": ["r-1"]}],
            "Policies": [policy("p-full", "SERVICE_CONTROL_POLICY", &full), policy("p-scp", "SERVICE_CONTROL_POLICY", &scp), policy("p-rcp", "RESOURCE_CONTROL_POLICY", &rcp)],
            "Targets": {"p-full": everywhere, "p-scp": if luck % 2 == 0 { json!(["ou-1"]) } else { json!([]) }, "p-rcp": if luck % 3 == 0 { json!(["r-1"]) } else { json!([]) }},
        })
    })
}

/// A snapshot bundle of two accounts and two keys.
pub fn bundle() -> impl Strategy<Value = Value> {
    (prop::option::of(organization()), iam(), key(KEY), key(OTHER_KEY)).prop_map(|(organization, iam, one, two)| {
        let mut bundle = json!({"iam": iam, "kms": {"keys": [one, two]}, "collected_at": "2026-06-01T12:00:00Z"});
        if let Some(organization) = organization {
            bundle["organization"] = organization;
        }
        bundle
    })
}

/// A request context.
pub fn context() -> impl Strategy<Value = Value> {
    let maybe = |key: &'static str, values: &'static [&'static str]| {
        prop::option::of(select(values)).prop_map(move |v| v.map(|v| (key, json!(v))))
    };
    let parts = (
        maybe("aws:MultiFactorAuthPresent", &["true", "false"]),
        maybe("aws:SourceIp", &["203.0.113.9", "198.51.100.200", "2001:db8::1"]),
        maybe("aws:SourceVpce", &["red", "blue", "v-red-1", "v-Red-1"]),
        maybe("kms:GrantIsForAWSResource", &["true", "false"]),
        maybe("kms:ScheduleKeyDeletionPendingWindowInDays", &["7", "14", "30"]),
        maybe("aws:RequestTag/team", &["red", "blue", "redred", "v-red-1"]),
        maybe("kms:EncryptionContext:Dept", &["it", "hr"]),
    );
    parts.prop_map(|(a, b, c, d, e, f, g)| {
        let mut context = json!({"aws:CurrentTime": "2026-06-01T12:00:00Z", "aws:SecureTransport": "true"});
        for (key, value) in [a, b, c, d, e, f, g].into_iter().flatten() {
            context[key] = value;
        }
        context
    })
}

/// A request on the first key.
pub fn request() -> impl Strategy<Value = Value> {
    (select(&PRINCIPALS[..]), select(&ACTIONS[..]), context()).prop_map(|(principal, action, context)| {
        json!({"principal": principal, "action": action, "resource": KEY, "context": context})
    })
}
