//! `GetAccountAuthorizationDetails` of one account. The protocol is XML, so the answer is rebuilt member by member.

use std::sync::Arc;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AttachedPermissionsBoundary, AttachedPolicy, EntityType, PolicyDetail, Tag};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value};

use super::ask::{Pace, Refusal, ask};
use crate::snapshot::json;

/// Requests a second; IAM publishes none, this is far below what it throttles at.
pub(super) const QUOTAS: &[(&str, u32)] = &[("GetAccountAuthorizationDetails", 10)];

/// No account has more pages.
const PAGES_MAX: usize = 100_000;

/// Everything IAM knows about an account, pages merged, in the shape of the CLI. Documents are percent-encoded.
pub(super) async fn details(iam: &Client, pace: &Arc<Pace>) -> Result<Value, Refusal> {
    let mut lists: [Vec<Value>; 4] = Default::default();
    let [users, groups, roles, policies] = &mut lists;
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let kinds = [
            EntityType::User,
            EntityType::Group,
            EntityType::Role,
            EntityType::LocalManagedPolicy,
            EntityType::AwsManagedPolicy,
        ];
        let call = ask!(
            pace,
            "GetAccountAuthorizationDetails",
            iam.get_account_authorization_details()
                .set_filter(Some(kinds.to_vec()))
                .max_items(1000)
                .set_marker(marker.clone())
        );
        let (page, _) = call.await?;
        users.extend(page.user_detail_list().iter().map(user));
        groups.extend(page.group_detail_list().iter().map(group));
        roles.extend(page.role_detail_list().iter().map(role));
        policies.extend(page.policies().iter().map(policy));
        // A page may be short or empty and still not be the last.
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    let names = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
    let members = names
        .iter()
        .zip(lists)
        .map(|(name, list)| ((*name).to_owned(), Value::Array(list)));
    Ok(Value::Object(members.collect::<Map<String, Value>>()))
}

fn text(held: Option<&str>) -> Option<Value> {
    held.map(Value::from)
}

fn date(held: Option<&DateTime>) -> Option<Value> {
    let micros = i64::try_from(held?.as_nanos() / 1_000).ok()?;
    Some(crate::snapshot::instant::format(micros).into())
}

fn tags(held: &[Tag]) -> Option<Value> {
    let one = |tag: &Tag| json::object([("Key", text(Some(tag.key()))), ("Value", text(Some(tag.value())))]);
    Some(held.iter().map(one).collect())
}

fn inline(held: &[PolicyDetail]) -> Option<Value> {
    let one = |policy: &PolicyDetail| {
        json::object([
            ("PolicyName", text(policy.policy_name())),
            ("PolicyDocument", text(policy.policy_document())),
        ])
    };
    Some(held.iter().map(one).collect())
}

fn attached(held: &[AttachedPolicy]) -> Option<Value> {
    let one = |policy: &AttachedPolicy| {
        json::object([
            ("PolicyName", text(policy.policy_name())),
            ("PolicyArn", text(policy.policy_arn())),
        ])
    };
    Some(held.iter().map(one).collect())
}

fn boundary(held: Option<&AttachedPermissionsBoundary>) -> Option<Value> {
    let held = held?;
    Some(json::object([
        (
            "PermissionsBoundaryType",
            held.permissions_boundary_type().map(|kind| kind.as_str().into()),
        ),
        ("PermissionsBoundaryArn", text(held.permissions_boundary_arn())),
    ]))
}

fn user(user: &aws_sdk_iam::types::UserDetail) -> Value {
    json::object([
        ("Path", text(user.path())),
        ("UserName", text(user.user_name())),
        ("UserId", text(user.user_id())),
        ("Arn", text(user.arn())),
        ("CreateDate", date(user.create_date())),
        ("UserPolicyList", inline(user.user_policy_list())),
        (
            "GroupList",
            Some(
                user.group_list()
                    .iter()
                    .map(|group| Value::from(group.as_str()))
                    .collect(),
            ),
        ),
        ("AttachedManagedPolicies", attached(user.attached_managed_policies())),
        ("PermissionsBoundary", boundary(user.permissions_boundary())),
        ("Tags", tags(user.tags())),
    ])
}

fn group(group: &aws_sdk_iam::types::GroupDetail) -> Value {
    json::object([
        ("Path", text(group.path())),
        ("GroupName", text(group.group_name())),
        ("GroupId", text(group.group_id())),
        ("Arn", text(group.arn())),
        ("CreateDate", date(group.create_date())),
        ("GroupPolicyList", inline(group.group_policy_list())),
        ("AttachedManagedPolicies", attached(group.attached_managed_policies())),
    ])
}

fn role(role: &aws_sdk_iam::types::RoleDetail) -> Value {
    let used = role.role_last_used().map(|used| {
        json::object([
            ("LastUsedDate", date(used.last_used_date())),
            ("Region", text(used.region())),
        ])
    });
    json::object([
        ("Path", text(role.path())),
        ("RoleName", text(role.role_name())),
        ("RoleId", text(role.role_id())),
        ("Arn", text(role.arn())),
        ("CreateDate", date(role.create_date())),
        ("AssumeRolePolicyDocument", text(role.assume_role_policy_document())),
        ("RolePolicyList", inline(role.role_policy_list())),
        ("AttachedManagedPolicies", attached(role.attached_managed_policies())),
        ("PermissionsBoundary", boundary(role.permissions_boundary())),
        ("Tags", tags(role.tags())),
        ("RoleLastUsed", used),
    ])
}

fn policy(policy: &aws_sdk_iam::types::ManagedPolicyDetail) -> Value {
    let version = |version: &aws_sdk_iam::types::PolicyVersion| {
        json::object([
            ("Document", text(version.document())),
            ("VersionId", text(version.version_id())),
            ("IsDefaultVersion", Some(version.is_default_version().into())),
            ("CreateDate", date(version.create_date())),
        ])
    };
    json::object([
        ("PolicyName", text(policy.policy_name())),
        ("PolicyId", text(policy.policy_id())),
        ("Arn", text(policy.arn())),
        ("Path", text(policy.path())),
        ("DefaultVersionId", text(policy.default_version_id())),
        ("AttachmentCount", policy.attachment_count().map(Value::from)),
        (
            "PermissionsBoundaryUsageCount",
            policy.permissions_boundary_usage_count().map(Value::from),
        ),
        ("IsAttachable", Some(policy.is_attachable().into())),
        ("Description", text(policy.description())),
        ("CreateDate", date(policy.create_date())),
        ("UpdateDate", date(policy.update_date())),
        (
            "PolicyVersionList",
            Some(policy.policy_version_list().iter().map(version).collect()),
        ),
    ])
}
