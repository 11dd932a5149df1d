//! What PostgreSQL's clients ask about the catalogue (`pg_catalog`, `version()`, `::regclass`), which they do in
//! PostgreSQL's own SQL. Only `psql`, drivers and dashboards speak it; people's queries are in Athena's dialect.

use std::sync::{Arc, LazyLock};

use datafusion::catalog::CatalogProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::setup_pg_catalog;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use super::{Error, Result, bounded, dialect};

static PARSER: LazyLock<PostgresCompatibilityParser> = LazyLock::new(PostgresCompatibilityParser::new);

/// Words that only a question about the catalogue has.
const WORDS: [&str; 24] = [
    "information_schema",
    "current_schema",
    "current_schemas",
    "current_database",
    "current_catalog",
    "current_setting",
    "current_user",
    "session_user",
    "version",
    "format_type",
    "has_table_privilege",
    "has_schema_privilege",
    "has_database_privilege",
    "has_any_column_privilege",
    "quote_ident",
    "obj_description",
    "col_description",
    "shobj_description",
    "regclass",
    "regtype",
    "regproc",
    "set_config",
    "txid_current",
    "inet_server_addr",
];

/// Whether a statement asks about the catalogue and not about the lake.
pub fn is_of_catalogue(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else {
        return false;
    };
    let mut has_from = false;
    let mut is_of_it = false;
    for token in &tokens {
        if let Token::Word(word) = token {
            let word = word.value.to_ascii_lowercase();
            has_from |= word == "from";
            is_of_it |= word.starts_with("pg_") || WORDS.contains(&word.as_str());
        }
    }
    is_of_it || !has_from
}

/// Reads the one statement of a text in PostgreSQL's SQL, rewritten to what can be planned.
///
/// # Errors
/// The text is not one statement.
pub(super) fn parse(sql: &str) -> Result<Statement> {
    dialect::bound(sql, &PostgreSqlDialect {})?;
    let mut statements = PARSER.parse(sql).map_err(|error| Error::Sql(error.to_string()))?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(Statement::Statement(Box::new(statement))),
        (Some(_), _) => Err(Error::Sql("there is more than one statement".to_owned())),
        (None, _) => Err(Error::Sql("there is no statement".to_owned())),
    }
}

/// A context that answers such questions about a catalog.
///
/// # Errors
/// The catalogue's tables cannot be made.
pub(super) fn context(
    mut state: SessionState,
    name: &str,
    catalog: Arc<dyn CatalogProvider>,
) -> Result<SessionContext> {
    bounded::register(&mut state)?;
    let context = SessionContext::new_with_state(state);
    context.register_catalog(name, catalog);
    setup_pg_catalog(&context, name, EmptyContextProvider).map_err(|error| DataFusionError::External(error))?;
    Ok(context)
}
