//! One question: who, on which key, in which context; and what is known of every condition key then.

use super::bundle::{Key, Snapshot};
use super::caller::{Caller, Kind};
use super::condition::Fact;
use super::instant;
use super::recorded::Recorded;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Condition keys of a request, by lower-case name.
pub type Context = BTreeMap<String, Given>;

/// The value of a condition key in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A single value.
    One(String),
    /// A multivalued key.
    Many(Vec<String>),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'s> {
    /// A key of the snapshot.
    Key(&'s Key),
    /// No key: `Resource` is `*`.
    Account,
    /// An alias, whose half of an alias action is checked by IAM alone.
    Alias(&'s str),
    /// A key that the snapshot does not hold.
    Missing(&'s str),
}

impl<'s> Target<'s> {
    /// Resolves a resource. An alias stands for its key, except in the alias half of an alias action.
    pub fn resolve(snapshot: &'s Snapshot, resource: &'s str, is_alias_action: bool) -> Result<Self, String> {
        if resource == "*" {
            return Ok(Self::Account);
        }
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, "kms", _, _, name] if name.starts_with("alias/") && is_alias_action => Ok(Self::Alias(resource)),
            ["arn", _, "kms", _, _, name] if name.starts_with("key/") || name.starts_with("alias/") => {
                Ok(snapshot.key(resource).map_or(Self::Missing(resource), Self::Key))
            }
            _ => Err(format!("`{resource}` is not the ARN of a key or alias, nor `*`")),
        }
    }

    /// The ARN that `Resource` elements are held against.
    pub fn arn(&self) -> &'s str {
        match self {
            Self::Key(key) => &key.arn,
            Self::Account => "*",
            Self::Alias(arn) | Self::Missing(arn) => arn,
        }
    }

    fn part(&self, index: usize) -> Option<&'s str> {
        self.arn().splitn(6, ':').nth(index)
    }
}

/// A question.
pub struct Scene<'s> {
    /// The permissions it is asked of.
    pub snapshot: &'s Snapshot,
    /// Who.
    pub caller: &'s Caller<'s>,
    /// On what.
    pub target: Target<'s>,
    /// The request's own condition keys.
    pub context: &'s Context,
    /// Whether the context is complete (a concrete request) or unknown.
    pub closed: bool,
    /// The instant the question is asked of, in milliseconds.
    pub at: Option<i64>,
    is_cross_account: bool,
    recorded: Option<&'s Recorded>,
    has_read_not_true: Cell<bool>,
}

impl<'s> Scene<'s> {
    /// A question. In an open one only the clock and TLS are taken from the context.
    pub fn new(
        snapshot: &'s Snapshot,
        caller: &'s Caller<'s>,
        target: Target<'s>,
        context: &'s Context,
        closed: bool,
    ) -> Self {
        let clock = ["aws:currenttime", "aws:epochtime"]
            .iter()
            .find_map(|key| match context.get(*key) {
                Some(Given::One(text)) => instant::parse(text),
                _ => None,
            });
        let mut scene = Self {
            snapshot,
            caller,
            target,
            context,
            closed,
            at: clock.or(snapshot.collected_at),
            is_cross_account: false,
            recorded: None,
            has_read_not_true: Cell::new(false),
        };
        scene.is_cross_account = caller.kind != Kind::Service && caller.account != scene.resource_account();
        scene
    }

    /// A question about a request of which a record tells a part; the rest is unknown.
    pub fn recorded(
        snapshot: &'s Snapshot,
        caller: &'s Caller<'s>,
        target: Target<'s>,
        recorded: &'s Recorded,
    ) -> Self {
        Self {
            recorded: Some(recorded),
            ..Self::new(snapshot, caller, target, &recorded.context, false)
        }
    }

    /// Whether a flag was read that is false or missing in the recorded request.
    pub(super) fn has_read_not_true(&self) -> bool {
        self.has_read_not_true.get()
    }

    /// Whether all keys with this start are known.
    pub(super) fn knows_all(&self, prefix: &str) -> bool {
        self.closed || self.recorded.is_some_and(|recorded| recorded.is_closed(prefix))
    }

    /// The account of the key, or the caller's own where there is no key.
    pub fn resource_account(&self) -> &str {
        match self.target {
            Target::Key(key) => &key.account,
            Target::Account => &self.caller.account,
            Target::Alias(_) | Target::Missing(_) => self.target.part(4).unwrap_or_default(),
        }
    }

    /// Whether the caller is in another account than the key.
    pub fn is_cross_account(&self) -> bool {
        self.is_cross_account
    }

    /// What is known of a condition key (in lower case).
    pub fn fact(&self, key: &str) -> Fact<'_> {
        if let Some(recorded) = self.recorded {
            if recorded.not_true.contains(key) {
                self.has_read_not_true.set(true);
            }
            if let Some(fact) = recorded.fact(key) {
                return fact;
            }
        }
        if !self.closed
            && let Some(fact) = self.snapshot.granted.get(key)
        {
            return fact.clone();
        }
        if self.closed || matches!(key, "aws:currenttime" | "aws:epochtime" | "aws:securetransport") {
            match self.context.get(key) {
                Some(Given::One(value)) => return Fact::One(Cow::Borrowed(value)),
                Some(Given::Many(values)) => return Fact::Many(Cow::Borrowed(values)),
                None => {}
            }
        }
        let fact = match self.derived(key) {
            Some(fact) => fact,
            None if self.closed => Fact::Absent,
            None => self.known_of_any_request(key),
        };
        if self.closed && fact == Fact::Unknown {
            Fact::Absent
        } else {
            fact
        }
    }

    /// Why a key's value is unknown, when that is the snapshot's fault and not the request's nature.
    pub fn gap(&self, key: &str) -> Option<String> {
        if key.starts_with("aws:principaltag/") || key == "aws:username" {
            return self.caller.gap.clone();
        }
        if key.starts_with("aws:resourcetag/") {
            return Some("the tags of the key were not collected".to_owned());
        }
        if matches!(
            key,
            "aws:principalorgid" | "aws:principalorgpaths" | "aws:resourceorgid" | "aws:resourceorgpaths"
        ) {
            return self.snapshot.organization_gap.clone();
        }
        (key == "kms:resourcealiases").then(|| "the aliases of the key were not collected".to_owned())
    }

    fn known_of_any_request(&self, key: &str) -> Fact<'_> {
        match (key, self.at) {
            // KMS endpoints speak TLS only.
            ("aws:securetransport", _) => Fact::One(Cow::Borrowed("true")),
            ("aws:currenttime", Some(at)) => Fact::One(Cow::Owned(instant::format(at))),
            ("aws:epochtime", Some(at)) => Fact::One(Cow::Owned(at.div_euclid(1_000).to_string())),
            _ => Fact::Unknown,
        }
    }

    /// What follows from the snapshot; `None` for keys that only a request has.
    fn derived(&self, key: &str) -> Option<Fact<'_>> {
        if key.starts_with("aws:principal") || matches!(key, "aws:username" | "aws:userid" | "kms:calleraccount") {
            return self.of_caller(key);
        }
        self.of_resource(key)
    }

    fn of_caller(&self, key: &str) -> Option<Fact<'_>> {
        let caller = self.caller;
        let is_service = caller.kind == Kind::Service;
        let one = |text: &'s str| Fact::One(Cow::Borrowed(text));
        Some(match key {
            "aws:principalisawsservice" => one(if is_service { "true" } else { "false" }),
            "aws:principalservicename" if is_service => one(&caller.name),
            "aws:principalservicenameslist" if is_service => return None,
            _ if is_service => Fact::Absent,
            "aws:principalarn" => one(&caller.principal_arn),
            "aws:principalaccount" | "kms:calleraccount" => one(&caller.account),
            "aws:principaltype" => one(match caller.kind {
                Kind::Root => "Account",
                Kind::User => "User",
                Kind::Federated => "FederatedUser",
                Kind::Role | Kind::Session | Kind::Service => "AssumedRole",
            }),
            "aws:principalorgid" => self.organization_id(&caller.account),
            "aws:principalorgpaths" => self.organization_paths(&caller.account),
            "aws:username" if caller.kind == Kind::User => one(&caller.name),
            "aws:userid" => self.user_id(),
            _ => match key.strip_prefix("aws:principaltag/") {
                Some(_) if caller.kind != Kind::Root && caller.entity.is_none() && caller.gap.is_some() => {
                    Fact::Unknown
                }
                Some(tag) => caller
                    .entity
                    .and_then(|e| e.tags.get(tag))
                    .map_or(Fact::Absent, |v| one(v)),
                None => Fact::Absent,
            },
        })
    }

    fn user_id(&self) -> Fact<'_> {
        let caller = self.caller;
        let id = caller.entity.and_then(|e| e.id.as_deref());
        match (caller.kind, id, &caller.session) {
            (Kind::Root, ..) => Fact::One(Cow::Borrowed(&caller.account)),
            (Kind::User, Some(id), _) => Fact::One(Cow::Borrowed(id)),
            (Kind::Session, Some(id), Some(session)) => Fact::One(Cow::Owned(format!("{id}:{session}"))),
            (Kind::Role | Kind::Federated, ..) => Fact::Unknown,
            _ if caller.gap.is_some() => Fact::Unknown,
            _ => Fact::Absent,
        }
    }

    fn is_organization_unknown(&self) -> bool {
        self.snapshot.organization.is_none() && self.snapshot.organization_gap.is_some()
    }

    fn organization_id(&self, account: &str) -> Fact<'_> {
        if self.is_organization_unknown() {
            return Fact::Unknown;
        }
        match (&self.snapshot.organization, self.snapshot.seat(account)) {
            (Some(organization), Some(_)) => Fact::One(Cow::Borrowed(&organization.id)),
            _ => Fact::Absent,
        }
    }

    fn organization_paths(&self, account: &str) -> Fact<'_> {
        if self.is_organization_unknown() {
            return Fact::Unknown;
        }
        self.snapshot
            .seat(account)
            .map_or(Fact::Absent, |seat| Fact::Many(Cow::Borrowed(&seat.org_path)))
    }

    fn of_resource(&self, key: &str) -> Option<Fact<'_>> {
        let found = match self.target {
            Target::Key(found) => Some(found),
            _ => None,
        };
        Some(match key {
            "aws:resourceaccount" => Fact::One(Cow::Borrowed(self.resource_account())),
            "aws:resourceorgid" => self.organization_id(self.resource_account()),
            "aws:resourceorgpaths" => self.organization_paths(self.resource_account()),
            "aws:requestedregion" => match self.target.part(3) {
                Some(region) if !region.is_empty() => Fact::One(Cow::Borrowed(region)),
                _ => Fact::Absent,
            },
            "kms:resourcealiases" => match found.map(|k| &k.aliases) {
                Some(Some(aliases)) if !aliases.is_empty() => Fact::Many(Cow::Borrowed(aliases)),
                Some(None) => Fact::Unknown,
                _ => Fact::Absent,
            },
            "kms:trailingdayswithoutkeyusage" => {
                let days = found
                    .and_then(|k| k.idle_since)
                    .zip(self.at)
                    .map(|(since, at)| (at - since).div_euclid(86_400_000));
                return days.map(|days| Fact::One(Cow::Owned(days.max(0).to_string())));
            }
            "kms:multiregionkeytype" if found.is_some_and(|k| !k.facts.contains_key(key)) => Fact::Absent,
            _ => match (key.strip_prefix("aws:resourcetag/"), found) {
                (Some(tag), Some(found)) => match &found.tags {
                    Some(tags) => tags.get(tag).map_or(Fact::Absent, |v| Fact::One(Cow::Borrowed(v))),
                    None => Fact::Unknown,
                },
                (Some(_), None) => Fact::Absent,
                (None, found) => {
                    return found
                        .and_then(|k| k.facts.get(key))
                        .map(|v| Fact::One(Cow::Borrowed(v)));
                }
            },
        })
    }
}
