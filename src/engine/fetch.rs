//! Small answers read whole, cell by cell, for facts that Rust computes with.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::lake::schema;

/// An answer in memory.
pub(super) struct Fetched {
    batches: Vec<RecordBatch>,
}

/// One row of it.
#[derive(Clone, Copy)]
pub(super) struct Row<'f> {
    batch: &'f RecordBatch,
    at: usize,
}

impl Fetched {
    /// Runs a query to its end. Each column is text, whole number, flag or instant as it is read.
    pub(super) async fn of(context: &SessionContext, sql: &str) -> Result<Fetched> {
        let mut batches = Vec::new();
        for batch in context.sql(sql).await?.collect().await? {
            let columns: Vec<(String, ArrayRef)> = batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(field, column)| Ok((field.name().clone(), cast(column, &plain(column.data_type()))?)))
                .collect::<Result<_>>()?;
            batches.push(RecordBatch::try_from_iter_with_nullable(
                columns.into_iter().map(|(name, column)| (name, column, true)),
            )?);
        }
        Ok(Fetched { batches })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(move |at| Row { batch, at }))
    }
}

fn plain(held: &DataType) -> DataType {
    match held {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) => DataType::Utf8,
        DataType::Timestamp(..) => schema::timestamp(),
        held if held.is_integer() || *held == DataType::Date32 => DataType::Int64,
        held => held.clone(),
    }
}

impl<'f> Row<'f> {
    fn column(self, index: usize) -> Option<&'f ArrayRef> {
        self.batch
            .columns()
            .get(index)
            .filter(|column| column.is_valid(self.at))
    }

    /// The text of a column, unless it is null.
    pub(super) fn text(self, index: usize) -> Option<&'f str> {
        Some(self.column(index)?.as_string_opt::<i32>()?.value(self.at))
    }

    /// The text as an owned value.
    pub(super) fn owned(self, index: usize) -> Option<String> {
        self.text(index).map(str::to_owned)
    }

    /// Microseconds since 1970.
    pub(super) fn instant(self, index: usize) -> Option<i64> {
        Some(
            self.column(index)?
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(self.at),
        )
    }

    /// A whole number; a date as days since 1970.
    pub(super) fn whole(self, index: usize) -> Option<i64> {
        Some(self.column(index)?.as_primitive_opt::<Int64Type>()?.value(self.at))
    }

    /// A flag.
    pub(super) fn flag(self, index: usize) -> Option<bool> {
        Some(self.column(index)?.as_boolean_opt()?.value(self.at))
    }
}
