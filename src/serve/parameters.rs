//! Parameters of a prepared statement: their types, which the engine infers, and the values a client bound to them.

use std::collections::HashMap;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion_postgres::arrow_pg::datatypes::{df, into_pg_type};
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::error::PgWireResult;

use super::failure;
use crate::engine::Prepared;

/// The types of a statement's parameters, from the first on; `None` where nothing tells.
pub(super) fn kinds(prepared: &Prepared) -> PgWireResult<Vec<Option<DataType>>> {
    let plan = prepared.plan();
    let inferred = plan
        .get_parameter_types()
        .map_err(|error| failure::of_engine(&error.into()))?;
    let mut known: HashMap<String, DataType> = inferred
        .iter()
        .filter_map(|(name, kind)| Some((name.clone(), kind.clone()?)))
        .collect();
    // What is cast to a type is of the type.
    let _ = plan.apply_with_subqueries(|node| {
        for expression in node.expressions() {
            expression.apply(|inner| {
                let (of, kind) = match inner {
                    Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
                    Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
                    _ => return Ok(TreeNodeRecursion::Continue),
                };
                if let Expr::Placeholder(placeholder) = of.as_ref() {
                    known.entry(placeholder.id.clone()).or_insert_with(|| kind.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    let last = inferred
        .keys()
        .map(String::as_str)
        .chain(prepared.parameters_of_calls())
        .filter_map(number)
        .max()
        .unwrap_or_default();
    Ok((1..=last)
        .map(|number| {
            let kind = known.get(&format!("${number}")).cloned();
            kind.filter(|kind| !matches!(kind, DataType::Null))
        })
        .collect())
}

fn number(name: &str) -> Option<usize> {
    // More than a client can bind is a slip, and would be a long list.
    name.strip_prefix('$')?.parse().ok().filter(|number| *number <= 65_535)
}

/// The types as the client is told them. What could be anything is text, which every client can send.
pub(super) fn types(kinds: &[Option<DataType>]) -> PgWireResult<Vec<Type>> {
    kinds
        .iter()
        .map(|kind| kind.as_ref().map_or(Ok(Type::TEXT), into_pg_type))
        .collect()
}

/// The values a client bound.
pub(super) fn values<S: Clone>(portal: &Portal<S>, kinds: &[Option<DataType>]) -> PgWireResult<Option<ParamValues>> {
    if kinds.is_empty() {
        return Ok(None);
    }
    let types = types(kinds)?;
    let types: Vec<Option<&Type>> = types.iter().map(Some).collect();
    let kinds: Vec<Option<&DataType>> = kinds.iter().map(Option::as_ref).collect();
    df::deserialize_parameters_with_server_types(portal, &kinds, &types).map(Some)
}
