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

/// What a subquery answers: its one column.
pub(super) fn only_column(subquery: &LogicalPlan) -> Result<Expr> {
    match subquery.schema().columns().into_iter().next() {
        Some(held) => Ok(Expr::Column(held)),
        None => plan_err!("the subquery has no column"),
    }
}

/// What is known of all rows of a subquery, as one row under a name of its own.
pub(super) struct Summed {
    /// The row.
    pub(super) row: LogicalPlan,
    table: String,
}

impl Summed {
    /// How many rows there are and how many are known, and what else is asked of them, each under its name.
    pub(super) fn of(
        subquery: LogicalPlan,
        held: &Expr,
        table: &str,
        more: impl IntoIterator<Item = (&'static str, Expr)>,
    ) -> Result<Summed> {
        let counts = [("rows", count(lit(1_i64))), ("known", count(held.clone()))];
        let sums = counts.into_iter().chain(more);
        let sums: Vec<Expr> = sums.map(|(name, sum)| sum.alias(named(table, name))).collect();
        let row = LogicalPlanBuilder::from(subquery)
            .aggregate(Vec::<Expr>::new(), sums)?
            .alias(table)?
            .build()?;
        let table = table.to_owned();
        Ok(Summed { row, table })
    }

    fn value(&self, name: &str) -> Expr {
        Expr::Column(Column::new(Some(self.table.as_str()), named(&self.table, name)))
    }

    pub(super) fn is_empty(&self) -> Expr {
        self.value("rows").eq(lit(0_i64))
    }

    pub(super) fn has_null(&self) -> Expr {
        self.value("known").lt(self.value("rows"))
    }
}

/// No name that a column beside it has.
fn named(table: &str, name: &str) -> String {
    format!("{table}_{name}")
}

/// The value, and the input beside the one row it is compared with. As in SQL: ANY of nothing is false and ALL of nothing
/// true; a NULL among the rows leaves open what no other row decides.
pub(super) fn compared(asked: SetComparison, input: LogicalPlan, table: &str) -> Result<(Expr, LogicalPlan)> {
    let is_all = asked.quantifier == SetQuantifier::All;
    let subquery = asked.subquery.subquery.as_ref().clone();
    let held = only_column(&subquery)?;
    // The greatest of texts is not the greatest of the numbers they are.
    let (one, other) = (asked.expr.get_type(input.schema())?, held.get_type(subquery.schema())?);
    let held = match comparison_coercion(&one, &other) {
        Some(common) if common != other => held.cast_to(&common, subquery.schema())?,
        _ => held,
    };
    let extremes = [("least", min(held.clone())), ("greatest", max(held.clone()))];
    let summed = Summed::of(subquery, &held, table, extremes)?;
    let with = |bound: &str| binary_expr(asked.expr.as_ref().clone(), asked.op, summed.value(bound));
    let is = match (asked.op, is_all) {
        (Operator::Lt | Operator::LtEq, false) | (Operator::Gt | Operator::GtEq, true) => with("greatest"),
        (Operator::Gt | Operator::GtEq, false) | (Operator::Lt | Operator::LtEq, true) => with("least"),
        (Operator::Eq, _) => with("least").and(with("greatest")),
        (Operator::NotEq, _) => with("least").or(with("greatest")),
        (other, _) => return plan_err!("{other} is not compared with ANY or ALL rows of a query"),
    };
    let decided = if is_all { not(is.clone()) } else { is.clone() };
    let value = when(summed.is_empty(), lit(is_all))
        .when(decided, lit(!is_all))
        .when(summed.has_null(), lit(ScalarValue::Boolean(None)))
        .otherwise(is)?;
    let plan = LogicalPlanBuilder::from(input).cross_join(summed.row)?.build()?;
    Ok((value, plan))
}
