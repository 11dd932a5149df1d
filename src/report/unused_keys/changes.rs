//! What changed since an earlier report: newly unused, back in use, deleted, still pending.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Entry, SCHEMA, VERSION, name};
use crate::model::Instant;
use crate::trace::facts::At;

/// An earlier report, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Previous {
    schema: String,
    version: u32,
    /// The instant its verdicts are as of.
    pub as_of: At,
    window_days: f64,
    keys: Vec<Before>,
}

/// A key of an earlier report.
#[derive(Debug, Clone, Deserialize)]
pub struct Before {
    key_arn: String,
    key_id: String,
    aliases: Option<String>,
    key_state: Option<String>,
    verdict: String,
}

impl Previous {
    /// Reads a report's JSON form.
    ///
    /// # Errors
    /// It is not one, or of another version; the message says so.
    pub fn read(text: &[u8]) -> Result<Previous, String> {
        let previous: Previous = serde_json::from_slice(text)
            .map_err(|error| format!("is not the JSON form of a report on unused keys: {error}"))?;
        if previous.schema != SCHEMA {
            return Err(format!("is a `{}`, not a `{SCHEMA}`", previous.schema));
        }
        if previous.version != VERSION {
            return Err(format!(
                "has version {} of the form; this program knows {VERSION}",
                previous.version
            ));
        }
        Ok(previous)
    }

    /// The same from the rows of the query, asked as of an earlier instant.
    pub fn of_rows(as_of: Instant, window_days: f64, keys: Vec<super::Key>) -> Previous {
        let keys = keys.into_iter().map(|key| Before {
            key_arn: key.key_arn,
            key_id: key.key_id,
            aliases: key.aliases,
            key_state: key.key_state,
            verdict: key.verdict,
        });
        Previous {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            as_of: At(as_of),
            window_days,
            keys: keys.collect(),
        }
    }
}

/// What changed.
#[derive(Debug, Serialize)]
pub struct Changes {
    /// The instant the earlier report was as of.
    pub since: At,
    /// The length of its window.
    pub previous_window_days: f64,
    /// Keys by verdict, then and now.
    pub verdicts: Vec<ThenAndNow>,
    /// Keys that were unused then and are now.
    pub still_unused: usize,
    /// What is different, or still waits.
    pub keys: Vec<Change>,
}

/// Keys of one verdict, side by side.
#[derive(Debug, Serialize)]
pub struct ThenAndNow {
    /// The verdict.
    pub verdict: &'static str,
    /// How many had it.
    pub then: usize,
    /// How many have it.
    pub now: usize,
}

/// A key that is not as it was.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Change {
    /// `newly_unused`, `back_in_use`, `deleted`, `newly_pending_deletion`, `still_pending_deletion`,
    /// `deletion_cancelled`, `new`, `gone` or `other`.
    pub kind: &'static str,
    /// The key.
    pub key_arn: String,
    /// Its name for people.
    pub name: String,
    /// Its verdict then.
    pub was: Option<String>,
    /// Its verdict now.
    pub now: Option<String>,
}

/// The kinds of change, in the order they are shown, in words.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("newly_unused", "newly unused"),
    ("back_in_use", "back in use"),
    ("deleted", "deleted"),
    ("newly_pending_deletion", "now pending deletion"),
    ("still_pending_deletion", "still pending deletion"),
    ("deletion_cancelled", "deletion cancelled"),
    ("new", "new key"),
    ("gone", "no longer in a snapshot"),
    ("other", "another verdict"),
];

/// Compares an earlier report with this one's keys.
pub(super) fn since(previous: &Previous, keys: &[Entry]) -> Changes {
    let before: BTreeMap<&str, &Before> = previous.keys.iter().map(|key| (key.key_arn.as_str(), key)).collect();
    let now: BTreeSet<&str> = keys.iter().map(|entry| entry.key.key_arn.as_str()).collect();
    let mut changes = Vec::new();
    let mut still_unused = 0;
    for entry in keys {
        let key = &entry.key;
        let was = before.get(key.key_arn.as_str());
        still_unused += usize::from(key.verdict == "unused" && was.is_some_and(|was| was.verdict == "unused"));
        if let Some(kind) = kind(was.copied(), key.key_state.as_deref(), &key.verdict) {
            changes.push(Change {
                kind,
                key_arn: key.key_arn.clone(),
                name: name(key).to_owned(),
                was: was.map(|was| was.verdict.clone()),
                now: Some(key.verdict.clone()),
            });
        }
    }
    for was in previous.keys.iter().filter(|was| !now.contains(was.key_arn.as_str())) {
        if was.key_state.as_deref() == Some("Deleted") {
            continue;
        }
        changes.push(Change {
            kind: if is_pending(was.key_state.as_deref()) {
                "deleted"
            } else {
                "gone"
            },
            key_arn: was.key_arn.clone(),
            name: was.aliases.clone().unwrap_or_else(|| was.key_id.clone()),
            was: Some(was.verdict.clone()),
            now: None,
        });
    }
    changes.sort_by(|a, b| (place(a.kind), &a.key_arn).cmp(&(place(b.kind), &b.key_arn)));
    let count = |verdict: &str| previous.keys.iter().filter(|key| key.verdict == verdict).count();
    Changes {
        since: previous.as_of,
        previous_window_days: previous.window_days,
        verdicts: super::VERDICTS
            .iter()
            .map(|(verdict, ..)| ThenAndNow {
                verdict,
                then: count(verdict),
                now: keys.iter().filter(|entry| entry.key.verdict == *verdict).count(),
            })
            .collect(),
        still_unused,
        keys: changes,
    }
}

fn place(kind: &str) -> usize {
    KINDS
        .iter()
        .position(|(known, _)| *known == kind)
        .unwrap_or(KINDS.len())
}

fn is_pending(state: Option<&str>) -> bool {
    matches!(state, Some("PendingDeletion" | "PendingReplicaDeletion"))
}

fn kind(was: Option<&Before>, state: Option<&str>, verdict: &str) -> Option<&'static str> {
    let was_state = was.and_then(|was| was.key_state.as_deref());
    if state == Some("Deleted") {
        return (was_state != Some("Deleted")).then_some("deleted");
    }
    if is_pending(state) {
        return Some(if is_pending(was_state) {
            "still_pending_deletion"
        } else {
            "newly_pending_deletion"
        });
    }
    let Some(was) = was else { return Some("new") };
    if is_pending(was_state) {
        return Some("deletion_cancelled");
    }
    match (was.verdict.as_str(), verdict) {
        (then, now) if then == now => None,
        (_, "unused") => Some("newly_unused"),
        ("unused" | "attempted" | "held_by_grant", "in_use") => Some("back_in_use"),
        _ => Some("other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(state: &str, verdict: &str) -> Before {
        Before {
            key_arn: "arn".to_owned(),
            key_id: "id".to_owned(),
            aliases: None,
            key_state: Some(state.to_owned()),
            verdict: verdict.to_owned(),
        }
    }

    #[test]
    fn each_change_has_its_name() {
        for (was, state, verdict, expected) in [
            (
                Some(before("Enabled", "in_use")),
                "Enabled",
                "unused",
                Some("newly_unused"),
            ),
            (
                Some(before("Enabled", "inconclusive")),
                "Enabled",
                "unused",
                Some("newly_unused"),
            ),
            (Some(before("Disabled", "unused")), "Disabled", "unused", None),
            (
                Some(before("Enabled", "unused")),
                "Enabled",
                "in_use",
                Some("back_in_use"),
            ),
            (
                Some(before("Enabled", "inconclusive")),
                "Enabled",
                "in_use",
                Some("other"),
            ),
            (
                Some(before("Disabled", "unused")),
                "PendingDeletion",
                "not_applicable",
                Some("newly_pending_deletion"),
            ),
            (
                Some(before("PendingDeletion", "not_applicable")),
                "PendingDeletion",
                "not_applicable",
                Some("still_pending_deletion"),
            ),
            (
                Some(before("PendingDeletion", "not_applicable")),
                "Disabled",
                "unused",
                Some("deletion_cancelled"),
            ),
            (
                Some(before("PendingDeletion", "not_applicable")),
                "Deleted",
                "not_applicable",
                Some("deleted"),
            ),
            (
                Some(before("Deleted", "not_applicable")),
                "Deleted",
                "not_applicable",
                None,
            ),
            (None, "Enabled", "too_new", Some("new")),
            (
                None,
                "PendingDeletion",
                "not_applicable",
                Some("newly_pending_deletion"),
            ),
        ] {
            assert_eq!(
                kind(was.as_ref(), Some(state), verdict),
                expected,
                "{was:?} {state} {verdict}"
            );
        }
    }

    #[test]
    fn another_form_is_refused() {
        let of = |text: &str| Previous::read(text.as_bytes()).unwrap_err();
        assert!(of("[]").starts_with("is not the JSON form"));
        assert!(
            of(r#"{"schema":"keytrail.trace","version":1,"as_of":"2026-01-01T00:00:00Z","window_days":90,"keys":[]}"#)
                .contains("keytrail.trace")
        );
        assert!(of(r#"{"schema":"keytrail.unused-keys","version":9,"as_of":"2026-01-01T00:00:00Z","window_days":90,"keys":[]}"#).contains("version 9"));
    }
}
