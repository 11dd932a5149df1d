//! The tables of the pack: one line per row of an answer, for a spreadsheet or a program, all keys in one file each.

use super::facts::{Event, SourceObject};
use super::sheet::Sheet;
use crate::report::csv;
use crate::report::grounds::Stretch;

/// The tables with their columns, in the order of [`Tables`].
pub const TABLES: [(&str, &[&str]); 8] = [
    (
        "data/administrators.csv",
        &[
            "key_arn",
            "principal_arn",
            "principal_type",
            "action",
            "decision",
            "verdict",
            "reason",
            "paths",
            "limits",
            "condition",
            "boundary",
            "last_exercised_at",
        ],
    ),
    (
        "data/withheld-rights.csv",
        &[
            "key_arn",
            "principal_arn",
            "principal_type",
            "action",
            "paths",
            "limits",
            "reason",
        ],
    ),
    (
        "data/users.csv",
        &[
            "key_arn",
            "principal_arn",
            "principal_type",
            "actions",
            "decision",
            "paths",
            "condition",
            "is_administrator",
            "uses",
        ],
    ),
    (
        "data/usage.csv",
        &[
            "key_arn",
            "principal_arn",
            "operation",
            "uses",
            "through_services",
            "denied",
            "failed",
            "first_used_at",
            "last_used_at",
        ],
    ),
    (
        "data/grants.csv",
        &[
            "key_arn",
            "grant_id",
            "name",
            "creation_date",
            "grantee",
            "retiring",
            "issuing_account",
            "operations",
            "constraints",
        ],
    ),
    (EVENTS_TABLE, EVENT),
    (
        "data/key-policies.csv",
        &["key_arn", "policy_name", "sha256", "verbatim", "error", "file"],
    ),
    (
        "data/keys.csv",
        &[
            "key_arn",
            "account_id",
            "region",
            "key_id",
            "aliases",
            "tags",
            "key_manager",
            "key_state",
            "creation_date",
            "deletion_date",
            "key_spec",
            "key_usage",
            "origin",
            "multi_region_key_type",
            "rotation_enabled",
            "rotation_period_days",
            "last_rotation_date",
            "verdict",
            "proof",
            "reason",
            "last_used_at",
            "last_used_by",
            "last_use_eventid",
            "last_use_object",
            "last_use_index",
            "snapshot_id",
        ],
    ),
];

const EVENT: &[&str] = &[
    "eventtime",
    "key_arn",
    "operation",
    "outcome",
    "principal_arn",
    "session_arn",
    "source_ip",
    "mfa",
    "error_code",
    "eventid",
    "source_object",
    "source_index",
];

/// The columns of `data/source-objects.csv`.
const SOURCE_OBJECT: [&str; 6] = ["source_object", "etag", "bytes", "records_read", "faulted", "is_whole"];

/// The table of administrative calls.
pub const EVENTS_TABLE: &str = "data/admin-events.csv";

/// Lines of every table, in the order of [`TABLES`].
#[derive(Debug, Default)]
pub struct Tables(pub [String; 8]);

impl Tables {
    /// The heads of all tables.
    pub fn heads() -> Tables {
        let mut tables = Tables::default();
        for (text, (_, columns)) in tables.0.iter_mut().zip(TABLES) {
            csv::line(columns.iter().map(|name| (Some(*name), true)), text);
        }
        tables
    }

    /// The lines of one key.
    pub fn of(sheet: &Sheet) -> Tables {
        let mut tables = Tables::default();
        let [administrators, withheld, users, usage, grants, events, policies, keys] = &mut tables.0;
        let key_arn = Some(sheet.key.key_arn.as_str());
        for holder in &sheet.administrators {
            for right in &holder.rights {
                let (paths, limits) = (joined(right.paths.as_deref()), joined(right.limits.as_deref()));
                for action in &right.actions {
                    texts(
                        [
                            key_arn,
                            Some(&holder.principal_arn),
                            holder.principal_type.as_deref(),
                            Some(action),
                            Some(&right.decision),
                            Some(&right.verdict),
                            right.reason.as_deref(),
                            Some(&paths),
                            Some(&limits),
                            right.condition.as_deref(),
                            holder.boundary.as_deref(),
                            right.last_exercised_at.as_deref(),
                        ],
                        administrators,
                    );
                }
            }
        }
        for right in &sheet.withheld {
            let (paths, limits) = (joined(right.paths.as_deref()), joined(right.limits.as_deref()));
            for action in &right.actions {
                texts(
                    [
                        key_arn,
                        Some(&right.principal_arn),
                        right.principal_type.as_deref(),
                        Some(action),
                        Some(&paths),
                        Some(&limits),
                        right.reason.as_deref(),
                    ],
                    withheld,
                );
            }
        }
        for user in &sheet.users {
            for right in &user.rights {
                texts(
                    [
                        key_arn,
                        Some(&user.principal_arn),
                        user.principal_type.as_deref(),
                        Some(&right.actions.join(" ")),
                        Some(&right.decision),
                        Some(&joined(right.paths.as_deref())),
                        right.condition.as_deref(),
                        Some(flag(user.is_administrator)),
                        Some(&user.uses.to_string()),
                    ],
                    users,
                );
            }
        }
        for row in &sheet.usage {
            let numbers = [row.uses, row.through_services, row.denied, row.failed].map(|number| number.to_string());
            let [uses, through, denied, failed] = &numbers;
            texts(
                [
                    key_arn,
                    row.principal_arn.as_deref(),
                    Some(&row.operation),
                    Some(uses),
                    Some(through),
                    Some(denied),
                    Some(failed),
                    row.first_used_at.as_deref(),
                    row.last_used_at.as_deref(),
                ],
                usage,
            );
        }
        for grant in &sheet.grants {
            texts(
                [
                    key_arn,
                    Some(&grant.grant_id),
                    grant.name.as_deref(),
                    grant.creation_date.as_deref(),
                    grant.grantee.as_deref(),
                    grant.retiring.as_deref(),
                    grant.issuing_account.as_deref(),
                    Some(&grant.operations.as_deref().unwrap_or_default().join(" ")),
                    grant.constraints.as_deref(),
                ],
                grants,
            );
        }
        sheet
            .exercised
            .iter()
            .for_each(|event| events.push_str(&event_line(event)));
        for policy in &sheet.policies {
            texts(
                [
                    key_arn,
                    policy.policy_name.as_deref(),
                    policy.policy_sha256.as_deref(),
                    policy.verbatim.map(flag),
                    policy.error.as_deref(),
                    policy_file(policy.policy_sha256.as_deref()).as_deref(),
                ],
                policies,
            );
        }
        key_line(sheet, keys);
        tables
    }
}

/// Where a policy's text is: named by its hash, so that equal ones are one file.
pub fn policy_file(sha256: Option<&str>) -> Option<String> {
    let sha256 = sha256?;
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| format!("policies/{sha256}.json"))
}

/// An administrative call.
pub fn event_line(event: &Event) -> String {
    let mut out = String::new();
    let index = event.source_index.map(|index| index.to_string());
    texts(
        [
            Some(event.eventtime.as_str()),
            event.key_arn.as_deref(),
            Some(&event.operation),
            Some(&event.outcome),
            event.principal_arn.as_deref(),
            event.session_arn.as_deref(),
            event.source_ip.as_deref(),
            event.mfa.map(flag),
            event.error_code.as_deref(),
            event.eventid.as_deref(),
            event.source_object.as_deref(),
            index.as_deref(),
        ],
        &mut out,
    );
    out
}

/// The head of the table of source objects.
pub fn objects_head() -> String {
    let mut out = String::new();
    csv::line(SOURCE_OBJECT.iter().map(|name| (Some(*name), true)), &mut out);
    out
}

/// The table of what the log can vouch for, whole.
pub fn coverage_table(stretches: &[Stretch]) -> String {
    let mut out = String::new();
    texts(
        [
            "account_id",
            "region",
            "kind",
            "since",
            "until",
            "state",
            "basis",
            "trail_arn",
            "cause",
        ]
        .map(Some),
        &mut out,
    );
    for stretch in stretches {
        texts(
            [
                Some(stretch.account_id.as_str()),
                Some(&stretch.region),
                Some(&stretch.kind),
                Some(&stretch.since.to_string()),
                Some(&stretch.until.to_string()),
                Some(&stretch.state),
                stretch.basis.as_deref(),
                stretch.trail_arn.as_deref(),
                stretch.cause.as_deref(),
            ],
            &mut out,
        );
    }
    out
}

/// A source object, as a line.
pub fn object_line(object: &SourceObject) -> String {
    let mut out = String::new();
    let numbers =
        [object.bytes, object.records_read, object.faulted].map(|number| number.map(|number| number.to_string()));
    let [bytes, read, faulted] = &numbers;
    texts(
        [
            Some(object.source_object.as_str()),
            object.etag.as_deref(),
            bytes.as_deref(),
            read.as_deref(),
            faulted.as_deref(),
            Some(flag(object.is_whole)),
        ],
        &mut out,
    );
    out
}

fn key_line(sheet: &Sheet, out: &mut String) {
    let key = &sheet.key;
    let verdict = sheet.verdict.as_ref();
    let last = sheet.last_use.as_ref();
    let index = last.and_then(|last| last.source_index).map(|index| index.to_string());
    let period = key.rotation_period_days.map(|days| days.to_string());
    texts(
        [
            Some(key.key_arn.as_str()),
            Some(&key.account_id),
            Some(&key.region),
            Some(&key.key_id),
            Some(&joined(key.aliases.as_deref())),
            Some(&joined(key.tags.as_deref())),
            key.key_manager.as_deref(),
            key.key_state.as_deref(),
            key.creation_date.as_deref(),
            key.deletion_date.as_deref(),
            key.key_spec.as_deref(),
            key.key_usage.as_deref(),
            key.origin.as_deref(),
            key.multi_region_key_type.as_deref(),
            key.rotation_enabled.map(flag),
            period.as_deref(),
            key.last_rotation_date.as_deref(),
            verdict.map(|verdict| verdict.verdict.as_str()),
            verdict.and_then(|verdict| verdict.proof.as_deref()),
            verdict.and_then(|verdict| verdict.reason.as_deref()),
            verdict.and_then(|verdict| verdict.last_used_at.as_deref()),
            verdict.and_then(|verdict| verdict.last_used_by.as_deref()),
            last.and_then(|last| last.eventid.as_deref()),
            last.and_then(|last| last.source_object.as_deref()),
            index.as_deref(),
            key.snapshot_id.as_deref(),
        ],
        out,
    );
}

fn texts<const N: usize>(cells: [Option<&str>; N], out: &mut String) {
    csv::line(cells.into_iter().map(|text| (text, true)), out);
}

fn joined(texts: Option<&[String]>) -> String {
    texts.unwrap_or_default().join("; ")
}

fn flag(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_names_a_policy_file() {
        let hash = "0".repeat(64);
        assert_eq!(policy_file(Some(&hash)), Some(format!("policies/{hash}.json")));
        assert_eq!(policy_file(Some("../../x")), None);
        assert_eq!(policy_file(None), None);
    }
}
