//! The rows of `key-destruction`, computed from a key's changes: the second way to the same answer.

use serde::Serialize;

use super::chain::follow;
use super::facts::{At, Change, Issues, Uses};
use super::state;

/// A row of `key-destruction`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is the query's column of that name")]
pub struct Row {
    pub key_arn: Option<String>,
    pub eventtime: At,
    pub operation: String,
    pub outcome: String,
    pub actor_arn: Option<String>,
    pub session_arn: Option<String>,
    pub origin_arn: Option<String>,
    pub origin_name: Option<String>,
    pub origin_kind: Option<String>,
    pub origin_ip: Option<String>,
    pub source_ip: Option<String>,
    pub mfa: Option<bool>,
    pub eventid: String,
    pub attributed_eventid: Option<String>,
    pub attributed_actor_arn: Option<String>,
    pub chain_complete: bool,
    pub chain_missing: Option<String>,
}

/// The operations that destroy, and those that undo it.
pub const OPERATIONS: [&str; 8] = [
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "DeleteImportedKeyMaterial",
    "DeleteKey",
    "DeleteExpiredKeyMaterial",
    "DisconnectCustomKeyStore",
    "DeleteCustomKeyStore",
];

/// The rows of one key, by time and event.
pub fn rows(changes: &[Change], issues: &Issues) -> Vec<Row> {
    let mut ordered = changes.to_vec();
    state::order(&mut ordered);
    let steps = state::replay(&ordered, &Uses::default());
    let mut rows: Vec<Row> = ordered
        .iter()
        .zip(steps)
        .filter(|(change, _)| OPERATIONS.contains(&change.operation.as_str()))
        .map(|(change, step)| row(change, step.cause.and_then(|place| ordered.get(place)), issues))
        .collect();
    rows.sort_by(|a, b| (a.eventtime, &a.eventid, &a.key_arn).cmp(&(b.eventtime, &b.eventid, &b.key_arn)));
    rows
}

fn row(change: &Change, cause: Option<&Change>, issues: &Issues) -> Row {
    let by_itself = change.is_by_itself();
    let caller = if by_itself {
        cause.map(|cause| &cause.caller)
    } else {
        Some(&change.caller)
    };
    let chain = caller.map(|caller| follow(caller, issues));
    let untold = match change.operation.as_str() {
        "DeleteKey" => "no ScheduleKeyDeletion that was not cancelled is in the log",
        _ => "no ImportKeyMaterial is in the log",
    };
    let (origin, complete, missing) = match chain {
        Some(chain) => (Some(chain.origin), chain.complete, chain.missing),
        None => (None, false, Some(untold.to_owned())),
    };
    let said = |part: fn(&super::chain::Origin) -> Option<String>| origin.as_ref().and_then(part);
    Row {
        key_arn: change.key_arn.clone(),
        eventtime: change.eventtime,
        operation: change.operation.clone(),
        outcome: change.outcome.clone(),
        actor_arn: change.caller.principal_arn.clone().filter(|_| !by_itself),
        session_arn: change.caller.identity_arn.clone().filter(|_| !by_itself),
        origin_arn: said(|origin| origin.arn.clone()),
        origin_name: said(|origin| origin.name.clone()),
        origin_kind: said(|origin| Some(origin.kind.clone())),
        origin_ip: said(|origin| origin.ip.clone()),
        source_ip: change.caller.source_ip.clone(),
        mfa: change.caller.mfa,
        eventid: change.eventid.clone(),
        attributed_eventid: cause.map(|cause| cause.eventid.clone()),
        attributed_actor_arn: cause.and_then(|cause| cause.caller.principal_arn.clone()),
        chain_complete: complete,
        chain_missing: missing,
    }
}
