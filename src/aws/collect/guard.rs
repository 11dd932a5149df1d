//! The closed list of operations the collector may name: all of them read. Everything else is refused before it is sent.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Value, json};

/// Operations by the prefix of their IAM actions, in the order of the policy.
pub const OPERATIONS: [(&str, &[&str]); 6] = [
    (
        "kms",
        &[
            "DescribeCustomKeyStores",
            "DescribeKey",
            "GetKeyLastUsage",
            "GetKeyPolicy",
            "GetKeyRotationStatus",
            "ListAliases",
            "ListGrants",
            "ListKeyPolicies",
            "ListKeyRotations",
            "ListKeys",
            "ListResourceTags",
        ],
    ),
    ("iam", &["GetAccountAuthorizationDetails"]),
    (
        "organizations",
        &[
            "DescribeOrganization",
            "DescribePolicy",
            "ListAccounts",
            "ListAccountsForParent",
            "ListOrganizationalUnitsForParent",
            "ListPolicies",
            "ListRoots",
            "ListTargetsForPolicy",
        ],
    ),
    ("cloudtrail", &["DescribeTrails", "GetEventSelectors", "GetTrailStatus"]),
    ("account", &["ListRegions"]),
    ("sts", &["GetCallerIdentity"]),
];

/// The least IAM policy the collector needs: one for the accounts, with the organization's part for its caller.
///
/// `sts:AssumeRole` on the role is needed beside it where a role is assumed; `sts:GetCallerIdentity` needs no permission.
pub fn policy() -> Value {
    let statement = |(prefix, operations): &(&str, &[&str])| {
        let actions: Vec<String> = operations
            .iter()
            .map(|operation| format!("{prefix}:{operation}"))
            .collect();
        let mut sid: String = prefix.to_ascii_uppercase();
        sid.insert_str(0, "Read");
        json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"})
    };
    let statements: Vec<Value> = OPERATIONS
        .iter()
        .filter(|(prefix, _)| *prefix != "sts")
        .map(statement)
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Refuses operations that are not on the list, whoever wrote the call.
#[derive(Debug, Clone)]
pub(super) struct ReadOnly;

impl Intercept for ReadOnly {
    fn name(&self) -> &'static str {
        "ReadOnly"
    }

    // The first hook at which the operation's own configuration, and with it its name, is there.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        let allowed = OPERATIONS.iter().any(|(_, operations)| operations.contains(&operation));
        if allowed {
            Ok(())
        } else {
            Err(format!("`{operation}` is not on the list of reading operations").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_reads() {
        for (_, operations) in OPERATIONS {
            for operation in operations {
                let reads = ["Describe", "Get", "List"]
                    .iter()
                    .any(|verb| operation.starts_with(verb));
                assert!(reads, "{operation}");
            }
        }
    }
}
