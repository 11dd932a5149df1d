//! `x > ANY (SELECT ...)` and `x > ALL (SELECT ...)`: a comparison with the least or the greatest of what the subquery
//! answers, as Trino's documentation reads them (<https://trino.io/docs/current/functions/comparison.html>). The planner
//! would compare every row with every row.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue, plan_err};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::expr::{InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit, not, when,
};

/// `= ANY` is IN, and `<> ALL` is NOT IN.
pub(super) fn as_membership(expression: Expr) -> Result<Expr> {
    let membership = expression.transform_up(|part| match part {
        Expr::SetComparison(SetComparison {
            expr,
            subquery,
            op: Operator::Eq,
            quantifier: SetQuantifier::Any,
        }) => Ok(Transformed::yes(Expr::InSubquery(InSubquery::new(
            expr, subquery, false,
        )))),
        Expr::SetComparison(SetComparison {
            expr,
            subquery,
            op: Operator::NotEq,
            quantifier: SetQuantifier::All,
        }) => Ok(Transformed::yes(Expr::InSubquery(InSubquery::new(
            expr, subquery, true,
        )))),
        part => Ok(Transformed::no(part)),
    })?;
    Ok(membership.data)
}

/// The value, and the input beside the one row it is compared with. As in SQL: ANY of nothing is false and ALL of nothing
/// true; a NULL among the rows leaves open what no other row decides.
pub(super) fn compared(asked: SetComparison, input: LogicalPlan, table: &str) -> Result<(Expr, LogicalPlan)> {
    let is_all = asked.quantifier == SetQuantifier::All;
    let subquery = asked.subquery.subquery.as_ref().clone();
    let Some(held) = subquery.schema().columns().into_iter().next().map(Expr::Column) else {
        return plan_err!("the subquery has no column");
    };
    // The greatest of texts is not the greatest of the numbers they are.
    let (one, other) = (asked.expr.get_type(input.schema())?, held.get_type(subquery.schema())?);
    let held = match comparison_coercion(&one, &other) {
        Some(common) if common != other => held.cast_to(&common, subquery.schema())?,
        _ => held,
    };
    // No name that a column beside it has.
    let name = |of: &str| format!("{table}_{of}");
    let summed = LogicalPlanBuilder::from(subquery)
        .aggregate(
            Vec::<Expr>::new(),
            [
                count(lit(1_i64)).alias(name("rows")),
                count(held.clone()).alias(name("known")),
                min(held.clone()).alias(name("least")),
                max(held).alias(name("greatest")),
            ],
        )?
        .alias(table)?
        .build()?;
    let of = |of: &str| Expr::Column(Column::new(Some(table), name(of)));
    let with = |bound: &str| binary_expr(asked.expr.as_ref().clone(), asked.op, of(bound));
    let is = match (asked.op, is_all) {
        (Operator::Lt | Operator::LtEq, false) | (Operator::Gt | Operator::GtEq, true) => with("greatest"),
        (Operator::Gt | Operator::GtEq, false) | (Operator::Lt | Operator::LtEq, true) => with("least"),
        (Operator::Eq, _) => with("least").and(with("greatest")),
        (Operator::NotEq, _) => with("least").or(with("greatest")),
        (other, _) => return plan_err!("{other} is not compared with ANY or ALL rows of a query"),
    };
    let plan = LogicalPlanBuilder::from(input).cross_join(summed)?.build()?;
    let decided = if is_all { not(is.clone()) } else { is.clone() };
    let value = when(of("rows").eq(lit(0_i64)), lit(is_all))
        .when(decided, lit(!is_all))
        .when(of("known").lt(of("rows")), lit(ScalarValue::Boolean(None)))
        .otherwise(is)?;
    Ok((value, plan))
}
