//! Every policy document of the story: key policies, what IAM grants, and what the organization forbids.

use super::cast::*;
use serde_json::{Value, json};

/// What DynamoDB asks for in the grant of a table.
pub const TABLE_OPERATIONS: [&str; 7] = [
    "DescribeKey",
    "GenerateDataKey",
    "Decrypt",
    "Encrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
];

/// What the KMS console gives key administrators.
const ADMINISTRATION: [&str; 15] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
];

const USE: [&str; 5] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
];

/// A document as the services keep it: indented text.
pub fn text(document: &Value) -> String {
    format!("{document:#}")
}

/// A policy document.
pub fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn delegate(account: &str) -> Value {
    json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Action": "kms:*", "Resource": "*"})
}

fn administrators() -> Value {
    json!({"Sid": "Allow access for Key Administrators", "Effect": "Allow",
        "Principal": {"AWS": KEY_ADMIN.arn()}, "Action": ADMINISTRATION, "Resource": "*"})
}

fn allow(sid: &str, who: &Role, actions: &[&str]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": who.arn()}, "Action": actions, "Resource": "*"})
}

fn users(who: &Role) -> Value {
    allow("Allow use of the key", who, &USE)
}

/// The `default` policy of a key, as it stands at the end.
pub fn key(key: &Key) -> String {
    let mut statements = match (key.account, key.name) {
        (_, name) if name.starts_with("aws/") => return text(&aws_managed(key)),
        // Neither of these two lets IAM policies decide.
        (_, "hr-archive") => vec![administrators()],
        (_, "legacy-archive") => vec![],
        (PAY, _) => vec![delegate(PAY), administrators()],
        (account, _) => vec![delegate(account)],
    };
    statements.extend(match key.name {
        "payments-orders" => vec![
            users(&ORDERS_API),
            allow("Allow writing of batches", &SETTLEMENT_BATCH, &["kms:GenerateDataKey"]),
            allow("Allow handing out for a night", &ORDERS_API, &["kms:CreateGrant", "kms:RevokeGrant"]),
        ],
        "ledger-2025" | "ledger-2026" => vec![users(&LEDGER_WORKER)],
        "shared-exports" => vec![
            users(&SETTLEMENT_BATCH),
            allow("Allow reading by analytics", &REPORT_READER, &["kms:Decrypt", "kms:DescribeKey"]),
        ],
        "trail-logs" => vec![json!({"Sid": "Allow CloudTrail to encrypt logs", "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceArn": format!("arn:aws:cloudtrail:{US}:{PAY}:trail/payments-trail")},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": format!("arn:aws:cloudtrail:*:{PAY}:trail/*")}}})],
        "sessions" => vec![users(&SESSION_SERVICE), guard()],
        "sessions-replica" => vec![users(&SESSION_SERVICE)],
        "code-signing" => {
            vec![allow("Allow signing", &RELEASE_PIPELINE, &["kms:Sign", "kms:Verify", "kms:GetPublicKey", "kms:DescribeKey"])]
        }
        "documents-eu" => vec![users(&DOCUMENT_SERVICE)],
        "hr-archive" => vec![
            users(&HR_EXPORT),
            allow("Allow reading of the configuration", &PAY_COLLECTOR, &["kms:Describe*", "kms:Get*", "kms:List*"]),
        ],
        "ebs-data" => vec![json!({"Sid": "Allow use through EC2", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": PAY, "kms:ViaService": format!("ec2.{US}.amazonaws.com")}}})],
        "vendor-exchange" => vec![json!({"Sid": "Allow the vendor", "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{VENDOR}:root")}, "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": "*"})],
        "old-backup" => vec![users(&BACKUP_JOB)],
        "warehouse" | "warehouse-eu" => vec![users(&WAREHOUSE_ETL)],
        "tokens-hmac" => vec![allow("Allow codes", &WAREHOUSE_ETL, &["kms:GenerateMac", "kms:VerifyMac", "kms:DescribeKey"])],
        "tables" => vec![json!({"Sid": "Allow tables", "Effect": "Allow", "Principal": {"AWS": WAREHOUSE_ETL.arn()},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:CreateGrant"],
            "Resource": "*", "Condition": {"StringEquals": {"kms:ViaService": format!("dynamodb.{US}.amazonaws.com")}}})],
        "quarterly-close" => vec![users(&REPORT_READER)],
        // Written action by action in 2023, so an action that came later is not in it.
        "legacy-archive" => vec![json!({"Sid": "Named actions", "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{DATA}:root")},
            "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants",
                "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:EnableKey", "kms:DisableKey",
                "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"],
            "Resource": "*"})],
        _ => vec![],
    });
    text(&json!({"Version": "2012-10-17", "Id": format!("{}-policy", key.name), "Statement": statements}))
}

/// Denies ending a key that was used within 90 days.
fn guard() -> Value {
    json!({"Sid": "Keep keys in use", "Effect": "Deny", "Principal": {"AWS": "*"},
        "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"], "Resource": "*",
        "Condition": {"NumericLessThanEquals": {"kms:TrailingDaysWithoutKeyUsage": "90"}}})
}

fn aws_managed(key: &Key) -> Value {
    let service = key.name.trim_start_matches("aws/");
    json!({"Version": "2012-10-17", "Id": format!("auto-{service}-2"), "Statement": [
        {"Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
            "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": key.account,
                "kms:ViaService": format!("{service}.{}.amazonaws.com", key.region)}}},
        {"Sid": "Allow direct access to key metadata to the account", "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", key.account)},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"], "Resource": "*"},
    ]})
}

fn statement(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// What the custodian of the payments account may do.
pub fn custody() -> Value {
    document(&[statement(
        &[
            "kms:DescribeKey",
            "kms:EnableKeyRotation",
            "kms:DisableKeyRotation",
            "kms:GetKeyRotationStatus",
            "kms:TagResource",
            "kms:UntagResource",
        ],
        &format!("arn:aws:kms:*:{PAY}:key/*"),
    )])
}

/// A trust policy for the principals of one account.
pub fn trust_account(account: &str) -> Value {
    trust(json!({"AWS": format!("arn:aws:iam::{account}:root")}), "sts:AssumeRole")
}

/// A trust policy.
pub fn trust(principal: Value, action: &str) -> Value {
    document(&[json!({"Effect": "Allow", "Principal": principal, "Action": action})])
}

/// The inline policy of a role, by name; none for roles that live by key policies or managed policies.
pub fn inline(role: &Role) -> Option<(&'static str, Value)> {
    let keys = format!("arn:aws:kms:*:{}:key/*", role.account);
    let read = [
        "ec2:Describe*",
        "rds:Describe*",
        "s3:Get*",
        "s3:List*",
        "ssm:Describe*",
        "lambda:List*",
    ];
    let (name, statements) = match role.name {
        "KeyAdmin" => (
            "create-keys",
            vec![statement(
                &[
                    "kms:CreateKey",
                    "kms:ReplicateKey",
                    "kms:TagResource",
                    "kms:CreateAlias",
                    "kms:UpdateAlias",
                    "kms:DeleteAlias",
                    "kms:ListKeys",
                    "kms:ListAliases",
                ],
                "*",
            )],
        ),
        "KeyMaintenance" => (
            "maintenance",
            vec![
                statement(
                    &[
                        "kms:DisableKey",
                        "kms:EnableKey",
                        "kms:ScheduleKeyDeletion",
                        "kms:DescribeKey",
                    ],
                    &keys,
                ),
                statement(
                    &[
                        "kms:ListKeys",
                        "kms:ListAliases",
                        "cloudtrail:DescribeTrails",
                        "cloudtrail:PutEventSelectors",
                    ],
                    "*",
                ),
            ],
        ),
        "KeyCustodian" => return Some(("custody", custody())),
        "report-intern" => ("reports", vec![statement(&["s3:GetObject", "kms:Decrypt"], "*")]),
        "report-reader" => (
            "exports",
            vec![statement(&["kms:Decrypt", "kms:DescribeKey"], &SHARED_EXPORTS.arn())],
        ),
        "notebook-user" => ("notebooks", vec![statement(&["s3:GetObject", "kms:Decrypt"], "*")]),
        "BuildAutomation" => (
            "maintenance-elsewhere",
            vec![statement(&["sts:AssumeRole"], &KEY_MAINTENANCE.arn())],
        ),
        "TrailAdmin" => ("trails", vec![statement(&["cloudtrail:*"], "*")]),
        name if name.starts_with("AWSReservedSSO_PlatformEngineer") => (
            "AwsSSOInlinePolicy",
            vec![
                statement(&["sts:AssumeRole"], &BUILD_AUTOMATION.arn()),
                statement(&["sts:AssumeRole"], &TRAIL_ADMIN.arn()),
                statement(&read, "*"),
            ],
        ),
        "KeytrailCollector" if role.account == ORG => (
            "organization",
            vec![statement(
                &["organizations:Describe*", "organizations:List*", "sts:AssumeRole"],
                "*",
            )],
        ),
        _ if role.path == "/service/" => (
            "workload",
            vec![
                statement(
                    &[
                        "ssm:GetParameter",
                        "ssm:UpdateInstanceInformation",
                        "secretsmanager:GetSecretValue",
                    ],
                    "*",
                ),
                statement(&read, "*"),
            ],
        ),
        _ => return None,
    };
    Some((name, document(&statements)))
}

/// What the emergency user may do, once it has shown its second factor.
pub fn emergency() -> Value {
    document(&[json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})])
}

/// What reading a snapshot takes.
pub fn collector() -> Value {
    document(&[statement(
        &[
            "kms:Describe*",
            "kms:Get*",
            "kms:List*",
            "iam:GetAccountAuthorizationDetails",
            "cloudtrail:Describe*",
            "cloudtrail:Get*",
        ],
        "*",
    )])
}

/// Everything.
pub fn everything() -> Value {
    document(&[statement(&["*"], "*")])
}

/// The service control policy that keeps trails as they are.
pub fn protect_the_log() -> Value {
    document(&[json!({"Sid": "ProtectTheLog", "Effect": "Deny",
        "Action": ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors"],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/security/TrailAdmin"}}})])
}

/// The resource control policy that keeps keys to the organization and to AWS services.
pub fn keys_stay_home() -> Value {
    document(&[
        json!({"Sid": "KeysStayInTheOrganization", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}),
    ])
}
