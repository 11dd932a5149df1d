//! What to do now: AWS CLI commands, printed and never run.
//!
//! Sources: AWS CLI Command Reference, `kms`; AWS KMS Developer Guide, "Scheduling and canceling key deletion".

use serde::Serialize;

/// A step, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Why.
    pub why: String,
    /// The command; none where there is nothing to type.
    pub command: Option<String>,
}

/// What of the story advice rests on.
#[derive(Debug, Clone, Default)]
pub struct Situation<'a> {
    /// The key's ARN.
    pub key_arn: &'a str,
    /// The key's Region.
    pub region: &'a str,
    /// The key's state.
    pub state: Option<&'a str>,
    /// The policy before the last change of it within an incident, and its change.
    pub policy_before: Option<&'a str>,
    /// Whether the policy was changed by whoever hit the key, or while its deletion was pending.
    pub is_policy_suspect: bool,
    /// The material was deleted, or expired.
    pub is_material_gone: bool,
    /// A key store was disconnected.
    pub key_store_id: Option<&'a str>,
    /// The role sessions to end: account, role name.
    pub roles: Vec<(String, String)>,
    /// Grants given within the incident.
    pub grants: Vec<String>,
}

/// The steps, the most urgent first.
pub fn steps(of: &Situation<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let key = format!("--key-id {} --region {}", word(of.key_arn), word(of.region));
    let mut step = |why: &str, command: Option<String>| {
        steps.push(Step {
            why: why.to_owned(),
            command,
        });
    };
    let look = format!("aws kms describe-key {key}");
    match of.state {
        Some("PendingDeletion" | "PendingReplicaDeletion") => {
            step("the exact date of deletion is only here", Some(look));
            step(
                "cancel the deletion; the key is then disabled",
                Some(format!("aws kms cancel-key-deletion {key}")),
            );
            step("then make it usable again", Some(format!("aws kms enable-key {key}")));
        }
        Some("Disabled") => {
            step("see that it is as the log says", Some(look));
            step("make the key usable again", Some(format!("aws kms enable-key {key}")));
        }
        Some("Deleted") => step(
            "the key is deleted, and with it everything that only it can decrypt; AWS cannot bring it back. A replica in another Region, or the imported material, is the last hope",
            Some(format!("aws kms describe-key {key}")),
        ),
        _ => step("see that the key is as the log says", Some(look)),
    }
    if of.is_material_gone {
        step(
            "import the same material again (it takes effect at once); this gives the wrapping key and the token",
            Some(format!(
                "aws kms get-parameters-for-import {key} --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096"
            )),
        );
    }
    if let Some(store) = of.key_store_id {
        step(
            "connect the key store again",
            Some(format!(
                "aws kms connect-custom-key-store --custom-key-store-id {} --region {}",
                word(store),
                word(of.region)
            )),
        );
    }
    if of.is_policy_suspect {
        match of.policy_before {
            Some(policy) => step(
                "put the policy back as it was before",
                Some(format!(
                    "aws kms put-key-policy {key} --policy-name default --policy {}",
                    quoted(policy)
                )),
            ),
            None => step(
                "compare the policy with the one you expect: what it was before is not in the log",
                Some(format!(
                    "aws kms get-key-policy {key} --policy-name default --output text"
                )),
            ),
        }
    }
    for grant in &of.grants {
        step(
            "take back the grant given in this incident, unless you know it",
            Some(format!("aws kms revoke-grant {key} --grant-id {}", word(grant))),
        );
    }
    for (account, role) in &of.roles {
        step(
            &format!(
                "stop what the role {role} of account {account} still can: attach the deny below, with the time now in it, which ends its open sessions"
            ),
            Some(format!(
                "aws iam put-role-policy --role-name {} --policy-name end-open-sessions --policy-document '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{{\"DateLessThan\":{{\"aws:TokenIssueTime\":\"NOW\"}}}}}}]}}'",
                word(role)
            )),
        );
    }
    steps
}

/// A word as a POSIX shell needs it typed. What comes from a log must never become a command.
pub fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    format!("'{}'", one_line.replace('\'', "'\\''"))
}
