//! `x IN (SELECT ...)` and `EXISTS (SELECT ...)` where it is a value and no condition: in a select list, a CASE, a sum. The planner knows it in WHERE
//! only; elsewhere the rows are joined with the subquery's, and the join says of each row whether there was one.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Projection, lit, not, scalar_subquery, when,
};

/// Rewrites the plan where it asks for membership as a value.
pub(super) fn as_values(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut joins = 0_usize;
    let rewritten = plan.transform_up(|plan| match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) if expr.iter().any(asks) => {
            let (expr, input) = joined(
                expr,
                input.as_ref().clone(),
                &mut joins,
                &NamePreserver::new_for_projection(),
            )?;
            Ok(Transformed::yes(
                LogicalPlanBuilder::from(input).project(expr)?.build()?,
            ))
        }
        LogicalPlan::Aggregate(Aggregate {
            input,
            group_expr,
            aggr_expr,
            ..
        }) if group_expr.iter().chain(&aggr_expr).any(asks) => {
            let keys = group_expr.len();
            let all = group_expr.into_iter().chain(aggr_expr).collect();
            let (mut all, input) = joined(
                all,
                input.as_ref().clone(),
                &mut joins,
                &NamePreserver::new_for_projection(),
            )?;
            let aggregates = all.split_off(keys);
            Ok(Transformed::yes(
                LogicalPlanBuilder::from(input).aggregate(all, aggregates)?.build()?,
            ))
        }
        plan => Ok(Transformed::no(plan)),
    })?;
    Ok(rewritten.data)
}

fn asks(expression: &Expr) -> bool {
    let is = |part: &Expr| match part {
        Expr::InSubquery(asked) => asked.subquery.outer_ref_columns.is_empty(),
        Expr::Exists(asked) => asked.subquery.outer_ref_columns.is_empty(),
        _ => false,
    };
    expression.exists(|part| Ok(is(part))).unwrap_or(false)
}

/// Whether a plan has a row, as the count of at most one.
fn has_row(plan: LogicalPlanBuilder) -> Result<Expr> {
    let counted = plan
        .limit(0, Some(1))?
        .aggregate(Vec::<Expr>::new(), [count(lit(1_i64))])?;
    Ok(scalar_subquery(Arc::new(counted.build()?)).gt(lit(0_i64)))
}

fn exists(asked: &Exists) -> Result<Expr> {
    let is = has_row(LogicalPlanBuilder::from(asked.subquery.subquery.as_ref().clone()))?;
    Ok(if asked.negated { not(is) } else { is })
}

fn joined(
    expressions: Vec<Expr>,
    mut input: LogicalPlan,
    joins: &mut usize,
    names: &NamePreserver,
) -> Result<(Vec<Expr>, LogicalPlan)> {
    let mut made = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let name = names.save(&expression);
        let replaced = expression.transform_up(|part| match part {
            Expr::InSubquery(asked) if asked.subquery.outer_ref_columns.is_empty() => {
                *joins += 1;
                let (value, plan) = marked(asked, input.clone(), *joins)?;
                input = plan;
                Ok(Transformed::yes(value))
            }
            Expr::Exists(asked) if asked.subquery.outer_ref_columns.is_empty() => Ok(Transformed::yes(exists(&asked)?)),
            part => Ok(Transformed::no(part)),
        })?;
        made.push(name.restore(replaced.data));
    }
    Ok((made, input))
}

/// The value, and the input with the column it is read from. As in SQL: nothing is in what has no row; NULL may be in what
/// has any, and anything may be in what has a NULL.
fn marked(asked: InSubquery, input: LogicalPlan, number: usize) -> Result<(Expr, LogicalPlan)> {
    let table = format!("member_{number}");
    let subquery = LogicalPlanBuilder::from(asked.subquery.subquery.as_ref().clone())
        .alias(table.clone())?
        .build()?;
    let Some(held) = subquery.schema().columns().into_iter().next() else {
        return datafusion::common::plan_err!("the subquery has no column");
    };
    let value = asked.expr.as_ref().clone();
    let rows = || LogicalPlanBuilder::from(subquery.clone());
    let is_unknown = match subquery.schema().field(0).is_nullable() {
        true => value
            .clone()
            .is_null()
            .or(has_row(rows().filter(Expr::Column(held.clone()).is_null())?)?),
        false => value.clone().is_null(),
    };
    let has_rows = has_row(rows())?;
    let condition = value.clone().eq(Expr::Column(held));
    let plan = LogicalPlanBuilder::from(input)
        .join_on(subquery, JoinType::LeftMark, [condition])?
        .build()?;
    let mark = Expr::Column(Column::new(Some(table), "mark"));
    let is = when(mark, lit(!asked.negated))
        .when(not(has_rows), lit(asked.negated))
        .when(is_unknown, lit(ScalarValue::Boolean(None)))
        .otherwise(lit(asked.negated))?;
    Ok((is, plan))
}
