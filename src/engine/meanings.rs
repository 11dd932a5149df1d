//! Expressions that mean something else in Trino once their types are known: casts that round, texts and arrays that
//! share a function's name, days that are still days when they are truncated.

use arrow::datatypes::{DataType, Field};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::functions::expr_fn::{character_length, encode, round};
use datafusion::functions_nested::expr_fn::{array_reverse, array_to_string};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, lit};

/// The rewrite, applied to every expression before types are coerced.
#[derive(Debug)]
pub(super) struct Meanings;

impl FunctionRewrite for Meanings {
    fn name(&self) -> &str {
        "meanings"
    }

    fn rewrite(&self, expression: Expr, columns: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let kind = |of: &Expr| of.get_type(columns).ok();
        Ok(match expression {
            // 1.5 becomes 2: the planner would cut off what is behind the point.
            Expr::Cast(mut cast) if cuts_off(kind(&cast.expr), &cast.field) => {
                *cast.expr = round(vec![*cast.expr]);
                Transformed::yes(Expr::Cast(cast))
            }
            Expr::TryCast(mut cast) if cuts_off(kind(&cast.expr), &cast.field) => {
                *cast.expr = round(vec![*cast.expr]);
                Transformed::yes(Expr::TryCast(cast))
            }
            // The engine would compare the bytes with those of the text, and show them as hexadecimal digits.
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if op.supports_propagation() && is_bytes_with_text(kind(&left), kind(&right)) =>
            {
                return plan_err!("bytes are compared with a text: to_hex(...) makes a text of them");
            }
            Expr::InList(list)
                if list
                    .list
                    .iter()
                    .any(|item| is_bytes_with_text(kind(&list.expr), kind(item))) =>
            {
                return plan_err!("bytes are compared with a text: to_hex(...) makes a text of them");
            }
            // The engine would take the machine's bytes of a number.
            Expr::ScalarFunction(function) if is_bytes_of_number(&function, kind) => {
                return plan_err!("a number has no bytes of its own: to_big_endian_64(...) makes them");
            }
            Expr::ScalarFunction(function) => match meaning(&function, kind) {
                Some(meaning) => Transformed::yes(meaning),
                None => Transformed::no(Expr::ScalarFunction(function)),
            },
            other => Transformed::no(other),
        })
    }
}

fn is_bytes_with_text(one: Option<DataType>, other: Option<DataType>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return false;
    };
    (one.is_binary() && other.is_string()) || (one.is_string() && other.is_binary())
}

fn is_bytes_of_number(function: &ScalarFunction, kind: impl Fn(&Expr) -> Option<DataType>) -> bool {
    match (function.name(), function.args.as_slice()) {
        ("arrow_cast", [value, Expr::Literal(ScalarValue::Utf8(Some(to)), _)]) => {
            to == "Binary" && kind(value).is_some_and(|kind| kind.is_primitive() || kind == DataType::Boolean)
        }
        _ => false,
    }
}

fn cuts_off(from: Option<DataType>, to: &Field) -> bool {
    to.data_type().is_integer() && from.is_some_and(|from| from.is_floating() || from.is_decimal())
}

fn meaning(function: &ScalarFunction, kind: impl Fn(&Expr) -> Option<DataType>) -> Option<Expr> {
    let is_list = |of: &Expr| matches!(kind(of), Some(DataType::List(_)));
    match (function.name(), function.args.as_slice()) {
        ("reverse", [array]) if is_list(array) => Some(array_reverse(array.clone())),
        ("concat_ws", [between, array]) if is_list(array) => Some(array_to_string(array.clone(), between.clone())),
        // The bytes, and not the letters they may be.
        ("character_length", [Expr::ScalarFunction(inner)]) if inner.name() == "as_text" => {
            let [value] = inner.args.as_slice() else {
                return None;
            };
            let is_bytes = kind(value).is_some_and(|kind| kind.is_binary());
            is_bytes.then(|| character_length(encode(value.clone(), lit("hex"))) / lit(2_i32))
        }
        ("date_trunc", [_, Expr::ScalarFunction(inner)]) if inner.name() == "as_timestamp" => {
            let is_day = inner.args.first().and_then(&kind) == Some(DataType::Date32);
            let truncated = Expr::ScalarFunction(function.clone());
            is_day.then(|| Expr::Cast(Cast::new(Box::new(truncated), DataType::Date32)))
        }
        _ => None,
    }
}
