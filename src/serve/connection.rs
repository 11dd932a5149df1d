//! One client's connection: its statements, simple and prepared.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::StartupHandler;
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::results::{FieldInfo, Response};
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, PgWireServerHandlers, Type};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::response::TransactionStatus;
use datafusion_postgres::pgwire::types::format::FormatOptions;
use futures::{Sink, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::{self, Allowance, Answer, late};
use super::cancel::{Cancels, Running};
use super::commands::{self, Command};
use super::compute::Compute;
use super::lake::Lake;
use super::limits::Limits;
use super::login::{Known, Startup};
use super::{failure, parameters, statements};
use crate::engine::{self, Prepared};

/// What all connections share.
pub(super) struct Shared {
    lake: Arc<Lake>,
    compute: Compute,
    limits: Limits,
    login: Option<Known>,
    needs_tls: bool,
    running: Arc<Running>,
}

impl Shared {
    /// A lake behind limits.
    pub(super) fn new(lake: Lake, compute: Compute, limits: Limits, login: Option<Known>, needs_tls: bool) -> Shared {
        Shared {
            lake: Arc::new(lake),
            compute,
            limits,
            login,
            needs_tls,
            running: Arc::default(),
        }
    }

    /// Ends every query.
    pub(super) fn stop(&self) {
        self.running.stop();
    }

    /// Reads and plans a statement.
    async fn prepare(&self, text: &str) -> PgWireResult<Statement> {
        if let Some(command) = commands::read(text)? {
            return Ok(Statement::Command(command));
        }
        let (lake, text) = (self.lake.clone(), text.to_owned());
        let planning = self.compute.start(async move { plan(&lake, &text).await });
        let Some(mut planning) = planning else {
            return Err(stopping());
        };
        let prepared = tokio::select! {
            () = tokio::time::sleep(self.limits.time) => return Err(late(self.limits.time)),
            planned = planning.done() => planned.unwrap_or_else(|| Err(broke()))?,
        };
        Ok(Statement::Question(Arc::new(prepared)))
    }

    /// Starts to answer a question.
    async fn answer<C>(
        &self,
        client: &C,
        prepared: &Arc<Prepared>,
        values: Option<datafusion::common::ParamValues>,
        format: &Format,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ?Sized,
    {
        let mut time = self.limits.time;
        if let Some(asked) = commands::time_asked(client) {
            time = time.min(asked);
        }
        let allowance = Allowance {
            until: Instant::now() + time,
            time,
            rows: self.limits.rows,
        };
        let run = self.running.start(client.pid_and_secret_key());
        let (columns, known) = oneshot::channel();
        let (batches, coming) = mpsc::channel(BATCHES_AHEAD);
        let (prepared, memory_bytes) = (prepared.clone(), self.limits.memory_bytes);
        let work = self.compute.start(async move {
            match prepared.run(values.as_ref(), Some(memory_bytes)).await {
                Ok(mut rows) => {
                    let _ = columns.send(Ok(rows.schema.clone()));
                    while let Some(batch) = rows.stream.next().await {
                        // Nobody takes what was cut off.
                        if batches.send(batch).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    let _ = columns.send(Err(failure::of_engine(&error)));
                }
            }
        });
        let Some(work) = work else { return Err(stopping()) };
        let mut answer = Answer::new(coming, work, allowance, run);
        let columns = tokio::select! {
            cut = answer.cut_off() => return Err(cut),
            columns = known => columns.unwrap_or_else(|_| Err(broke()))?,
        };
        let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
        Ok(Response::Query(answer.response(&columns, format, &options)?))
    }
}

/// Batches that are computed before they are taken.
const BATCHES_AHEAD: usize = 2;

/// Plans a question in the dialect it is in.
async fn plan(lake: &Lake, text: &str) -> PgWireResult<Prepared> {
    let session = lake.session().await;
    // A question about the catalogue is in PostgreSQL's SQL, all others in the dialect people paste. Some are both, and
    // what one cannot read the other may; the first has the better words for why.
    let (first, second) = if engine::is_of_catalogue(text) {
        match session.prepare_catalogue(text).await {
            Ok(prepared) => return Ok(prepared),
            Err(error) => (error, session.prepare(text).await),
        }
    } else {
        match session.prepare(text).await {
            Ok(prepared) => return Ok(prepared),
            Err(error @ (engine::Error::Sql(_) | engine::Error::Unknown { what: "function", .. })) => {
                (error, session.prepare_catalogue(text).await)
            }
            Err(error) => return Err(failure::of_engine(&error)),
        }
    };
    second.map_err(|_| failure::of_engine(&first))
}

fn stopping() -> PgWireError {
    failure::error("57P01", "the server is stopping")
}

/// A query whose thread broke.
fn broke() -> PgWireError {
    failure::error("XX000", "the query broke")
}

/// Refuses a question in a transaction that failed.
fn unless_failed<C: ClientInfo + ?Sized>(client: &C) -> PgWireResult<()> {
    if client.transaction_status() == TransactionStatus::Error {
        return Err(failure::error(
            "25P02",
            "current transaction is aborted, commands ignored until end of transaction block",
        ));
    }
    Ok(())
}

/// A statement that was read.
#[derive(Clone)]
pub(super) enum Statement {
    /// For the connection.
    Command(Command),
    /// For the lake.
    Question(Arc<Prepared>),
}

/// What handles one connection.
pub(super) struct Handlers {
    shared: Arc<Shared>,
    client: Arc<Client>,
}

/// The statements of one connection.
pub(super) struct Client(Arc<Shared>);

impl Handlers {
    /// For a new connection.
    pub(super) fn new(shared: Arc<Shared>) -> Handlers {
        Handlers {
            client: Arc::new(Client(shared.clone())),
            shared,
        }
    }
}

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.client.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.client.clone()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::new(Startup::new(self.shared.login.as_ref(), self.shared.needs_tls))
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(Cancels(self.shared.running.clone()))
    }
}

#[async_trait]
impl SimpleQueryHandler for Client {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut responses = Vec::new();
        for text in statements::split(query) {
            responses.push(match self.0.prepare(&text).await? {
                Statement::Command(command) => commands::run(&command, client).await?,
                Statement::Question(prepared) => {
                    unless_failed(client)?;
                    self.0.answer(client, &prepared, None, &Format::UnifiedText).await?
                }
            });
        }
        if responses.is_empty() {
            responses.push(Response::EmptyQuery);
        }
        Ok(responses)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Client {
    type Statement = Statement;
    type QueryParser = Parser;

    fn query_parser(&self) -> Arc<Parser> {
        Arc::new(Parser(self.0.clone()))
    }

    async fn do_query<C>(&self, client: &mut C, portal: &Portal<Statement>, _: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match &portal.statement.statement {
            Statement::Command(command) => commands::run(command, client).await,
            Statement::Question(prepared) => {
                unless_failed(client)?;
                let kinds = parameters::kinds(prepared)?;
                let values = parameters::values(portal, &kinds)?;
                self.0
                    .answer(client, prepared, values, &portal.result_column_format)
                    .await
            }
        }
    }
}

/// What reads statements that are prepared.
pub(super) struct Parser(Arc<Shared>);

#[async_trait]
impl QueryParser for Parser {
    type Statement = Statement;

    async fn parse_sql<C>(&self, _: &C, sql: &str, _: &[Option<Type>]) -> PgWireResult<Option<Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        match statements::split(sql).as_slice() {
            [] => Ok(None),
            [only] => self.0.prepare(only).await.map(Some),
            _ => Err(failure::error(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            )),
        }
    }

    fn get_parameter_types(&self, statement: &Statement) -> PgWireResult<Vec<Type>> {
        match statement {
            Statement::Command(_) => Ok(Vec::new()),
            Statement::Question(prepared) => parameters::types(&parameters::kinds(prepared)?),
        }
    }

    fn get_result_schema(&self, statement: &Statement, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        match statement {
            Statement::Command(Command::Setting(setting)) if is_show(setting) => Ok(vec![show_field()]),
            Statement::Command(_) => Ok(Vec::new()),
            Statement::Question(prepared) => answer::fields(
                prepared.plan().schema().as_arrow(),
                format.unwrap_or(&Format::UnifiedText),
                &Arc::default(),
            ),
        }
    }
}

fn is_show(setting: &datafusion::sql::sqlparser::ast::Statement) -> bool {
    !matches!(setting, datafusion::sql::sqlparser::ast::Statement::Set(_))
}

fn show_field() -> FieldInfo {
    let text = datafusion_postgres::pgwire::api::results::FieldFormat::Text;
    FieldInfo::new("show".to_owned(), None, None, Type::VARCHAR, text)
}
