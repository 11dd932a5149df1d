//! The report as a table for a spreadsheet: the query's columns, and what the report adds to them.

use super::Report;
use super::changes::Change;
use crate::report::csv;

const COLUMNS: [&str; 27] = [
    "key_arn",
    "account_id",
    "region",
    "key_id",
    "aliases",
    "tags",
    "owner",
    "key_manager",
    "key_state",
    "creation_date",
    "verdict",
    "proof",
    "proof_basis",
    "reason",
    "caution",
    "last_used_at",
    "last_used_by",
    "last_operation",
    "uses",
    "service_uses",
    "failed_uses",
    "live_grants",
    "covered_days",
    "window_days",
    "monthly_cost_usd",
    "snapshot_at",
    "change",
];

/// One line per key, safe to open in a spreadsheet.
pub fn csv(report: &Report) -> String {
    let mut out = String::new();
    csv::line(COLUMNS.iter().map(|name| (Some(*name), true)), &mut out);
    let changes: std::collections::BTreeMap<&str, &Change> = report
        .changes
        .iter()
        .flat_map(|changes| &changes.keys)
        .map(|change| (change.key_arn.as_str(), change))
        .collect();
    for entry in &report.keys {
        let key = &entry.key;
        let whole = |number: i64| Some(number.to_string());
        let numbers = [
            whole(key.uses),
            whole(key.service_uses),
            whole(key.failed_uses),
            whole(key.live_grants),
            key.covered_days.map(|days| days.to_string()),
            key.window_days.map(|days| days.to_string()),
            key.monthly_cost_usd.map(|cost| format!("{cost:.2}")),
        ];
        let before = [
            Some(key.key_arn.as_str()),
            Some(&key.account_id),
            Some(&key.region),
            Some(&key.key_id),
            key.aliases.as_deref(),
            key.tags.as_deref(),
            entry.owner.as_deref(),
            key.key_manager.as_deref(),
            key.key_state.as_deref(),
            key.creation_date.as_deref(),
            Some(&key.verdict),
            key.proof.as_deref(),
            key.proof_basis.as_deref(),
            key.reason.as_deref(),
            key.caution.as_deref(),
            key.last_used_at.as_deref(),
            key.last_used_by.as_deref(),
            key.last_operation.as_deref(),
        ];
        let after = [
            key.snapshot_at.as_deref(),
            changes.get(key.key_arn.as_str()).map(|change| change.kind),
        ];
        let cells = before
            .into_iter()
            .map(|text| (text, true))
            .chain(numbers.iter().map(|number| (number.as_deref(), false)))
            .chain(after.into_iter().map(|text| (text, true)));
        csv::line(cells, &mut out);
    }
    out
}
