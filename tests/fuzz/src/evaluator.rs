//! Any snapshot and request: never a panic, always an answer, and what is said of every request holds of the one at hand.
#![no_main]

use keytrail_fuzz::policy::{Snapshot, simulate, simulate_request};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NAMES: [&str; 24] = [
    "*",
    "kms:*",
    "kms:Decrypt",
    "kms:PutKeyPolicy",
    "kms:CreateGrant",
    "kms:De?crypt",
    "s3:GetObject",
    "",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/R",
    "arn:aws:iam::111122223333:user/U",
    "arn:aws:iam::444455556666:root",
    "111122223333",
    "arn:aws:kms:us-east-1:111122223333:key/k",
    "arn:aws:kms:*:111122223333:key/*",
    "s3.us-east-1.amazonaws.com",
    "true",
    "false",
    "192.0.2.0/24",
    "192.0.2.9",
    "${aws:username}",
    "${aws:PrincipalTag/t, 'd'}",
    "a*a*a*b",
    "2026-01-01T00:00:00Z",
];
const OPERATORS: [&str; 16] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLikeIfExists",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringLike",
    "Bool",
    "BoolIfExists",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "ArnLike",
    "ArnNotEquals",
    "NumericLessThan",
    "DateGreaterThan",
    "Nonsense",
];
// Without `aws:userid`: a role by its ARN alone has none in a closed request, and one that nobody knows in an open one.
const KEYS: [&str; 14] = [
    "aws:SourceIp",
    "aws:MultiFactorAuthPresent",
    "kms:ViaService",
    "kms:EncryptionContext:t",
    "aws:PrincipalTag/t",
    "aws:PrincipalArn",
    "aws:username",
    "kms:CallerAccount",
    "aws:ResourceTag/t",
    "kms:GrantIsForAWSResource",
    "aws:TagKeys",
    "kms:RequestAlias",
    "aws:PrincipalOrgID",
    "aws:CurrentTime",
];

/// Choices from bytes; zero when they run out.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, most: usize) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        usize::from(*first) % most.max(1)
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn names(&mut self) -> Value {
        match self.below(4) {
            0 => self.of(&NAMES).into(),
            count => (0..count).map(|_| Value::from(self.of(&NAMES))).collect(),
        }
    }

    fn policy(&mut self) -> Value {
        let count = 1 + self.below(3);
        let statements: Vec<Value> = (0..count).map(|_| self.statement()).collect();
        serde_json::json!({"Version": if self.below(4) == 0 { "2008-10-17" } else { "2012-10-17" }, "Statement": statements})
    }

    fn statement(&mut self) -> Value {
        let mut statement = serde_json::json!({"Effect": if self.below(3) == 0 { "Deny" } else { "Allow" }});
        let action = if self.below(5) == 0 { "NotAction" } else { "Action" };
        statement[action] = self.names();
        let resource = if self.below(5) == 0 { "NotResource" } else { "Resource" };
        statement[resource] = self.names();
        match self.below(4) {
            0 => {}
            1 => statement["NotPrincipal"] = serde_json::json!({"AWS": self.names()}),
            2 => statement["Principal"] = "*".into(),
            _ => statement["Principal"] = serde_json::json!({"AWS": self.names()}),
        }
        for _ in 0..self.below(3) {
            let (operator, key) = (self.of(&OPERATORS), self.of(&KEYS));
            statement["Condition"][operator][key] = self.names();
        }
        statement
    }

    fn case(&mut self) -> (Value, Value) {
        let entity = |choices: &mut Self, kind: &str, name: &str, id: &str| {
            let mut entity = serde_json::json!({"Arn": format!("arn:aws:iam::111122223333:{kind}/{name}"), "Path": "/",
                "Tags": [{"Key": "t", "Value": choices.of(&NAMES)}]});
            entity[if kind == "role" { "RoleName" } else { "UserName" }] = name.into();
            entity[if kind == "role" { "RoleId" } else { "UserId" }] = id.into();
            let list = if kind == "role" {
                "RolePolicyList"
            } else {
                "UserPolicyList"
            };
            entity[list] = serde_json::json!([{"PolicyName": "p", "PolicyDocument": choices.policy()}]);
            if choices.below(3) == 0 {
                entity["PermissionsBoundary"] =
                    serde_json::json!({"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/b"});
            }
            entity
        };
        let managed = serde_json::json!([{"Arn": "arn:aws:iam::111122223333:policy/b", "PolicyName": "b",
            "PolicyVersionList": [{"IsDefaultVersion": true, "VersionId": "v1", "Document": self.policy()}]}]);
        let iam = serde_json::json!({"UserDetailList": [entity(self, "user", "U", "AIDAX")],
            "RoleDetailList": [entity(self, "role", "R", "AROAX")], "GroupDetailList": [], "Policies": managed});
        let mut key = serde_json::json!({"KeyMetadata": {"AWSAccountId": "111122223333", "KeyId": "k",
                "Arn": "arn:aws:kms:us-east-1:111122223333:key/k", "KeySpec": "SYMMETRIC_DEFAULT"},
            "Policy": self.policy().to_string(), "PolicyName": "default", "Grants": [],
            "Tags": [{"TagKey": "t", "TagValue": self.of(&NAMES)}], "Aliases": []});
        if self.below(2) == 0 {
            key["Grants"] = serde_json::json!([{"KeyId": "k", "GrantId": "g", "GranteePrincipal": self.of(&NAMES),
                "Operations": ["Decrypt", "CreateGrant", "RetireGrant"], "RetiringPrincipal": self.of(&NAMES),
                "Constraints": {"EncryptionContextEquals": {"t": self.of(&NAMES)}}}]);
        }
        let snapshot = serde_json::json!({"iam": {"111122223333": iam}, "kms": {"keys": [key]}});
        let principals = [
            "arn:aws:iam::111122223333:user/U",
            "arn:aws:iam::111122223333:role/R",
            "arn:aws:sts::111122223333:assumed-role/R/s",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::444455556666:role/X",
            "s3.amazonaws.com",
            "*",
        ];
        let actions = [
            "kms:Decrypt",
            "kms:PutKeyPolicy",
            "kms:CreateGrant",
            "kms:RetireGrant",
            "kms:ListKeys",
            "kms:New",
        ];
        let resource = if self.below(6) == 0 {
            "*"
        } else {
            "arn:aws:kms:us-east-1:111122223333:key/k"
        };
        // Every request has a time, and comes by TLS.
        let mut context = serde_json::json!({"aws:CurrentTime": "2026-01-01T00:00:00Z", "aws:SecureTransport": "true"});
        for _ in 0..self.below(4) {
            // Only what no snapshot knows: the rest follows from it.
            let key = self.of(&KEYS[..4]);
            context[key] = self.of(&NAMES).into();
        }
        let request = serde_json::json!({"principal": self.of(&principals), "action": self.of(&actions),
            "resource": resource, "context": context});
        (snapshot, request)
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Any line, as `simulate` takes it.
    if let Ok(line) = std::str::from_utf8(bytes) {
        let answer: Value = serde_json::from_str(&simulate(line)).expect("an answer is JSON");
        assert!(answer.is_object());
    }
    let (bundle, request) = Choices(bytes).case();
    let (snapshot, _) = Snapshot::from_bundle(&bundle);
    let Ok(answer) = simulate_request(&snapshot, &request) else {
        return;
    };
    // Contested requests are assumed one way, and open ones are said to be.
    if answer.get("contested").is_some() {
        return;
    }
    let allowed = answer["allowed"] == true;
    match answer["tri"].as_str() {
        Some("allowed") => assert!(
            allowed,
            "allowed in every context, not in this one: {bundle} {request} {answer:?}"
        ),
        Some("denied") => assert!(
            !allowed,
            "denied in every context, allowed in this one: {bundle} {request} {answer:?}"
        ),
        _ => {}
    }
});
