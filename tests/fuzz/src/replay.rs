//! Any record as a call to replay: its refusal, its request and its condition keys are read without a panic, whatever they hold.
#![no_main]

use std::sync::LazyLock;

use keytrail_fuzz::policy::Snapshot;
use keytrail_fuzz::policy::solve::Solver;
use keytrail_fuzz::replay::{Call, Directory, Refusal, replay};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
         "Condition": {"StringNotEqualsIfExists": {"kms:EncryptionContext:t": "v", "kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/R"}, "Action": "kms:*", "Resource": "*",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "ForAnyValue:StringLike": {"kms:GrantOperations": "De*"}}}]});
    let bundle = serde_json::json!({
        "iam": {"111122223333": {"UserDetailList": [], "RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/R",
            "RoleName": "R", "RoleId": "AROAX", "Path": "/", "RolePolicyList": []}]}},
        "kms": {"keys": [{"KeyMetadata": {"AWSAccountId": "111122223333", "KeyId": "k", "Arn": KEY},
            "Policy": policy.to_string(), "PolicyName": "default", "Grants": [], "Tags": [], "Aliases": []}]}
    });
    Directory::of(Snapshot::from_bundle(&bundle).0)
});

fuzz_target!(|texts: (&str, &str, &str, &str, &str, u8)| {
    let (operation, parameters, message, source_ip, invoked_by, choice) = texts;
    let _ = Refusal::read(message);
    let arns = [
        "arn:aws:sts::111122223333:assumed-role/R/s",
        "arn:aws:iam::111122223333:root",
        "arn:",
        operation,
    ];
    let operations = [
        "Decrypt",
        "ReEncrypt",
        "CreateGrant",
        "UpdateAlias",
        "TagResource",
        "PutKeyPolicy",
        "ListKeys",
        operation,
    ];
    let call = Call {
        at: i64::from(choice) * 1_000_000_000_000,
        operation: operations[usize::from(choice) % operations.len()],
        region: "us-east-1",
        identity_type: Some(if choice & 8 == 0 { "AssumedRole" } else { "IAMUser" }),
        identity_arn: Some(arns[usize::from(choice >> 3) % arns.len()]).filter(|_| choice & 16 == 0),
        identity_account: Some("111122223333"),
        principal_id: Some("AROAX:s"),
        session_mfa: Some(if choice & 32 == 0 { "true" } else { "false" }),
        session_created: Some("2026-01-01T00:00:00Z"),
        invoked_by: Some(invoked_by).filter(|name| !name.is_empty()),
        parameters: Some(parameters),
        source_ip: Some(source_ip),
        outcome: if choice & 64 == 0 { "success" } else { "denied" },
        error_message: Some(message),
        key_arn: Some(KEY).filter(|_| choice & 128 == 0),
        ..Call::default()
    };
    let one = replay(&call, &DIRECTORY, &mut Solver::default());
    assert_eq!(
        one,
        replay(&call, &DIRECTORY, &mut Solver::default()),
        "the same answer twice"
    );
});
