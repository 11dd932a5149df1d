//! A statement that was planned, to be run once or often, each time within limits of its own.

use std::sync::Arc;

use datafusion::common::ParamValues;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement;

use super::memory::PartOf;
use super::reading::Meter;
use super::{Result, Rows, membership};

/// A planned statement.
pub struct Prepared {
    plan: LogicalPlan,
    state: SessionState,
}

impl Prepared {
    /// Plans a statement, which must only read.
    pub(super) async fn new(state: SessionState, statement: Statement) -> Result<Prepared> {
        let plan = state.statement_to_plan(statement).await?;
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        reading.verify_plan(&plan)?;
        Ok(Prepared {
            plan: membership::as_values(plan)?,
            state,
        })
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
        let plan = match values {
            Some(values) => self.plan.clone().replace_params_with_values(values)?,
            None => self.plan.clone(),
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
        let physical = state.create_physical_plan(&plan).await?;
        let meter = Meter(physical.clone());
        let stream = execute_stream(physical, state.task_ctx())?;
        Ok(Rows {
            schema: stream.schema(),
            stream,
            meter,
        })
    }
}
