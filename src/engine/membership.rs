//! `x IN (SELECT ...)`, `EXISTS (SELECT ...)` and `x > ALL (SELECT ...)` where they are values and no conditions: in a select
//! list, a CASE, a sum, below OR and NOT. The planner knows them as whole conditions of WHERE only, and says false elsewhere
//! where SQL says NULL; elsewhere the rows are joined with the subquery's, and the join says of each row whether there was one.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Projection, lit, not,
    scalar_subquery, when,
};

use super::quantified;

/// Rewrites the plan where it asks for membership as a value.
pub(super) fn as_values(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut joins = 0_usize;
    let rewritten = plan.transform_up_with_subqueries(|plan| match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) if expr.iter().any(asks) => {
            let (expr, input) = joined(expr, input.as_ref().clone(), &mut joins)?;
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
            let (mut all, input) = joined(all, input.as_ref().clone(), &mut joins)?;
            let aggregates = all.split_off(keys);
            Ok(Transformed::yes(
                LogicalPlanBuilder::from(input).aggregate(all, aggregates)?.build()?,
            ))
        }
        LogicalPlan::Filter(Filter { predicate, input, .. }) if asks(&predicate) => {
            let predicate = quantified::as_membership(predicate)?;
            let conditions = split_conjunction_owned(predicate).into_iter();
            let (values, plain): (Vec<Expr>, Vec<Expr>) = conditions.partition(needs_value);
            let columns = input.schema().columns();
            let (values, with_marks) = joined(values, input.as_ref().clone(), &mut joins)?;
            let mut kept = LogicalPlanBuilder::from(with_marks);
            if let Some(condition) = conjunction(values) {
                kept = kept.filter(condition)?.project(columns.into_iter().map(Expr::Column))?;
            }
            // Beside the others they stay what the planner knows, and may name columns of a query around this one.
            if let Some(condition) = conjunction(plain) {
                kept = kept.filter(condition)?;
            }
            Ok(Transformed::yes(kept.build()?))
        }
        plan => Ok(Transformed::no(plan)),
    })?;
    Ok(rewritten.data)
}

/// Whether a part of the expression is membership, in what no row of a query around it changes.
fn asks(expression: &Expr) -> bool {
    let is = |part: &Expr| match part {
        Expr::InSubquery(asked) => asked.subquery.outer_ref_columns.is_empty(),
        Expr::Exists(asked) => asked.subquery.outer_ref_columns.is_empty(),
        Expr::SetComparison(asked) => asked.subquery.outer_ref_columns.is_empty(),
        _ => false,
    };
    expression.exists(|part| Ok(is(part))).unwrap_or(false)
}

/// Whether a condition's rows depend on what the planner would take for false and SQL takes for NULL. A value that is the same
/// for all rows is no key of a join, and the planner knows NULL in joins with a key only.
fn needs_value(condition: &Expr) -> bool {
    let is_whole = |part: &Expr| match part {
        Expr::InSubquery(asked) => !asked.expr.column_refs().is_empty() && !asks(&asked.expr),
        Expr::Exists(_) => true,
        _ => false,
    };
    let is_known = match condition {
        Expr::Not(inner) => is_whole(inner),
        whole => is_whole(whole),
    };
    !is_known && asks(condition) && !is_same_where_false(condition)
}

/// Whether NULL and false lead to the same rows wherever the condition asks for membership.
fn is_same_where_false(condition: &Expr) -> bool {
    match condition {
        Expr::InSubquery(asked) => !asked.negated && !asks(&asked.expr),
        Expr::Exists(_) => true,
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And | Operator::Or,
            right,
        }) => is_same_where_false(left) && is_same_where_false(right),
        other => !asks(other),
    }
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

/// The expressions with columns where they ask, and the input with these columns.
fn joined(expressions: Vec<Expr>, mut input: LogicalPlan, joins: &mut usize) -> Result<(Vec<Expr>, LogicalPlan)> {
    let names = NamePreserver::new_for_projection();
    let mut made = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let name = names.save(&expression);
        let replaced = quantified::as_membership(expression)?.transform_up(|part| {
            let (value, plan) = match part {
                Expr::InSubquery(asked) if asked.subquery.outer_ref_columns.is_empty() => {
                    *joins += 1;
                    marked(asked, input.clone(), &format!("member_{joins}"))?
                }
                Expr::SetComparison(asked) if asked.subquery.outer_ref_columns.is_empty() => {
                    *joins += 1;
                    quantified::compared(asked, input.clone(), &format!("member_{joins}"))?
                }
                Expr::Exists(asked) if asked.subquery.outer_ref_columns.is_empty() => {
                    return Ok(Transformed::yes(exists(&asked)?));
                }
                part => return Ok(Transformed::no(part)),
            };
            input = plan;
            Ok(Transformed::yes(value))
        })?;
        made.push(name.restore(replaced.data));
    }
    Ok((made, input))
}

/// The value, and the input with the columns it is read from. As in SQL: nothing is in what has no row; NULL may be in what
/// has any, and anything may be in what has a NULL. How many rows there are stands beside each row of the input: as a subquery
/// in the value, the planner would look for it below the join too.
fn marked(asked: InSubquery, input: LogicalPlan, table: &str) -> Result<(Expr, LogicalPlan)> {
    let subquery = LogicalPlanBuilder::from(asked.subquery.subquery.as_ref().clone())
        .alias(table)?
        .build()?;
    let held = quantified::only_column(&subquery)?;
    let summed = quantified::Summed::of(subquery.clone(), &held, &format!("{table}_all"), [])?;
    let value = asked.expr.as_ref().clone();
    let condition = value.clone().eq(held);
    let plan = LogicalPlanBuilder::from(input)
        .join_on(subquery, JoinType::LeftMark, [condition])?
        .cross_join(summed.row.clone())?
        .build()?;
    let mark = Expr::Column(Column::new(Some(table), "mark"));
    let is = when(mark, lit(!asked.negated))
        .when(summed.is_empty(), lit(asked.negated))
        .when(value.is_null().or(summed.has_null()), lit(ScalarValue::Boolean(None)))
        .otherwise(lit(asked.negated))?;
    Ok((is, plan))
}
