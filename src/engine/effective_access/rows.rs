//! Classes of equals as rows, a batch at a time.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc::Sender;

use super::state::Decided;
use crate::lake::schema::timestamp;
use crate::policy::caller::Caller;
use crate::policy::scene::Target;
use crate::policy::{kms, naming};

const BATCH_ROWS: usize = 8_192;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let element = Arc::new(Field::new("element", DataType::Utf8, true));
    Arc::new(Schema::new(vec![
        text("snapshot_id"),
        Field::new("collected_at", timestamp(), true),
        text("principal_arn"),
        text("principal_type"),
        text("principal_id"),
        text("key_arn"),
        text("account_id"),
        text("region"),
        text("action"),
        text("decision"),
        Field::new("paths", DataType::List(element), true),
        text("reason"),
        text("condition"),
        text("condition_kind"),
    ]))
});

/// The columns: those of the public contract, the key's account and Region, and the kind of condition.
pub(super) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// The rows of one state.
#[derive(Debug)]
pub(super) struct Rows {
    decided: Option<Arc<Decided>>,
    with_paths: bool,
}

impl Rows {
    pub(super) fn new(decided: Arc<Decided>, with_paths: bool) -> Rows {
        Rows {
            decided: Some(decided),
            with_paths,
        }
    }

    pub(super) fn none() -> Rows {
        Rows {
            decided: None,
            with_paths: false,
        }
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &SCHEMA
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(schema(), 4);
        if let Some(decided) = self.decided.clone() {
            let (out, with_paths) = (stream.tx(), self.with_paths);
            stream.spawn_blocking(move || {
                unroll(&decided, with_paths, &out)?;
                Ok(())
            });
        }
        stream.build()
    }
}

/// Sends every row. Ends early, without an error, where nobody listens any more.
fn unroll(decided: &Decided, with_paths: bool, out: &Sender<Result<RecordBatch>>) -> Result<()> {
    let mut batch = Batch::default();
    for cell in &decided.cells {
        let outcomes = decided
            .outcomes
            .get(cell.outcomes as usize)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let principals = decided.principal_classes.members.get(cell.principals as usize);
        let keys = decided.key_classes.members.get(cell.keys as usize);
        for principal in principals
            .into_iter()
            .flatten()
            .filter_map(|at| decided.principals.get(*at as usize))
        {
            let caller = if with_paths {
                Caller::resolve(&decided.snapshot, &principal.arn).ok()
            } else {
                None
            };
            for key in keys
                .into_iter()
                .flatten()
                .filter_map(|at| decided.snapshot.keys.get(*at as usize))
            {
                let (snapshot_id, collected_at) = decided.origin(&key.account, &key.region);
                for outcome in outcomes {
                    let paths = caller.as_ref().map_or_else(Vec::new, |caller| {
                        naming::names(&decided.snapshot, caller, &Target::Key(key), &outcome.paths)
                    });
                    for action in (0..kms::ACTIONS.len()).filter(|action| outcome.actions >> action & 1 == 1) {
                        batch.collected_at.append_value(collected_at);
                        let texts = [
                            Some(snapshot_id),
                            Some(principal.arn.as_str()),
                            Some(principal.kind),
                            principal.id.as_deref(),
                            Some(key.arn.as_str()),
                            Some(key.account.as_str()),
                            Some(key.region.as_str()),
                            Some(NAMES.get(action).map_or("", String::as_str)),
                            Some(outcome.verdict.as_str()),
                            Some(&*outcome.reason).filter(|reason| !reason.is_empty()),
                            outcome.condition.as_deref(),
                            outcome.condition_kind.map(|kind| kind.as_str()),
                        ];
                        batch.push(texts, &paths);
                        if batch.rows == BATCH_ROWS && out.blocking_send(batch.take()).is_err() {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }
    if batch.rows > 0 {
        let _ = out.blocking_send(batch.take());
    }
    Ok(())
}

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| (0..kms::ACTIONS.len()).map(kms::full_name).collect());

/// Columns in the making.
struct Batch {
    rows: usize,
    collected_at: TimestampMicrosecondBuilder,
    texts: [StringBuilder; 12],
    paths: ListBuilder<StringBuilder>,
}

impl Default for Batch {
    fn default() -> Batch {
        let element = Field::new("element", DataType::Utf8, true);
        Batch {
            rows: 0,
            collected_at: TimestampMicrosecondBuilder::new().with_data_type(timestamp()),
            texts: std::array::from_fn(|_| StringBuilder::new()),
            paths: ListBuilder::new(StringBuilder::new()).with_field(element),
        }
    }
}

impl Batch {
    fn push(&mut self, texts: [Option<&str>; 12], paths: &[String]) {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
        paths.iter().for_each(|path| self.paths.values().append_value(path));
        self.paths.append(true);
        self.rows += 1;
    }

    /// The rows so far, in the order of the schema.
    fn take(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let mut texts = self
            .texts
            .iter_mut()
            .map(|column| -> ArrayRef { Arc::new(column.finish()) });
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(SCHEMA.fields().len());
        columns.extend(texts.next());
        columns.push(Arc::new(self.collected_at.finish()));
        columns.extend(texts.by_ref().take(8));
        columns.push(Arc::new(self.paths.finish()));
        columns.extend(texts);
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
