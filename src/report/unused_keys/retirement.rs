//! A safe way to retire a key: disable it, watch for failures, delete it with the longest window. Commands are printed
//! and never run.
//!
//! Source: AWS KMS Developer Guide, "Delete an AWS KMS key": disable before deleting, waiting period of 7 to 30 days.

use super::facts::{Inventory, Key};
use crate::trace::advice::{Step, word};

/// The steps for a key of this verdict; none where nothing is to be done.
pub(super) fn steps(key: &Key, inventory: Option<&Inventory>, owner: Option<&str>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |why: String, command: Option<String>| steps.push(Step { why, command });
    let named = format!("--key-id {} --region {}", word(&key.key_arn), word(&key.region));
    let asked = owner.map_or_else(
        || "nobody: no tag names an owner".to_owned(),
        |owner| format!("`{owner}`"),
    );
    match key.verdict.as_str() {
        "unused" => {
            step(
                format!("ask the owner ({asked}) what was encrypted under it and for how long it is kept"),
                None,
            );
            related(inventory, &mut step);
            if key.key_state.as_deref() != Some("Disabled") {
                step(
                    "disable it; this can be undone at once with `aws kms enable-key`".to_owned(),
                    Some(format!("aws kms disable-key {named}")),
                );
            }
            step(
                "watch for failures over at least one business cycle; each one is somebody who still needs it"
                    .to_owned(),
                Some(format!("keytrail trace {}", word(&key.key_arn))),
            );
            step(
                "only then schedule its deletion, with the longest window; until it ends `aws kms cancel-key-deletion` undoes it, afterwards nothing brings the data back".to_owned(),
                Some(format!("aws kms schedule-key-deletion {named} --pending-window-in-days 30")),
            );
        }
        "attempted" => {
            step(
                format!("find out who fails on it and why, with the owner ({asked}), before anything else"),
                Some(format!("keytrail query key-usage -p key={}", word(&key.key_arn))),
            );
        }
        "held_by_grant" => {
            step(
                format!(
                    "ask the owner ({asked}) whether the resource behind each grant still exists; a service retires its grant when its resource goes"
                ),
                Some(format!("aws kms list-grants {named}")),
            );
        }
        "inconclusive" => {
            step(
                "close what is missing, then report again; until then treat it as in use".to_owned(),
                Some("keytrail coverage".to_owned()),
            );
        }
        _ => {}
    }
    steps
}

fn related(inventory: Option<&Inventory>, step: &mut impl FnMut(String, Option<String>)) {
    let Some(inventory) = inventory else { return };
    match inventory.multi_region_key_type.as_deref() {
        Some("PRIMARY") => {
            let replicas = inventory.replica_key_arns.as_deref().unwrap_or_default();
            step(
                format!(
                    "it is the primary of a multi-Region key: the waiting period begins only when its {} replica(s) are deleted",
                    replicas.len()
                ),
                None,
            );
        }
        Some("REPLICA") => step(
            "it is a replica: data encrypted under any of its relatives can be decrypted with the others, as long as one is left".to_owned(),
            None,
        ),
        _ => {}
    }
    match inventory.origin.as_deref() {
        Some("EXTERNAL") => step(
            "its material was imported: keep your own copy, or its data is lost when the material is".to_owned(),
            None,
        ),
        Some("AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE") => step(
            "its material is in a custom key store: deleting it there is yours to do, and cannot be undone".to_owned(),
            None,
        ),
        _ => {}
    }
}
