//! Parameters into a parsed statement: each `$name` becomes a literal of its value.
//!
//! A value never becomes text that is parsed, so no value can change what the statement asks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use chrono::TimeDelta;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Expr, Interval, VisitMut, VisitorMut};

use super::dialect::build::{call, text};
use super::{Error, Result};
use crate::model::Instant;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A point in time.
    Instant,
    /// A length of time.
    Duration,
    /// True or false.
    Boolean,
    /// Texts, separated by commas where they are typed.
    List,
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A value of kind text.
    Text(String),
    /// A value of kind integer.
    Integer(i64),
    /// A value of kind instant.
    Instant(Instant),
    /// A value of kind duration.
    Duration(TimeDelta),
    /// A value of kind boolean.
    Boolean(bool),
    /// A value of kind list.
    List(Vec<String>),
    /// No value, of a kind.
    Null(Kind),
}

/// Values by parameter name.
pub type Bindings = BTreeMap<String, Value>;

/// Puts every value in its places.
///
/// # Errors
/// The statement names a parameter without a value, or a value's parameter is nowhere in the statement.
pub(super) fn bind(statement: &mut Statement, bindings: &Bindings) -> Result<()> {
    let mut binder = Binder {
        bindings,
        used: BTreeSet::new(),
    };
    let mut inner = &mut *statement;
    while let Statement::Explain(explain) = inner {
        inner = &mut explain.statement;
    }
    if let Statement::Statement(statement) = inner
        && let ControlFlow::Break(name) = statement.visit(&mut binder)
    {
        return Err(Error::Parameter {
            name,
            reason: "has no value".to_owned(),
        });
    }
    match bindings.keys().find(|name| !binder.used.contains(*name)) {
        Some(name) => Err(Error::Parameter {
            name: name.clone(),
            reason: "is not in the query".to_owned(),
        }),
        None => Ok(()),
    }
}

struct Binder<'a> {
    bindings: &'a Bindings,
    used: BTreeSet<String>,
}

impl Binder<'_> {
    fn value(&mut self, expression: &Expr) -> ControlFlow<String, Option<&Value>> {
        let Expr::Value(literal) = expression else {
            return ControlFlow::Continue(None);
        };
        let ast::Value::Placeholder(placeholder) = &literal.value else {
            return ControlFlow::Continue(None);
        };
        let name = placeholder.trim_start_matches('$');
        match self.bindings.get(name) {
            Some(value) => {
                self.used.insert(name.to_owned());
                ControlFlow::Continue(Some(value))
            }
            None => ControlFlow::Break(name.to_owned()),
        }
    }
}

impl VisitorMut for Binder<'_> {
    type Break = String;

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<String> {
        // `x IN ($list)` means any of the list's elements.
        if let Expr::InList { list, .. } = expression {
            let mut elements = Vec::with_capacity(list.len());
            for element in std::mem::take(list) {
                match self.value(&element)? {
                    Some(Value::List(texts)) => elements.extend(texts.iter().map(|element| text(element))),
                    _ => elements.push(element),
                }
            }
            *list = elements;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<String> {
        if let Some(value) = self.value(expression)? {
            *expression = literal(value);
        }
        ControlFlow::Continue(())
    }
}

fn literal(value: &Value) -> Expr {
    match value {
        Value::Text(value) => text(value),
        Value::Integer(number) if *number < 0 => Expr::Nested(Box::new(Expr::UnaryOp {
            op: ast::UnaryOperator::Minus,
            expr: Box::new(number_of(number)),
        })),
        Value::Integer(number) => number_of(number),
        Value::Boolean(flag) => Expr::value(ast::Value::Boolean(*flag)),
        Value::Instant(instant) => cast(text(&instant.to_string()), Kind::Instant),
        Value::Duration(length) => Expr::Interval(Interval {
            value: Box::new(text(&format!("{} seconds", length.num_seconds()))),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        }),
        Value::List(texts) => cast(
            call("make_array", texts.iter().map(|element| text(element))),
            Kind::List,
        ),
        Value::Null(kind) => cast(Expr::value(ast::Value::Null), *kind),
    }
}

fn number_of(number: &i64) -> Expr {
    Expr::value(ast::Value::Number(number.unsigned_abs().to_string(), false))
}

/// A cast to exactly the type the lake's columns have, so that comparisons still prune.
fn cast(value: Expr, kind: Kind) -> Expr {
    let target = match kind {
        Kind::Text => "Utf8",
        Kind::Integer => "Int64",
        Kind::Instant => "Timestamp(Microsecond, Some(\"UTC\"))",
        Kind::Duration => "Interval(MonthDayNano)",
        Kind::Boolean => "Boolean",
        Kind::List => "List(Utf8)",
    };
    call("arrow_cast", [value, text(target)])
}
