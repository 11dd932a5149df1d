//! Conditions that no record can meet, and those that read every file.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, Value,
};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::{Linter, Severity};
use crate::model::Instant;

/// Columns of AWS's table definitions that are parts of a date: their widths.
const PARTS: [(&str, usize); 4] = [("year", 4), ("month", 2), ("day", 2), ("hour", 2)];

/// The parts of a condition that must all hold.
pub(super) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

/// The column an expression is, by its last name, in lower case.
pub(super) fn column(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(name.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(names) if names.len() <= 2 => names.last().map(|name| name.value.to_ascii_lowercase()),
        Expr::Nested(inner) => column(inner),
        _ => None,
    }
}

/// The text an expression is, and where.
pub(super) fn text(expression: &Expr) -> Option<(String, Span)> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some((text.clone(), value.span)),
            _ => None,
        },
        Expr::Nested(inner) => text(inner),
        _ => None,
    }
}

/// Where an expression stands.
pub(super) fn span(expression: &Expr) -> Span {
    expression.span()
}

/// A bound of the time of an event.
struct Bound {
    /// Whether the time must be after it, or before.
    is_lower: bool,
    at: Instant,
    /// Whether the time may be it.
    is_inclusive: bool,
    span: Span,
}

/// Looks at the conditions of one select.
pub(super) fn check(linter: &mut Linter, condition: &Expr) {
    let parts = conjuncts(condition);
    let mut bounds = Vec::new();
    let mut wrapped = None;
    let mut prunes = false;
    let mut equal: Vec<(String, String)> = Vec::new();
    for part in &parts {
        match part {
            Expr::BinaryOp { left, op, right } => {
                let (of, value, op) = match (time_column(left), time_column(right)) {
                    (Some(of), _) => (of, right.as_ref(), op.clone()),
                    (None, Some(of)) => (of, left.as_ref(), swapped(op)),
                    (None, None) => {
                        part_of_date(linter, left, right);
                        same_twice(linter, &mut equal, left, op, right);
                        continue;
                    }
                };
                if let Some((written, at)) = text_of_time(value) {
                    time_as_text(linter, &written, &op, at);
                }
                prunes |= of == Wrapping::None || of == Wrapping::Instant;
                if of == Wrapping::Other {
                    wrapped = wrapped.or(Some(span(part)));
                    continue;
                }
                bounds.extend(bound(&op, value));
            }
            Expr::Between {
                expr,
                negated: false,
                low,
                high,
            } if time_column(expr).is_some() => {
                prunes = true;
                bounds.extend(bound(&BinaryOperator::GtEq, low));
                bounds.extend(bound(&BinaryOperator::LtEq, high));
            }
            Expr::Like { expr, .. } if time_column(expr).is_some() => wrapped = wrapped.or(Some(span(part))),
            other => {
                if let Expr::InList { expr, .. } = other
                    && column(expr).is_some_and(|name| ["event_date", "year", "month", "day"].contains(&name.as_str()))
                {
                    prunes = true;
                }
            }
        }
    }
    empty_range(linter, &bounds);
    if let Some(span) = wrapped.filter(|_| !prunes) {
        let message = "the time is compared after a function, so every file is read";
        let hint = "compare `eventtime` itself, as in eventtime >= '2026-01-01' AND eventtime < '2026-02-01'";
        linter.add(
            span,
            Severity::Note,
            "partitions-not-used",
            message.to_owned(),
            Some(hint.to_owned()),
        );
    }
}

/// What stands around the time of an event.
#[derive(PartialEq, Clone, Copy)]
enum Wrapping {
    None,
    /// What makes the same instant of it.
    Instant,
    Other,
}

fn time_column(expression: &Expr) -> Option<Wrapping> {
    if let Some(name) = column(expression) {
        return ["eventtime", "event_date"]
            .contains(&name.as_str())
            .then_some(Wrapping::None);
    }
    match expression {
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else {
                return None;
            };
            let name = function.name.to_string().to_ascii_lowercase();
            let of_time = list.args.iter().any(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => time_column(value).is_some(),
                _ => false,
            });
            of_time.then_some(match name.as_str() {
                "from_iso8601_timestamp" | "timestamp" => Wrapping::Instant,
                _ => Wrapping::Other,
            })
        }
        Expr::Cast { expr, .. } => time_column(expr).map(|_| Wrapping::Other),
        Expr::Substring { expr, .. } | Expr::Extract { expr, .. } => time_column(expr).map(|_| Wrapping::Other),
        Expr::Nested(inner) => time_column(inner),
        _ => None,
    }
}

fn swapped(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        other => other.clone(),
    }
}

/// The instant a value is, where it stands in the query.
fn instant(value: &Expr) -> Option<(Instant, Span)> {
    if let Some((text, span)) = text(value) {
        return Instant::parse(&text).map(|instant| (instant, span));
    }
    match value {
        Expr::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(text) => {
                Instant::parse(text.trim_end_matches(" UTC")).map(|instant| (instant, typed.value.span))
            }
            _ => None,
        },
        Expr::Function(function) => {
            let name = function.name.to_string().to_ascii_lowercase();
            let FunctionArguments::List(list) = &function.args else {
                return None;
            };
            match (name.as_str(), list.args.as_slice()) {
                (
                    "from_iso8601_timestamp" | "timestamp" | "date",
                    [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))],
                ) => instant(inner),
                _ => None,
            }
        }
        Expr::Cast { expr, .. } | Expr::Nested(expr) => instant(expr),
        _ => None,
    }
}

fn text_of_time(value: &Expr) -> Option<(String, Span)> {
    text(value)
}

fn bound(op: &BinaryOperator, value: &Expr) -> Vec<Bound> {
    let Some((at, span)) = instant(value) else {
        return Vec::new();
    };
    let one = |is_lower, is_inclusive| Bound {
        is_lower,
        at,
        is_inclusive,
        span,
    };
    match op {
        BinaryOperator::Gt => vec![one(true, false)],
        BinaryOperator::GtEq => vec![one(true, true)],
        BinaryOperator::Lt => vec![one(false, false)],
        BinaryOperator::LtEq => vec![one(false, true)],
        BinaryOperator::Eq => vec![one(true, true), one(false, true)],
        _ => Vec::new(),
    }
}

fn empty_range(linter: &mut Linter, bounds: &[Bound]) {
    let lower = bounds
        .iter()
        .filter(|bound| bound.is_lower)
        .max_by_key(|bound| bound.at);
    let upper = bounds
        .iter()
        .filter(|bound| !bound.is_lower)
        .min_by_key(|bound| bound.at);
    if let (Some(lower), Some(upper)) = (lower, upper) {
        let meets = lower.at < upper.at || (lower.at == upper.at && lower.is_inclusive && upper.is_inclusive);
        if !meets {
            let message = format!("no time is both after {} and before {}", lower.at, upper.at);
            linter.add(lower.span, Severity::Warning, "never-matches", message, None);
        }
    }
}

/// `eventtime > '01/31/2026'`: compared letter by letter with what it never begins like.
fn time_as_text(linter: &mut Linter, written: &str, op: &BinaryOperator, at: Span) {
    let compares = matches!(
        op,
        BinaryOperator::Eq | BinaryOperator::Gt | BinaryOperator::GtEq | BinaryOperator::Lt | BinaryOperator::LtEq
    );
    let begins_like_a_time = written
        .bytes()
        .zip("0000-00-00".bytes())
        .all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        });
    let is_time = Instant::parse(written).is_some() || (begins_like_a_time && !written.is_empty());
    if compares && !is_time {
        let message = format!("`{written}` is not how times are written");
        let hint = "write 2026-01-31 or 2026-01-31T12:00:00Z".to_owned();
        linter.add(at, Severity::Warning, "never-matches", message, Some(hint));
    }
}

/// `month = '1'`, where months are written `01`.
fn part_of_date(linter: &mut Linter, left: &Expr, right: &Expr) {
    let (Some(name), Some((written, at))) = (column(left), text(right)) else {
        return;
    };
    if let Some((_, width)) = PARTS.iter().find(|(part, _)| *part == name)
        && written.bytes().all(|byte| byte.is_ascii_digit())
        && written.len() < *width
    {
        let message = format!("`{name}` is never `{written}`: it has {width} digits");
        let hint = format!("write `{written:0>width$}`");
        linter.add(at, Severity::Warning, "never-matches", message, Some(hint));
    }
    if name == "timestamp" && written.len() == 10 && written.contains('-') && Instant::parse(&written).is_some() {
        let message = "`timestamp` is written with slashes".to_owned();
        let hint = format!("write `{}`", written.replace('-', "/"));
        linter.add(at, Severity::Warning, "never-matches", message, Some(hint));
    }
}

/// `eventname = 'A' AND eventname = 'B'`
fn same_twice(linter: &mut Linter, equal: &mut Vec<(String, String)>, left: &Expr, op: &BinaryOperator, right: &Expr) {
    let (Some(name), Some((value, at)), BinaryOperator::Eq) = (column(left), text(right), op) else {
        return;
    };
    // Of which table a name is counts, so the whole name is compared.
    let whole = left.to_string().to_ascii_lowercase();
    if equal.iter().any(|(known, other)| *known == whole && *other != value) {
        let message = format!("`{name}` cannot be two things at once");
        linter.add(
            at,
            Severity::Warning,
            "never-matches",
            message,
            Some("use IN or OR".to_owned()),
        );
    }
    equal.push((whole, value));
}
