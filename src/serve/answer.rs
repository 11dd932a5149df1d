//! Rows as PostgreSQL's clients take them: nested values as JSON, everything else in its own type.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use datafusion_postgres::arrow_pg::datatypes::{encode_recordbatch, field_into_pg_type};
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::{FieldInfo, QueryResponse};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::data::DataRow;
use datafusion_postgres::pgwire::types::format::FormatOptions;
use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::cancel::Run;
use super::compute::Work;
use super::failure;
use crate::report;

/// The columns as a client is told them.
pub(super) fn fields(columns: &Schema, format: &Format, options: &Arc<FormatOptions>) -> PgWireResult<Vec<FieldInfo>> {
    let columns = plain(columns);
    let each = columns.fields().iter().enumerate();
    each.map(|(index, field)| {
        let kind = if field.metadata().contains_key(NESTED) {
            Type::JSON
        } else {
            field_into_pg_type(field)?
        };
        let info = FieldInfo::new(field.name().clone(), None, None, kind, format.format_for(index));
        Ok(info.with_format_options(options.clone()))
    })
    .collect()
}

/// What marks a column whose nested values became JSON.
const NESTED: &str = "keytrail.nested";

/// Columns of types that a client knows.
fn plain(columns: &Schema) -> Schema {
    let field = |field: &Arc<Field>| -> Field {
        let mut metadata = field.metadata().clone();
        let kind = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            // The only offset that needs no table of time zones.
            DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            kind if is_nested(kind) => {
                metadata.insert(NESTED.to_owned(), String::new());
                DataType::Utf8
            }
            kind => kind.clone(),
        };
        Field::new(field.name(), kind, true).with_metadata(metadata)
    };
    Schema::new(columns.fields().iter().map(field).collect::<Fields>())
}

fn is_nested(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => true,
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            let element = element.data_type();
            is_nested(element)
                || matches!(
                    element,
                    DataType::List(_) | DataType::Dictionary(..) | DataType::Timestamp(_, Some(_))
                )
        }
        _ => false,
    }
}

fn plain_batch(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let converted = batch.columns().iter().zip(columns.fields()).map(|(column, field)| {
        if field.metadata().contains_key(NESTED) {
            return nested(column);
        }
        match column.data_type() == field.data_type() {
            true => Ok(column.clone()),
            false => cast(column, field.data_type()),
        }
    });
    RecordBatch::try_new(columns.clone(), converted.collect::<Result<_, _>>()?)
}

fn nested(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let mut texts = StringBuilder::with_capacity(column.len(), 0);
    for row in 0..column.len() {
        texts.append_option(report::value_text(column.as_ref(), row)?);
    }
    Ok(Arc::new(texts.finish()))
}

/// What an answer may still take.
pub(super) struct Allowance {
    /// Until when.
    pub(super) until: Instant,
    /// How long that was.
    pub(super) time: Duration,
    /// How many rows.
    pub(super) rows: usize,
}

/// The error of a query that took too long.
pub(super) fn late(time: Duration) -> PgWireError {
    failure::error("57014", format!("the query took longer than {} s", time.as_secs_f64()))
}

type DataRows = Pin<Box<dyn Stream<Item = PgWireResult<DataRow>> + Send>>;

/// Batches as they are computed.
type Batches = mpsc::Receiver<datafusion::error::Result<RecordBatch>>;

/// The answer to one question, cut off where its allowance ends or somebody ends it.
pub(super) struct Answer {
    batches: Batches,
    /// Ends when the answer does.
    work: Work<()>,
    allowance: Allowance,
    run: Run,
    taken: usize,
    ended: bool,
}

impl Answer {
    /// An answer of what comes from work.
    pub(super) fn new(batches: Batches, work: Work<()>, allowance: Allowance, run: Run) -> Answer {
        Answer {
            batches,
            work,
            allowance,
            run,
            taken: 0,
            ended: false,
        }
    }

    /// Is over when the answer may not go on, with the reason.
    pub(super) async fn cut_off(&mut self) -> PgWireError {
        tokio::select! {
            () = self.run.cancelled() => PgWireError::QueryCanceled,
            () = tokio::time::sleep_until(self.allowance.until) => late(self.allowance.time),
        }
    }

    /// The rows as a response.
    pub(super) fn response(
        self,
        columns: &Schema,
        format: &Format,
        options: &Arc<FormatOptions>,
    ) -> PgWireResult<QueryResponse> {
        let fields = Arc::new(fields(columns, format, options)?);
        let plain: SchemaRef = Arc::new(plain(columns));
        let told = fields.clone();
        let batches = stream::unfold(self, move |mut answer| {
            let (plain, told) = (plain.clone(), told.clone());
            async move {
                if answer.ended {
                    return None;
                }
                let rows = answer.next(&plain, &told).await?;
                answer.ended = rows.is_err();
                Some((rows, answer))
            }
        });
        let rows = batches.flat_map(|batch| -> DataRows {
            match batch {
                Ok(rows) => stream::iter(rows).boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        });
        Ok(QueryResponse::new(fields, rows))
    }

    /// The next batch, encoded.
    async fn next(
        &mut self,
        plain: &SchemaRef,
        told: &Arc<Vec<FieldInfo>>,
    ) -> Option<PgWireResult<Vec<PgWireResult<DataRow>>>> {
        let batch = tokio::select! {
            biased;
            () = self.run.cancelled() => return Some(Err(PgWireError::QueryCanceled)),
            () = tokio::time::sleep_until(self.allowance.until) => return Some(Err(late(self.allowance.time))),
            batch = self.batches.recv() => batch,
        };
        let Some(batch) = batch else {
            // Rows that end because a thread broke are no whole answer.
            return match self.work.done().await {
                Some(()) => None,
                None => Some(Err(failure::error("XX000", "the query broke"))),
            };
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return Some(Err(failure::of_engine(&error.into()))),
        };
        self.taken += batch.num_rows();
        if self.taken > self.allowance.rows {
            let message = format!("the answer has more than {} rows", self.allowance.rows);
            return Some(Err(failure::error("54000", message)));
        }
        match plain_batch(&batch, plain) {
            Ok(batch) => Some(Ok(encode_recordbatch(told.clone(), batch).collect())),
            Err(error) => Some(Err(failure::error("22000", error.to_string()))),
        }
    }
}
