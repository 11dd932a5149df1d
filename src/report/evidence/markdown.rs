//! The evidence of one key as Markdown, for a ticket or a wiki.

use super::facts::Event;
use super::sheet::Sheet;
use crate::report::grounds::{Place, days_text};
use crate::report::markdown::{escaped, head, line};

/// The text of one key.
pub fn key_markdown(sheet: &Sheet) -> String {
    let key = &sheet.key;
    let aliases = key.aliases.as_deref().unwrap_or_default();
    let name = if aliases.is_empty() {
        key.key_id.clone()
    } else {
        aliases.join(", ")
    };
    let mut out = format!(
        "# Evidence for {}\n\n{} to {}\n\n",
        escaped(&name),
        sheet.since,
        sheet.as_of
    );
    for (kind, place) in [("uses", &sheet.use_coverage), ("administration", &sheet.admin_coverage)] {
        out.push_str(&format!("- {kind}: {}\n", escaped(&coverage(place.as_ref()))));
    }
    out.push_str("\n## The key\n\n");
    head(&["", ""], &mut out);
    let joined = |texts: Option<&[String]>| texts.unwrap_or_default().join("; ");
    let rotation = match key.rotation_enabled {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    };
    for (what, value) in [
        ("ARN", key.key_arn.clone()),
        ("account, Region", format!("{}, {}", key.account_id, key.region)),
        ("tags", joined(key.tags.as_deref())),
        ("manager", key.key_manager.clone().unwrap_or_default()),
        ("state", key.key_state.clone().unwrap_or_default()),
        ("created", key.creation_date.clone().unwrap_or_default()),
        (
            "spec, usage",
            format!(
                "{}, {}",
                key.key_spec.as_deref().unwrap_or(""),
                key.key_usage.as_deref().unwrap_or("")
            ),
        ),
        ("origin", key.origin.clone().unwrap_or_default()),
        ("rotation", rotation.to_owned()),
        (
            "use",
            sheet
                .verdict
                .as_ref()
                .map(|held| format!("{}: {}", held.verdict, held.reason.as_deref().unwrap_or("")))
                .unwrap_or_default(),
        ),
        (
            "last use in the log",
            sheet.last_use.as_ref().map_or_else(
                || "none".to_owned(),
                |last| {
                    format!(
                        "{} {} by {}, event {}",
                        last.last_used_at,
                        last.operation,
                        last.principal_arn.as_deref().unwrap_or("unknown"),
                        last.eventid.as_deref().unwrap_or("unknown")
                    )
                },
            ),
        ),
    ] {
        line([what, &value], &mut out);
    }
    out.push_str("\n## Who may administer it, and by which path\n\n");
    head(
        &["principal", "verdict", "actions", "path", "condition", "limited by"],
        &mut out,
    );
    for holder in &sheet.administrators {
        for right in &holder.rights {
            line(
                [
                    holder.principal_arn.as_str(),
                    &right.verdict,
                    &right.actions.join(", "),
                    &joined(right.paths.as_deref()),
                    &condition(&right.decision, right.condition.as_deref()),
                    &joined(right.limits.as_deref()),
                ],
                &mut out,
            );
        }
    }
    if !sheet.withheld.is_empty() {
        out.push_str("\n### Given by a policy or grant, and withheld\n\n");
        head(&["principal", "actions", "path", "withheld by"], &mut out);
        for right in &sheet.withheld {
            line(
                [
                    right.principal_arn.as_str(),
                    &right.actions.join(", "),
                    &joined(right.paths.as_deref()),
                    &joined(right.limits.as_deref()),
                ],
                &mut out,
            );
        }
    }
    out.push_str("\n## Who administered it in the period\n\n");
    events(&sheet.exercised, &mut out);
    out.push_str("\n## Who may use it\n\n");
    head(
        &["principal", "actions", "path", "condition", "uses in the period"],
        &mut out,
    );
    for user in &sheet.users {
        for right in &user.rights {
            line(
                [
                    user.principal_arn.as_str(),
                    &right.actions.join(", "),
                    &joined(right.paths.as_deref()),
                    &condition(&right.decision, right.condition.as_deref()),
                    &user.uses.to_string(),
                ],
                &mut out,
            );
        }
    }
    out.push_str("\n## Grants\n\n");
    head(&["grant", "for", "operations", "constraints", "retired by"], &mut out);
    for grant in &sheet.grants {
        line(
            [
                grant.grant_id.as_str(),
                grant.grantee.as_deref().unwrap_or("unknown"),
                &grant.operations.as_deref().unwrap_or_default().join(", "),
                grant.constraints.as_deref().unwrap_or(""),
                grant.retiring.as_deref().unwrap_or("the key's account"),
            ],
            &mut out,
        );
    }
    out.push_str("\n## Key policy, exactly as configured\n");
    for policy in &sheet.policies {
        let text = policy.policy.as_deref().unwrap_or_default();
        let fence = fence(text);
        let named = escaped(policy.policy_name.as_deref().unwrap_or("default"));
        out.push_str(&format!("\n{named}\n\n{fence}\n{text}\n{fence}\n"));
    }
    out.push_str("\n## Life cycle, as far back as the log goes\n\n");
    events(&sheet.life_cycle, &mut out);
    out
}

fn coverage(place: Option<&Place>) -> String {
    place.map_or_else(
        || "nothing is known of the log".to_owned(),
        |place| {
            let gaps = place.gaps.iter().map(|gap| format!("; {gap}"));
            format!(
                "{} days vouched for, basis {}{}",
                days_text(place.covered_days),
                place.basis.as_deref().unwrap_or("none"),
                gaps.collect::<String>()
            )
        },
    )
}

fn condition(decision: &str, condition: Option<&str>) -> String {
    match (decision, condition) {
        ("allowed", _) => "none".to_owned(),
        (other, Some(condition)) => format!("{other}: {condition}"),
        (other, None) => other.to_owned(),
    }
}

fn events(events: &[Event], out: &mut String) {
    head(
        &[
            "time",
            "operation",
            "outcome",
            "by",
            "from",
            "event",
            "object",
            "record",
        ],
        out,
    );
    for event in events {
        line(
            [
                event.eventtime.as_str(),
                &event.operation,
                &event.outcome,
                event.principal_arn.as_deref().unwrap_or("AWS KMS by itself"),
                event.source_ip.as_deref().unwrap_or(""),
                event.eventid.as_deref().unwrap_or(""),
                event.source_object.as_deref().unwrap_or(""),
                &event.source_index.map(|index| index.to_string()).unwrap_or_default(),
            ],
            out,
        );
    }
}

/// A fence that the text cannot close.
fn fence(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_closes_its_fence() {
        assert_eq!(fence("{}"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
