//! `event_json(columns...)`: the record as it was delivered, from its columns: Lake's `eventJson`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::Schema;
use datafusion::error::{DataFusionError, Result};

use super::scalar::{Read, Scalar, returns_text, texts};
use crate::lake::restore::{self, Restorer};
use crate::lake::schema;

/// As many as a record has columns, and room for more.
const READS: &[Read] = &[Read::Any; 64];

pub(super) fn function() -> Scalar {
    Scalar::new("event_json", READS, 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let table = schema::cloudtrail();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (name, column) in restore::columns().iter().zip(arguments) {
        let field = table.field_with_name(name)?.clone();
        columns.push(cast(column, field.data_type())?);
        fields.push(field);
    }
    let rows = arguments.first().map_or(0, |column| column.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
    let restorer = Restorer::new(&batch).map_err(|error| DataFusionError::External(Box::new(error)))?;
    texts(rows, |row| Ok(Some(restorer.record(row))))
}
