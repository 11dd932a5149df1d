//! Which condition keys a record fixes. Says nothing of a key where the record leaves a doubt: then both answers are possible.
//!
//! Sources: IAM User Guide, "AWS global condition context keys"; AWS KMS Developer Guide, "AWS KMS condition keys"; CloudTrail User
//! Guide, "CloudTrail userIdentity element".

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::call::{Call, Way};
use crate::model::Instant;
use crate::policy::recorded::Recorded;

/// Which of the two keys of ReEncrypt a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The operation has one key.
    Whole,
    /// The key that decrypts.
    Source,
    /// The key that encrypts.
    Destination,
}

/// Services whose `invokedBy` is their name in `kms:ViaService` (AWS KMS Developer Guide, "kms:ViaService", table of services).
const VIA_SERVICES: [&str; 30] = [
    "backup",
    "codeartifact",
    "codebuild",
    "codecommit",
    "dms",
    "dynamodb",
    "ec2",
    "ecr",
    "elasticache",
    "elasticfilesystem",
    "es",
    "eks",
    "fsx",
    "glue",
    "kafka",
    "kinesis",
    "lambda",
    "logs",
    "rds",
    "redshift",
    "s3",
    "sagemaker",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "ssm",
    "storagegateway",
    "timestream",
    "workspaces",
];

/// The condition keys of the request, as far as the record fixes them.
pub fn evidence(call: &Call, half: Half) -> Recorded {
    let mut found = Recorded::default();
    let at = Instant(call.at);
    found.one("aws:CurrentTime", at.to_string());
    found.one("aws:EpochTime", call.at.div_euclid(1_000_000).to_string());
    if !call.region.is_empty() {
        found.one("aws:RequestedRegion", call.region);
    }
    // The last use that a snapshot knows may lie after the call.
    found.open.insert("kms:trailingdayswithoutkeyusage");
    identity(call, &mut found);
    way(call, &mut found);
    request(call, half, &mut found);
    found
}

fn identity(call: &Call, found: &mut Recorded) {
    let is_session = call.identity_arn.is_some_and(|arn| arn.contains(":sts::"));
    let is_service = call.identity_type == Some("AWSService");
    if is_service {
        return;
    }
    if let Some(id) = call.principal_id {
        found.one("aws:userid", id);
    }
    // Tags of the session come on top of those of the role, and only the call that made the session names them.
    if call.identity_type != Some("IAMUser") || is_session {
        found.open.insert("aws:principaltag/");
    }
    match (call.is_temporary(), call.session_created) {
        (Some(true), Some(created)) => found.one("aws:TokenIssueTime", created),
        (Some(false), _) => found.without(&["aws:tokenissuetime"]),
        _ => {}
    }
    match (call.source_identity, call.session_created) {
        (Some(name), _) => found.one("aws:SourceIdentity", name),
        (None, Some(_)) => found.without(&["aws:sourceidentity"]),
        _ => {}
    }
    if let Some(provider) = call.federated_provider {
        found.one("aws:FederatedProvider", provider);
    }
    if call.way() != Way::Direct {
        return;
    }
    match (call.session_mfa, call.is_temporary()) {
        (Some("true"), _) => found.one("aws:MultiFactorAuthPresent", "true"),
        (Some(_), _) => {
            found.not_true.insert("aws:multifactorauthpresent".to_owned());
            found.without(&["aws:multifactorauthage"]);
        }
        (None, Some(false)) => found.without(&["aws:multifactorauthpresent", "aws:multifactorauthage"]),
        (None, _) => {}
    }
}

/// What is known of the network, and of services in between.
fn way(call: &Call, found: &mut Recorded) {
    match call.way() {
        Way::Direct => {
            found.one("aws:ViaAWSService", "false");
            found.without(&[
                "kms:viaservice",
                "aws:calledvia",
                "aws:calledviafirst",
                "aws:calledvialast",
                "aws:sourcearn",
                "aws:sourceaccount",
                "aws:sourceorgid",
                "aws:sourceorgpaths",
            ]);
            found.not_true.insert("kms:grantisforawsresource".to_owned());
            let address = call.source_ip.unwrap_or_default();
            match call.vpc_endpoint {
                Some(endpoint) => {
                    found.one("aws:SourceVpce", endpoint);
                    found.one("aws:VpcSourceIp", address);
                    found.without(&["aws:sourceip"]);
                }
                // An address of a private network came through some endpoint, which older records do not name.
                None if is_private(address) => {}
                None => {
                    found.one("aws:SourceIp", address);
                    found.without(&[
                        "aws:sourcevpce",
                        "aws:sourcevpc",
                        "aws:sourcevpcarn",
                        "aws:vpcsourceip",
                        "aws:vpceaccount",
                        "aws:vpceorgid",
                        "aws:vpceorgpaths",
                    ]);
                }
            }
        }
        Way::Service(service) if call.identity_type != Some("AWSService") => {
            found.one("aws:ViaAWSService", "true");
            let label = service.split('.').next().unwrap_or_default();
            if VIA_SERVICES.contains(&label) && service == format!("{label}.amazonaws.com") && !call.region.is_empty() {
                let suffix = if call.region.starts_with("cn-") { ".cn" } else { "" };
                found.one(
                    "kms:ViaService",
                    format!("{label}.{}.amazonaws.com{suffix}", call.region),
                );
            }
        }
        Way::Service(_) | Way::Unclear => {}
    }
}

fn is_private(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
        Err(_) => false,
    }
}

/// What the request's own parameters fix. A record whose parameters were left out fixes none.
fn request(call: &Call, half: Half, found: &mut Recorded) {
    let parsed: Option<Value> = call.parameters.and_then(|text| serde_json::from_str(text).ok());
    let Some(parameters) = parsed.as_ref().and_then(Value::as_object) else {
        return;
    };
    encryption_context(parameters, half, found);
    alias(parameters, half, found);
    for (name, key) in [
        ("dataKeyPairSpec", "kms:DataKeyPairSpec"),
        ("keyPairSpec", "kms:DataKeyPairSpec"),
        ("expirationModel", "kms:ExpirationModel"),
        ("granteePrincipal", "kms:GranteePrincipal"),
        ("granteeServicePrincipal", "kms:GranteeServicePrincipal"),
        ("retiringPrincipal", "kms:RetiringPrincipal"),
        ("retiringServicePrincipal", "kms:RetiringServicePrincipal"),
        ("keyAgreementAlgorithm", "kms:KeyAgreementAlgorithm"),
        ("macAlgorithm", "kms:MacAlgorithm"),
        ("messageType", "kms:MessageType"),
        ("pendingWindowInDays", "kms:ScheduleKeyDeletionPendingWindowInDays"),
        ("primaryRegion", "kms:PrimaryRegion"),
        ("replicaRegion", "kms:ReplicaRegion"),
        ("rotationPeriodInDays", "kms:RotationPeriodInDays"),
        ("signingAlgorithm", "kms:SigningAlgorithm"),
        ("wrappingAlgorithm", "kms:WrappingAlgorithm"),
        ("wrappingKeySpec", "kms:WrappingKeySpec"),
    ] {
        if let Some(value) = parameters.get(name).and_then(scalar) {
            found.one(key, value);
        }
    }
    let algorithm = match half {
        Half::Whole => "encryptionAlgorithm",
        Half::Source => "sourceEncryptionAlgorithm",
        Half::Destination => "destinationEncryptionAlgorithm",
    };
    if let Some(value) = parameters.get(algorithm).and_then(scalar) {
        found.one("kms:EncryptionAlgorithm", value);
    }
    match parameters.get("bypassPolicyLockoutSafetyCheck") {
        Some(Value::Bool(true)) => found.one("kms:BypassPolicyLockoutSafetyCheck", "true"),
        _ => {
            let key = "kms:bypasspolicylockoutsafetycheck";
            found.not_true.insert(key.to_owned());
        }
    }
    if let Some(operations) = texts(parameters.get("operations")) {
        found.many("kms:GrantOperations", operations);
    }
    tags(parameters, found);
    if call.operation == "CreateGrant" {
        grant_constraints(parameters, found);
    }
}

fn grant_constraints(parameters: &Map<String, Value>, found: &mut Recorded) {
    for name in [
        "granteeserviceprincipal",
        "retiringprincipal",
        "retiringserviceprincipal",
    ] {
        let is_given = parameters.keys().any(|known| known.eq_ignore_ascii_case(name));
        if !is_given {
            found.without(&[format!("kms:{name}").as_str()]);
        }
    }
    match parameters.get("constraints") {
        None => found.without(&["kms:grantconstrainttype", "kms:grantconstraintsourcearn"]),
        Some(Value::Object(constraints)) if constraints.len() == 1 => match constraints.iter().next() {
            Some((name, _)) if name == "encryptionContextSubset" => {
                found.one("kms:GrantConstraintType", "EncryptionContextSubset");
            }
            Some((name, _)) if name == "encryptionContextEquals" => {
                found.one("kms:GrantConstraintType", "EncryptionContextEquals");
            }
            _ => {}
        },
        Some(_) => {}
    }
}

/// The whole encryption context is in the record, unless a service had it hidden.
fn encryption_context(parameters: &Map<String, Value>, half: Half, found: &mut Recorded) {
    let name = match half {
        Half::Whole => "encryptionContext",
        Half::Source => "sourceEncryptionContext",
        Half::Destination => "destinationEncryptionContext",
    };
    let pairs = match parameters.get(name) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(pairs)) => pairs.clone(),
        Some(_) => return,
    };
    let hidden = |text: &str| text.contains("HIDDEN_DUE_TO_SECURITY_REASONS") || text == "***";
    if pairs.values().any(|value| value.as_str().is_none_or(hidden)) {
        return;
    }
    found.closed.insert("kms:encryptioncontext:");
    if pairs.is_empty() {
        found.without(&["kms:encryptioncontextkeys"]);
        return;
    }
    found.many("kms:EncryptionContextKeys", pairs.keys().cloned().collect());
    for (key, value) in &pairs {
        found.one(
            &format!("kms:EncryptionContext:{key}"),
            value.as_str().unwrap_or_default(),
        );
    }
}

/// `kms:RequestAlias` is there exactly when the caller named the key by an alias.
fn alias(parameters: &Map<String, Value>, half: Half, found: &mut Recorded) {
    let name = match half {
        Half::Whole => "keyId",
        Half::Source => "sourceKeyId",
        Half::Destination => "destinationKeyId",
    };
    match parameters.get(name) {
        None | Some(Value::Null) => found.without(&["kms:requestalias"]),
        Some(Value::String(named)) => {
            let alias = named.rsplit_once(":alias/").map(|(_, alias)| format!("alias/{alias}"));
            match alias.or_else(|| named.starts_with("alias/").then(|| named.clone())) {
                Some(alias) => found.one("kms:RequestAlias", alias),
                None => found.without(&["kms:requestalias"]),
            }
        }
        Some(_) => {}
    }
}

fn tags(parameters: &Map<String, Value>, found: &mut Recorded) {
    let keys = match (parameters.get("tags"), parameters.get("tagKeys")) {
        (Some(Value::Array(tags)), _) => {
            let pair = |tag: &Value| {
                let text = |name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
                Some((text("tagKey")?, text("tagValue").unwrap_or_default()))
            };
            let Some(pairs) = tags.iter().map(pair).collect::<Option<Vec<_>>>() else {
                return;
            };
            for (key, value) in &pairs {
                found.one(&format!("aws:RequestTag/{key}"), value.as_str());
            }
            pairs.into_iter().map(|(key, _)| key).collect()
        }
        (None, keys @ Some(_)) => match texts(keys) {
            Some(keys) => keys,
            None => return,
        },
        (None, None) => Vec::new(),
        (Some(_), _) => return,
    };
    found.closed.insert("aws:requesttag/");
    if keys.is_empty() {
        found.without(&["aws:tagkeys"]);
    } else {
        found.many("aws:TagKeys", keys);
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let texts = value?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
    texts.collect()
}
