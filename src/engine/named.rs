//! Named queries as relations: `unused_keys` is a view with every parameter at its default, and
//! `unused_keys('30d', '2026-10-01')` or `unused_keys(as_of => '2026-10-01')` is the same with values.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{SchemaProvider, Session as PlannerSession, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    self, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableFactor, UnaryOperator, VisitMut, VisitorMut,
};

use super::catalog::LakeSchema;
use super::dialect::build::{as_called, quoted_ident};
use super::query::{self, Default, Kind, NamedQuery, Value};
use super::{Error, binding, dialect, horizon};
use crate::lake::{Location, snapshots};

/// How many calls with values one session remembers.
const CALLS_MAX: usize = 500;

/// Values given to a query by its caller, by parameter.
type Given = Vec<(String, String)>;

/// Texts for the `$1` that stand in calls of queries; `None` for NULL.
pub(super) type Texts = BTreeMap<String, Option<String>>;

/// The lake's relations, and the named queries beside them.
#[derive(Debug)]
pub(super) struct WithQueries {
    lake: Arc<LakeSchema>,
    location: Location,
    own: Planner,
    views: Mutex<BTreeMap<String, Arc<dyn TableProvider>>>,
}

/// What plans the program's own queries.
struct Planner(SessionContext);

impl std::fmt::Debug for Planner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("planner")
    }
}

/// The relation a query is known as.
pub(super) fn relation_name(query: &str) -> String {
    query.replace('-', "_")
}

/// The query that is known as this relation.
fn query_of(relation: &str) -> Option<NamedQuery> {
    let name = query::names().find(|name| relation_name(name) == relation)?;
    query::named(name).ok().flatten()
}

impl WithQueries {
    /// The lake's relations at `location`, with queries planned by `own`.
    pub(super) fn new(lake: Arc<LakeSchema>, location: Location, own: SessionContext) -> WithQueries {
        WithQueries {
            lake,
            location,
            own: Planner(own),
            views: Mutex::default(),
        }
    }

    /// Turns every call of a query in a statement into a relation of its own. Names the `$1` in calls for which `texts` holds
    /// nothing: there the query's default stands, which has the same columns.
    ///
    /// # Errors
    /// A call's values are not of its parameters, or there is nothing to answer it from.
    pub(super) async fn resolve(&self, statement: &mut Statement, texts: &Texts) -> super::Result<BTreeSet<String>> {
        let mut calls = Calls {
            texts,
            found: Vec::new(),
            awaited: BTreeSet::new(),
        };
        let mut inner = statement;
        while let Statement::Explain(explain) = inner {
            inner = &mut explain.statement;
        }
        let Statement::Statement(inner) = inner else {
            return Ok(BTreeSet::new());
        };
        if let ControlFlow::Break(error) = inner.visit(&mut calls) {
            return Err(*error);
        }
        for (name, query, given) in calls.found {
            self.view(&name, &query, &given).await?;
        }
        Ok(calls.awaited)
    }

    async fn view(&self, name: &str, query: &NamedQuery, given: &Given) -> super::Result<Arc<dyn TableProvider>> {
        if let Some(known) = self.views.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(known.clone());
        }
        let view = self.plan(query, given).await?;
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= CALLS_MAX {
            views.clear();
        }
        views.insert(name.to_owned(), view.clone());
        Ok(view)
    }

    async fn plan(&self, query: &NamedQuery, given: &Given) -> super::Result<Arc<dyn TableProvider>> {
        let mut refused = None;
        let latest = if query.needs_latest(given) {
            horizon::of(&self.own.0).await?.map(|horizon| horizon.at)
        } else {
            None
        };
        let bindings = match query.bind(given, latest) {
            Ok(bindings) => bindings,
            // A view shows its columns even where it cannot answer.
            Err(error) => {
                refused = Some(error.to_string());
                query
                    .parameters
                    .iter()
                    .map(|parameter| {
                        let value = match &parameter.default {
                            Default::Value(value) => value.clone(),
                            _ => nothing(parameter.kind),
                        };
                        (parameter.name.clone(), value)
                    })
                    .collect()
            }
        };
        if query.needs_snapshot && refused.is_none() {
            let headers = snapshots::list(&self.location).await?;
            let as_of = match bindings.get("as_of") {
                Some(Value::Instant(instant)) => Some(instant.0),
                _ => None,
            };
            if !headers
                .iter()
                .any(|header| as_of.is_none_or(|as_of| header.collected_at <= as_of))
            {
                refused = Some("there is no permission snapshot at or before `as_of`".to_owned());
            }
        }
        let text = query.statement()?;
        let mut statement = dialect::parse(&text)?;
        binding::bind(&mut statement, &bindings)?;
        let plan = self.own.0.state().statement_to_plan(statement).await?;
        Ok(match refused {
            Some(reason) => Arc::new(Refused {
                columns: Arc::new(plan.schema().as_arrow().clone()),
                reason: format!("{}: {reason}", relation_name(&query.name)),
            }),
            None => Arc::new(ViewTable::new(plan, Some(text.clone()))),
        })
    }
}

fn nothing(kind: Kind) -> Value {
    match kind {
        // A list stands where its elements are looked for, so it is empty and not null.
        Kind::List => Value::List(Vec::new()),
        kind => Value::Null(kind),
    }
}

#[async_trait]
impl SchemaProvider for WithQueries {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.lake.table_names();
        names.extend(query::names().map(relation_name));
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.lake.table_exist(name) {
            return self.lake.table(name).await;
        }
        let known = self
            .views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        match (known, query_of(name)) {
            (Some(known), _) => Ok(Some(known)),
            (None, Some(query)) => {
                let view = self.view(name, &query, &Given::new()).await;
                view.map(Some)
                    .map_err(|error| DataFusionError::External(Box::new(error)))
            }
            (None, None) => Ok(None),
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        if query_of(name).is_some() {
            return Ok(Some(TableType::View));
        }
        self.lake.table_type(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.lake.table_exist(name) || query_of(name).is_some()
    }
}

/// A view that cannot be answered: it has columns, and a reason.
#[derive(Debug)]
struct Refused {
    columns: SchemaRef,
    reason: String,
}

#[async_trait]
impl TableProvider for Refused {
    fn schema(&self) -> SchemaRef {
        self.columns.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _: &dyn PlannerSession,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        datafusion::common::plan_err!("{}", self.reason)
    }
}

/// Calls of queries in a statement.
struct Calls<'t> {
    texts: &'t Texts,
    found: Vec<(String, NamedQuery, Given)>,
    awaited: BTreeSet<String>,
}

impl VisitorMut for Calls<'_> {
    type Break = Box<Error>;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Box<Error>> {
        let TableFactor::Table { name, alias, args, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let Some(last) = name.0.last().and_then(|part| part.as_ident()).cloned() else {
            return ControlFlow::Continue(());
        };
        let Some(query) = query_of(&last.value.to_ascii_lowercase().replace('-', "_")) else {
            return ControlFlow::Continue(());
        };
        let called = relation_name(&query.name);
        let given = match args.take() {
            None => Given::new(),
            Some(arguments) => match self.given(&query, &arguments.args) {
                Ok(given) => given,
                Err(error) => return ControlFlow::Break(Box::new(error)),
            },
        };
        if alias.is_none() {
            *alias = Some(as_called(&Ident::new(&called)));
        }
        let key = if given.is_empty() {
            called
        } else {
            format!("{called}{given:?}")
        };
        *name = ObjectName::from(vec![quoted_ident(&key)]);
        self.found.push((key, query, given));
        ControlFlow::Continue(())
    }
}

impl Calls<'_> {
    fn given(&mut self, query: &NamedQuery, arguments: &[FunctionArg]) -> super::Result<Given> {
        let (mut given, mut is_whole) = (Given::new(), true);
        for (index, argument) in arguments.iter().enumerate() {
            let (name, value) = match argument {
                FunctionArg::Unnamed(value) => {
                    let parameter = query.parameters.get(index).ok_or_else(|| Error::Parameter {
                        name: (index + 1).to_string(),
                        reason: format!("query `{}` has {} parameters", query.name, query.parameters.len()),
                    })?;
                    (parameter.name.clone(), value)
                }
                FunctionArg::Named { name, arg, .. } => (name.value.to_ascii_lowercase(), arg),
                FunctionArg::ExprNamed { name, arg, .. } => (name.to_string().to_ascii_lowercase(), arg),
            };
            let FunctionArgExpr::Expr(value) = value else {
                let reason = format!("`{value}` is not a value");
                return Err(Error::Parameter { name, reason });
            };
            match literal(value) {
                Some(Literal::Text(text)) => given.push((name, text)),
                // NULL is the default.
                Some(Literal::Null) => {}
                Some(Literal::Later(placeholder)) => match self.texts.get(&placeholder) {
                    Some(text) => given.extend(text.clone().map(|text| (name, text))),
                    None => {
                        is_whole = false;
                        self.awaited.insert(placeholder);
                    }
                },
                None => {
                    let reason = format!("`{value}` is not a value that stands in the query");
                    return Err(Error::Parameter { name, reason });
                }
            }
        }
        // What is wrong is said at once, not when the view is read.
        if is_whole {
            query.bind(&given, Some(crate::model::Instant(0)))?;
        }
        Ok(given)
    }
}

/// A value in a call.
enum Literal {
    Text(String),
    Null,
    /// `$1`: what is bound to it is not known yet.
    Later(String),
}

/// What an expression that is a literal says.
fn literal(value: &ast::Expr) -> Option<Literal> {
    match value {
        ast::Expr::Value(literal) => Some(match &literal.value {
            ast::Value::Null => Literal::Null,
            ast::Value::SingleQuotedString(text) | ast::Value::Number(text, _) => Literal::Text(text.clone()),
            ast::Value::Boolean(flag) => Literal::Text(flag.to_string()),
            ast::Value::Placeholder(name) => Literal::Later(name.clone()),
            _ => return None,
        }),
        ast::Expr::TypedString(typed) => literal(&ast::Expr::Value(typed.value.clone())),
        ast::Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match literal(expr)? {
            Literal::Text(text) => Some(Literal::Text(format!("-{text}"))),
            Literal::Null => Some(Literal::Null),
            Literal::Later(_) => None,
        },
        ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => literal(expr),
        _ => None,
    }
}
