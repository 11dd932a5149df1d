//! `kms_replay`: every row of `kms_events` asked again of the snapshot nearest in time, with what AWS did beside what the
//! evaluator says. Facts only; what follows from them is SQL.

mod reader;
mod rows;
mod states;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use crate::lake::Location;

/// The table's name.
pub(super) const NAME: &str = "kms_replay";

/// Columns of `kms_events` that pass through, so that a filter on them saves the replay of what it leaves out.
const PASSED: [&str; 7] = [
    "eventtime",
    "event_date",
    "operation",
    "key_arn",
    "account_id",
    "principal_arn",
    "outcome",
];

/// The table.
#[derive(Debug)]
pub(super) struct ReplayTable {
    location: Location,
    records: Arc<dyn TableProvider>,
}

impl ReplayTable {
    /// Over `kms_records`.
    pub(super) fn new(location: Location, records: Arc<dyn TableProvider>) -> ReplayTable {
        ReplayTable { location, records }
    }
}

#[async_trait]
impl TableProvider for ReplayTable {
    fn schema(&self) -> SchemaRef {
        rows::schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let config = session.config().clone().with_create_default_catalog_and_schema(true);
        let context = SessionContext::new_with_config_rt(config, session.runtime_env().clone());
        context.register_table("kms_records", self.records.clone())?;
        let passed = |filter: &&Expr| {
            let columns = filter.column_refs();
            !columns.is_empty() && columns.iter().all(|column| PASSED.contains(&column.name.as_str()))
        };
        let filters = filters
            .iter()
            .filter(passed)
            .cloned()
            .map(unqualified)
            .collect::<Result<_>>()?;
        let reader = reader::Reader::new(self.location.clone(), context, filters);
        StreamingTable::try_new(rows::schema(), vec![Arc::new(reader)])?
            .scan(session, projection, &[], limit)
            .await
    }
}

fn unqualified(filter: Expr) -> Result<Expr> {
    use datafusion::common::Column;
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let bare = filter.transform(|expression| {
        Ok(match expression {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::new_unqualified(column.name))),
            other => Transformed::no(other),
        })
    });
    Ok(bare?.data)
}
