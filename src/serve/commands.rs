//! Commands for the connection itself, which every driver sends: settings, transactions, what is prepared.
//!
//! No setting reaches the engine. Transactions are said to begin and end; there is nothing in them to undo.

use std::sync::LazyLock;
use std::time::Duration;

use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::error::PgWireResult;

use super::{failure, statements};

/// An engine that holds nothing: what the library's settings are tried on.
static NOTHING: LazyLock<SessionContext> = LazyLock::new(SessionContext::new);

/// A command.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// `SET`, `SHOW`.
    Setting(Box<Statement>),
    /// `BEGIN`, `COMMIT`, `ROLLBACK`.
    Transaction(Box<Statement>),
    /// One that has nothing to do, by its tag.
    Nothing(&'static str),
}

/// The command a statement is, if it is one.
///
/// # Errors
/// It begins like one and cannot be read, or would set something of the engine's.
pub(super) fn read(statement: &str) -> PgWireResult<Option<Command>> {
    let words = statements::first_words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(Some(match words.as_slice() {
        ["DISCARD", ..] => Command::Nothing("DISCARD"),
        ["DEALLOCATE", ..] => Command::Nothing("DEALLOCATE"),
        ["CLOSE", ..] => Command::Nothing("CLOSE CURSOR"),
        ["LISTEN", ..] => Command::Nothing("LISTEN"),
        ["UNLISTEN", ..] => Command::Nothing("UNLISTEN"),
        ["RESET", ..] => Command::Nothing("RESET"),
        ["SAVEPOINT", ..] => Command::Nothing("SAVEPOINT"),
        ["RELEASE", ..] => Command::Nothing("RELEASE"),
        // These list relations, which is a question.
        ["SHOW", "TABLES" | "COLUMNS" | "FUNCTIONS", ..] => return Ok(None),
        ["SET" | "SHOW", ..] => {
            let parsed = parse(statement)?;
            let text = parsed.to_string();
            let name = text.split_whitespace().find(|word| word.contains('.'));
            if matches!(parsed, Statement::Set(_)) && name.is_some_and(|name| name.starts_with("datafusion.")) {
                return Err(failure::error("42501", "settings of the engine cannot be changed"));
            }
            Command::Setting(Box::new(parsed))
        }
        ["BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT", ..] => {
            Command::Transaction(Box::new(parse(statement)?))
        }
        _ => return Ok(None),
    }))
}

fn parse(statement: &str) -> PgWireResult<Statement> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, statement);
    let mut parsed = parsed.map_err(|error| failure::error("42601", error.to_string()))?;
    match (parsed.pop(), parsed.len()) {
        (Some(statement), 0) => Ok(statement),
        _ => Err(failure::error("42601", "there is more than one statement")),
    }
}

/// The time a client wants its queries cut off after, as the library notes it.
pub(super) fn time_asked<C: ClientInfo + ?Sized>(client: &C) -> Option<Duration> {
    let millis = client.metadata().get("statement_timeout_ms")?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

/// Carries a command out.
pub(super) async fn run(command: &Command, client: &mut dyn HookClient) -> PgWireResult<Response> {
    let (answer, tag) = match command {
        Command::Setting(statement) => (
            SetShowHook.handle_simple_query(statement, &NOTHING, client).await,
            "SET",
        ),
        Command::Transaction(statement) => (
            TransactionStatementHook
                .handle_simple_query(statement, &NOTHING, client)
                .await,
            "BEGIN",
        ),
        Command::Nothing(tag) => (None, *tag),
    };
    answer.unwrap_or_else(|| Ok(Response::Execution(Tag::new(tag))))
}
