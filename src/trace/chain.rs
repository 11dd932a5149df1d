//! From a call back to the first identity: which call issued its access key, which call issued that one's, and so on.
//!
//! The same rules as `key-destruction`, in words of Rust, with every hop kept
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>).

use std::collections::BTreeSet;

use serde::Serialize;

use super::facts::{At, Caller, Issue, Issues, LOGIN_MAX, Login};
use super::wording::last_part;

/// Hops after which a chain is cut.
pub const DEPTH_MAX: usize = 32;

/// One identity of a chain, the one nearest to the call first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is the record's element of that name")]
pub struct Hop {
    /// When the identity called for the next session; none for the call the chain begins at.
    pub at: Option<At>,
    /// By which call it opened the next session; none for the call the chain begins at.
    pub operation: Option<String>,
    pub eventid: Option<String>,
    pub identity_type: Option<String>,
    pub identity_arn: Option<String>,
    pub principal_arn: Option<String>,
    pub account_id: Option<String>,
    pub name: Option<String>,
    pub access_key: Option<String>,
    pub source_identity: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub mfa: Option<bool>,
}

/// The first identity of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// A user, root, or the first role where a federated subject or a service entered.
    pub arn: Option<String>,
    /// The user's name, or the federated subject, or the workload's session.
    pub name: Option<String>,
    /// `user`, `root`, `identity_center`, `saml`, `web_identity`, `service`, `role`, `account` or `unknown`.
    pub kind: String,
    /// From where it acted.
    pub ip: Option<String>,
}

/// A chain, from the call to its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chain {
    /// The identities, the caller first.
    pub hops: Vec<Hop>,
    /// The last of them, named.
    pub origin: Origin,
    /// Whether every hop is in the log.
    pub complete: bool,
    /// What is missing, where something is.
    pub missing: Option<String>,
}

impl Chain {
    /// When the first of its sessions was opened, as far as the log tells; else when the call was made.
    pub fn began(&self, called_at: At) -> At {
        self.hops.iter().filter_map(|hop| hop.at).min().unwrap_or(called_at)
    }
}

/// The access keys a caller's chain still needs to know the issuing of.
pub fn next_key(caller: &Caller, issues: &Issues) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut key = filled(&caller.access_key)?.to_owned();
    while let Some(issue) = issues.get(&key) {
        if !seen.insert(key) || seen.len() >= DEPTH_MAX {
            return None;
        }
        key = filled(&issue.caller.access_key)?.to_owned();
    }
    Some(key)
}

/// Follows a caller back to the origin.
pub fn follow(caller: &Caller, issues: &Issues) -> Chain {
    let mut hops = vec![hop(caller, None)];
    let mut seen: BTreeSet<&str> = filled(&caller.access_key).into_iter().collect();
    let (mut current, mut nearer): (&Caller, Option<(&Caller, &Issue)>) = (caller, None);
    let mut returns = None;
    while let Some(issue) = filled(&current.access_key).and_then(|key| issues.get(key)) {
        if hops.len() > DEPTH_MAX {
            break;
        }
        nearer = Some((current, issue));
        current = &issue.caller;
        hops.push(hop(current, Some(issue)));
        if let Some(key) = filled(&current.access_key)
            && !seen.insert(key)
        {
            returns = Some(key);
            break;
        }
    }
    let is_cut = returns.is_some() || hops.len() > DEPTH_MAX;
    let ending = if is_cut {
        Ending::Cut
    } else {
        Ending::of(current, nearer)
    };
    let missing = match returns {
        Some(key) => Some(format!("the chain returns to access key {key}")),
        None => ending.missing(current),
    };
    Chain {
        origin: origin(ending, current, nearer),
        complete: missing.is_none(),
        missing,
        hops,
    }
}

/// Whose sign-in to the console may stand behind a chain, and from when on it was used: temporary keys at its end that no call
/// to STS issued are those of a browser, or of a session whose opening is not in the log.
pub fn signed_in(chain: &Chain, called_at: At) -> Option<(&str, At)> {
    let last = chain.hops.last()?;
    let is_temporary = filled(&last.access_key).is_some_and(|key| key.starts_with("ASIA"));
    // A user's rows name the session only where STS made one.
    let arn = filled(&last.identity_arn)
        .or(filled(&last.principal_arn))
        .filter(|_| is_temporary)?;
    Some((arn, last.at.unwrap_or(called_at)))
}

/// The last sign-in before the session at the end of a chain was used, no longer ago than a console session lasts.
pub fn login<'l>(chain: &Chain, called_at: At, logins: &'l [Login]) -> Option<&'l Login> {
    let (arn, at) = signed_in(chain, called_at)?;
    let fits = |login: &&Login| {
        login.identity_arn == arn && login.eventtime <= at && at.0.0 - login.eventtime.0.0 <= LOGIN_MAX
    };
    logins.iter().filter(fits).max_by_key(|login| login.eventtime)
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// The name of a session, which stands after the colon of the unique id.
fn session_name(caller: &Caller) -> Option<&str> {
    let (_, name) = filled(&caller.principal_id)?.split_once(':')?;
    let name = name.split(':').next().unwrap_or(name);
    Some(name).filter(|name| !name.is_empty())
}

fn hop(caller: &Caller, issue: Option<&Issue>) -> Hop {
    let name = filled(&caller.user_name).or_else(|| session_name(caller));
    Hop {
        at: issue.map(|issue| issue.eventtime),
        operation: issue.map(|issue| issue.operation.clone()),
        eventid: issue.map(|issue| issue.eventid.clone()),
        identity_type: caller.identity_type.clone(),
        identity_arn: caller.identity_arn.clone(),
        principal_arn: caller.principal_arn.clone(),
        account_id: caller.account_id.clone(),
        name: name.or(filled(&caller.via_service)).map(str::to_owned),
        access_key: caller.access_key.clone(),
        source_identity: caller.source_identity.clone(),
        source_ip: caller.source_ip.clone(),
        user_agent: caller.user_agent.clone(),
        mfa: caller.mfa,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Root,
    User,
    IdentityCenter,
    Saml,
    WebIdentity,
    Service,
    Instance,
    /// A session whose opening is not in the log.
    AssumedRoot,
    IdentityCenterSession,
    Role,
    Account,
    Cut,
    Unknown,
}

impl Ending {
    fn of(caller: &Caller, nearer: Option<(&Caller, &Issue)>) -> Ending {
        let is_sso = |arn: Option<&str>| arn.is_some_and(|arn| arn.contains("/AWSReservedSSO_"));
        match filled(&caller.identity_type).unwrap_or_default() {
            "Root"
                if caller
                    .assumed_root
                    .as_deref()
                    .is_some_and(|text| text.eq_ignore_ascii_case("true")) =>
            {
                Ending::AssumedRoot
            }
            "Root" => Ending::Root,
            "IAMUser" => Ending::User,
            "FederatedUser" => match filled(&caller.issuer_arn) {
                Some(arn) if arn.ends_with(":root") => Ending::Root,
                Some(_) => Ending::User,
                None => Ending::Unknown,
            },
            "SAMLUser" if is_sso(entered(nearer)) => Ending::IdentityCenter,
            "SAMLUser" => Ending::Saml,
            "WebIdentityUser" => Ending::WebIdentity,
            "AWSService" => Ending::Service,
            "AssumedRole" | "Role" if filled(&caller.instance_delivery).is_some() => Ending::Instance,
            "AssumedRole" | "Role" if is_sso(caller.principal_arn.as_deref()) => Ending::IdentityCenterSession,
            "AssumedRole" | "Role" => Ending::Role,
            "AWSAccount" => Ending::Account,
            _ => Ending::Unknown,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Ending::Root | Ending::AssumedRoot => "root",
            Ending::User => "user",
            Ending::IdentityCenter | Ending::IdentityCenterSession => "identity_center",
            Ending::Saml => "saml",
            Ending::WebIdentity => "web_identity",
            Ending::Service | Ending::Instance => "service",
            Ending::Role => "role",
            Ending::Account => "account",
            Ending::Cut | Ending::Unknown => "unknown",
        }
    }

    fn missing(self, caller: &Caller) -> Option<String> {
        match self {
            Ending::Cut => Some(format!("the chain is longer than {DEPTH_MAX} hops")),
            Ending::Account => Some(format!(
                "the log of account {} is absent: the caller is known by its id only",
                caller.account_id.as_deref().unwrap_or_default()
            )),
            Ending::Role | Ending::IdentityCenterSession | Ending::AssumedRoot => {
                Some(match filled(&caller.access_key) {
                    None => "the record has no access key, so nothing links it to the call that opened the session"
                        .to_owned(),
                    Some(key) => format!("no record of the call that issued access key {key}"),
                })
            }
            Ending::Unknown => Some(format!(
                "the record does not say who called ({})",
                caller.identity_type.as_deref().unwrap_or("no type")
            )),
            _ => None,
        }
    }
}

/// The first role: that of the session a federated subject or a service opened.
fn entered<'a>(nearer: Option<(&'a Caller, &'a Issue)>) -> Option<&'a str> {
    let (session, issue) = nearer?;
    session
        .issuer_arn
        .as_deref()
        .or(issue.role_arn.as_deref())
        .or(session.principal_arn.as_deref())
}

fn origin(ending: Ending, caller: &Caller, nearer: Option<(&Caller, &Issue)>) -> Origin {
    let user = filled(&caller.user_name);
    let entered_session = nearer.and_then(|(session, _)| session_name(session));
    let is_entered = matches!(
        ending,
        Ending::IdentityCenter | Ending::Saml | Ending::WebIdentity | Ending::Service
    );
    let is_federated = caller.identity_type.as_deref() == Some("FederatedUser");
    let issuer = filled(&caller.issuer_arn).filter(|_| is_federated);
    let arn = match nearer {
        Some(_) if is_entered => entered(nearer),
        _ => issuer.or(caller.principal_arn.as_deref()),
    };
    let name = match ending {
        Ending::IdentityCenter => entered_session.or(user),
        Ending::Saml | Ending::WebIdentity => user.or(entered_session),
        Ending::Service => entered_session.or(filled(&caller.via_service)),
        Ending::Root => Some("root"),
        Ending::User if is_federated => issuer.map(last_part),
        Ending::User => user.or(caller.identity_arn.as_deref().or(arn).map(last_part)),
        _ => filled(&caller.source_identity)
            .or_else(|| session_name(caller))
            .or(user)
            .or(caller.principal_id.as_deref()),
    };
    let ip = match nearer {
        Some((session, _)) if ending == Ending::Service => &session.source_ip,
        _ => &caller.source_ip,
    };
    Origin {
        arn: arn.map(str::to_owned),
        name: name.map(str::to_owned),
        kind: ending.kind().to_owned(),
        ip: ip.clone(),
    }
}
