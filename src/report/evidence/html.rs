//! The pages of the pack.

use serde::Serialize;
use serde_json::json;

use super::index::Index;
use super::manifest::FileEntry;
use super::sheet::Sheet;
use super::tables::{TABLES, policy_file};
use crate::report::Result;
use crate::report::grounds::{Period, PlaceRow, days_text};
use crate::report::pages;

/// Uses by principal and operation shown on a page; the table has all.
const USAGE_MAX: usize = 200;
/// Events shown on a page of each kind; the table has all.
const EVENTS_MAX: usize = 500;

#[derive(Serialize)]
struct PolicyText<'s> {
    name: &'s str,
    sha256: Option<&'s str>,
    verbatim: Option<bool>,
    error: Option<&'s str>,
    text: Option<&'s str>,
    file: Option<String>,
}

/// The page of one key.
///
/// # Errors
/// The page cannot be made.
pub fn key_page(sheet: &Sheet) -> Result<String> {
    let period = Period {
        since: sheet.since.0,
        until: sheet.as_of.0,
    };
    let policies = sheet.policies.iter().map(|policy| PolicyText {
        name: policy.policy_name.as_deref().unwrap_or("default"),
        sha256: policy.policy_sha256.as_deref(),
        verbatim: policy.verbatim,
        error: policy.error.as_deref(),
        text: policy.policy.as_deref(),
        file: policy_file(policy.policy_sha256.as_deref()),
    });
    let aliases = sheet.key.aliases.as_deref().unwrap_or_default();
    let place = |place: &Option<crate::report::grounds::Place>| {
        place
            .as_ref()
            .map(|place| serde_json::to_value(PlaceRow::of(place, period)).unwrap_or_default())
    };
    pages::render(
        "evidence_key.html",
        &json!({
            "name": if aliases.is_empty() { sheet.key.key_id.clone() } else { aliases.join(", ") },
            "as_of": sheet.as_of,
            "since": sheet.since,
            "window_days": days_text(period.days()),
            "key": sheet.key,
            "verdict": sheet.verdict,
            "places": [("uses", place(&sheet.use_coverage)), ("administration", place(&sheet.admin_coverage))],
            "policies": policies.collect::<Vec<_>>(),
            "administrators": sheet.administrators,
            "withheld": sheet.withheld,
            "users": sheet.users,
            "usage": sheet.usage.iter().take(USAGE_MAX).collect::<Vec<_>>(),
            "more_usage": sheet.usage.len().saturating_sub(USAGE_MAX),
            "grants": sheet.grants,
            "exercised": sheet.exercised.iter().take(EVENTS_MAX).collect::<Vec<_>>(),
            "more_exercised": sheet.exercised.len().saturating_sub(EVENTS_MAX),
            "life_cycle": sheet.life_cycle.iter().take(EVENTS_MAX).collect::<Vec<_>>(),
            "last_use": sheet.last_use,
            "unexplained": sheet.unexplained,
            "removed": sheet.removed,
            "rcps": sheet.resource_control_policies,
        }),
    )
}

/// The index's page; `files` are those of the pack so far, counted.
///
/// # Errors
/// The page cannot be made.
pub fn index_page(index: &Index, files: &[FileEntry]) -> Result<String> {
    let period = Period {
        since: index.since.0,
        until: index.as_of.0,
    };
    let places = |places: &[crate::report::grounds::Place]| -> Vec<serde_json::Value> {
        places
            .iter()
            .map(|place| serde_json::to_value(PlaceRow::of(place, period)).unwrap_or_default())
            .collect()
    };
    let whole = |places: &[crate::report::grounds::Place]| places.iter().filter(|place| place.is_whole).count();
    let missing = index
        .population
        .iter()
        .filter(|part| !matches!(part.state.as_str(), "complete" | "partial"))
        .count();
    pages::render(
        "evidence_index.html",
        &json!({
            "as_of": index.as_of,
            "since": index.since,
            "window_days": days_text(index.window_days),
            "asked": index.asked,
            "assumed": index.assumed,
            "population": index.population,
            "population_keys": index.population.iter().map(|part| part.keys).sum::<i64>(),
            "population_missing": missing,
            "use_whole": whole(&index.use_coverage),
            "admin_whole": whole(&index.admin_coverage),
            "place_count": index.use_coverage.len(),
            "use_places": places(&index.use_coverage),
            "admin_places": places(&index.admin_coverage),
            "snapshot_parts": index.snapshot_parts,
            "control_policies": index.control_policies,
            "source_objects": index.source_objects,
            "activity": index.activity,
            "keys": index.keys,
            "elsewhere": index.elsewhere.iter().take(EVENTS_MAX).collect::<Vec<_>>(),
            "more_elsewhere": index.elsewhere.len().saturating_sub(EVENTS_MAX),
            "queries": index.queries,
            "method": index.method,
            "limits": index.limits,
            "frameworks": index.frameworks,
            "tables": TABLES.iter().map(|(path, _)| *path).chain(["data/source-objects.csv", "data/coverage.csv"]).collect::<Vec<_>>(),
            "file_count": files.len(),
        }),
    )
}
