//! The report for a browser and for paper.

use serde::Serialize;
use serde_json::json;

use super::changes::KINDS;
use super::drawing::{self, Spark};
use super::{Entry, Report, VERDICTS};
use crate::report::Result;
use crate::report::grounds::{PlaceRow, days_text};
use crate::report::pages;

/// Grants and resources shown of one key; the JSON form has all.
const LISTED_MAX: usize = 8;

#[derive(Serialize)]
struct Row<'r> {
    #[serde(flatten)]
    entry: &'r Entry,
    name: &'r str,
    day_used: &'r str,
    used_by: Option<&'r str>,
    all_uses: i64,
    cautions: Option<&'r str>,
    spark: Option<Spark>,
    more_grants: usize,
    more_protects: usize,
    covered: Option<String>,
    cost: Option<String>,
}

/// The report as one page that needs nothing else.
///
/// # Errors
/// The page cannot be made.
pub fn html(report: &Report) -> Result<String> {
    let period = report.period();
    let groups = VERDICTS.iter().map(|(verdict, title, meaning)| {
        let rows: Vec<Row<'_>> = report
            .keys
            .iter()
            .filter(|entry| entry.key.verdict == *verdict)
            .map(|entry| row(entry, report))
            .collect();
        let count = report.summary.verdicts.iter().find(|count| count.verdict == *verdict);
        json!({
            "verdict": verdict,
            "title": title,
            "meaning": meaning,
            "is_open": super::FINDINGS.contains(verdict),
            "cost": money(count.map_or(0.0, |count| count.monthly_cost_usd)),
            "rows": rows,
        })
    });
    let changes = report.changes.as_ref().map(|changes| {
        let kinds = KINDS.iter().filter_map(|(kind, words)| {
            let keys: Vec<_> = changes.keys.iter().filter(|change| change.kind == *kind).collect();
            (!keys.is_empty()).then(|| json!({ "words": words, "keys": keys }))
        });
        json!({
            "since": changes.since,
            "previous_window_days": days_text(changes.previous_window_days),
            "still_unused": changes.still_unused,
            "verdicts": changes.verdicts,
            "kinds": kinds.collect::<Vec<_>>(),
        })
    });
    pages::render(
        "unused_keys.html",
        &json!({
            "as_of": report.as_of,
            "since": report.since,
            "window_days": days_text(report.window_days),
            "summary": report.summary,
            "monthly": money(report.summary.monthly_cost_usd),
            "unused_monthly": money(report.summary.unused_monthly_cost_usd),
            "unused_yearly": money(report.summary.unused_yearly_cost_usd),
            "unused": report.summary.verdicts.first().map(|count| count.keys),
            "inconclusive": report.summary.verdicts.get(1).map(|count| count.keys),
            "places": report.coverage.iter().map(|place| PlaceRow::of(place, period)).collect::<Vec<_>>(),
            "assumed": report.assumed,
            "snapshots": report.snapshots,
            "segments": drawing::segments(report),
            "changes": changes,
            "groups": groups.collect::<Vec<_>>(),
            "limits": report.limits,
        }),
    )
}

fn row<'r>(entry: &'r Entry, report: &Report) -> Row<'r> {
    let key = &entry.key;
    let place = report
        .coverage
        .binary_search_by(|place| (&place.account_id, &place.region).cmp(&(&key.account_id, &key.region)));
    let gaps = place
        .ok()
        .and_then(|at| report.coverage.get(at))
        .map(|place| place.gaps.as_slice());
    Row {
        entry,
        name: super::name(key),
        day_used: key
            .last_used_at
            .as_deref()
            .and_then(|at| at.get(..10))
            .unwrap_or_default(),
        used_by: key.last_used_by.as_deref(),
        all_uses: key.uses.saturating_add(key.service_uses),
        cautions: key.caution.as_deref().filter(|caution| *caution != "none"),
        spark: entry
            .use_over_time
            .as_ref()
            .map(|uses| drawing::spark(uses, gaps.unwrap_or_default())),
        more_grants: entry.grants.len().saturating_sub(LISTED_MAX),
        more_protects: entry.protects.len().saturating_sub(LISTED_MAX),
        covered: key.covered_days.map(days_text),
        cost: key.monthly_cost_usd.map(money),
    }
}

/// US dollars, to the cent.
pub(super) fn money(usd: f64) -> String {
    format!("${usd:.2}")
}
