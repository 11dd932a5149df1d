//! `deletion_guards_at(AS_OF)`: statements that deny disabling a key or scheduling its deletion.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::plan_err;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::state::{SecondFactor, States};
use super::{GUARDS_AT, instant};
use crate::policy::guard::{Guard, guards};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("key_arn"),
        text("action"),
        text("kind"),
        Field::new("days", DataType::Int64, true),
        text("place"),
        Field::new("for_everyone", DataType::Boolean, true),
    ]))
});

/// The function.
#[derive(Debug)]
pub(in crate::engine) struct GuardsAt(pub(in crate::engine) Arc<States>);

impl TableFunctionImpl for GuardsAt {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [as_of] = arguments.exprs() else {
            return plan_err!("{GUARDS_AT} takes one instant");
        };
        let as_of = instant(GUARDS_AT, as_of)?;
        Ok(Arc::new(GuardTable {
            states: self.0.clone(),
            as_of,
        }))
    }
}

/// Its rows at an instant.
#[derive(Debug)]
struct GuardTable {
    states: Arc<States>,
    as_of: Option<i64>,
}

#[async_trait]
impl TableProvider for GuardTable {
    fn schema(&self) -> SchemaRef {
        SCHEMA.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // No action is decided: only the snapshot is read.
        let state = self.states.newest(self.as_of, 0, SecondFactor::Unknown).await?;
        let found = state
            .iter()
            .flat_map(|state| guards(&state.snapshot))
            .collect::<Vec<_>>();
        MemTable::try_new(SCHEMA.clone(), vec![vec![batch(&found)?]])?
            .scan(session, projection, filters, limit)
            .await
    }
}

fn batch(guards: &[Guard<'_>]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&Guard) -> Option<String>| -> ArrayRef {
        Arc::new(guards.iter().map(of).collect::<StringArray>())
    };
    let everyone: BooleanArray = guards.iter().map(|guard| Some(guard.for_everyone)).collect();
    let days: Int64Array = guards.iter().map(|guard| guard.days.map(i64::from)).collect();
    let columns = vec![
        text(&|guard| Some(guard.key.to_owned())),
        text(&|guard| Some(format!("kms:{}", guard.operation))),
        text(&|guard| Some(guard.kind.to_owned())),
        Arc::new(days),
        text(&|guard| Some(guard.place.clone())),
        Arc::new(everyone),
    ];
    Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
}
