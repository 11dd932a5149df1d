//! A statement that was planned, to be run once or often, each time within limits of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::SchemaProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement;
use futures::future::join_all;

use super::memory::PartOf;
use super::named::{Texts, WithQueries};
use super::reading::Meter;
use super::{Error, Result, Rows, dialect, membership, unlikely};

/// A planned statement.
pub struct Prepared {
    plan: LogicalPlan,
    state: SessionState,
    calls: Option<Calls>,
}

/// Calls of named queries with parameters of the statement: such a query is planned with the values.
struct Calls {
    /// The statement as it was read.
    statement: Statement,
    relations: Arc<WithQueries>,
    /// The parameters that stand in calls, `$1` and the like.
    parameters: BTreeSet<String>,
}

impl Prepared {
    /// Plans a statement in the dialect that people paste, over these relations.
    pub(super) async fn pasted(
        state: SessionState,
        relations: Arc<WithQueries>,
        statement: Statement,
    ) -> Result<Prepared> {
        let (mut prepared, parameters) = over(state, &relations, statement.clone(), &Texts::new()).await?;
        if !parameters.is_empty() {
            prepared.calls = Some(Calls {
                statement,
                relations,
                parameters,
            });
        }
        Ok(prepared)
    }

    /// Plans a statement, which must only read.
    pub(super) async fn new(state: SessionState, statement: Statement) -> Result<Prepared> {
        open(&state, &statement).await?;
        let plan = state.statement_to_plan(statement).await?;
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        reading.verify_plan(&plan)?;
        Ok(Prepared {
            plan: membership::as_values(plan)?,
            state,
            calls: None,
        })
    }

    /// The statement's parameters that stand in calls of named queries, and not in the plan. Each is text, as every
    /// parameter of such a query can be written.
    pub fn parameters_of_calls(&self) -> impl Iterator<Item = &str> {
        let calls = self.calls.iter();
        calls.flat_map(|calls| calls.parameters.iter().map(String::as_str))
    }

    /// The plan, with the statement's parameters in it.
    pub fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// Starts to answer, with values for the parameters, within `memory_bytes` of the session's memory where given.
    ///
    /// # Errors
    /// A value is not of its parameter's type, or there is no way to answer.
    pub async fn run(&self, values: Option<&ParamValues>, memory_bytes: Option<usize>) -> Result<Rows> {
        let called = match &self.calls {
            Some(calls) => Some(calls.with(self.state.clone(), values).await?),
            None => None,
        };
        let plan = called.as_ref().map_or(&self.plan, |called| &called.plan).clone();
        let plan = match values {
            Some(values) => plan.replace_params_with_values(values)?,
            None => plan,
        };
        let limited;
        let state = match memory_bytes {
            Some(bytes) => {
                let env = self.state.runtime_env();
                let pool = PartOf::new(env.memory_pool.clone(), bytes);
                let env = RuntimeEnvBuilder::from_runtime_env(env).with_memory_pool(Arc::new(pool));
                limited = SessionStateBuilder::new_from_existing(self.state.clone())
                    .with_runtime_env(env.build_arc()?)
                    .build();
                &limited
            }
            None => &self.state,
        };
        let (physical, looked) = unlikely::left_out(state.create_physical_plan(&plan).await?).await?;
        let meter = Meter(physical.clone(), looked);
        let stream = execute_stream(physical, state.task_ctx())?;
        Ok(Rows {
            schema: stream.schema(),
            stream,
            meter,
        })
    }
}

/// Opens what a statement names, side by side: the planner does so one after the other, and to open some of it the log is
/// read.
async fn open(state: &SessionState, statement: &Statement) -> Result<()> {
    let names = state.resolve_table_references(statement)?;
    let opened = names.iter().map(async |name| {
        // Of what is not there, or cannot be opened, the planner speaks.
        if let Ok(schema) = state.schema_for_ref(name.clone()) {
            let _ = schema.table(name.table()).await;
        }
    });
    join_all(opened).await;
    Ok(())
}

impl Calls {
    /// The statement, planned with the values.
    async fn with(&self, state: SessionState, values: Option<&ParamValues>) -> Result<Prepared> {
        let mut texts = Texts::new();
        for name in &self.parameters {
            let value = values.and_then(|values| values.get_placeholders_with_values(name).ok());
            let value = value.ok_or_else(|| Error::Parameter {
                name: name.clone(),
                reason: "no value is bound to it".to_owned(),
            })?;
            // Whatever type the driver gave it: an instant in the form that is read again.
            let text = match value.value().cast_to(&DataType::Utf8)? {
                ScalarValue::Utf8(text) => text,
                other => Some(other.to_string()),
            };
            texts.insert(name.clone(), text);
        }
        let (prepared, _) = over(state, &self.relations, self.statement.clone(), &texts).await?;
        Ok(prepared)
    }
}

/// Plans a statement, and names the parameters in calls that `texts` says nothing of.
async fn over(
    state: SessionState,
    relations: &WithQueries,
    mut statement: Statement,
    texts: &Texts,
) -> Result<(Prepared, BTreeSet<String>)> {
    let awaited = relations.resolve(&mut statement, texts).await?;
    dialect::rewrite(&mut statement, &|name| relations.table_exist(name));
    Ok((Prepared::new(state, statement).await?, awaited))
}
