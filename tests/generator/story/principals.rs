//! The IAM part of the snapshot: `get-account-authorization-details` of each account, as the AWS CLI prints it.

use super::cast::*;
use super::policies;
use crate::generator::instant::{at, offset};
use serde_json::{Value, json};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Users, groups, roles and policies of one account.
pub fn of(account: &str) -> Value {
    let roles: Vec<Value> = ROLES
        .iter()
        .filter(|r| r.account == account && **r != &KEY_CUSTODIAN_OLD)
        .map(|r| role(r))
        .collect();
    let mut policies = vec![
        managed(
            "AdministratorAccess",
            ADMINISTRATOR,
            "ANPAADMINISTREXAMPLE0",
            policies::everything(),
        ),
        managed(
            "KeytrailCollector",
            &collector(account),
            "ANPACOLLECTORXEXAMPLE",
            policies::collector(),
        ),
    ];
    let mut users = Vec::new();
    if account == PAY {
        policies.push(managed(
            "EmergencyAdmin",
            &emergency(),
            "ANPAEMERGENCYXEXAMPLE",
            policies::emergency(),
        ));
        users.push(json!({
            "Path": "/", "UserName": BREAK_GLASS, "UserId": "AIDABREAKGLASSEXAMPLE", "Arn": break_glass_arn(),
            "CreateDate": "2022-03-01T09:00:00+00:00", "PasswordLastUsed": "2026-09-02T07:56:01+00:00", "GroupList": [],
            "AttachedManagedPolicies": [{"PolicyName": "EmergencyAdmin", "PolicyArn": emergency()}],
            "Tags": [],
        }));
    }
    json!({"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": roles, "Policies": policies})
}

fn collector(account: &str) -> String {
    format!("arn:aws:iam::{account}:policy/KeytrailCollector")
}

fn emergency() -> String {
    format!("arn:aws:iam::{PAY}:policy/EmergencyAdmin")
}

fn managed(name: &str, arn: &str, id: &str, document: Value) -> Value {
    let created = "2023-01-16T09:00:00+00:00";
    json!({
        "PolicyName": name, "PolicyId": id, "Arn": arn, "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 1,
        "PermissionsBoundaryUsageCount": 0, "IsAttachable": true, "CreateDate": created, "UpdateDate": created,
        "PolicyVersionList": [{"Document": document, "VersionId": "v1", "IsDefaultVersion": true, "CreateDate": created}],
    })
}

fn role(role: &Role) -> Value {
    let attached: Vec<Value> = match role.name {
        "KeytrailCollector" => vec![json!({"PolicyName": "KeytrailCollector", "PolicyArn": collector(role.account)})],
        name if name.contains("_SecurityAdmin_") || name.contains("_OrgAdmin_") => {
            vec![json!({"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR})]
        }
        _ => vec![],
    };
    let inline: Vec<Value> = policies::inline(role)
        .map(|(name, document)| json!({"PolicyName": name, "PolicyDocument": document}))
        .into_iter()
        .collect();
    json!({
        "Path": role.path, "RoleName": role.name, "RoleId": role.id(), "Arn": role.arn(),
        "CreateDate": offset(at(role.created)), "AssumeRolePolicyDocument": trust(role), "InstanceProfileList": [],
        "RolePolicyList": inline, "AttachedManagedPolicies": attached, "Tags": [], "RoleLastUsed": {},
    })
}

fn trust(role: &Role) -> Value {
    if role.path.starts_with("/aws-reserved/") {
        let provider = format!(
            "arn:aws:iam::{}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE",
            role.account
        );
        return policies::trust(json!({"Federated": provider}), "sts:AssumeRoleWithSAML");
    }
    match role.name {
        "KeyMaintenance" => policies::trust(json!({"AWS": BUILD_AUTOMATION.arn()}), "sts:AssumeRole"),
        "KeytrailCollector" => policies::trust(json!({"AWS": ORG_COLLECTOR.arn()}), "sts:AssumeRole"),
        _ if role.path == "/service/" => policies::trust(
            json!({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com"]}),
            "sts:AssumeRole",
        ),
        _ => policies::trust_account(role.account),
    }
}
