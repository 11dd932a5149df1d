//! Names that are written in another way than they are recorded.

use crate::model::nearest::nearest;

/// IAM actions that name no event, and the event that is recorded for what they allow; none where it is empty
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html>).
const ACTIONS: [(&str, &str); 24] = [
    ("ReEncryptFrom", "ReEncrypt"),
    ("ReEncryptTo", "ReEncrypt"),
    ("PassRole", ""),
    ("ListAllMyBuckets", "ListBuckets"),
    ("GetLifecycleConfiguration", "GetBucketLifecycle"),
    ("PutLifecycleConfiguration", "PutBucketLifecycle"),
    ("GetEncryptionConfiguration", "GetBucketEncryption"),
    ("PutEncryptionConfiguration", "PutBucketEncryption"),
    ("GetReplicationConfiguration", "GetBucketReplication"),
    ("PutReplicationConfiguration", "PutBucketReplication"),
    ("GetInventoryConfiguration", "GetBucketInventoryConfiguration"),
    ("PutInventoryConfiguration", "PutBucketInventoryConfiguration"),
    ("GetAnalyticsConfiguration", "GetBucketAnalyticsConfiguration"),
    ("PutAnalyticsConfiguration", "PutBucketAnalyticsConfiguration"),
    ("GetMetricsConfiguration", "GetBucketMetricsConfiguration"),
    ("PutMetricsConfiguration", "PutBucketMetricsConfiguration"),
    ("GetAccelerateConfiguration", "GetBucketAccelerateConfiguration"),
    ("PutAccelerateConfiguration", "PutBucketAccelerateConfiguration"),
    ("PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("GetObjectVersion", "GetObject"),
    ("DeleteObjectVersion", "DeleteObject"),
    ("ListBucketMultipartUploads", "ListMultipartUploads"),
    ("ListMultipartUploadParts", "ListParts"),
    ("InvokeFunction", "Invoke"),
];

/// What AWS KMS records: its operations, and what it does by itself
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html>).
const OF_KMS: [&str; 60] = [
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteExpiredKeyMaterial",
    "DeleteImportedKeyMaterial",
    "DeleteKey",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "KeyAgreement",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKey",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "SynchronizeMultiRegionKey",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
    "VerifyMacs",
];

/// Events that queries name often, so that a slip in one is recognised.
const WELL_KNOWN: [&str; 112] = [
    "AddRoleToInstanceProfile",
    "AddUserToGroup",
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "BatchGetSecretValue",
    "ChangePassword",
    "CheckMfa",
    "ConsoleLogin",
    "CopyObject",
    "CopySnapshot",
    "CreateAccessKey",
    "CreateBucket",
    "CreateDBInstance",
    "CreateDBSnapshot",
    "CreateFunction20150331",
    "CreateGroup",
    "CreateImage",
    "CreateInstanceProfile",
    "CreateKeyPair",
    "CreateLoginProfile",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateSecret",
    "CreateSecurityGroup",
    "CreateSnapshot",
    "CreateTrail",
    "CreateUser",
    "CreateVirtualMFADevice",
    "CreateVpc",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketPolicy",
    "DeleteDBInstance",
    "DeleteDetector",
    "DeleteFlowLogs",
    "DeleteGroup",
    "DeleteGroupPolicy",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteLoginProfile",
    "DeleteObject",
    "DeleteObjects",
    "DeletePolicy",
    "DeletePublicAccessBlock",
    "DeleteRole",
    "DeleteRolePolicy",
    "DeleteSecret",
    "DeleteSecurityGroup",
    "DeleteSnapshot",
    "DeleteTrail",
    "DeleteUser",
    "DeleteUserPolicy",
    "DescribeInstances",
    "DescribeSnapshots",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "DisassociateFromMasterAccount",
    "EnableMFADevice",
    "GetAccountAuthorizationDetails",
    "GetCallerIdentity",
    "GetFederationToken",
    "GetObject",
    "GetPasswordData",
    "GetSecretValue",
    "GetSessionToken",
    "GetSigninToken",
    "HeadObject",
    "Invoke",
    "InvokeModel",
    "ListBuckets",
    "ListObjects",
    "ListObjectsV2",
    "LeaveOrganization",
    "ModifyDBInstance",
    "ModifyImageAttribute",
    "ModifyInstanceAttribute",
    "ModifySnapshotAttribute",
    "PutBucketAcl",
    "PutBucketEncryption",
    "PutBucketLifecycle",
    "PutBucketLogging",
    "PutBucketPolicy",
    "PutBucketVersioning",
    "PutEventSelectors",
    "PutGroupPolicy",
    "PutObject",
    "PutRolePolicy",
    "PutUserPolicy",
    "RevokeSecurityGroupIngress",
    "RunInstances",
    "SetDefaultPolicyVersion",
    "StartInstances",
    "StartLogging",
    "StartSession",
    "StopInstances",
    "StopLogging",
    "SwitchRole",
    "TerminateInstances",
    "UpdateAccessKey",
    "UpdateAssumeRolePolicy",
    "UpdateTrail",
];

/// Services whose events are asked for often.
const SERVICES: [&str; 62] = [
    "access-analyzer",
    "acm",
    "apigateway",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "cloudformation",
    "cloudfront",
    "cloudhsm",
    "cloudtrail",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-idp",
    "config",
    "controltower",
    "detective",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "es",
    "events",
    "firehose",
    "glacier",
    "glue",
    "guardduty",
    "health",
    "iam",
    "inspector2",
    "kinesis",
    "kms",
    "lakeformation",
    "lambda",
    "logs",
    "macie2",
    "monitoring",
    "network-firewall",
    "organizations",
    "rds",
    "redshift",
    "route53",
    "route53resolver",
    "s3",
    "sagemaker",
    "secretsmanager",
    "securityhub",
    "signin",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "states",
    "sts",
    "wafv2",
];

/// The action of this name, if it is no event's, and its event.
pub(super) fn of_action(name: &str) -> Option<(&'static str, &'static str)> {
    ACTIONS
        .iter()
        .find(|(action, event)| *action == name && action != event)
        .copied()
}

/// What AWS KMS calls it, if it calls nothing by this name; within, the nearest name.
pub(super) fn unknown_to_kms(name: &str) -> Option<Option<&'static str>> {
    (!OF_KMS.contains(&name)).then(|| nearest(name, OF_KMS.iter().copied()))
}

/// The event that was meant by a name that is one letter beside it, or in other capitals.
pub(super) fn misspelt_event(name: &str) -> Option<&'static str> {
    let known = || WELL_KNOWN.iter().chain(OF_KMS.iter()).copied();
    if known().any(|event| event == name) {
        return None;
    }
    known()
        .find(|event| event.eq_ignore_ascii_case(name))
        .or_else(|| known().find(|event| is_slip(name, event, 10)))
}

/// The source that was meant.
pub(super) fn misspelt_source(name: &str) -> Option<String> {
    let whole = |service: &str| format!("{service}.amazonaws.com");
    let lower = name.to_ascii_lowercase();
    let service = lower.strip_suffix(".amazonaws.com");
    if let Some(service) = service {
        if lower != name {
            return Some(lower.clone());
        }
        if SERVICES.contains(&service) {
            return None;
        }
        return SERVICES
            .iter()
            .find(|known| is_slip(service, known, 6))
            .map(|known| whole(known));
    }
    // A service alone, or with another ending.
    let first = lower.split('.').next().unwrap_or_default();
    let is_foreign = lower.contains('.') && !lower.ends_with(".aws") && !lower.contains("amazonaws");
    (SERVICES.contains(&first) && !is_foreign).then(|| whole(first))
}

/// Whether two names of at least `least` letters are one slip apart: a letter too many, too few, or two exchanged. A
/// letter replaced by another is often another name; a plural always may be.
fn is_slip(name: &str, known: &str, least: usize) -> bool {
    let (name, known) = (name.as_bytes(), known.as_bytes());
    let (longer, shorter) = if name.len() >= known.len() {
        (name, known)
    } else {
        (known, name)
    };
    if shorter.len() < least {
        return false;
    }
    let same = longer
        .iter()
        .zip(shorter)
        .take_while(|(one, other)| one == other)
        .count();
    let (rest, other) = (
        longer.get(same..).unwrap_or_default(),
        shorter.get(same..).unwrap_or_default(),
    );
    match rest.len() - other.len() {
        0 => matches!((rest, other), ([a, b, x @ ..], [c, d, y @ ..]) if a == d && b == c && x == y),
        1 => rest.get(1..) == Some(other) && !(other.is_empty() && rest == b"s"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_names_left_alone() {
        for (name, meant) in [
            ("consolelogin", Some("ConsoleLogin")),
            ("ConsolLogin", Some("ConsoleLogin")),
            ("ScheduleKeyDelteion", Some("ScheduleKeyDeletion")),
            ("ConsoleLogin", None),
            ("GetObjects", None),
            ("ListRules", None),
            ("BrandNewOperation", None),
            ("CreateUsers", None),
        ] {
            assert_eq!(misspelt_event(name), meant, "{name}");
        }
        for (name, meant) in [
            ("kms", Some("kms.amazonaws.com")),
            ("KMS.amazonaws.com", Some("kms.amazonaws.com")),
            ("cloudtrial.amazonaws.com", Some("cloudtrail.amazonaws.com")),
            ("s3.aws", Some("s3.amazonaws.com")),
            ("brand-new.amazonaws.com", None),
            ("s3.amazonaws.com", None),
            ("example.com", None),
        ] {
            assert_eq!(misspelt_source(name).as_deref(), meant, "{name}");
        }
        assert_eq!(of_action("ReEncryptFrom"), Some(("ReEncryptFrom", "ReEncrypt")));
        assert_eq!(unknown_to_kms("Decrypt"), None);
    }
}
