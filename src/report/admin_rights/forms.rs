//! The report as a table for a spreadsheet, and as Markdown.

use super::marks::Mark;
use super::{Report, html};
use crate::report::csv;
use crate::report::grounds::{self, days_text};
use crate::report::markdown::{escaped, head, line};

const COLUMNS: [&str; 11] = [
    "principal_arn",
    "principal_type",
    "key_arn",
    "key_name",
    "action",
    "mark",
    "meaning",
    "conditional",
    "condition",
    "reason",
    "last_exercised_at",
];

/// One line per right, and per call that no right explains.
pub fn csv(report: &Report) -> String {
    let mut out = String::new();
    csv::line(COLUMNS.iter().map(|name| (Some(*name), true)), &mut out);
    for row in &report.matrix {
        for cell in row.cells.iter().filter(|cell| cell.mark != Mark::None) {
            let cells = [
                Some(row.principal_arn.as_str()),
                row.principal_type.as_deref(),
                Some(&row.key_arn),
                Some(report.name(&row.key_arn)),
                Some(cell.action),
                Some(cell.mark.sign()),
                Some(cell.mark.meaning()),
                Some(if cell.is_conditional { "true" } else { "false" }),
                cell.condition.as_deref(),
                cell.reason.as_deref(),
                cell.last_exercised_at.as_deref(),
            ];
            csv::line(cells.into_iter().map(|text| (text, true)), &mut out);
        }
    }
    out
}

/// The report as text.
pub fn markdown(report: &Report) -> String {
    let counts = &report.summary;
    let mut out = format!(
        "# Administrative rights on KMS keys\n\nAs of {}, over the {} days since {}. {} principals hold {} rights on {} keys: {} exercised, {} unexercised, {} unobservable, {} too new; {} calls are unexplained.\n",
        report.as_of,
        days_text(report.window_days),
        report.since,
        counts.principals,
        counts.rights,
        counts.keys,
        counts.exercised,
        counts.unexercised,
        counts.unobservable,
        counts.too_new,
        counts.unexplained
    );
    out.push_str("\n## What this report can vouch for\n\n");
    grounds::markdown(&report.coverage, &report.assumed, report.window_days, &mut out);
    out.push_str("\n## Who can destroy what\n\n");
    head(&["principal", "keys", "by", "did in the window"], &mut out);
    for one in &report.destroyers {
        line(
            [
                one.principal_arn.as_str(),
                &one.keys.len().to_string(),
                &one.actions.iter().cloned().collect::<Vec<_>>().join(", "),
                &match (one.exercised, one.is_observed) {
                    (0, true) => "never".to_owned(),
                    (0, false) => "not seen, not observable everywhere".to_owned(),
                    (exercised, _) => format!("{exercised} right(s)"),
                },
            ],
            &mut out,
        );
    }
    out.push_str("\n## Separation of duties\n\n");
    head(&["principal", "key", "administrative calls", "uses", ""], &mut out);
    for duty in &report.separation_of_duties {
        line(
            [
                duty.principal_arn.as_str(),
                report.name(&duty.key_arn),
                &duty.admin_calls.to_string(),
                &duty.use_calls.to_string(),
                if duty.verdict == "exercised" {
                    "did both"
                } else {
                    "may do both"
                },
            ],
            &mut out,
        );
    }
    out.push_str("\n## The matrix\n\n");
    for mark in Mark::ALL {
        out.push_str(&format!("- `{}` {}\n", mark.sign(), mark.meaning()));
    }
    out.push_str("- `c` after a mark: it depends on a condition\n\n");
    let mut columns = vec!["principal", "keys"];
    columns.extend(&report.actions);
    head(&columns, &mut out);
    for group in html::groups(report) {
        let keys: Vec<&str> = group.keys.iter().map(|key| report.name(key)).collect();
        let mut cells = vec![group.principal_arn.to_owned(), keys.join(", ")];
        cells.extend(
            group
                .marks
                .iter()
                .map(|(mark, conditional)| format!("'{}{}'", mark.sign(), if *conditional { "c" } else { "" })),
        );
        line(cells.iter().map(String::as_str), &mut out);
    }
    out.push_str("\n## Limits\n\n");
    for limit in &report.limits {
        out.push_str(&format!("- {}\n", escaped(limit)));
    }
    out
}
