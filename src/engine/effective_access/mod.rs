//! `effective_access`: what snapshots allow, as rows. Decided by classes of equals when first read, kept as classes for
//! the life of the session, and unrolled while it is read.
//!
//! - `effective_access`: the newest snapshot of every account and Region.
//! - `effective_access_at(AS_OF)`: the same, as it was at an instant.
//! - `effective_access_history`: every snapshot by itself.

mod actions;
mod rows;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::PartitionStream;

use rows::Rows;
pub(super) use state::States;

/// The table of the newest snapshot.
pub(super) const NAME: &str = "effective_access";
/// The table of all snapshots.
pub(super) const HISTORY: &str = "effective_access_history";
/// The function of an instant.
pub(super) const AT: &str = "effective_access_at";

/// Which snapshots a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// The newest of every account and Region, at or before an instant if one is given.
    Newest(Option<i64>),
    /// Each by itself.
    Each,
}

/// A table of rights.
#[derive(Debug)]
pub(super) struct AccessTable {
    states: Arc<States>,
    which: Which,
}

impl AccessTable {
    pub(super) fn new(states: Arc<States>, which: Which) -> AccessTable {
        AccessTable { states, which }
    }
}

#[async_trait]
impl TableProvider for AccessTable {
    fn schema(&self) -> SchemaRef {
        rows::schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // What is not asked for is not decided; the filter is still applied to the rows.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = actions::wanted(filters);
        let (since, until) = actions::collected(filters);
        let is_read = |column: &str| {
            let at = rows::schema().index_of(column).ok();
            projection.is_none_or(|projection| at.is_some_and(|at| projection.contains(&at)))
        };
        let decided = match self.which {
            Which::Newest(as_of) => self.states.newest(as_of, wanted).await?.into_iter().collect(),
            Which::Each => self.states.each(since, until, wanted).await?,
        };
        let with_paths = is_read("paths");
        let part = |state| -> Arc<dyn PartitionStream> { Arc::new(Rows::new(state, with_paths)) };
        let mut parts: Vec<Arc<dyn PartitionStream>> = decided.into_iter().map(part).collect();
        if parts.is_empty() {
            parts.push(Arc::new(Rows::none()));
        }
        StreamingTable::try_new(rows::schema(), parts)?
            .scan(session, projection, &[], limit)
            .await
    }
}

/// `effective_access_at(AS_OF)`.
#[derive(Debug)]
pub(super) struct At(pub(super) Arc<States>);

impl TableFunctionImpl for At {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [argument] = arguments.exprs() else {
            return plan_err!("{AT} takes one instant");
        };
        let Expr::Literal(value, _) = argument else {
            return plan_err!("{AT} takes an instant that stands in the query, or a parameter");
        };
        let instant = value
            .cast_to(&crate::lake::schema::timestamp())
            .map_err(|_| DataFusionError::Plan(format!("{AT} takes an instant, not `{value}`")))?;
        let as_of = match instant {
            ScalarValue::TimestampMicrosecond(micros, _) => micros,
            _ => None,
        };
        Ok(Arc::new(AccessTable::new(self.0.clone(), Which::Newest(as_of))))
    }
}
