//! The snapshot tables as Arrow: schemas, and cells to columns and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Int64Array, Int64Builder, ListArray, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::lake::schema::timestamp;
use crate::lake::{Error, Result};
use crate::snapshot::tables::{Cell, Kind, Row, Table};

/// The column that names the chunk a stored row belongs to.
pub const CHUNK: &str = "chunk";

/// The index of snapshots: which chunks make up each. One row per snapshot has `table_name` `snapshots` and no chunk.
pub static INDEX: Table = Table {
    name: "snapshot_chunks",
    columns: &[
        ("snapshot_id", Kind::Text),
        ("collected_at", Kind::Instant),
        ("table_name", Kind::Text),
        ("chunk", Kind::Text),
        ("account_id", Kind::Text),
        ("region", Kind::Text),
        ("row_count", Kind::Int),
        ("started_at", Kind::Instant),
        ("kept_at", Kind::Instant),
        ("source", Kind::Text),
        ("collected_by", Kind::Text),
        ("tool", Kind::Text),
        ("content_hash", Kind::Text),
        ("complete", Kind::Flag),
        ("accounts", Kind::Texts),
        ("notes", Kind::Texts),
    ],
    key_columns: 4,
    text: None,
};

/// Every distinct policy text, once.
pub static POLICY_TEXTS: Table = Table {
    name: "policy_texts",
    columns: &[("sha256", Kind::Text), ("text", Kind::Text), ("bytes", Kind::Int)],
    key_columns: 1,
    text: None,
};

/// The name of the Delta table that holds a table's rows.
pub fn stored_name(table: &Table) -> String {
    if is_plain(table) {
        table.name.to_owned()
    } else {
        format!("{}_rows", table.name)
    }
}

/// Whether a table is stored as it is, without chunks.
pub fn is_plain(table: &Table) -> bool {
    table.name == INDEX.name || table.name == POLICY_TEXTS.name
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int => DataType::Int64,
        Kind::Flag => DataType::Boolean,
        Kind::Instant => timestamp(),
        Kind::Texts => DataType::List(Arc::new(element())),
    }
}

/// Delta and Parquet name a list's child `element`.
fn element() -> Field {
    Field::new("element", DataType::Utf8, true)
}

/// A field of a kind.
pub fn field(name: &str, kind: Kind) -> Field {
    Field::new(name, data_type(kind), true)
}

/// The schema of a table as stored.
pub fn stored(table: &Table) -> SchemaRef {
    let chunk = (!is_plain(table)).then(|| field(CHUNK, Kind::Text));
    let columns = table.columns.iter().map(|(name, kind)| field(name, *kind));
    Arc::new(Schema::new(chunk.into_iter().chain(columns).collect::<Vec<Field>>()))
}

/// Rows with the chunk of each as a batch of the stored schema.
pub fn batch(table: &Table, rows: &[(Option<&str>, &Row)]) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    if !is_plain(table) {
        let mut chunks = StringBuilder::new();
        rows.iter().for_each(|(chunk, _)| chunks.append_option(*chunk));
        columns.push(Arc::new(chunks.finish()));
    }
    for (at, (_, kind)) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|(_, row)| row.get(at).unwrap_or(&Cell::Null));
        columns.push(column(*kind, cells));
    }
    Ok(RecordBatch::try_new(stored(table), columns)?)
}

fn column<'c>(kind: Kind, cells: impl Iterator<Item = &'c Cell>) -> ArrayRef {
    match kind {
        Kind::Text => {
            let mut builder = StringBuilder::new();
            cells.for_each(|cell| builder.append_option(cell.text()));
            Arc::new(builder.finish())
        }
        Kind::Int => {
            let mut builder = Int64Builder::new();
            cells.for_each(|cell| builder.append_option(cell.int()));
            Arc::new(builder.finish())
        }
        Kind::Flag => {
            let mut builder = BooleanBuilder::new();
            cells.for_each(|cell| builder.append_option(cell.flag()));
            Arc::new(builder.finish())
        }
        Kind::Instant => {
            let mut builder = TimestampMicrosecondBuilder::new().with_data_type(timestamp());
            cells.for_each(|cell| builder.append_option(cell.instant()));
            Arc::new(builder.finish())
        }
        Kind::Texts => {
            let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element());
            for cell in cells {
                match cell {
                    Cell::Texts(texts) => {
                        texts.iter().for_each(|text| builder.values().append_value(text));
                        builder.append(true);
                    }
                    _ => builder.append(false),
                }
            }
            Arc::new(builder.finish())
        }
    }
}

/// A batch read from a file in the types of the stored schema, which files of other writers may not have.
pub fn typed(table: &Table, batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = stored(table);
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(held) => arrow::compute::cast(held, field.data_type()),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema
        .fields()
        .iter()
        .map(column)
        .collect::<std::result::Result<_, _>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The rows of a batch that has some of a table's columns; the others are null.
pub fn rows(table: &Table, batch: &RecordBatch) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = vec![Vec::with_capacity(table.columns.len()); batch.num_rows()];
    for (name, kind) in table.columns {
        let held = batch.column_by_name(name);
        let array = match held {
            Some(held) => arrow::compute::cast(held, &data_type(*kind))?,
            None => arrow::array::new_null_array(&data_type(*kind), batch.num_rows()),
        };
        for (at, row) in rows.iter_mut().enumerate() {
            row.push(cell(array.as_ref(), *kind, at).ok_or_else(|| wrong(table, name))?);
        }
    }
    Ok(rows)
}

fn wrong(table: &Table, column: &str) -> Error {
    Error::Inconsistent(format!(
        "column `{column}` of table `{}` has another type than expected",
        table.name
    ))
}

fn cell(array: &dyn Array, kind: Kind, at: usize) -> Option<Cell> {
    if array.is_null(at) {
        return Some(Cell::Null);
    }
    let any = array.as_any();
    Some(match kind {
        Kind::Text => Cell::Text(any.downcast_ref::<StringArray>()?.value(at).to_owned()),
        Kind::Int => Cell::Int(any.downcast_ref::<Int64Array>()?.value(at)),
        Kind::Flag => Cell::Flag(any.downcast_ref::<BooleanArray>()?.value(at)),
        Kind::Instant => Cell::Instant(any.downcast_ref::<TimestampMicrosecondArray>()?.value(at)),
        Kind::Texts => {
            let held = any.downcast_ref::<ListArray>()?.value(at);
            let texts = held.as_any().downcast_ref::<StringArray>()?;
            Cell::Texts(texts.iter().flatten().map(str::to_owned).collect())
        }
    })
}
