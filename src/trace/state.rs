//! The key's state through its changes: their order, what each made of the key, and what KMS's own events go back to.
//!
//! Sources: AWS KMS Developer Guide, "Key states of AWS KMS keys", "Deleting AWS KMS keys", "Deleting imported key material".

use serde_json::Value;

use super::facts::{Change, Uses};
use super::wording::json;

/// Puts changes into the order in which they must have happened, whatever order they came in.
///
/// CloudTrail's times are whole seconds. Within one, what the key's state allows decides: nothing but a cancellation can
/// follow a schedule, a key is enabled only after the cancellation, and what KMS does by itself comes last.
pub fn order(changes: &mut Vec<Change>) {
    changes.sort_by(|a, b| (a.eventtime, &a.eventid).cmp(&(b.eventtime, &b.eventid)));
    changes.dedup_by(|a, b| a.eventid == b.eventid && a.key_arn == b.key_arn);
    let mut pending = false;
    let mut disabled = false;
    let mut start = 0;
    while let Some(first) = changes.get(start) {
        let at = first.eventtime;
        let length = changes
            .iter()
            .skip(start)
            .take_while(|change| change.eventtime == at)
            .count();
        let Some(second) = changes.get_mut(start..start + length) else {
            break;
        };
        let cancels = second
            .iter()
            .any(|change| change.succeeded() && change.operation == "CancelKeyDeletion");
        second.sort_by_key(|change| (turn(change, pending, disabled, cancels), change.eventid.clone()));
        for change in second.iter().filter(|change| change.succeeded()) {
            match change.operation.as_str() {
                "ScheduleKeyDeletion" => pending = true,
                "CancelKeyDeletion" => (pending, disabled) = (false, true),
                "DisableKey" => disabled = true,
                "EnableKey" => disabled = false,
                _ => {}
            }
        }
        start += length;
    }
}

fn turn(change: &Change, pending: bool, disabled: bool, cancels: bool) -> u8 {
    if change.is_by_itself() {
        return 9;
    }
    if !change.succeeded() {
        return 5;
    }
    match change.operation.as_str() {
        "CreateKey" => 0,
        "CancelKeyDeletion" if pending => 1,
        "EnableKey" if cancels => 8,
        "EnableKey" if disabled => 2,
        "DisableKey" => 3,
        "EnableKey" => 4,
        "ScheduleKeyDeletion" => 6,
        "CancelKeyDeletion" => 7,
        _ => 5,
    }
}

/// The key's state as `DescribeKey` would have named it; none where the log does not say.
pub type State = Option<String>;

/// A change with the state before and after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Before.
    pub before: State,
    /// After.
    pub after: State,
    /// What KMS's own event goes back to: the place of the causing change among the changes.
    pub cause: Option<usize>,
}

/// Replays ordered changes.
pub fn replay(changes: &[Change], uses: &Uses) -> Vec<Step> {
    let mut state = initial(changes, uses);
    let (mut schedule, mut import, mut before_store) = (None, None, None);
    let mut steps = Vec::with_capacity(changes.len());
    for (place, change) in changes.iter().enumerate() {
        let before = state.clone();
        let mut cause = None;
        if change.succeeded() {
            let next: Option<State> = match change.operation.as_str() {
                "CreateKey" => {
                    let external = json(&change.answer)
                        .pointer("/keyMetadata/origin")
                        .and_then(Value::as_str)
                        == Some("EXTERNAL");
                    Some(Some(if external { "PendingImport" } else { "Enabled" }.to_owned()))
                }
                "EnableKey" => Some(Some("Enabled".to_owned())),
                "ImportKeyMaterial" => {
                    import = Some(place);
                    Some(Some("Enabled".to_owned()))
                }
                "DisableKey" => Some(Some("Disabled".to_owned())),
                "CancelKeyDeletion" => {
                    schedule = None;
                    Some(Some("Disabled".to_owned()))
                }
                "ScheduleKeyDeletion" => {
                    schedule = Some(place);
                    let said = json(&change.answer);
                    let said = said
                        .get("keyState")
                        .and_then(Value::as_str)
                        .unwrap_or("PendingDeletion");
                    Some(Some(said.to_owned()))
                }
                "DeleteImportedKeyMaterial" => Some(Some("PendingImport".to_owned())),
                "DeleteExpiredKeyMaterial" => {
                    cause = import;
                    Some(Some("PendingImport".to_owned()))
                }
                "DeleteKey" => {
                    cause = schedule;
                    Some(Some("Deleted".to_owned()))
                }
                "RotateKey" => {
                    cause = rotation_cause(change, changes, place);
                    None
                }
                "DisconnectCustomKeyStore" | "DeleteCustomKeyStore" => {
                    before_store = state.clone();
                    Some(Some("Unavailable".to_owned()))
                }
                "ConnectCustomKeyStore" => Some(before_store.take().or(Some("Enabled".to_owned()))),
                _ => None,
            };
            if let Some(next) = next {
                state = next;
            }
        }
        steps.push(Step {
            before,
            after: state.clone(),
            cause,
        });
    }
    steps
}

/// A rotation on demand goes back to its request, one by the calendar to who turned rotation on.
fn rotation_cause(change: &Change, changes: &[Change], place: usize) -> Option<usize> {
    let details = json(&change.details);
    let asked = match details.get("rotationType").and_then(Value::as_str) {
        Some("ON_DEMAND") => "RotateKeyOnDemand",
        _ => "EnableKeyRotation",
    };
    let earlier = changes.iter().take(place);
    let found = earlier
        .enumerate()
        .filter(|(_, earlier)| earlier.succeeded() && earlier.operation == asked);
    found.map(|(place, _)| place).next_back()
}

/// Before the first change the log says nothing, unless that change, or a use before it, tells.
fn initial(changes: &[Change], uses: &Uses) -> State {
    let changing = changes.iter().find(|change| {
        change.succeeded()
            && matches!(
                change.operation.as_str(),
                "CreateKey"
                    | "EnableKey"
                    | "DisableKey"
                    | "ScheduleKeyDeletion"
                    | "CancelKeyDeletion"
                    | "ImportKeyMaterial"
                    | "DeleteImportedKeyMaterial"
                    | "DeleteKey"
                    | "DeleteExpiredKeyMaterial"
            )
    });
    let used_before = |change: &Change| uses.first_use_at.is_some_and(|used| used < change.eventtime);
    match changing {
        Some(change) if change.operation == "CreateKey" => None,
        Some(change) if matches!(change.operation.as_str(), "CancelKeyDeletion" | "DeleteKey") => {
            Some("PendingDeletion".to_owned())
        }
        Some(change) if used_before(change) => Some("Enabled".to_owned()),
        None if uses.first_use_at.is_some() => Some("Enabled".to_owned()),
        _ => None,
    }
}
