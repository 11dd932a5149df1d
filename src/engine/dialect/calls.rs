//! Functions of Trino that are another of the planner's, or a form of words of its own.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, DataType, ExactNumberInfo, Expr, Function, FunctionArguments, ObjectName,
    Statement, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::build::{arguments, binary, call, case, cast, function, ident, number, text};
use super::{aggregates, lambdas, patterns, zones};

/// The names of calls that are rewritten.
pub(in crate::engine) fn names() -> impl Iterator<Item = &'static str> {
    let scalars = [
        "all_match",
        "array_first",
        "array_histogram",
        "array_last",
        "bitwise_and",
        "bitwise_not",
        "bitwise_or",
        "bitwise_xor",
        "current_timezone",
        "day_of_week",
        "day_of_year",
        "filter",
        "from_iso8601_date",
        "if",
        "is_nan",
        "map_filter",
        "map_zip_with",
        "millisecond",
        "multimap_from_entries",
        "none_match",
        "reduce",
        "sign",
        "transform",
        "transform_keys",
        "transform_values",
        "trim_array",
        "try",
        "year_of_week",
        "zip_with",
    ];
    scalars.into_iter().chain(aggregates::NAMES)
}

/// Rewrites every call that needs it.
pub(super) fn translate(statement: &mut Statement) {
    let _ = statement.visit(&mut Calls);
}

/// Values that are written out one by one: planning recurses along the comparisons.
const COMPARED_MAX: usize = 100;

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
            Expr::Like {
                expr,
                pattern,
                escape_char,
                ..
            }
            | Expr::ILike {
                expr,
                pattern,
                escape_char,
                ..
            } => {
                patterns::translate(pattern, escape_char);
                // A timestamp is matched by its text.
                if !is_literal(expr) {
                    **expr = call("as_text", [expr.as_ref().clone()]);
                }
            }
            Expr::AtTimeZone { .. } | Expr::TypedString(_) => zones::translate(expression),
            Expr::IsNotDistinctFrom(value, other) if is_null(other) => *expression = Expr::IsNull(value.clone()),
            Expr::IsDistinctFrom(value, other) if is_null(other) => *expression = Expr::IsNotNull(value.clone()),
            // A driver's list: only a cast says that the parameter is one.
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } if matches!(right.as_ref(), Expr::Value(value) if matches!(value.value, Value::Placeholder(_))) => {
                let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
                let list = cast(right.as_ref().clone(), texts);
                *expression = call("array_has", [list, left.as_ref().clone()]);
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => {
                if let Some(compared) = with_each(left, compare_op, right, BinaryOperator::Eq, BinaryOperator::Or) {
                    *expression = compared;
                }
            }
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => {
                if let Some(compared) = with_each(left, compare_op, right, BinaryOperator::NotEq, BinaryOperator::And) {
                    *expression = compared;
                }
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

/// `= ANY (VALUES 1, 2)`, by now `= ANY ((1, 2))`: a comparison with each, NULL where a NULL among them leaves it open. What a
/// query answers is compared with once it is planned, by its extremes ([`crate::engine::quantified`]).
fn with_each(
    left: &Expr,
    compare: &BinaryOperator,
    right: &Expr,
    listed: BinaryOperator,
    joined: BinaryOperator,
) -> Option<Expr> {
    let values = match right {
        Expr::Tuple(values) => values.as_slice(),
        Expr::Nested(value) if !is_list(value) => std::slice::from_ref(value.as_ref()),
        _ => return None,
    };
    if *compare == listed {
        return Some(Expr::InList {
            expr: Box::new(left.clone()),
            list: values.to_vec(),
            negated: listed == BinaryOperator::NotEq,
        });
    }
    let each = values
        .iter()
        .take(COMPARED_MAX + 1)
        .map(|value| binary(left.clone(), compare.clone(), value.clone()));
    let all = each.reduce(|one, next| binary(one, joined.clone(), next));
    all.filter(|_| values.len() <= COMPARED_MAX)
        .map(|all| Expr::Nested(Box::new(all)))
}

/// An array, or a driver's.
fn is_list(expression: &Expr) -> bool {
    match expression {
        Expr::Array(_) => true,
        Expr::Value(held) => matches!(held.value, Value::Placeholder(_)),
        _ => false,
    }
}

fn is_null(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(held) if held.value == Value::Null)
}

fn not(expression: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(Expr::Nested(Box::new(expression))),
    }
}

/// Another name for the same arguments.
fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "transform" => "array_transform",
        "filter" => "array_filter",
        "levenshtein_distance" => "levenshtein",
        "repeat" => "array_repeat",
        "from_iso8601_date" => "date",
        // Instants here have microseconds.
        "from_iso8601_timestamp_nanos" => "from_iso8601_timestamp",
        "localtime" => "current_time",
        "localtimestamp" => "current_timestamp",
        "array_histogram" => "frequencies",
        "multimap_from_entries" => "multimap_of_entries",
        "array_remove" => "array_remove_all",
        "ceiling" => "ceil",
        "truncate" => "trunc",
        "codepoint" => "ascii",
        "sign" => "signum",
        "is_nan" => "isnan",
        "zip" => "arrays_zip",
        "rand" => "random",
        other => return aggregates::other_name(other),
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
        "millisecond" => "millisecond",
        "year_of_week" | "yow" => "year_of_week",
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
        // The digits behind the point that are asked for are all there.
        ("current_timestamp" | "current_time", [_]) => call(&name, []),
        ("random", [end]) => below(end.clone()),
        ("random", [start, end]) => {
            let range = binary(end.clone(), BinaryOperator::Minus, start.clone());
            binary(start.clone(), BinaryOperator::Plus, below(range))
        }
        ("map", []) => call("map", [call("make_array", []), call("make_array", [])]),
        ("normalize", [value, Expr::Identifier(form)]) => call("normalize", [value.clone(), text(&form.value)]),
        // The planner's is its digits, Trino's the bytes.
        ("md5", [value]) => call("decode", [call("md5", [value.clone()]), text("hex")]),
        // Instants here are UTC's; a zone changes how one is shown, not which it is.
        ("from_unixtime", [seconds, _]) => call("from_unixtime", [seconds.clone()]),
        ("at_timezone" | "with_timezone", [instant, zone]) => Expr::AtTimeZone {
            timestamp: Box::new(instant.clone()),
            time_zone: Box::new(zone.clone()),
        },
        ("to_utf8", [value]) => call("arrow_cast", [value.clone(), text("Binary")]),
        ("from_base64", [value]) => call("decode", [value.clone(), text("base64")]),
        ("to_base64", [value]) => call("encode", [value.clone(), text("base64pad")]),
        ("from_base64url", [value]) => {
            let plain = call("translate", [value.clone(), text("-_"), text("+/")]);
            call("decode", [plain, text("base64")])
        }
        ("to_base64url", [value]) => {
            let plain = call("encode", [value.clone(), text("base64pad")]);
            call("translate", [plain, text("+/"), text("-_")])
        }
        // Presto's, with the network in front as in Trino's.
        ("is_subnet_of", [network, address]) => call("contains", [network.clone(), address.clone()]),
        ("from_hex", [value]) => call("decode", [value.clone(), text("hex")]),
        // A digest of values is asked for one thing, which the values answer.
        ("value_at_quantile" | "values_at_quantiles", [Expr::Function(digest), share])
            if is_named(digest, &["qdigest_agg", "tdigest_agg"]) =>
        {
            // The value, and its weight; how near the digest is to it is not asked.
            let values = arguments(digest)?.into_iter().take(2);
            aggregates::asked_of(digest, "approx_percentile", values.chain([share.clone()]))?
        }
        ("cardinality", [Expr::Function(digest)]) if is_named(digest, &["approx_set"]) => {
            aggregates::asked_of(digest, "approx_distinct", arguments(digest)?)?
        }
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
        ("array_sort", [array]) => call("array_sort", [array.clone(), text("ASC"), text("NULLS LAST")]),
        // NULL where there is one among the elements: sorted to the end that is asked for.
        ("array_max", [array]) => {
            let sorted = call("array_sort", [array.clone(), text("ASC"), text("NULLS LAST")]);
            call("element_at", [sorted, number(-1)])
        }
        ("array_min", [array]) => {
            let sorted = call("array_sort", [array.clone(), text("ASC"), text("NULLS FIRST")]);
            call("element_at", [sorted, number(1)])
        }
        ("array_first", [array]) => call("element_at", [array.clone(), number(1)]),
        ("array_last", [array]) => call("element_at", [array.clone(), number(-1)]),
        ("array_position", [array, value]) => {
            let there = binary(
                Expr::IsNotNull(Box::new(array.clone())),
                BinaryOperator::And,
                Expr::IsNotNull(Box::new(value.clone())),
            );
            let place = call("array_position", [array.clone(), value.clone()]);
            case(there, call("coalesce", [place, number(0)]), None)
        }
        ("trim_array", [array, less]) => {
            let length = binary(
                call("cardinality", [array.clone()]),
                BinaryOperator::Minus,
                less.clone(),
            );
            call("slice", [array.clone(), number(1), length])
        }
        ("bitwise_and", [left, right]) => binary(left.clone(), BinaryOperator::BitwiseAnd, right.clone()),
        ("bitwise_or", [left, right]) => binary(left.clone(), BinaryOperator::BitwiseOr, right.clone()),
        ("bitwise_xor", [left, right]) => binary(left.clone(), BinaryOperator::BitwiseXor, right.clone()),
        ("bitwise_not", [value]) => binary(number(-1), BinaryOperator::Minus, value.clone()),
        ("current_timezone", []) => text("UTC"),
        ("e", []) => Expr::value(Value::Number(std::f64::consts::E.to_string(), false)),
        ("infinity", []) => double("Infinity"),
        ("nan", []) => double("NaN"),
        ("date_trunc", [unit, value]) => call("date_trunc", [unit.clone(), call("as_timestamp", [value.clone()])]),
        _ => return lambdas::translate(&name, &values).or_else(|| aggregates::translate(&name, call_of, &values)),
    });
    plain.map(|expression| Expr::Nested(Box::new(expression)))
}

fn is_named(function: &Function, names: &[&str]) -> bool {
    let name = function.name.to_string();
    names.iter().any(|one| name.eq_ignore_ascii_case(one))
}

fn double(written: &str) -> Expr {
    cast(text(written), DataType::Double(ExactNumberInfo::None))
}

/// A random whole number from zero to below the end.
fn below(end: Expr) -> Expr {
    let within = binary(call("random", []), BinaryOperator::Multiply, end);
    cast(call("floor", [within]), DataType::BigInt(None))
}

fn set_arguments(call_of: &mut Function, values: &[Expr]) {
    let rebuilt = function("", values.iter().cloned(), vec![]);
    if let (FunctionArguments::List(list), FunctionArguments::List(new)) = (&mut call_of.args, rebuilt.args) {
        list.args = new.args;
    }
}
