//! Nested fields of an outer query's table inside a subquery: `a.useridentity.arn` becomes `a.useridentity['arn']`, which
//! is what the planner can read of a table that is not the subquery's own. And rows looked for in subqueries: `(a, b) IN
//! (SELECT x, y ...)` becomes one pair looked for among pairs.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, Subscript, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::build::{call, column, empty_select, ident, query_of, text};

/// Rewrites every such field.
pub(super) fn reach(statement: &mut Statement) {
    let _ = statement.visit(&mut Subqueries);
}

struct Subqueries;

impl VisitorMut for Subqueries {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let tuple = match expression {
            Expr::InSubquery { expr, subquery, .. } => as_one(expr, subquery),
            _ => None,
        };
        if let (Some((one, among)), Expr::InSubquery { expr, subquery, .. }) = (tuple, &mut *expression) {
            (**expr, **subquery) = (one, among);
        }
        if let Expr::Subquery(query) | Expr::Exists { subquery: query, .. } | Expr::InSubquery { subquery: query, .. } =
            expression
        {
            let mut own = Own(Vec::new());
            let _ = query.visit(&mut own);
            let _ = query.visit(&mut Outside(own.0));
        }
        ControlFlow::Continue(())
    }
}

/// One value for a row of several, and the subquery that selects such values.
fn as_one(row: &Expr, subquery: &Query) -> Option<(Expr, Query)> {
    let Expr::Tuple(values) = row else {
        return None;
    };
    let names: Vec<String> = (1..=values.len()).map(|number| format!("member_{number}")).collect();
    let columns = names
        .iter()
        .map(|name| TableAliasColumnDef::from_name(name.as_str()))
        .collect();
    let from = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery.clone()),
        alias: Some(TableAlias {
            explicit: true,
            name: ident("members"),
            columns,
            at: None,
        }),
        sample: None,
    };
    let select = Select {
        projection: vec![SelectItem::UnnamedExpr(call(
            "struct",
            names.iter().map(|name| column(name)),
        ))],
        from: vec![TableWithJoins {
            relation: from,
            joins: vec![],
        }],
        ..empty_select()
    };
    Some((
        call("struct", values.iter().cloned()),
        query_of(SetExpr::Select(Box::new(select))),
    ))
}

/// The names by which a query and those in it call their tables.
struct Own(Vec<String>);

impl VisitorMut for Own {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let alias = match factor {
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::UNNEST { alias, .. } => alias.as_ref().map(|alias| alias.name.value.to_ascii_lowercase()),
            _ => None,
        };
        let name = match factor {
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()),
            _ => None,
        };
        self.0
            .extend(alias.or_else(|| name.map(|name| name.value.to_ascii_lowercase())));
        ControlFlow::Continue(())
    }
}

struct Outside(Vec<String>);

impl VisitorMut for Outside {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expression
            && let [table, column, fields @ ..] = parts.as_slice()
            && !fields.is_empty()
            && !self.0.contains(&table.value.to_ascii_lowercase())
            && !super::columns::is_name(&table.value)
        {
            let field = |name: &Ident| {
                AccessExpr::Subscript(Subscript::Index {
                    index: text(&name.value),
                })
            };
            let access_chain = fields.iter().map(field).collect();
            let root = Box::new(Expr::CompoundIdentifier(vec![table.clone(), column.clone()]));
            *expression = Expr::CompoundFieldAccess { root, access_chain };
        }
        ControlFlow::Continue(())
    }
}
