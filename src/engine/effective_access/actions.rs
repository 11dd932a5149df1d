//! What a query asks of the rights, read from its filters, so that no more is decided than is asked.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::policy::access::single_key_actions;
use crate::policy::kms::{self, ActionSet};

/// The actions that can pass the filters.
pub(super) fn wanted(filters: &[Expr]) -> ActionSet {
    filters
        .iter()
        .filter_map(of_filter)
        .fold(single_key_actions(), |all, some| all & some)
}

/// The actions that pass one filter, where it speaks of nothing else.
fn of_filter(filter: &Expr) -> Option<ActionSet> {
    match filter {
        Expr::InList(list) if !list.negated && is_column(&list.expr, "action") => {
            list.list.iter().map(named).try_fold(0, |all, one| Some(all | one?))
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => match (&**left, &**right) {
            (column, value) | (value, column) if is_column(column, "action") => named(value),
            _ => None,
        },
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => Some(of_filter(left)? | of_filter(right)?),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => match (of_filter(left), of_filter(right)) {
            (Some(left), Some(right)) => Some(left & right),
            (left, right) => left.or(right),
        },
        _ => None,
    }
}

fn is_column(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Column(column) if column.name == name)
}

/// The action of a literal; none where no action has that name in the case that the table writes.
fn named(value: &Expr) -> Option<ActionSet> {
    let Expr::Literal(value, _) = value else { return None };
    let text = value.try_as_str()??;
    let action = kms::find(text).filter(|action| kms::full_name(*action) == text);
    Some(action.map_or(0, |action| 1 << action))
}

/// The instants of collection that can pass the filters, both ends included.
pub(super) fn collected(filters: &[Expr]) -> (i64, i64) {
    filters.iter().fold((i64::MIN, i64::MAX), |(since, until), filter| {
        let (from, to) = bounds(filter);
        (since.max(from), until.min(to))
    })
}

fn bounds(filter: &Expr) -> (i64, i64) {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return (i64::MIN, i64::MAX);
    };
    if *op == Operator::And {
        let (one, other) = (bounds(left), bounds(right));
        return (one.0.max(other.0), one.1.min(other.1));
    }
    let (op, value) = match (&**left, &**right) {
        (column, value) if is_column(column, "collected_at") => (*op, value),
        (value, column) if is_column(column, "collected_at") => match op.swap() {
            Some(op) => (op, value),
            None => return (i64::MIN, i64::MAX),
        },
        _ => return (i64::MIN, i64::MAX),
    };
    let Expr::Literal(ScalarValue::TimestampMicrosecond(Some(at), _), _) = value else {
        return (i64::MIN, i64::MAX);
    };
    match op {
        Operator::Gt | Operator::GtEq => (*at, i64::MAX),
        Operator::Lt | Operator::LtEq => (i64::MIN, *at),
        Operator::Eq => (*at, *at),
        _ => (i64::MIN, i64::MAX),
    }
}
