//! The report as Markdown, for a ticket or a wiki.

use super::changes::KINDS;
use super::html::money;
use super::{Entry, Report, VERDICTS};
use crate::report::grounds::{self, days_text};
use crate::report::markdown::{escaped, head, line};

/// The report as text.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    out.push_str(&format!(
        "# Unused KMS keys\n\nAs of {}, over the {} days since {}. {} keys in {} account(s), {} of them customer managed.\n",
        report.as_of,
        days_text(report.window_days),
        report.since,
        report.summary.keys,
        report.summary.accounts,
        report.summary.customer_managed
    ));
    coverage(report, &mut out);
    numbers(report, &mut out);
    changes(report, &mut out);
    for (verdict, title, meaning) in VERDICTS {
        let keys: Vec<&Entry> = report
            .keys
            .iter()
            .filter(|entry| entry.key.verdict == verdict)
            .collect();
        if keys.is_empty() {
            continue;
        }
        out.push_str(&format!("\n## {title}: {meaning}\n\n"));
        head(
            &["key", "owner", "why", "last use", "uses", "failed", "grants", "a month"],
            &mut out,
        );
        for entry in keys {
            row(entry, &mut out);
        }
    }
    retirement(report, &mut out);
    out.push_str("\n## What this rests on, and what it cannot know\n\n");
    for limit in &report.limits {
        out.push_str(&format!("- {}\n", escaped(limit)));
    }
    for part in &report.snapshots {
        out.push_str(&escaped(&format!(
            "- snapshot {} of account {} in {}, collected at {}, {}",
            part.snapshot_id,
            part.account_id.as_deref().unwrap_or("unknown"),
            part.region.as_deref().unwrap_or("every Region"),
            part.collected_at,
            part.state
        )));
        out.push('\n');
    }
    out
}

fn coverage(report: &Report, out: &mut String) {
    out.push_str(&format!(
        "\n## What this report can vouch for\n\nThe log covers the whole window in {} of {} places (account and Region) with customer managed keys.\n\n",
        report.summary.places_covered, report.summary.places
    ));
    grounds::markdown(&report.coverage, &report.assumed, report.window_days, out);
}

fn numbers(report: &Report, out: &mut String) {
    out.push_str("\n## In short\n\n");
    head(&["verdict", "keys", "a month"], out);
    for (count, (_, title, _)) in report.summary.verdicts.iter().zip(VERDICTS) {
        line([title, &count.keys.to_string(), &money(count.monthly_cost_usd)], out);
    }
    out.push_str(&format!(
        "\nUnused keys cost {} a month, {} a year; all keys {} a month.\n",
        money(report.summary.unused_monthly_cost_usd),
        money(report.summary.unused_yearly_cost_usd),
        money(report.summary.monthly_cost_usd)
    ));
}

fn changes(report: &Report, out: &mut String) {
    let Some(changes) = &report.changes else { return };
    out.push_str(&format!("\n## What changed since {}\n\n", changes.since));
    if changes.keys.is_empty() {
        out.push_str("Nothing.\n");
        return;
    }
    head(&["change", "key", "was", "is"], out);
    for (kind, words) in KINDS {
        for change in changes.keys.iter().filter(|change| change.kind == kind) {
            let key = format!("{} ({})", change.name, change.key_arn);
            line(
                [
                    words,
                    &key,
                    change.was.as_deref().unwrap_or(""),
                    change.now.as_deref().unwrap_or(""),
                ],
                out,
            );
        }
    }
}

fn row(entry: &Entry, out: &mut String) {
    let key = &entry.key;
    let mut why = key.reason.clone().unwrap_or_default();
    if let Some(proof) = &key.proof {
        why.push_str(&format!("; proof: {proof}"));
    }
    if let Some(caution) = key.caution.as_deref().filter(|caution| *caution != "none") {
        why.push_str(&format!("; caution: {caution}"));
    }
    let last = key.last_used_at.as_ref().map_or_else(
        || "none known".to_owned(),
        |at| {
            format!(
                "{at} {} {}",
                key.last_operation.as_deref().unwrap_or(""),
                key.last_used_by.as_deref().unwrap_or("")
            )
        },
    );
    line(
        [
            format!("{} ({})", super::name(key), key.key_arn).as_str(),
            entry.owner.as_deref().unwrap_or("no owner tag"),
            &why,
            last.trim_end(),
            &key.uses.saturating_add(key.service_uses).to_string(),
            &key.failed_uses.to_string(),
            &key.live_grants.to_string(),
            &key.monthly_cost_usd.map(money).unwrap_or_default(),
        ],
        out,
    );
}

fn retirement(report: &Report, out: &mut String) {
    let unused: Vec<&Entry> = report
        .keys
        .iter()
        .filter(|entry| entry.key.verdict == "unused")
        .collect();
    if unused.is_empty() {
        return;
    }
    out.push_str("\n## How to retire the unused keys\n");
    for entry in unused {
        out.push_str(&format!("\n### {}\n\n", escaped(super::name(&entry.key))));
        for (at, step) in entry.retirement.iter().enumerate() {
            out.push_str(&format!("{}. {}\n", at + 1, escaped(&step.why)));
            if let Some(command) = &step.command {
                // Indented code takes every character as it is.
                out.push_str(&format!("\n       {}\n\n", crate::report::value::visible(command)));
            }
        }
    }
}
