//! Names of answers: `useridentity.arn` without an alias is called `arn`, as in Trino, and a call by its own words.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Ident, Select, SelectItem, Statement, VisitMut, VisitorMut};

use super::build::quoted_ident;

/// Gives nested fields that are selected their own names, where that is unambiguous.
pub(super) fn name(statement: &mut Statement) {
    let _ = statement.visit(&mut Namer);
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut taken: HashSet<String> = select.projection.iter().filter_map(own_name).collect();
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expression) = item else {
                continue;
            };
            let name = match nested_field(expression) {
                Some(field) => field.value.to_ascii_lowercase(),
                // What is rewritten later keeps the words it was asked in.
                None if !matches!(expression, Expr::Identifier(_) | Expr::Wildcard(_)) => expression.to_string(),
                None => continue,
            };
            let expr = expression.clone();
            let alias = quoted_ident(&free(name, &mut taken));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        ControlFlow::Continue(())
    }
}

/// The name, or the first of `name_2`, `name_3` that is not taken: two columns of one name cannot be told apart.
fn free(name: String, taken: &mut HashSet<String>) -> String {
    if taken.insert(name.to_ascii_lowercase()) {
        return name;
    }
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let found = numbered
        .into_iter()
        .find(|candidate| taken.insert(candidate.to_ascii_lowercase()));
    found.unwrap_or(name)
}

fn own_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.to_ascii_lowercase()),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_ascii_lowercase()),
        _ => None,
    }
}

fn nested_field(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last()? {
            AccessExpr::Dot(Expr::Identifier(name)) => Some(name),
            _ => None,
        },
        _ => None,
    }
}
