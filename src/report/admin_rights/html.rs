//! The report for a browser and for paper.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use super::marks::Mark;
use super::{Duty, Report, Row};
use crate::report::Result;
use crate::report::grounds::{PlaceRow, days_text};
use crate::report::pages;

/// Keys named in one row; the other forms have all.
const KEYS_MAX: usize = 12;

/// A principal's keys on which it holds and did the same.
pub(super) struct Group<'r> {
    pub(super) principal_arn: &'r str,
    pub(super) principal_type: Option<&'r str>,
    pub(super) marks: Vec<(Mark, bool)>,
    pub(super) keys: Vec<&'r str>,
    condition: Option<&'r str>,
}

/// A principal and what is said of it: each mark, and whether it is conditional.
type Said<'r> = (&'r str, Vec<(Mark, bool)>);

/// Rows with the same marks, of one principal, as one.
pub(super) fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Said<'_>, Group<'_>> = BTreeMap::new();
    for row in &report.matrix {
        let marks: Vec<(Mark, bool)> = row.cells.iter().map(|cell| (cell.mark, cell.is_conditional)).collect();
        if marks.iter().all(|(mark, _)| *mark == Mark::None) {
            continue;
        }
        let group = groups
            .entry((row.principal_arn.as_str(), marks.clone()))
            .or_insert_with(|| Group {
                principal_arn: &row.principal_arn,
                principal_type: row.principal_type.as_deref(),
                marks,
                keys: Vec::new(),
                condition: condition(row),
            });
        group.keys.push(&row.key_arn);
    }
    groups.into_values().collect()
}

fn condition(row: &Row) -> Option<&str> {
    row.cells.iter().find_map(|cell| cell.condition.as_deref())
}

#[derive(Serialize)]
struct Shown {
    sign: &'static str,
    class: &'static str,
    says: String,
    conditional: bool,
}

/// The report as one page that needs nothing else.
///
/// # Errors
/// The page cannot be made.
pub fn html(report: &Report) -> Result<String> {
    let period = report.period();
    let rows = groups(report).into_iter().map(|group| {
        let cells = group
            .marks
            .iter()
            .zip(&report.actions)
            .map(|((mark, conditional), action)| Shown {
                sign: mark.sign(),
                class: mark.class(),
                says: format!(
                    "{action}: {}{}",
                    mark.meaning(),
                    if *conditional { ", on a condition" } else { "" }
                ),
                conditional: *conditional,
            });
        json!({
            "principal_arn": group.principal_arn,
            "principal_type": group.principal_type,
            "cells": cells.collect::<Vec<_>>(),
            "keys": group.keys.iter().take(KEYS_MAX).map(|key| report.name(key)).collect::<Vec<_>>(),
            "key_count": group.keys.len(),
            "more_keys": group.keys.len().saturating_sub(KEYS_MAX),
            "condition": group.condition,
        })
    });
    let mut duties: BTreeMap<(&str, &str), (Vec<&Duty>, i64, i64)> = BTreeMap::new();
    for duty in &report.separation_of_duties {
        let held = duties.entry((&duty.principal_arn, &duty.verdict)).or_default();
        held.0.push(duty);
        held.1 += duty.admin_calls;
        held.2 += duty.use_calls;
    }
    let duties = duties
        .into_iter()
        .map(|((principal_arn, verdict), (held, admin_calls, use_calls))| {
            let actions: BTreeSet<&str> = held
                .iter()
                .flat_map(|duty| &duty.admin_actions)
                .map(|action| bare(action))
                .collect();
            json!({
                "principal_arn": principal_arn,
                "verdict": verdict,
                "key_count": held.len(),
                "names": held.iter().take(KEYS_MAX).map(|duty| report.name(&duty.key_arn)).collect::<Vec<_>>(),
                "more": held.len().saturating_sub(KEYS_MAX),
                "admin_actions": actions,
                "admin_calls": admin_calls,
                "use_calls": use_calls,
            })
        });
    let destroyers = report.destroyers.iter().map(|one| {
        json!({
            "one": one,
            "key_count": one.keys.len(),
            "names": one.keys.iter().take(KEYS_MAX).map(|key| report.name(key)).collect::<Vec<_>>(),
            "more": one.keys.len().saturating_sub(KEYS_MAX),
        })
    });
    let proposals = report
        .proposals
        .iter()
        .filter(|proposal| proposal.removed > 0)
        .map(|proposal| {
            json!({
                "proposal": proposal,
                "file": super::policy_file(proposal),
                "link": proposal.policy.as_deref().map(data_link),
            })
        });
    pages::render(
        "admin_rights.html",
        &json!({
            "as_of": report.as_of,
            "since": report.since,
            "window_days": days_text(report.window_days),
            "summary": report.summary,
            "places": report.coverage.iter().map(|place| PlaceRow::of(place, period)).collect::<Vec<_>>(),
            "places_whole": report.coverage.iter().filter(|place| place.is_whole).count(),
            "assumed": report.assumed,
            "snapshots": report.snapshots,
            "actions": report.actions,
            "marks": Mark::ALL.iter().map(|mark| json!({ "sign": mark.sign(), "class": mark.class(), "meaning": mark.meaning() })).collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
            "duties": duties.collect::<Vec<_>>(),
            "destroyers": destroyers.collect::<Vec<_>>(),
            "unexplained": report.unexplained,
            "proposals": proposals.collect::<Vec<_>>(),
            "limits": report.limits,
        }),
    )
}

fn bare(action: &str) -> &str {
    action.strip_prefix("kms:").unwrap_or(action)
}

/// A download that is in the page itself: every byte that is not plain is escaped as RFC 3986 has it.
fn data_link(text: &str) -> String {
    let escaped = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    format!("data:application/json;charset=utf-8,{escaped}")
}
