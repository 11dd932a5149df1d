//! SQL as analysts have it: queries written for Athena and CloudTrail Lake (Trino's dialect), run as they are.
//!
//! Text becomes tokens, tokens a statement, and the statement is rewritten into the one the planner knows: table names
//! people paste, columns in any case, Trino's functions and casts. What depends on types is left to
//! [`planner`](super::planner) and [`functions`](super::functions). Nothing here reads data.

mod aggregates;
mod broken;
pub(super) mod build;
mod calls;
mod casts;
mod columns;
mod elements;
mod grammar;
mod json_clauses;
mod lambdas;
mod limits;
mod outer;
mod patterns;
mod select_names;
mod tables;
mod tokens;
mod unnest;
mod virtual_columns;
mod zones;

pub(super) use calls::names as translated_calls;
pub(super) use columns::names as column_names;
pub(super) use tokens::{bound, is_uuid};

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};

use super::{Error, Result};

/// Nesting of expressions and subqueries that the parser accepts.
const RECURSION_LIMIT: usize = 100;

/// Reads the one statement of a text in the engine's own dialect.
///
/// # Errors
/// The text is not one statement, or has more operators than planning can bear.
pub(super) fn parse(sql: &str) -> Result<Statement> {
    tokens::bound(sql, &GenericDialect)?;
    only(sql, &GenericDialect)
}

/// Reads the one statement of a text that was pasted.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_pasted(pasted: &str) -> Result<Statement> {
    let (sql, grammar) = tokens::translate(pasted)?;
    only(&sql, &grammar).map_err(|error| match (error, broken::advice(pasted)) {
        (Error::Sql(message), Some(hint)) => Error::Broken { message, hint },
        (error, _) => error,
    })
}

fn only(sql: &str, grammar: &dyn Dialect) -> Result<Statement> {
    let parser = DFParserBuilder::new(sql)
        .with_dialect(grammar)
        .with_recursion_limit(RECURSION_LIMIT);
    let mut statements = parser.build()?.parse_statements()?;
    match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (Some(_), _) => Err(Error::Sql("there is more than one statement".to_owned())),
        (None, _) => Err(Error::Sql("there is no statement".to_owned())),
    }
}

/// Rewrites a statement into the planner's own dialect; `is_known` says which tables the lake has.
pub(super) fn rewrite(statement: &mut Statement, is_known: &dyn Fn(&str) -> bool) {
    match statement {
        Statement::Explain(explain) => rewrite(&mut explain.statement, is_known),
        Statement::Statement(statement) => rewrite_ast(statement, is_known),
        _ => {}
    }
}

fn rewrite_ast(statement: &mut ast::Statement, is_known: &dyn Fn(&str) -> bool) {
    tables::resolve(statement, is_known);
    select_names::name(statement);
    limits::translate(statement);
    columns::subscript(statement);
    virtual_columns::fill(statement);
    limits::sample(statement);
    elements::ask(statement);
    unnest::flatten(statement);
    columns::normalise(statement);
    outer::reach(statement);
    casts::translate(statement);
    calls::translate(statement);
}
