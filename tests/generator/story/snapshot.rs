//! The permission snapshot taken on the last morning: keys, grants, principals, organization and trails, each in the shape
//! of the API call that answers it.

use super::cast::*;
use super::people::grant_id;
use super::scene::Scene;
use super::{policies, principals};
use crate::generator::instant::{at, offset};
use crate::generator::story;
use serde_json::{Value, json};

/// GetKeyLastUsage knows nothing before this day.
const TRACKING: &str = "2026-04-23T00:00:00Z";

/// The bundle.
pub fn bundle(scene: &Scene) -> Value {
    let keys: Vec<Value> = KEYS
        .iter()
        .filter(|k| k.state != "gone")
        .map(|k| key(scene, k))
        .collect();
    let accounts = [ORG, PAY, DATA];
    let mut iam = serde_json::Map::new();
    for account in accounts {
        iam.insert(account.to_owned(), principals::of(account));
    }
    json!({
        "started_at": offset(story::as_of() - 1180),
        "collected_at": offset(story::as_of()),
        "organization": organization(),
        "iam": iam,
        "kms": {"keys": keys},
        "trails": {ORG: [], PAY: [trail(PAY, "payments-trail")], DATA: [trail(DATA, "analytics-trail")]},
        "Scope": {"Accounts": accounts, "Regions": [US, EU]},
        "Errors": [
            {"AccountId": PAY, "Region": US, "Operation": "GetKeyLastUsage", "Resource": VENDOR_EXCHANGE.arn(),
                "Code": "DependencyTimeoutException", "Message": "The system timed out while trying to fulfill the request."},
            {"AccountId": DATA, "Region": US, "Operation": "GetKeyLastUsage", "Resource": LEGACY_ARCHIVE.arn(),
                "Code": "AccessDeniedException", "Message": format!("User: arn:aws:sts::{DATA}:assumed-role/KeytrailCollector/keytrail \
                    is not authorized to perform: kms:GetKeyLastUsage on resource: {} because no resource-based policy allows the \
                    kms:GetKeyLastUsage action", LEGACY_ARCHIVE.arn())},
        ],
    })
}

/// False for the keys whose last use could not be read.
pub fn last_usage_known(key: &Key) -> bool {
    !key.aws_managed() && key != &VENDOR_EXCHANGE && key != &LEGACY_ARCHIVE
}

fn key(scene: &Scene, key: &'static Key) -> Value {
    let mut out = json!({
        "KeyMetadata": metadata(key),
        "PolicyName": "default",
        "Policy": policies::key(key),
        "Grants": grants(key),
        "Tags": tags(key),
        "Aliases": aliases(key),
        "RotationStatus": rotation(key),
    });
    if last_usage_known(key) {
        out["LastUsage"] = last_usage(scene, key);
    }
    out
}

fn metadata(key: &Key) -> Value {
    let mut out = json!({
        "AWSAccountId": key.account, "KeyId": key.id(), "Arn": key.arn(), "CreationDate": offset(at(key.created)),
        "Enabled": key.state == "Enabled", "Description": key.description, "KeyUsage": key.usage, "KeyState": key.state,
        "Origin": if key.state == "PendingImport" { "EXTERNAL" } else { "AWS_KMS" },
        "KeyManager": if key.aws_managed() { "AWS" } else { "CUSTOMER" },
        "CustomerMasterKeySpec": key.spec, "KeySpec": key.spec,
    });
    match key.usage {
        "SIGN_VERIFY" => out["SigningAlgorithms"] = json!(["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"]),
        "GENERATE_VERIFY_MAC" => out["MacAlgorithms"] = json!(["HMAC_SHA_256"]),
        _ => out["EncryptionAlgorithms"] = json!(["SYMMETRIC_DEFAULT"]),
    }
    out["MultiRegion"] = json!(key.multi_region());
    if key.multi_region() {
        out["MultiRegionConfiguration"] = json!({
            "MultiRegionKeyType": if key == &SESSIONS { "PRIMARY" } else { "REPLICA" },
            "PrimaryKey": {"Arn": SESSIONS.arn(), "Region": US},
            "ReplicaKeys": [{"Arn": SESSIONS_REPLICA.arn(), "Region": EU}],
        });
    }
    if key.state == "PendingDeletion" {
        out["DeletionDate"] = json!("2026-10-28T18:40:00+00:00");
    }
    out
}

fn grants(key: &Key) -> Value {
    let grant = |name: &str, created: &str, grantee: String, operations: &[&str], constraints: Value| {
        json!({
            "KeyId": key.arn(), "GrantId": grant_id(name), "Name": "", "CreationDate": offset(at(created)),
            "GranteePrincipal": grantee, "IssuingAccount": format!("arn:aws:iam::{}:root", key.account),
            "Operations": operations, "Constraints": constraints,
        })
    };
    let instance = "assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0";
    match key.name {
        "ebs-data" => json!([grant(
            "ebs",
            "2026-03-19T06:12:44Z",
            format!("arn:aws:sts::{PAY}:{instance}"),
            &["Decrypt"],
            json!({"EncryptionContextSubset": {"aws:ebs:id": "vol-0123456789abcdef0"}})
        )]),
        "tables" => {
            let mut table = grant(
                "tables",
                "2026-08-25T11:15:46Z",
                format!("dynamodb.{US}.amazonaws.com"),
                &policies::TABLE_OPERATIONS,
                json!({"EncryptionContextSubset": {"aws:dynamodb:tableName": "experiments", "aws:dynamodb:subscriberId": DATA}}),
            );
            table["RetiringPrincipal"] = json!(format!("dynamodb.{US}.amazonaws.com"));
            json!([table])
        }
        "warehouse" => json!([grant(
            "warehouse",
            "2025-11-20T16:30:00Z",
            REPORT_READER.arn(),
            &["Decrypt", "DescribeKey"],
            json!({})
        )]),
        _ => json!([]),
    }
}

fn tags(key: &Key) -> Value {
    match key.owner {
        "" => json!([]),
        owner => json!([{"TagKey": "owner", "TagValue": owner}, {"TagKey": "environment", "TagValue": "production"}]),
    }
}

fn aliases(key: &Key) -> Value {
    let Some(alias) = key.alias() else { return json!([]) };
    let moved = if key == &LEDGER_2026 {
        offset(super::changes::alias_swap())
    } else {
        offset(at(key.created))
    };
    let created = if key == &LEDGER_2026 {
        offset(at(LEDGER_2025.created))
    } else {
        offset(at(key.created))
    };
    json!([{"AliasName": alias, "AliasArn": key.alias_arn(&alias), "TargetKeyId": key.id(), "CreationDate": created,
        "LastUpdatedDate": moved}])
}

fn rotation(key: &Key) -> Value {
    match key.rotation {
        0 => json!({"KeyRotationEnabled": false, "KeyId": key.id()}),
        days => json!({"KeyRotationEnabled": true, "KeyId": key.id(), "RotationPeriodInDays": days,
            "NextRotationDate": "2027-07-28T04:00:00+00:00"}),
    }
}

fn last_usage(scene: &Scene, key: &'static Key) -> Value {
    let created = at(key.created);
    let mut out = json!({
        "KeyId": key.id(), "KeyCreationDate": offset(created), "TrackingStartDate": offset(created.max(at(TRACKING))),
        "KeyLastUsage": {},
    });
    if key == &ORG_ARTIFACTS {
        // Its account keeps no log, so nothing else knows.
        out["KeyLastUsage"] = json!({"Operation": "Decrypt", "Timestamp": offset(org_artifacts_used()),
            "CloudTrailEventId": "0f1e2d3c-4b5a-4697-8877-665544332211", "KmsRequestId": "00112233-4455-4677-8899-aabbccddeeff"});
    } else if let Some(entry) = scene.ledger.last_use(key, story::as_of()) {
        out["KeyLastUsage"] = json!({"Operation": entry.operation, "Timestamp": offset(entry.time),
            "CloudTrailEventId": entry.id, "KmsRequestId": entry.request_id});
    }
    out
}

/// When the key of the management account was last used.
pub fn org_artifacts_used() -> i64 {
    at("2026-10-07T22:05:18Z")
}

fn trail(account: &str, name: &str) -> Value {
    let arn = format!("arn:aws:cloudtrail:{US}:{account}:trail/{name}");
    let (stop, start) = story::silence();
    let mut status = json!({
        "IsLogging": true, "LatestDeliveryTime": offset(story::as_of() - 70), "StartLoggingTime": "2023-01-16T10:30:00+00:00",
    });
    let mut out = json!({
        "Trail": {"Name": name, "S3BucketName": BUCKET, "IncludeGlobalServiceEvents": true, "IsMultiRegionTrail": true,
            "HomeRegion": US, "TrailARN": arn, "LogFileValidationEnabled": false, "HasCustomEventSelectors": true,
            "HasInsightSelectors": false, "IsOrganizationTrail": false},
    });
    if account == DATA {
        status["StartLoggingTime"] = json!(offset(start));
        status["StopLoggingTime"] = json!(offset(stop));
        out["AdvancedEventSelectors"] = json!([{"Name": "Management events", "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Management"]}]}]);
    } else {
        out["Trail"]["KmsKeyId"] = json!(TRAIL_LOGS.arn());
        out["EventSelectors"] = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
            "ExcludeManagementEventSources": []}]);
    }
    out["Status"] = status;
    out
}

fn organization() -> Value {
    let (root, workloads) = ("r-examplerootid111", "ou-examplerootid111-exampleouid111");
    let policy = |id: &str, name: &str, kind: &str, aws: bool, content: Value| {
        let owner = if aws {
            "aws:policy".to_owned()
        } else {
            format!("{ORG}:policy/o-exampleorgid")
        };
        let arn = format!("arn:aws:organizations::{owner}/{}/{id}", kind.to_lowercase());
        json!({"PolicySummary": {"Id": id, "Arn": arn, "Name": name, "Type": kind, "AwsManaged": aws}, "Content": content.to_string()})
    };
    let (scp, rcp) = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY");
    let everywhere = json!([root, workloads, ORG, PAY, DATA]);
    json!({
        "Organization": {"Id": "o-exampleorgid", "MasterAccountId": ORG, "FeatureSet": "ALL"},
        "Roots": [{"Id": root}],
        "Accounts": [
            {"Id": ORG, "Name": "management", "State": "ACTIVE", "Path": [root]},
            {"Id": PAY, "Name": "payments", "State": "ACTIVE", "Path": [root, workloads]},
            {"Id": DATA, "Name": "analytics", "State": "ACTIVE", "Path": [root, workloads]},
        ],
        "Policies": [
            policy("p-FullAWSAccess", "FullAWSAccess", scp, true, policies::everything()),
            policy("p-RCPFullAWSAccess", "RCPFullAWSAccess", rcp, true, json!({"Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})),
            policy("p-examplescp1", "ProtectTheLog", scp, false, policies::protect_the_log()),
            policy("p-examplercp1", "KeysStayInTheOrganization", rcp, false, policies::keys_stay_home()),
        ],
        "Targets": {
            "p-FullAWSAccess": everywhere, "p-RCPFullAWSAccess": everywhere,
            "p-examplescp1": [workloads], "p-examplercp1": [workloads],
        },
    })
}
