//! Names of events and of their sources: misspelt ones, and IAM actions that are no event's name.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::conditions::{column, conjuncts, text};
use super::{Linter, Severity, spelling};

/// Looks at one comparison.
pub(super) fn check(linter: &mut Linter, expression: &Expr) {
    match expression {
        Expr::BinaryOp {
            op: BinaryOperator::And,
            ..
        } => {
            // The source of the events is named beside them.
            let parts = conjuncts(expression);
            let is_of_kms = parts.iter().any(|part| names_source(part, "kms.amazonaws.com"));
            if is_of_kms {
                for part in parts {
                    for (_, name, span) in literals(part, "eventname") {
                        kms_name(linter, &name, span);
                    }
                }
            }
        }
        other => {
            for (_, name, span) in literals(other, "eventname") {
                event_name(linter, &name, span);
            }
            for (_, name, span) in literals(other, "eventsource") {
                event_source(linter, &name, span);
            }
        }
    }
}

fn names_source(part: &Expr, source: &str) -> bool {
    let found = literals(part, "eventsource");
    found.len() == 1 && found.iter().all(|(positive, name, _)| *positive && name == source)
}

/// The texts a column is compared with, and whether it is to be one of them.
fn literals(expression: &Expr, wanted: &str) -> Vec<(bool, String, Span)> {
    match expression {
        Expr::BinaryOp { left, op, right } => {
            let positive = match op {
                BinaryOperator::Eq => true,
                BinaryOperator::NotEq => false,
                _ => return Vec::new(),
            };
            let pair = match (column(left), column(right)) {
                (Some(name), _) if name == wanted => text(right),
                (_, Some(name)) if name == wanted => text(left),
                _ => None,
            };
            pair.into_iter().map(|(text, span)| (positive, text, span)).collect()
        }
        Expr::InList { expr, list, negated } if column(expr).is_some_and(|name| name == wanted) => list
            .iter()
            .filter_map(text)
            .map(|(text, span)| (!negated, text, span))
            .collect(),
        _ => Vec::new(),
    }
}

fn event_name(linter: &mut Linter, name: &str, span: Span) {
    if let Some((service, action)) = name.split_once(':')
        && !service.is_empty()
        && service
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
        && action.chars().next().is_some_and(|letter| letter.is_ascii_uppercase())
    {
        let (_, event) = spelling::of_action(action).unwrap_or((action, action));
        let message = format!("`{name}` is an IAM action; an event's name has no service before it");
        linter.add(
            span,
            Severity::Warning,
            "iam-action",
            message,
            Some(format!("did you mean `{event}`?")),
        );
        return;
    }
    if let Some((action, event)) = spelling::of_action(name) {
        let message = format!("`{action}` is an IAM action and never an event's name");
        let hint = match event {
            "" => "no event is recorded for it".to_owned(),
            event => format!("the event is `{event}`"),
        };
        linter.add(span, Severity::Warning, "iam-action", message, Some(hint));
        return;
    }
    if let Some(near) = spelling::misspelt_event(name) {
        let message = format!("there is no event `{name}`");
        linter.add(
            span,
            Severity::Warning,
            "unknown-event",
            message,
            Some(format!("did you mean `{near}`?")),
        );
    }
}

fn kms_name(linter: &mut Linter, name: &str, span: Span) {
    if name.contains(':') || spelling::of_action(name).is_some() || spelling::misspelt_event(name).is_some() {
        // Said already.
        return;
    }
    if let Some(near) = spelling::unknown_to_kms(name) {
        let message = format!("AWS KMS records no event `{name}`");
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        linter.add(span, Severity::Warning, "unknown-event", message, hint);
    }
}

fn event_source(linter: &mut Linter, name: &str, span: Span) {
    if let Some(near) = spelling::misspelt_source(name) {
        let message = format!("no event has the source `{name}`");
        linter.add(
            span,
            Severity::Warning,
            "unknown-source",
            message,
            Some(format!("did you mean `{near}`?")),
        );
    }
}
