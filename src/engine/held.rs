//! A lake of which some KMS records are held in memory: many questions about one key read the log once.

use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;

use super::kms_events;

/// The relations below it, `kms_records` and `kms_events` apart.
#[derive(Debug)]
pub(super) struct Held {
    below: Arc<dyn SchemaProvider>,
    records: Arc<dyn TableProvider>,
    events: Arc<dyn TableProvider>,
}

impl Held {
    /// `records` in the place of `kms_records`.
    pub(super) async fn over(below: Arc<dyn SchemaProvider>, records: Arc<dyn TableProvider>) -> Result<Held> {
        let context = SessionContext::new();
        context.register_table(kms_events::RECORDS, records.clone())?;
        let plan = context.sql(kms_events::EVENTS).await?.into_unoptimized_plan();
        let events = Arc::new(ViewTable::new(plan, Some(kms_events::EVENTS.to_owned())));
        Ok(Held { below, records, events })
    }

    fn held(&self, name: &str) -> Option<&Arc<dyn TableProvider>> {
        match name {
            kms_events::RECORDS => Some(&self.records),
            kms_events::NAME => Some(&self.events),
            _ => None,
        }
    }
}

/// A table of rows in memory of which some columns were read, null in the others of `whole`.
pub(super) fn widened(columns: &SchemaRef, rows: Vec<RecordBatch>, whole: &SchemaRef) -> Result<MemTable> {
    let missing = whole
        .fields()
        .iter()
        .filter(|field| columns.column_with_name(field.name()).is_none());
    let missing: Vec<FieldRef> = missing
        .map(|field| Arc::new(field.as_ref().clone().with_nullable(true)))
        .collect();
    let wide: Vec<FieldRef> = columns.fields().iter().chain(&missing).cloned().collect();
    let wide = Arc::new(Schema::new(wide));
    let rows = rows.into_iter().map(|batch| {
        let nulls = missing
            .iter()
            .map(|field| new_null_array(field.data_type(), batch.num_rows()));
        let columns = batch.columns().iter().cloned().chain(nulls).collect();
        Ok(RecordBatch::try_new(wide.clone(), columns)?)
    });
    MemTable::try_new(wide.clone(), vec![rows.collect::<Result<_>>()?])
}

#[async_trait]
impl SchemaProvider for Held {
    fn table_names(&self) -> Vec<String> {
        self.below.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.held(name) {
            Some(table) => Ok(Some(table.clone())),
            None => self.below.table(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        self.below.table_type(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.below.table_exist(name)
    }
}
