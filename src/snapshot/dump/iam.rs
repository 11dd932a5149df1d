//! `aws iam get-account-authorization-details`, in one answer or in pages.

use serde_json::Value;

use super::{Assembly, subject};
use crate::snapshot::bundle::{Iam, iam};
use crate::snapshot::json;
use crate::snapshot::scope::{Failure, IAM};

pub(super) fn take(assembly: &mut Assembly, value: &Value, path: &str) {
    let Some(account) = account(value)
        .or_else(|| subject::account(path))
        .or_else(|| assembly.caller.clone())
    else {
        return assembly.fault(
            IAM,
            path,
            "NoAccount",
            "no ARN in it and no account id in its path name the account",
        );
    };
    let read = iam(&account, value, &Default::default(), &mut assembly.bundle.failures);
    merge(assembly.bundle.iam.entry(account.clone()).or_default(), read);
    let cut_off = json::flag(value, "IsTruncated").unwrap_or(false) && json::str(value, "Marker").is_none();
    if cut_off || json::str(value, "NextToken").is_some() {
        let failure = Failure::of_input(IAM, path, "Truncated", "the answer has further pages");
        assembly.bundle.failures.push(Failure {
            skipped: true,
            ..failure.within(&account, "")
        });
    }
}

/// Adds what is not there yet, by ARN.
pub(super) fn merge(held: &mut Iam, more: Iam) {
    for principal in more.principals {
        let arn = json::str(&principal.raw, "Arn");
        if !held
            .principals
            .iter()
            .any(|known| known.kind == principal.kind && json::str(&known.raw, "Arn") == arn)
        {
            held.principals.push(principal);
        }
    }
    for policy in more.policies {
        let arn = json::str(&policy.raw, "Arn");
        if !held.policies.iter().any(|known| json::str(&known.raw, "Arn") == arn) {
            held.policies.push(policy);
        }
    }
}

/// The account in the ARNs of an answer. AWS managed policies have none.
fn account(value: &Value) -> Option<String> {
    ["UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"]
        .iter()
        .find_map(|list| {
            json::list(value, list)
                .iter()
                .find_map(|element| json::account_of(json::str(element, "Arn")?))
        })
}
