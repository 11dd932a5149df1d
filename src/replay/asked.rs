//! What a recorded call asked for: by whom, which permission on what; and why it cannot be asked again, where it cannot.
//!
//! Source: AWS KMS Developer Guide, "AWS KMS permissions" (which permissions an operation needs, and on what).

use serde_json::Value;

use super::call::{Call, Observed};
use super::evidence::Half;
use super::refusal::Refusal;
use crate::model::arn::partition_of;
use crate::policy::kms::{self, Scope};

/// One permission that the call needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The action, as `kms:Name`.
    pub action: String,
    /// The key, the alias, or `*`.
    pub resource: String,
    /// Which half of ReEncrypt it belongs to.
    pub half: Half,
}

/// The permissions a call needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Those known from the record.
    pub checks: Vec<Check>,
    /// Whether a call that was let through had all of them; else it had one of them, and the record does not tell which.
    pub all: bool,
    /// Whether a refusal must be for want of one of them; else of another that the record does not show.
    pub complete: bool,
}

/// The permissions a call needed, or why that cannot be said.
pub fn asked(call: &Call, observed: Observed, refusal: &Refusal) -> Result<Asked, &'static str> {
    if call.event_type == Some("AwsServiceEvent") || matches!(call.identity_type, None | Some("")) {
        return Err("KMS did it by itself");
    }
    if refusal.is_vague {
        return Err("AWS leaves open whether the key exists");
    }
    let denied = observed == Observed::Denied;
    if let (true, Some(action)) = (denied, refusal.action) {
        return told(call, action, refusal);
    }
    let one = |action: String, resource: &str| Asked {
        checks: vec![Check {
            action,
            resource: resource.to_owned(),
            half: Half::Whole,
        }],
        all: true,
        complete: true,
    };
    if call.operation == "ReEncrypt" {
        return reencrypt(call);
    }
    let spec = kms::find(call.operation).and_then(|index| kms::ACTIONS.get(index));
    let action = format!("kms:{}", call.operation);
    if spec.is_some_and(|spec| spec.scope == Scope::Account) {
        let mut asked = one(action, "*");
        // Tags at creation need kms:TagResource as well; a key in a key store needs the store.
        asked.complete = call.operation != "CreateKey";
        return Ok(asked);
    }
    let Some(key_arn) = call.key_arn else {
        return Err("the record names no key");
    };
    let mut asked = one(action.clone(), key_arn);
    if spec.is_some_and(|spec| spec.scope == Scope::AliasAndKey) {
        // The old key of UpdateAlias is not in the record.
        asked.complete = call.operation != "UpdateAlias";
        match alias(call) {
            Some(resource) => asked.checks.push(Check {
                action,
                resource,
                half: Half::Whole,
            }),
            None => asked.complete = false,
        }
    }
    // ReplicateKey needs kms:CreateKey in the other Region too; an operation newer than the table may need anything.
    asked.complete &= call.operation != "ReplicateKey" && spec.is_some();
    Ok(asked)
}

/// A refusal that names its action and resource.
fn told(call: &Call, action: &str, refusal: &Refusal) -> Result<Asked, &'static str> {
    let resource = match (refusal.resource, call.key_arn) {
        (Some(named), Some(key)) if named.contains(":key/") && named != key => {
            return Err("the refusal is about another key of the call");
        }
        (Some(named), _) if named == "*" || named.contains(":key/") || named.contains(":alias/") => named,
        (None, Some(key)) => key,
        (Some(_), Some(key)) => key,
        _ => return Err("the record names no key"),
    };
    let half = match action.rsplit(':').next() {
        Some("ReEncryptFrom") => Half::Source,
        Some("ReEncryptTo") => Half::Destination,
        _ => Half::Whole,
    };
    let check = Check {
        action: action.to_owned(),
        resource: resource.to_owned(),
        half,
    };
    Ok(Asked {
        checks: vec![check],
        all: true,
        complete: true,
    })
}

/// The two halves of ReEncrypt; the row's key is one or both of them.
fn reencrypt(call: &Call) -> Result<Asked, &'static str> {
    let Some(key_arn) = call.key_arn else {
        return Err("the record names no key");
    };
    let parameters: Option<Value> = call.parameters.and_then(|text| serde_json::from_str(text).ok());
    let named = |name: &str| -> Option<bool> {
        let reference = parameters.as_ref()?.get(name)?.as_str()?;
        let is_alias = reference.starts_with("alias/") || reference.contains(":alias/");
        match call.key_ref {
            Some(typed) if typed == reference => Some(true),
            _ if is_alias => None,
            _ => Some(key_arn == reference || key_arn.rsplit('/').next() == Some(reference)),
        }
    };
    let check = |half| Check {
        action: match half {
            Half::Source => "kms:ReEncryptFrom",
            _ => "kms:ReEncryptTo",
        }
        .to_owned(),
        resource: key_arn.to_owned(),
        half,
    };
    let (source, destination) = (named("sourceKeyId"), named("destinationKeyId"));
    let (checks, all) = match (source, destination) {
        (Some(true), Some(true)) => (vec![check(Half::Source), check(Half::Destination)], true),
        (Some(true), _) => (vec![check(Half::Source)], true),
        (_, Some(true)) => (vec![check(Half::Destination)], true),
        (_, Some(false)) => (vec![check(Half::Source)], true),
        _ => (vec![check(Half::Source), check(Half::Destination)], false),
    };
    // The other key of the call has a row of its own, and may be the one that was refused.
    let complete = matches!((source, destination), (Some(true), Some(true)));
    Ok(Asked { checks, all, complete })
}

/// The ARN of the alias that the call is about.
fn alias(call: &Call) -> Option<String> {
    let parameters: Value = serde_json::from_str(call.parameters?).ok()?;
    let name = parameters.get("aliasName")?.as_str()?;
    if name.starts_with("arn:") {
        return Some(name.to_owned());
    }
    let account = call.identity_account.filter(|account| !account.is_empty())?;
    (!call.region.is_empty()).then(|| format!("arn:{}:kms:{}:{account}:{name}", partition_of(call.region), call.region))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/a";

    fn call(operation: &'static str, parameters: &'static str) -> Call<'static> {
        Call {
            operation,
            region: "us-east-1",
            identity_type: Some("IAMUser"),
            identity_account: Some("111122223333"),
            parameters: Some(parameters),
            key_arn: Some(KEY),
            ..Call::default()
        }
    }

    fn actions(call: &Call) -> (Vec<(String, String)>, bool, bool) {
        let asked = asked(call, Observed::Allowed, &Refusal::default()).unwrap();
        let pairs = asked.checks.into_iter().map(|check| (check.action, check.resource));
        (pairs.collect(), asked.all, asked.complete)
    }

    #[test]
    fn reencrypt_asks_for_the_half_that_the_key_is() {
        let pair = |action: &str| (action.to_owned(), KEY.to_owned());
        let source = call("ReEncrypt", r#"{"sourceKeyId":"a","destinationKeyId":"b"}"#);
        assert_eq!(actions(&source), (vec![pair("kms:ReEncryptFrom")], true, false));
        let destination = call("ReEncrypt", r#"{"sourceKeyId":"b","destinationKeyId":"a"}"#);
        assert_eq!(actions(&destination), (vec![pair("kms:ReEncryptTo")], true, false));
        let both = call("ReEncrypt", r#"{"sourceKeyId":"a","destinationKeyId":"a"}"#);
        assert_eq!(actions(&both).0, [pair("kms:ReEncryptFrom"), pair("kms:ReEncryptTo")]);
        let unclear = call("ReEncrypt", r#"{"destinationKeyId":"alias/b"}"#);
        assert!(!actions(&unclear).1, "one of the two, nobody knows which");
    }

    #[test]
    fn aliases_are_asked_for_beside_their_keys() {
        let created = call("CreateAlias", r#"{"aliasName":"alias/x","targetKeyId":"a"}"#);
        let (checks, all, complete) = actions(&created);
        assert_eq!(checks[1].1, "arn:aws:kms:us-east-1:111122223333:alias/x");
        assert!(all && complete);
        let moved = call("UpdateAlias", r#"{"aliasName":"alias/x","targetKeyId":"a"}"#);
        assert!(!actions(&moved).2, "the old key is not in the record");
    }

    #[test]
    fn what_is_not_about_permission_is_not_asked() {
        let service = Call {
            event_type: Some("AwsServiceEvent"),
            ..call("RotateKey", "{}")
        };
        assert!(asked(&service, Observed::Allowed, &Refusal::default()).is_err());
        let nameless = Call {
            key_arn: None,
            ..call("Decrypt", "{}")
        };
        assert!(asked(&nameless, Observed::Allowed, &Refusal::default()).is_err());
        let told = Refusal::read(
            "User: u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/z",
        );
        assert!(
            asked(&call("Decrypt", "{}"), Observed::Denied, &told).is_err(),
            "about another key"
        );
        let found = asked(&nameless, Observed::Denied, &told).unwrap();
        assert_eq!(found.checks[0].resource, "arn:aws:kms:us-east-1:111122223333:key/z");
    }
}
