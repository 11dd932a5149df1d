//! Functions of Trino that are another of the planner's, or a form of words of its own.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArgumentClause,
    FunctionArguments, ObjectName, Statement, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::build::{arguments, call, case, function, ident, order, text};

/// The names of calls that are rewritten.
pub(in crate::engine) fn names() -> impl Iterator<Item = &'static str> {
    [
        "all_match",
        "any_value",
        "approx_percentile",
        "arbitrary",
        "count_if",
        "day_of_week",
        "day_of_year",
        "every",
        "filter",
        "from_iso8601_date",
        "if",
        "listagg",
        "max_by",
        "min_by",
        "none_match",
        "sequence",
        "to_iso8601",
        "transform",
        "try",
        "typeof",
    ]
    .into_iter()
}

/// Rewrites every call that needs it.
pub(super) fn translate(statement: &mut Statement) {
    let _ = statement.visit(&mut Calls);
}

struct Calls;

impl VisitorMut for Calls {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Function(function) => {
                if let Some(translated) = translate_call(function) {
                    *expression = translated;
                }
            }
            // A timestamp is matched by its text.
            Expr::Like { expr, .. } | Expr::ILike { expr, .. } if !is_literal(expr) => {
                **expr = call("as_text", [expr.as_ref().clone()]);
            }
            // A driver's list: only a cast says that the parameter is one.
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } if matches!(right.as_ref(), Expr::Value(value) if matches!(value.value, Value::Placeholder(_))) => {
                let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
                let list = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: right.clone(),
                    data_type: texts,
                    array: false,
                    format: None,
                };
                *expression = call("array_has", [list, left.as_ref().clone()]);
            }
            // Trino's weeks begin on Monday, day 1.
            Expr::Extract { field, expr, .. } => {
                if let Some(part) = calendar_part(&field.to_string().to_ascii_lowercase()) {
                    *expression = call("calendar_part", [text(part), expr.as_ref().clone()]);
                }
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let mut parts = vec![expr.as_ref().clone()];
                parts.extend(substring_from.take().map(|from| *from));
                parts.extend(substring_for.take().map(|length| *length));
                *expression = call("substr", parts);
            }
            // As two comparisons, each bound is read for the type it is compared with.
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } if !is_literal(expr) => {
                let side = |op: BinaryOperator, bound: &Expr| Expr::BinaryOp {
                    left: expr.clone(),
                    op,
                    right: Box::new(Expr::Nested(Box::new(bound.clone()))),
                };
                let (low, high) = (side(BinaryOperator::GtEq, low), side(BinaryOperator::LtEq, high));
                let both = Expr::BinaryOp {
                    left: Box::new(low),
                    op: BinaryOperator::And,
                    right: Box::new(high),
                };
                let both = Expr::Nested(Box::new(both));
                *expression = if *negated { not(both) } else { both };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(_))
}

fn not(expression: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(Expr::Nested(Box::new(expression))),
    }
}

fn number(number: i64) -> Expr {
    Expr::value(Value::Number(number.to_string(), false))
}

/// Another name for the same arguments.
fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "transform" => "array_transform",
        "filter" => "array_filter",
        "typeof" => "arrow_typeof",
        "levenshtein_distance" => "levenshtein",
        "sequence" => "generate_series",
        "any_value" | "arbitrary" => "min",
        "array_remove" => "array_remove_all",
        "from_iso8601_date" => "date",
        "to_iso8601" => "as_text",
        "ceiling" => "ceil",
        "truncate" => "trunc",
        "codepoint" => "ascii",
        "every" => "bool_and",
        "listagg" => "string_agg",
        "zip" => "arrays_zip",
        "rand" => "random",
        _ => return None,
    })
}

/// Parts of a date, by the names Trino has for them.
fn calendar_part(name: &str) -> Option<&'static str> {
    Some(match name {
        "year" => "year",
        "quarter" => "quarter",
        "month" => "month",
        "week" | "week_of_year" => "week",
        "day" | "day_of_month" => "day",
        "day_of_week" | "dow" => "day_of_week",
        "day_of_year" | "doy" => "day_of_year",
        "hour" => "hour",
        "minute" => "minute",
        "second" => "second",
        _ => return None,
    })
}

/// Functions whose first argument is a text in Trino, and may be a timestamp here.
fn reads_text(name: &str) -> bool {
    matches!(
        name,
        "lower"
            | "upper"
            | "length"
            | "trim"
            | "ltrim"
            | "rtrim"
            | "strpos"
            | "starts_with"
            | "ends_with"
            | "replace"
            | "lpad"
            | "rpad"
            | "regexp_like"
            | "regexp_count"
            | "concat_ws"
    )
}

fn translate_call(call_of: &mut Function) -> Option<Expr> {
    let name = call_of.name.to_string().to_ascii_lowercase();
    if let Some(other) = other_name(&name) {
        call_of.name = ObjectName::from(vec![ident(other)]);
    }
    let name = other_name(&name).map_or(name, str::to_owned);
    let mut values = arguments(call_of)?;
    if reads_text(&name)
        && let Some(first) = values.first_mut()
        && !is_literal(first)
    {
        *first = call("as_text", [first.clone()]);
        set_arguments(call_of, &values);
    }
    if let Some(part) = calendar_part(&name)
        && values.len() == 1
    {
        values.insert(0, text(part));
        return Some(call("calendar_part", values));
    }
    let plain = Some(match (name.as_str(), values.as_slice()) {
        ("iif", [condition, result, otherwise]) => case(condition.clone(), result.clone(), Some(otherwise.clone())),
        ("mod", [left, right]) => Expr::BinaryOp {
            left: Box::new(left.clone()),
            op: BinaryOperator::Modulo,
            right: Box::new(right.clone()),
        },
        // Instants here are UTC's; a zone changes how one is shown, not which it is.
        ("from_unixtime", [seconds, _]) => call("from_unixtime", [seconds.clone()]),
        ("at_timezone" | "with_timezone", [instant, zone]) => Expr::AtTimeZone {
            timestamp: Box::new(instant.clone()),
            time_zone: Box::new(zone.clone()),
        },
        ("to_utf8", [value]) => call("arrow_cast", [value.clone(), text("Binary")]),
        ("from_utf8", [value]) => call("arrow_cast", [value.clone(), text("Utf8")]),
        ("from_base64", [value]) => call("decode", [value.clone(), text("base64")]),
        ("to_base64", [value]) => call("encode", [value.clone(), text("base64")]),
        ("from_hex", [value]) => call("decode", [value.clone(), text("hex")]),
        ("if", [condition, result]) => case(condition.clone(), result.clone(), None),
        ("if", [condition, result, otherwise]) => case(condition.clone(), result.clone(), Some(otherwise.clone())),
        ("replace", [from, what]) => call("replace", [from.clone(), what.clone(), text("")]),
        ("concat", [first, rest @ ..]) => rest.iter().fold(first.clone(), |left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: BinaryOperator::StringConcat,
            right: Box::new(right.clone()),
        }),
        ("all_match", [array, Expr::Lambda(lambda)]) => {
            let mut lambda = lambda.clone();
            lambda.body = Box::new(not(*lambda.body));
            not(call("any_match", [array.clone(), Expr::Lambda(lambda)]))
        }
        ("none_match", [array, lambda]) => not(call("any_match", [array.clone(), lambda.clone()])),
        ("greatest" | "least", [_, _, ..]) => {
            let missing = values.iter().map(|value| Expr::IsNull(Box::new(value.clone())));
            let any = missing.reduce(|left, right| Expr::BinaryOp {
                left: Box::new(left),
                op: BinaryOperator::Or,
                right: Box::new(right),
            })?;
            case(any, Expr::value(Value::Null), Some(Expr::Function(call_of.clone())))
        }
        ("date_trunc", [unit, value]) => call("date_trunc", [unit.clone(), call("as_timestamp", [value.clone()])]),
        _ => return aggregate(&name, call_of, &values),
    });
    plain.map(|expression| Expr::Nested(Box::new(expression)))
}

/// Aggregates keep their FILTER and OVER.
fn aggregate(name: &str, call_of: &mut Function, values: &[Expr]) -> Option<Expr> {
    let replacement = match (name, values) {
        ("approx_percentile", [value, Expr::Array(shares)]) => {
            let each = shares.elem.iter().map(|share| {
                let mut percentile = function("approx_percentile_cont", [share.clone()], vec![]);
                percentile.within_group = vec![order(value.clone(), false)];
                percentile.filter.clone_from(&call_of.filter);
                Expr::Function(percentile)
            });
            return Some(call("make_array", each));
        }
        ("max_by" | "min_by", [value, by, count]) => {
            let mut key = order(by.clone(), false);
            key.options.asc = Some(name == "min_by");
            let mut all = function(
                "array_agg",
                [value.clone()],
                vec![FunctionArgumentClause::OrderBy(vec![key])],
            );
            all.filter = call_of.filter.take();
            return Some(call("slice", [Expr::Function(all), number(1), count.clone()]));
        }
        ("count_if", [condition]) => function("count", [case(condition.clone(), number(1), None)], vec![]),
        ("approx_distinct", [value, _]) => function("approx_distinct", [value.clone()], vec![]),
        ("approx_percentile", [value, share]) => {
            let mut percentile = function("approx_percentile_cont", [share.clone()], vec![]);
            percentile.within_group = vec![order(value.clone(), false)];
            percentile
        }
        ("max_by", [value, by]) => function(
            "last_value",
            [value.clone()],
            vec![FunctionArgumentClause::OrderBy(vec![order(by.clone(), true)])],
        ),
        ("min_by", [value, by]) => function(
            "first_value",
            [value.clone()],
            vec![FunctionArgumentClause::OrderBy(vec![order(by.clone(), false)])],
        ),
        ("string_agg", _) if !call_of.within_group.is_empty() => {
            let order = std::mem::take(&mut call_of.within_group);
            let mut joined = function(
                "string_agg",
                values.iter().cloned(),
                vec![FunctionArgumentClause::OrderBy(order)],
            );
            if let (FunctionArguments::List(new), FunctionArguments::List(old)) = (&mut joined.args, &call_of.args) {
                new.duplicate_treatment = old.duplicate_treatment;
            }
            joined
        }
        ("set_agg", [value]) => {
            let mut set = function("array_agg", [value.clone()], vec![]);
            if let FunctionArguments::List(list) = &mut set.args {
                list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
            }
            set
        }
        _ => return None,
    };
    Some(Expr::Function(Function {
        filter: call_of.filter.take(),
        over: call_of.over.take(),
        ..replacement
    }))
}

fn set_arguments(call_of: &mut Function, values: &[Expr]) {
    let rebuilt = function("", values.iter().cloned(), vec![]);
    if let (FunctionArguments::List(list), FunctionArguments::List(new)) = (&mut call_of.args, rebuilt.args) {
        list.args = new.args;
    }
}
