//! Facts put together: the story, in the shape its JSON has. `schema` and `version` name that shape; adding members keeps it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::advice::{self, Situation};
use super::chain::{Chain, follow, login};
use super::facts::{At, Change, Context, Dependent, Elsewhere, Facts, Firsts, Login, Snapshot, Tampering};
use super::policy_diff::{self, Diff};
use super::session;
use super::state::{self, Step};
use super::wording::{json, last_part, length, plain, short};
use crate::model::{Arn, Instant};

/// The name of the story's shape.
pub const SCHEMA: &str = "keytrail.trace";
/// Its version; it changes where a member goes or means something else.
pub const VERSION: u32 = 1;

/// KMS deletes a key up to a day later than the waiting period says.
const DELETION_DELAY_SECONDS: i64 = 86_400;

/// The story of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// The instant it is told at.
    pub as_of: Option<At>,
    /// Which key.
    pub key: Key,
    /// What happened, in a few sentences.
    pub summary: Vec<String>,
    /// The deletion, where one was scheduled.
    pub deletion: Option<Deletion>,
    /// Every change, in order.
    pub timeline: Vec<Entry>,
    /// Who stood behind the changes.
    pub actors: Vec<Actor>,
    /// What else the hands that hit the key did.
    pub session: Vec<session::Entry>,
    /// Tampering with the log around the time.
    pub tampering: Vec<Tampering>,
    /// Who depended on the key, and failed.
    pub blast_radius: BlastRadius,
    /// What to do now.
    pub next_steps: Vec<advice::Step>,
    /// What the story cannot know, and why.
    pub unknown: Vec<String>,
}

/// The key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub id: String,
    /// Its account.
    pub account_id: String,
    /// Its Region.
    pub region: String,
    /// The aliases that stand for it, or last did.
    pub aliases: Vec<String>,
    /// Its state after the last change the log holds.
    pub state: Option<String>,
    /// What the newest snapshot says.
    pub snapshot: Option<Snapshot>,
}

/// A scheduled deletion, the last one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deletion {
    /// When it was scheduled.
    pub scheduled_at: At,
    /// By which event.
    pub eventid: String,
    /// The waiting period.
    pub pending_window_days: i64,
    /// When the waiting period ends; KMS may take up to a day longer. An estimate: DescribeKey has the exact date.
    pub earliest_deletion_at: At,
    /// How long is left to cancel at the story's instant; negative when the period is over.
    pub seconds_left: Option<i64>,
    /// `pending`, `pending_replicas`, `cancelled` or `deleted`.
    pub status: String,
    /// When it was cancelled or carried out.
    pub ended_at: Option<At>,
}

/// A change of the key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// When.
    pub at: At,
    /// The event.
    pub eventid: String,
    /// The operation.
    pub operation: String,
    /// `success`, `denied`, `failed` or `dry_run`.
    pub outcome: String,
    /// Why it did not work.
    pub error_code: Option<String>,
    /// What happened, in words.
    pub title: String,
    /// The parts of it worth knowing.
    pub details: Vec<String>,
    /// `blow`, `repair`, `change` or `attempt`.
    pub weight: &'static str,
    /// The key's state before.
    pub state_before: Option<String>,
    /// The key's state after.
    pub state_after: Option<String>,
    /// How the policy changed.
    pub policy_diff: Option<Diff>,
    /// What to look at first.
    pub alarms: Vec<String>,
    /// Who called; none where KMS acted by itself.
    pub actor_arn: Option<String>,
    /// Through which session.
    pub session_arn: Option<String>,
    /// From where.
    pub source_ip: Option<String>,
    /// With multi-factor authentication, where the record says so.
    pub mfa: Option<bool>,
    /// The request that caused what KMS did by itself.
    pub attributed_eventid: Option<String>,
    /// Who made it.
    pub attributed_actor_arn: Option<String>,
    /// The place of who stood behind it among the actors.
    pub actor: Option<usize>,
    /// Whether it lies in the time asked for.
    #[serde(skip)]
    pub is_asked: bool,
}

/// Who stood behind one or more changes, through one session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Actor {
    /// The changes made through the session.
    pub eventids: Vec<String>,
    /// Who called.
    pub actor_arn: Option<String>,
    /// Whether they hit the key.
    pub is_harmful: bool,
    /// From the call back to the first identity.
    #[serde(flatten)]
    pub chain: Chain,
    /// The sign-in to the console that the first identity's session came from, where there is one.
    pub login: Option<Login>,
    /// What the log had never seen before.
    pub firsts: Vec<String>,
}

/// What broke.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlastRadius {
    /// The first blow since the key was last whole.
    pub broken_at: Option<At>,
    /// Who began to fail, the first first; then who has not tried yet.
    pub callers: Vec<Dependent>,
    /// What failed in other services.
    pub elsewhere: Vec<Elsewhere>,
    /// What the encryption contexts of the key's uses name.
    pub contexts: Vec<Context>,
}

/// Changes that take the key away from those who need it.
pub fn is_blow(operation: &str) -> bool {
    matches!(
        operation,
        "DisableKey"
            | "ScheduleKeyDeletion"
            | "DeleteImportedKeyMaterial"
            | "DeleteExpiredKeyMaterial"
            | "DeleteKey"
            | "DisconnectCustomKeyStore"
            | "DeleteCustomKeyStore"
    )
}

fn is_repair(operation: &str) -> bool {
    matches!(
        operation,
        "CancelKeyDeletion" | "EnableKey" | "ImportKeyMaterial" | "ConnectCustomKeyStore"
    )
}

/// Tells the story.
pub fn tell(facts: &Facts) -> Story {
    let mut changes = facts.changes.clone();
    state::order(&mut changes);
    let steps = state::replay(&changes, &facts.uses);
    let (account, region, id) = parts(&facts.key_arn);
    let (mut actors, mut places) = (Vec::new(), BTreeMap::new());
    let mut timeline = Vec::with_capacity(changes.len());
    let mut policy: Option<String> = None;
    for (change, step) in changes.iter().zip(&steps) {
        let cause = step.cause.and_then(|place| changes.get(place));
        let mut entry = entry(change, step, cause, &account);
        if let Some(new) = new_policy(change) {
            let diff = policy_diff::compare(policy.as_deref(), &new, &account);
            entry.alarms.extend(diff.alarms.iter().cloned());
            entry.policy_diff = Some(diff);
            if change.succeeded() {
                policy = Some(new);
            }
        }
        entry.is_asked = facts.since.is_none_or(|since| change.eventtime.0 >= since);
        if entry.is_asked {
            entry.actor = actor(change, cause, facts, &mut actors, &mut places);
        }
        timeline.push(entry);
    }
    let state = steps.last().map_or_else(|| untouched(facts), |step| step.after.clone());
    let deletion = deletion(&changes, facts.as_of);
    let key = Key {
        arn: facts.key_arn.clone(),
        aliases: aliases(&changes, facts),
        id,
        account_id: account,
        region,
        state,
        snapshot: facts.snapshot.clone(),
    };
    let next_steps = advise(&key, &timeline, &changes, &actors);
    timeline.retain(|entry| entry.is_asked);
    let of_key: BTreeSet<&str> = changes.iter().map(|change| change.eventid.as_str()).collect();
    let session = session::entries(&facts.deeds, &|eventid| of_key.contains(eventid));
    let blast_radius = BlastRadius {
        broken_at: facts.dependents.iter().find_map(|caller| caller.broken_at),
        callers: dependents(facts),
        elsewhere: facts.elsewhere.clone(),
        contexts: facts.contexts.clone(),
    };
    let mut story = Story {
        schema: SCHEMA,
        version: VERSION,
        as_of: facts.as_of.map(At),
        unknown: unknown(&key, &timeline, &actors, facts),
        key,
        summary: Vec::new(),
        deletion,
        timeline,
        actors,
        session,
        tampering: facts.tampering.clone(),
        blast_radius,
        next_steps,
    };
    story.summary = summary(&story);
    story
}

fn parts(arn: &str) -> (String, String, String) {
    match Arn::parse(arn) {
        Some(parsed) => (
            parsed.account.to_owned(),
            parsed.region.to_owned(),
            parsed.kms_key_id().unwrap_or(arn).to_owned(),
        ),
        None => (String::new(), String::new(), arn.to_owned()),
    }
}

/// A key nobody changed is as its uses or the snapshot say.
fn untouched(facts: &Facts) -> Option<String> {
    let said = facts.snapshot.as_ref().and_then(|snapshot| snapshot.key_state.clone());
    said.or_else(|| facts.uses.first_use_at.map(|_| "Enabled".to_owned()))
}

fn dependents(facts: &Facts) -> Vec<Dependent> {
    let mut callers = facts.dependents.clone();
    callers.sort_by(|a, b| {
        let rank = |caller: &Dependent| (caller.first_failure_at.is_none(), caller.first_failure_at);
        (rank(a), std::cmp::Reverse(a.uses_before), &a.principal_arn).cmp(&(
            rank(b),
            std::cmp::Reverse(b.uses_before),
            &b.principal_arn,
        ))
    });
    callers
}

fn new_policy(change: &Change) -> Option<String> {
    let parameters = json(&change.parameters);
    let name = match change.operation.as_str() {
        "PutKeyPolicy" | "CreateKey" => "policy",
        _ => return None,
    };
    let policy = parameters.get(name)?;
    Some(plain(policy)).filter(|text| !text.is_empty() && text != "null")
}

/// What tells actors apart.
type ActorKey = (Option<String>, Option<String>, Option<String>);

fn actor(
    change: &Change,
    cause: Option<&Change>,
    facts: &Facts,
    actors: &mut Vec<Actor>,
    places: &mut BTreeMap<ActorKey, usize>,
) -> Option<usize> {
    let source = if change.is_by_itself() { cause? } else { change };
    let caller = &source.caller;
    let hits =
        is_blow(&source.operation) && source.succeeded() || source.operation == "PutKeyPolicy" && source.succeeded();
    let who = (
        caller.access_key.clone(),
        caller.identity_arn.clone().or_else(|| caller.principal_arn.clone()),
        caller.source_ip.clone(),
    );
    let place = *places.entry(who).or_insert_with(|| {
        let chain = follow(caller, &facts.issues);
        actors.push(Actor {
            eventids: Vec::new(),
            actor_arn: caller.principal_arn.clone(),
            is_harmful: false,
            login: login(&chain, source.eventtime, &facts.logins).cloned(),
            chain,
            firsts: Vec::new(),
        });
        actors.len() - 1
    });
    let actor = actors.get_mut(place)?;
    actor.is_harmful |= hits;
    if let Some(firsts) = facts.firsts.get(&source.eventid) {
        for first in first_times(source, firsts, &actor.chain) {
            if !actor.firsts.contains(&first) {
                actor.firsts.push(first);
            }
        }
    }
    actor.eventids.push(change.eventid.clone());
    Some(place)
}

/// What the log had never seen before the call, or not before this session began.
fn first_times(change: &Change, firsts: &Firsts, chain: &Chain) -> Vec<String> {
    let began = firsts.began.unwrap_or_else(|| chain.began(change.eventtime));
    let is_new = |first: Option<At>| first.is_some_and(|first| first >= began);
    let person = chain.origin.name.as_deref().unwrap_or("the caller");
    let mut said = Vec::new();
    if let Some(ip) = &change.caller.source_ip {
        if is_new(firsts.ip_first_at) {
            said.push(format!("address {ip} was never seen before, in anyone's hands"));
        } else if is_new(firsts.person_ip_first_at) && !is_new(firsts.person_first_at) {
            said.push(format!("{person} had never come from {ip}"));
        }
    }
    if let Some(agent) = &change.caller.user_agent
        && is_new(firsts.agent_first_at)
    {
        let tool = agent.split(' ').next().unwrap_or(agent);
        said.push(format!("user agent {tool} was never seen before"));
    }
    let role = chain
        .hops
        .first()
        .and_then(|hop| hop.principal_arn.as_deref())
        .map_or_else(String::new, short);
    if is_new(firsts.principal_first_at) {
        said.push(format!("{role} had never done anything in this log"));
    } else if is_new(firsts.admin_first_at) {
        said.push(format!("{role} had never administered a key"));
    } else if firsts.operation_first_at == Some(change.eventtime) {
        said.push(format!("{role} had never called {}", change.operation));
    }
    said
}

fn entry(change: &Change, step: &Step, cause: Option<&Change>, account: &str) -> Entry {
    let (title, details) = words(change, account);
    let mut alarms = Vec::new();
    let succeeded = change.succeeded();
    let was_pending = step
        .before
        .as_deref()
        .is_some_and(|state| state.starts_with("Pending") && state.ends_with("Deletion"));
    if succeeded && was_pending && change.operation == "PutKeyPolicy" {
        alarms.push(
            "the policy was changed while the key was pending deletion: look whether anyone may still cancel"
                .to_owned(),
        );
    }
    let parameters = json(&change.parameters);
    if parameters
        .get("bypassPolicyLockoutSafetyCheck")
        .and_then(Value::as_bool)
        == Some(true)
    {
        alarms.push("the check that keeps the caller from locking everyone out was switched off".to_owned());
    }
    if succeeded
        && matches!(
            change.operation.as_str(),
            "DeleteImportedKeyMaterial" | "DeleteExpiredKeyMaterial"
        )
    {
        alarms.push("there is no waiting period: what the key encrypted is unreadable until the same material is imported again".to_owned());
    }
    let weight = match (succeeded, change.operation.as_str()) {
        (false, _) => "attempt",
        (true, operation) if is_blow(operation) => "blow",
        (true, operation) if is_repair(operation) => "repair",
        _ => "change",
    };
    let by_itself = change.is_by_itself();
    Entry {
        at: change.eventtime,
        eventid: change.eventid.clone(),
        operation: change.operation.clone(),
        outcome: change.outcome.clone(),
        error_code: change.error_code.clone(),
        title,
        details,
        weight,
        state_before: step.before.clone(),
        state_after: step.after.clone(),
        policy_diff: None,
        alarms,
        actor_arn: change.caller.principal_arn.clone().filter(|_| !by_itself),
        session_arn: change.caller.identity_arn.clone().filter(|_| !by_itself),
        source_ip: change.caller.source_ip.clone(),
        mfa: change.caller.mfa,
        attributed_eventid: cause.map(|cause| cause.eventid.clone()),
        attributed_actor_arn: cause.and_then(|cause| cause.caller.principal_arn.clone()),
        actor: None,
        is_asked: true,
    }
}

/// What an operation did, in words, and the parts of its request worth knowing.
fn words(change: &Change, account: &str) -> (String, Vec<String>) {
    let (parameters, answer, details) = (json(&change.parameters), json(&change.answer), json(&change.details));
    let asked = |name: &str| parameters.get(name).filter(|value| !value.is_null()).map(plain);
    let answered = |name: &str| answer.get(name).filter(|value| !value.is_null()).map(plain);
    let mut said = Vec::new();
    let mut say = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            said.push(format!("{label} {value}"));
        }
    };
    let title = match change.operation.as_str() {
        "CreateKey" => "created".to_owned(),
        "EnableKey" => "enabled".to_owned(),
        "DisableKey" => "disabled".to_owned(),
        "ScheduleKeyDeletion" => {
            let days = window(change);
            if days == 7 {
                say("the shortest waiting period there is:", Some("7 days".to_owned()));
            }
            say("KMS answered: delete on", answered("deletionDate"));
            format!("scheduled for deletion in {days} days")
        }
        "CancelKeyDeletion" => "deletion cancelled; the key is disabled now".to_owned(),
        "DeleteKey" => "deleted by KMS, the waiting period being over".to_owned(),
        "DeleteImportedKeyMaterial" => "imported key material deleted".to_owned(),
        "DeleteExpiredKeyMaterial" => "imported key material expired and was deleted by KMS".to_owned(),
        "ImportKeyMaterial" => {
            say("expires:", asked("validTo"));
            "key material imported".to_owned()
        }
        "PutKeyPolicy" => "key policy replaced".to_owned(),
        "CreateGrant" => {
            let grantee = asked("granteePrincipal").or_else(|| asked("granteeServicePrincipal"));
            let operations = parameters.get("operations").and_then(Value::as_array);
            say(
                "for",
                operations.map(|all| all.iter().map(plain).collect::<Vec<_>>().join(", ")),
            );
            say("under", asked("constraints"));
            say("grant id", answered("grantId"));
            if let Some(owner) = grantee
                .as_deref()
                .and_then(Arn::parse)
                .map(|arn| arn.account.to_owned())
                && !owner.is_empty()
                && owner != account
            {
                said.push(format!("the grantee is of another account: {owner}"));
            }
            format!(
                "grant given to {}",
                grantee.as_deref().map_or_else(|| "someone".to_owned(), short)
            )
        }
        "RevokeGrant" | "RetireGrant" => {
            let grant = asked("grantId").or_else(|| details.get("grantId").map(plain));
            say("grant id", grant);
            let verb = if change.operation == "RevokeGrant" {
                "revoked"
            } else {
                "retired"
            };
            format!("grant {verb}")
        }
        "CreateAlias" => format!("{} now stands for this key", asked("aliasName").unwrap_or_default()),
        "UpdateAlias" => format!("{} moved to this key", asked("aliasName").unwrap_or_default()),
        "DeleteAlias" => format!("{} removed", asked("aliasName").unwrap_or_default()),
        "RotateKey" => {
            let kind = details.get("rotationType").and_then(Value::as_str);
            match kind {
                Some("ON_DEMAND") => "rotated by KMS, on demand".to_owned(),
                _ => "rotated by KMS, by the calendar".to_owned(),
            }
        }
        "RotateKeyOnDemand" => "rotation asked for".to_owned(),
        "EnableKeyRotation" => "yearly rotation switched on".to_owned(),
        "DisableKeyRotation" => "rotation switched off".to_owned(),
        "ReplicateKey" => format!("replicated to {}", asked("replicaRegion").unwrap_or_default()),
        "UpdatePrimaryRegion" => format!("primary Region moved to {}", asked("primaryRegion").unwrap_or_default()),
        "TagResource" | "UntagResource" => {
            say("tags", asked("tags").or_else(|| asked("tagKeys")));
            "tags changed".to_owned()
        }
        "UpdateKeyDescription" => "description changed".to_owned(),
        "DisconnectCustomKeyStore" => "its key store was disconnected".to_owned(),
        "ConnectCustomKeyStore" => "its key store was connected".to_owned(),
        "DeleteCustomKeyStore" => "its key store was deleted".to_owned(),
        "UpdateCustomKeyStore" => "its key store was changed".to_owned(),
        "SynchronizeMultiRegionKey" => "synchronized by KMS with its related keys".to_owned(),
        other => other.to_owned(),
    };
    if change.succeeded() {
        return (title, said);
    }
    said.extend(change.error_message.clone());
    let why = change.error_code.as_deref().unwrap_or(&change.outcome);
    (format!("{} attempted: {why}", change.operation), said)
}

/// The waiting period of a schedule: what was answered, else asked, else KMS's default.
fn window(change: &Change) -> i64 {
    let of = |text: &Option<String>| json(text).get("pendingWindowInDays").and_then(Value::as_i64);
    of(&change.answer)
        .or_else(|| of(&change.parameters))
        .filter(|days| (1..=365).contains(days))
        .unwrap_or(30)
}

fn deletion(changes: &[Change], as_of: Option<Instant>) -> Option<Deletion> {
    let effective = || changes.iter().enumerate().filter(|(_, change)| change.succeeded());
    let (place, schedule) = effective().rfind(|(_, change)| change.operation == "ScheduleKeyDeletion")?;
    let ended = effective()
        .find(|(at, change)| *at > place && matches!(change.operation.as_str(), "CancelKeyDeletion" | "DeleteKey"));
    let days = window(schedule);
    let earliest = Instant(schedule.eventtime.0.0 + days * 86_400_000_000);
    let waits_for_replicas =
        json(&schedule.answer).get("keyState").and_then(Value::as_str) == Some("PendingReplicaDeletion");
    let status = match ended.map(|(_, change)| change.operation.as_str()) {
        Some("DeleteKey") => "deleted",
        Some(_) => "cancelled",
        None if waits_for_replicas => "pending_replicas",
        None => "pending",
    };
    let left = as_of
        .filter(|_| ended.is_none())
        .map(|now| (earliest.0 - now.0).div_euclid(1_000_000));
    Some(Deletion {
        scheduled_at: schedule.eventtime,
        eventid: schedule.eventid.clone(),
        pending_window_days: days,
        earliest_deletion_at: At(earliest),
        seconds_left: left,
        status: status.to_owned(),
        ended_at: ended.map(|(_, change)| change.eventtime),
    })
}

/// The aliases that stand for the key after its changes, or stood for it until it lost the last.
fn aliases(changes: &[Change], facts: &Facts) -> Vec<String> {
    let listed = |said: Option<&str>| -> BTreeSet<String> {
        let said = said.unwrap_or_default();
        said.split(", ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let snapshot = facts.snapshot.as_ref();
    let mut names = listed(snapshot.and_then(|snapshot| snapshot.aliases.as_deref()));
    if !names.is_empty() {
        return names.into_iter().collect();
    }
    let mut lost = None;
    for change in changes.iter().filter(|change| change.succeeded()) {
        let Some(name) = json(&change.parameters).get("aliasName").map(plain) else {
            continue;
        };
        let name = match name.split_once(":alias/") {
            Some((_, name)) => format!("alias/{name}"),
            None => name,
        };
        match change.operation.as_str() {
            "CreateAlias" | "UpdateAlias" => {
                names.insert(name);
            }
            "DeleteAlias" => {
                names.remove(&name);
                lost = Some(name);
            }
            _ => {}
        }
    }
    if names.is_empty() {
        names.extend(lost);
    }
    if names.is_empty() {
        names = listed(facts.uses.aliases.as_deref());
    }
    names.into_iter().collect()
}

fn advise(key: &Key, timeline: &[Entry], changes: &[Change], actors: &[Actor]) -> Vec<advice::Step> {
    let last_repair = timeline
        .iter()
        .rposition(|entry| entry.weight == "repair" && entry.operation != "CancelKeyDeletion");
    let is_open = |place: usize| last_repair.is_none_or(|repair| place > repair);
    let mut of = Situation {
        key_arn: &key.arn,
        region: &key.region,
        state: key.state.as_deref(),
        ..Situation::default()
    };
    let harmful: BTreeSet<&str> = actors
        .iter()
        .filter(|actor| actor.is_harmful)
        .flat_map(|actor| actor.eventids.iter().map(String::as_str))
        .collect();
    let policies: Vec<Option<String>> = changes.iter().map(new_policy).collect();
    let mut suspect_policy = None;
    let mut store = None;
    for (place, entry) in timeline.iter().enumerate() {
        if entry.outcome != "success" {
            continue;
        }
        match entry.operation.as_str() {
            "DeleteImportedKeyMaterial" | "DeleteExpiredKeyMaterial" => of.is_material_gone = is_open(place),
            "ImportKeyMaterial" => of.is_material_gone = false,
            "PutKeyPolicy" if entry.alarms.iter().any(|alarm| !alarm.is_empty()) || hits_too(entry, timeline) => {
                of.is_policy_suspect = true;
                suspect_policy = policies
                    .iter()
                    .zip(changes)
                    .take(place)
                    .filter(|(_, change)| change.succeeded())
                    .filter_map(|(policy, _)| policy.clone())
                    .next_back();
            }
            "DisconnectCustomKeyStore" => {
                store = changes
                    .get(place)
                    .and_then(|change| json(&change.parameters).get("customKeyStoreId").map(plain));
            }
            "ConnectCustomKeyStore" => store = None,
            "CreateGrant" if harmful.contains(entry.eventid.as_str()) => {
                let answer = changes.get(place).map(|change| json(&change.answer));
                of.grants
                    .extend(answer.and_then(|answer| answer.get("grantId").map(plain)));
            }
            _ => {}
        }
    }
    of.policy_before = suspect_policy.as_deref();
    of.key_store_id = store.as_deref();
    let is_hurt = !matches!(key.state.as_deref(), Some("Enabled") | None);
    if is_hurt || of.is_policy_suspect {
        let roles: BTreeSet<(String, String)> = actors
            .iter()
            .filter(|actor| actor.is_harmful)
            .filter_map(|actor| {
                let arn = Arn::parse(actor.actor_arn.as_deref()?)?;
                let role = arn.resource.strip_prefix("role/")?;
                Some((arn.account.to_owned(), last_part(role).to_owned()))
            })
            .collect();
        of.roles = roles.into_iter().collect();
    }
    advice::steps(&of)
}

/// Whether whoever changed the policy also hit the key.
fn hits_too(entry: &Entry, timeline: &[Entry]) -> bool {
    timeline
        .iter()
        .any(|other| other.weight == "blow" && other.actor.is_some() && other.actor == entry.actor)
}

fn unknown(key: &Key, timeline: &[Entry], actors: &[Actor], facts: &Facts) -> Vec<String> {
    let mut said = Vec::new();
    let reach = facts.log.iter().find(|reach| reach.account_id == key.account_id);
    match reach.and_then(|reach| reach.first_event_at) {
        None => said.push(format!(
            "the lake holds no record of account {}, which owns the key",
            key.account_id
        )),
        Some(first) => {
            let created = facts.snapshot.as_ref().and_then(|snapshot| snapshot.creation_date);
            let seen_created = timeline.iter().any(|entry| entry.operation == "CreateKey");
            if !seen_created && created.is_none_or(|created| created < first) {
                said.push(format!(
                    "the log of account {} begins at {first}: what happened to the key before is not known",
                    key.account_id
                ));
            }
        }
    }
    for entry in timeline
        .iter()
        .filter(|entry| entry.operation == "DeleteKey" && entry.attributed_eventid.is_none())
    {
        said.push(format!(
            "KMS deleted the key at {}, but no schedule of it is in the log: who asked for it is not known (the waiting period is 7 to 30 days, so look 8 to 31 days before)",
            entry.at
        ));
    }
    for actor in actors.iter().filter(|actor| !actor.chain.complete) {
        if let Some(missing) = &actor.chain.missing {
            let who = actor.actor_arn.as_deref().map_or_else(|| "someone".to_owned(), short);
            said.push(format!("behind {who}: {missing}{}", hint(actor, facts)));
        }
    }
    if let (Some(snapshot), Some(state)) = (&facts.snapshot, &key.state)
        && let (Some(seen), Some(at)) = (&snapshot.key_state, snapshot.collected_at)
        && seen != state
        && timeline.last().is_none_or(|last| last.at <= at)
    {
        said.push(format!(
            "the snapshot of {at} found the key {seen}, the log ends with it {state}: a change is missing from the log"
        ));
    }
    said
}

/// Why a hop may be missing.
fn hint(actor: &Actor, facts: &Facts) -> String {
    let Some(hop) = actor.chain.hops.last() else {
        return String::new();
    };
    let Some(account) = hop.account_id.as_deref() else {
        return String::new();
    };
    if !facts.log.iter().any(|reach| reach.account_id == account) {
        return format!("; the lake holds no log of account {account}");
    }
    if hop.access_key.is_some() && actor.chain.origin.kind != "account" {
        return "; a trail that records writes only leaves such calls out".to_owned();
    }
    String::new()
}

/// The story in a few sentences.
fn summary(story: &Story) -> Vec<String> {
    let mut said = Vec::new();
    let name = story.key.aliases.first().map_or(story.key.id.as_str(), String::as_str);
    said.push(match (&story.deletion, story.key.state.as_deref()) {
        (Some(deletion), Some("Deleted")) => format!(
            "{name} is DELETED: scheduled at {}, carried out by KMS at {}.",
            deletion.scheduled_at,
            deletion
                .ended_at
                .map_or_else(|| "an unknown time".to_owned(), |at| at.to_string())
        ),
        (None, Some("Deleted")) => format!("{name} is DELETED."),
        (Some(deletion), Some("PendingDeletion" | "PendingReplicaDeletion")) => {
            let left = match deletion.seconds_left {
                Some(left) if left > 0 => format!("{} left to cancel", length(left)),
                Some(left) if left > -DELETION_DELAY_SECONDS => {
                    "the waiting period is over: cancel within hours, if it is not too late".to_owned()
                }
                Some(_) => "the waiting period is over: the key is probably gone".to_owned(),
                None => "cancel before then".to_owned(),
            };
            format!(
                "{name} is PENDING DELETION, not before {} ({left}).",
                deletion.earliest_deletion_at
            )
        }
        (_, Some(state)) => format!("{name} is {state}, as far as the log goes."),
        (_, None) => format!("the state of {name} is not in the log."),
    });
    for entry in recent_blows(&story.timeline) {
        said.push(format!("{}: {}{}.", entry.at, entry.title, by(entry, story)));
    }
    let callers = &story.blast_radius.callers;
    let failing: Vec<&Dependent> = callers.iter().filter(|caller| caller.failures > 0).collect();
    if let Some(first) = failing.first() {
        let who = first
            .principal_arn
            .as_deref()
            .map_or_else(|| "someone".to_owned(), short);
        let calls: u64 = failing.iter().map(|caller| caller.failures).sum();
        let after = first.seconds_to_failure.map(length).unwrap_or_default();
        said.push(format!(
            "{} caller(s) failed {calls} time(s) because of the key's state, {who} first, {after} after the first blow.",
            failing.len()
        ));
    }
    for entry in story.timeline.iter().filter(|entry| entry.weight == "repair") {
        let blows = recent_blows(&story.timeline);
        if blows.first().is_some_and(|blow| entry.at >= blow.at) {
            said.push(format!("{}: {}{}.", entry.at, entry.title, by(entry, story)));
        }
    }
    let back = callers.iter().filter_map(|caller| caller.used_again_at).min();
    if let (Some(back), Some("Enabled")) = (back, story.key.state.as_deref()) {
        said.push(format!("Use came back at {back}."));
    }
    said
}

/// The blows of the last incident: those since the key was last made whole before them.
fn recent_blows(timeline: &[Entry]) -> Vec<&Entry> {
    let Some(last) = timeline.iter().rposition(|entry| entry.weight == "blow") else {
        return Vec::new();
    };
    let from = timeline
        .iter()
        .take(last)
        .rposition(|entry| entry.weight == "repair" && entry.operation != "CancelKeyDeletion")
        .map_or(0, |place| place + 1);
    timeline
        .iter()
        .take(last + 1)
        .skip(from)
        .filter(|entry| entry.weight == "blow")
        .collect()
}

/// `, by rroe@example.com from 192.0.2.77, through role A, role B`.
fn by(entry: &Entry, story: &Story) -> String {
    let Some(actor) = entry.actor.and_then(|place| story.actors.get(place)) else {
        return match entry.attributed_actor_arn.as_deref().or(entry.actor_arn.as_deref()) {
            Some(arn) => format!(", by {}", short(arn)),
            None => ", by nobody the log names".to_owned(),
        };
    };
    let origin = &actor.chain.origin;
    let who = origin
        .name
        .clone()
        .or_else(|| origin.arn.clone())
        .unwrap_or_else(|| "someone unknown".to_owned());
    let from = origin.ip.as_deref().map(|ip| format!(" from {ip}")).unwrap_or_default();
    let mut roles: Vec<String> = Vec::new();
    for hop in actor.chain.hops.iter().rev() {
        let arn = hop.principal_arn.as_deref().filter(|arn| arn.contains(":role/"));
        if let Some(name) = arn.map(|arn| last_part(arn).to_owned())
            && roles.last() != Some(&name)
        {
            roles.push(name);
        }
    }
    let through = if roles.is_empty() {
        String::new()
    } else {
        format!(", through {}", roles.join(", then "))
    };
    let doubt = if actor.chain.complete {
        ""
    } else {
        " (the chain is incomplete)"
    };
    let asked = if entry.attributed_eventid.is_some() {
        ", as asked for by"
    } else {
        ", by"
    };
    format!("{asked} {who}{from}{through}{doubt}")
}
