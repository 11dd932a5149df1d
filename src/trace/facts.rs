//! What the lake answered, row by row: the only input of a story. Times are CloudTrail's, to the second.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Instant;

/// An instant as a row or a story has it: RFC 3339 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub Instant);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<At, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = Instant::parse(&text);
        instant
            .map(At)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an instant")))
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Who called, as one record says it (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Caller {
    /// The access key that signed; none where the record has none.
    pub access_key: Option<String>,
    /// `AssumedRole`, `IAMUser`, `Root`, ...
    pub identity_type: Option<String>,
    /// The identity, with its session.
    #[serde(alias = "session_arn")]
    pub identity_arn: Option<String>,
    /// The canonical principal: the role behind a session, else the user or root, else `id@account`, else the service.
    #[serde(alias = "actor_arn")]
    pub principal_arn: Option<String>,
    /// The unique id, with the session's name after a colon.
    pub principal_id: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The user, or the federated subject.
    pub user_name: Option<String>,
    /// The AWS service that called on the caller's behalf, or for itself.
    pub via_service: Option<String>,
    /// Who issued the session.
    pub issuer_arn: Option<String>,
    /// The source identity that sessions hand on.
    pub source_identity: Option<String>,
    /// Set where an EC2 instance was handed the credentials.
    pub instance_delivery: Option<String>,
    /// `true` in a privileged root session.
    pub assumed_root: Option<String>,
    /// From where.
    pub source_ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// With multi-factor authentication, where the record says so.
    pub mfa: Option<bool>,
}

/// A row of `key-timeline`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Change {
    /// When.
    pub eventtime: At,
    /// The event.
    pub eventid: String,
    /// The operation.
    pub operation: String,
    /// The key; none for key stores.
    pub key_arn: Option<String>,
    /// `success`, `denied`, `failed` or `dry_run`.
    pub outcome: String,
    /// Why it did not work.
    pub error_code: Option<String>,
    /// In KMS's words.
    pub error_message: Option<String>,
    /// The request, as JSON.
    pub parameters: Option<String>,
    /// The answer, as JSON.
    pub answer: Option<String>,
    /// What else the record tells, as JSON.
    pub details: Option<String>,
    /// Who.
    #[serde(flatten)]
    pub caller: Caller,
}

impl Change {
    /// Whether KMS did it by itself, so that the record names no caller.
    pub fn is_by_itself(&self) -> bool {
        matches!(
            self.operation.as_str(),
            "DeleteKey" | "RotateKey" | "DeleteExpiredKeyMaterial" | "SynchronizeMultiRegionKey"
        )
    }

    /// Whether it took effect.
    pub fn succeeded(&self) -> bool {
        self.outcome == "success"
    }
}

/// A call that issued an access key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Issue {
    /// The access key it issued.
    pub issued_key: String,
    /// When.
    pub eventtime: At,
    /// `AssumeRole`, ...
    pub operation: String,
    /// The role that was assumed.
    pub role_arn: Option<String>,
    /// The event.
    pub eventid: String,
    /// The identity provider of a federated subject.
    pub identity_provider: Option<String>,
    /// The subject of a web identity token.
    pub subject: Option<String>,
    /// Who called it.
    #[serde(flatten)]
    pub caller: Caller,
}

/// The calls that issued access keys, by the key they issued.
pub type Issues = BTreeMap<String, Issue>;

/// A row of `blast-radius`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Dependent {
    /// Who.
    pub principal_arn: Option<String>,
    /// Their first failure because of the key's state.
    pub first_failure_at: Option<At>,
    /// How long after the blow that was.
    pub seconds_to_failure: Option<i64>,
    /// How many calls failed so.
    pub failures: u64,
    /// The last of them.
    pub last_failure_at: Option<At>,
    /// What they were told.
    pub error_codes: Option<String>,
    /// Successful uses in the time before.
    pub uses_before: u64,
    /// The last of them.
    pub last_used_before: Option<At>,
    /// What they asked of the key.
    pub operations: Option<String>,
    /// Their first success after the blow.
    pub used_again_at: Option<At>,
    /// The blow.
    pub broken_at: Option<At>,
}

/// What else the same hands did.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "each field is the record's element of that name")]
pub struct Deed {
    pub eventtime: At,
    pub eventsource: String,
    pub operation: String,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub identity_arn: Option<String>,
    pub principal_arn: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub error_code: Option<String>,
    pub read_only: Option<bool>,
    pub eventid: String,
    pub parameters: Option<String>,
}

/// A row of `kms-log-tampering`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[expect(missing_docs, reason = "each field is the query's column of that name")]
pub struct Tampering {
    pub eventtime: At,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub operation: String,
    pub effect: String,
    pub outcome: String,
    pub error_code: Option<String>,
    pub principal_arn: Option<String>,
    pub session_arn: Option<String>,
    pub access_key: Option<String>,
    pub source_ip: Option<String>,
    pub excludes_kms: Option<bool>,
    pub eventid: String,
}

/// A failure of another service that names the key, or its revocation.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[expect(missing_docs, reason = "each field is the record's element of that name")]
pub struct Elsewhere {
    pub eventtime: At,
    pub eventsource: String,
    pub operation: String,
    pub account_id: Option<String>,
    pub principal_arn: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub source_ip: Option<String>,
    pub eventid: String,
}

/// What an encryption context names.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Context {
    /// The context's members, as JSON without its braces.
    pub context: String,
    /// Uses with it.
    pub uses: u64,
    /// The last of them.
    pub last_used_at: Option<At>,
}

/// A sign-in to the console.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Login {
    /// When.
    pub eventtime: At,
    /// Who: the user, root, or the session of a federated person.
    pub identity_arn: String,
    /// From where.
    pub source_ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// With multi-factor authentication, as AWS saw it; a federated person's provider may have asked for it all the same.
    pub mfa: Option<bool>,
    /// The event.
    pub eventid: String,
}

/// A console session lasts no longer (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html>).
pub const LOGIN_MAX: i64 = 12 * 3_600_000_000;

/// When the log first saw parts of a call: exactly where that was not before the caller's session began, else some
/// instant before.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Firsts {
    /// When the caller's session began.
    pub began: Option<At>,
    /// The principal.
    pub principal_first_at: Option<At>,
    /// The address, in anyone's hands.
    pub ip_first_at: Option<At>,
    /// The user agent, in anyone's hands.
    pub agent_first_at: Option<At>,
    /// The operation, by the principal.
    pub operation_first_at: Option<At>,
    /// Any administrative call to KMS, by the principal.
    pub admin_first_at: Option<At>,
    /// The person at the origin.
    pub person_first_at: Option<At>,
    /// The person at the origin, from this address.
    pub person_ip_first_at: Option<At>,
}

/// What the newest snapshot says about the key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the snapshot's column of that name")]
pub struct Snapshot {
    pub collected_at: Option<At>,
    pub key_state: Option<String>,
    pub deletion_date: Option<At>,
    pub creation_date: Option<At>,
    pub description: Option<String>,
    pub key_manager: Option<String>,
    pub origin: Option<String>,
    pub multi_region: Option<bool>,
    pub multi_region_key_type: Option<String>,
    pub custom_key_store_id: Option<String>,
    pub aliases: Option<String>,
    #[serde(skip_serializing)]
    pub policy: Option<String>,
}

impl Firsts {
    /// With what is known of the time before.
    pub fn after(self, before: &Firsts) -> Firsts {
        Firsts {
            began: self.began,
            principal_first_at: before.principal_first_at.or(self.principal_first_at),
            ip_first_at: before.ip_first_at.or(self.ip_first_at),
            agent_first_at: before.agent_first_at.or(self.agent_first_at),
            operation_first_at: before.operation_first_at.or(self.operation_first_at),
            admin_first_at: before.admin_first_at.or(self.admin_first_at),
            person_first_at: before.person_first_at.or(self.person_first_at),
            person_ip_first_at: before.person_ip_first_at.or(self.person_ip_first_at),
        }
    }

    /// As it was known at an instant.
    pub fn until(&self, at: At) -> Firsts {
        let known = |first: Option<At>| first.filter(|first| *first <= at);
        Firsts {
            began: self.began,
            principal_first_at: known(self.principal_first_at),
            ip_first_at: known(self.ip_first_at),
            agent_first_at: known(self.agent_first_at),
            operation_first_at: known(self.operation_first_at),
            admin_first_at: known(self.admin_first_at),
            person_first_at: known(self.person_first_at),
            person_ip_first_at: known(self.person_ip_first_at),
        }
    }
}

/// How far the log of an account reaches.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct LogReach {
    /// The account.
    pub account_id: String,
    /// The first record.
    pub first_event_at: Option<At>,
    /// The last record.
    pub last_event_at: Option<At>,
}

/// When the key was used with success, and under which names.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Uses {
    /// First.
    pub first_use_at: Option<At>,
    /// Last.
    pub last_use_at: Option<At>,
    /// By which aliases callers named it.
    pub aliases: Option<String>,
}

/// Everything a story rests on.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The key's ARN.
    pub key_arn: String,
    /// The instant the story is told at: how long is left to cancel counts from here.
    pub as_of: Option<Instant>,
    /// The first instant shown; earlier changes still count for the state.
    pub since: Option<Instant>,
    /// Changes of the key, whenever.
    pub changes: Vec<Change>,
    /// Calls that issued access keys.
    pub issues: Issues,
    /// Callers who depended on the key.
    pub dependents: Vec<Dependent>,
    /// What broke elsewhere.
    pub elsewhere: Vec<Elsewhere>,
    /// What the encryption contexts name.
    pub contexts: Vec<Context>,
    /// What the same hands did.
    pub deeds: Vec<Deed>,
    /// Tampering with the log around the time.
    pub tampering: Vec<Tampering>,
    /// Sign-ins to the console by those at the ends of the chains.
    pub logins: Vec<Login>,
    /// First appearances, by event.
    pub firsts: BTreeMap<String, Firsts>,
    /// The newest snapshot of the key.
    pub snapshot: Option<Snapshot>,
    /// The log's reach.
    pub log: Vec<LogReach>,
    /// Uses of the key.
    pub uses: Uses,
}
