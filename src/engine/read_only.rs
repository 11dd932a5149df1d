//! Which statements a query may be: those that only read. Everything else is named and refused.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Query, Select, SetExpr, TableFactor, Visit, Visitor};
use std::ops::ControlFlow;

use super::{Error, Result};

/// Accepts queries, explanations of queries, and listings of the catalogue.
///
/// # Errors
/// The statement would define, change, write or set something.
pub(super) fn check(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(statement) => check_ast(statement),
        Statement::Explain(explain) => check(&explain.statement),
        Statement::CreateExternalTable(_) => refuse("CREATE EXTERNAL TABLE"),
        Statement::CopyTo(_) => refuse("COPY"),
        Statement::Reset(_) => refuse("RESET"),
    }
}

fn check_ast(statement: &ast::Statement) -> Result<()> {
    match statement {
        ast::Statement::Query(_) => match statement.visit(&mut Writes) {
            ControlFlow::Break(what) => refuse(what),
            ControlFlow::Continue(()) => Ok(()),
        },
        ast::Statement::Explain { statement, .. } => check_ast(statement),
        ast::Statement::ExplainTable { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. } => Ok(()),
        other => {
            let text = other.to_string();
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            refuse(&words.join(" "))
        }
    }
}

fn refuse<T>(what: &str) -> Result<T> {
    Err(Error::NotReadOnly(format!("`{what}`")))
}

/// Finds what writes inside a query: `SELECT INTO`, and statements that stand where a select could.
struct Writes;

impl Visitor for Writes {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        match body(&query.body) {
            Some(what) => ControlFlow::Break(what),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        if select.into.is_some() {
            ControlFlow::Break("SELECT INTO")
        } else {
            ControlFlow::Continue(())
        }
    }

    fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<&'static str> {
        ControlFlow::Continue(())
    }
}

fn body(expression: &SetExpr) -> Option<&'static str> {
    match expression {
        SetExpr::Insert(_) => Some("INSERT"),
        SetExpr::Update(_) => Some("UPDATE"),
        SetExpr::Delete(_) => Some("DELETE"),
        SetExpr::Merge(_) => Some("MERGE"),
        SetExpr::SetOperation { left, right, .. } => body(left).or_else(|| body(right)),
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => None,
    }
}
