//! Reads the records in order of time, some days at a time, and replays them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionContext, col, lit};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use tokio::sync::mpsc::Sender;

use super::rows::{self, Added, RECORDED};
use super::states::{State, States};
use crate::lake::Location;
use crate::lake::schema::timestamp;
use crate::model::Instant;
use crate::policy::answer::Verdict;
use crate::policy::solve::Solver;
use crate::replay::{Call, Observed, Replayed, replay};

/// What else the replay reads, as columns of `kms_records`, or parts of its identity.
const READ: [(&str, &[&str]); 14] = [
    ("aws_region", &[]),
    ("event_type", &[]),
    ("access_key", &[]),
    ("request_parameters", &[]),
    ("source_ip", &[]),
    ("vpc_endpoint_id", &[]),
    ("user_identity", &["type"]),
    ("user_identity", &["arn"]),
    ("user_identity", &["accountid"]),
    ("user_identity", &["principalid"]),
    ("user_identity", &["sessioncontext", "attributes", "creationdate"]),
    ("user_identity", &["sessioncontext", "attributes", "mfaauthenticated"]),
    ("user_identity", &["sessioncontext", "sourceidentity"]),
    ("user_identity", &["sessioncontext", "assumedroot"]),
];

/// The rows of the table.
pub(super) struct Reader {
    location: Location,
    context: SessionContext,
    filters: Vec<Expr>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn new(location: Location, context: SessionContext, filters: Vec<Expr>) -> Reader {
        Reader {
            location,
            context,
            filters,
        }
    }
}

impl PartitionStream for Reader {
    fn schema(&self) -> &SchemaRef {
        static SCHEMA: std::sync::LazyLock<SchemaRef> = std::sync::LazyLock::new(rows::schema);
        &SCHEMA
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(rows::schema(), 4);
        let (location, context, filters) = (self.location.clone(), self.context.clone(), self.filters.clone());
        let out = stream.tx();
        stream.spawn(async move { read(location, &context, &filters, &out).await });
        stream.build()
    }
}

/// Records asked for at once: few enough to be sorted in memory, many enough that planning does not count.
const STRETCH: i64 = 50_000;

/// Sends every row. In order of time, so that the calls of a time share the few states held.
async fn read(
    location: Location,
    context: &SessionContext,
    filters: &[Expr],
    out: &Sender<Result<RecordBatch>>,
) -> Result<()> {
    let mut states = States::new(location).await?;
    let mut solver = Solver::default();
    for stretch in stretches(context, filters).await? {
        let mut wanted: Vec<Expr> = RECORDED.iter().map(|name| col(*name)).collect();
        for (at, (column, path)) in READ.iter().enumerate() {
            let part = path.iter().fold(col(*column), |from, field| {
                datafusion::functions::core::expr_fn::get_field(from, *field)
            });
            wanted.push(part.alias(format!("read_{at}")));
        }
        let day = |day: i32| lit(ScalarValue::Date32(Some(day)));
        let mut frame = context.table("kms_records").await?.filter(match stretch {
            Some((first, last)) => col("event_date").between(day(first), day(last)),
            None => col("event_date").is_null(),
        })?;
        for filter in filters {
            frame = frame.filter(filter.clone())?;
        }
        let sorted = frame.select(wanted)?.sort(vec![col("eventtime").sort(true, true)])?;
        let mut batches = sorted.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            let rows = Batch::of(&batch)?;
            let mut added = Added::default();
            for row in 0..batch.num_rows() {
                one(&rows.call(row), &mut states, &mut solver, &mut added).await?;
            }
            if out.send(added.beside(rows.recorded)).await.is_err() {
                return Ok(());
            }
        }
        // Formulas are shared within a stretch; over years they would pile up.
        solver = Solver::default();
    }
    Ok(())
}

/// The days that hold records, in order, as stretches of days; records without a day are one by themselves.
async fn stretches(context: &SessionContext, filters: &[Expr]) -> Result<Vec<Option<(i32, i32)>>> {
    let mut frame = context.table("kms_records").await?;
    for filter in filters {
        frame = frame.filter(filter.clone())?;
    }
    let records = datafusion::functions_aggregate::expr_fn::count(lit(1)).alias("records");
    let counted = frame.aggregate(vec![col("event_date")], vec![records])?;
    let mut days: Vec<(Option<i32>, i64)> = Vec::new();
    for batch in &counted.collect().await? {
        let (day, records) = (
            cast(batch.column(0), &DataType::Date32)?,
            cast(batch.column(1), &DataType::Int64)?,
        );
        let days_of = day.as_primitive::<arrow::datatypes::Date32Type>().iter();
        let records = records.as_primitive::<arrow::datatypes::Int64Type>().iter();
        days.extend(days_of.zip(records.map(Option::unwrap_or_default)));
    }
    days.sort_unstable();
    let mut stretches: Vec<Option<(i32, i32)>> = Vec::new();
    let mut held = 0;
    for (day, records) in days {
        let Some(day) = day else {
            stretches.push(None);
            continue;
        };
        match stretches.last_mut() {
            Some(Some((_, last))) if held + records <= STRETCH => *last = day,
            _ => {
                held = 0;
                stretches.push(Some((day, day)));
            }
        }
        held += records;
    }
    Ok(stretches)
}

/// Replays one call against the snapshot nearest in time; where that contradicts AWS, against the one on the other side.
async fn one(call: &Call<'_>, states: &mut States, solver: &mut Solver, added: &mut Added) -> Result<()> {
    let observed = call.observed().map(Observed::word);
    let place = place_of(call);
    let [nearest, other] = states.around(&place, call.at);
    let Some(state) = at(states, nearest).await? else {
        added.obstacle(observed, "the lake holds no snapshot", None);
        return Ok(());
    };
    let origin = state.origin(&place);
    match replay(call, &state.directory, solver) {
        Err(obstacle) => added.obstacle(observed, obstacle, Some(origin)),
        Ok(found) => {
            let mut doubt = found.doubt.map(str::to_owned);
            if found.is_contradiction()
                && doubt.is_none()
                && let Some(beyond) = at(states, other).await?
            {
                doubt = differs(call, &found, &beyond, &place, solver);
            }
            added.replayed(&found, doubt.as_deref(), origin);
        }
    }
    Ok(())
}

async fn at(states: &mut States, instant: Option<i64>) -> Result<Option<Arc<State>>> {
    match instant {
        Some(instant) => states.at(instant).await,
        None => Ok(None),
    }
}

/// That the snapshot on the other side of the call does not contradict AWS: then permissions changed in between.
fn differs(
    call: &Call,
    found: &Replayed,
    beyond: &State,
    place: &(String, String),
    solver: &mut Solver,
) -> Option<String> {
    let (id, _, collected) = beyond.origin(place);
    let said = match replay(call, &beyond.directory, solver) {
        Ok(again) if again.is_contradiction() => return None,
        Ok(again) => again.answer.verdict,
        // A principal or key that is not there says that something changed, not what.
        Err(_) => Verdict::Undetermined,
    };
    (said != found.answer.verdict).then(|| {
        let at = Instant(*collected);
        format!(
            "snapshot {id} of {at}, on the other side of the call, answers {}",
            said.as_str()
        )
    })
}

/// The account and Region of the key or, where none is named, of the caller.
fn place_of(call: &Call) -> (String, String) {
    let arn = call.key_arn.and_then(crate::model::Arn::parse);
    match arn {
        Some(arn) => (arn.account.to_owned(), arn.region.to_owned()),
        None => (
            call.identity_account.unwrap_or_default().to_owned(),
            call.region.to_owned(),
        ),
    }
}

/// A batch of records by its columns.
struct Batch {
    recorded: Vec<ArrayRef>,
    texts: Vec<Option<StringArray>>,
}

impl Batch {
    fn of(batch: &RecordBatch) -> Result<Batch> {
        let mut recorded = Vec::with_capacity(RECORDED.len());
        let mut texts = Vec::with_capacity(batch.num_columns());
        for (at, column) in batch.columns().iter().enumerate() {
            let held = match RECORDED.get(at) {
                Some(&"eventtime") => cast(column, &timestamp())?,
                Some(&"event_date") => cast(column, &DataType::Date32)?,
                _ => cast(column, &DataType::Utf8)?,
            };
            texts.push(held.as_string_opt::<i32>().cloned());
            if at < RECORDED.len() {
                recorded.push(held);
            }
        }
        if recorded.len() < RECORDED.len() {
            return Err(DataFusionError::Internal("kms_records lost a column".to_owned()));
        }
        Ok(Batch { recorded, texts })
    }

    /// One record as a call.
    fn call(&self, row: usize) -> Call<'_> {
        let text = |at: usize| {
            let column = self.texts.get(at)?.as_ref()?;
            (column.is_valid(row))
                .then(|| column.value(row))
                .filter(|text| !text.is_empty())
        };
        let named = |name: &str| text(RECORDED.iter().position(|known| *known == name)?);
        let read = |at: usize| text(RECORDED.len() + at);
        let time = self
            .recorded
            .first()
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        Call {
            at: time.filter(|time| time.is_valid(row)).map_or(0, |time| time.value(row)),
            operation: named("operation").unwrap_or_default(),
            region: read(0).unwrap_or_default(),
            event_type: read(1),
            access_key: read(2),
            parameters: read(3),
            source_ip: read(4),
            vpc_endpoint: read(5),
            identity_type: read(6),
            identity_arn: read(7),
            identity_account: read(8),
            principal_id: read(9),
            session_created: read(10),
            session_mfa: read(11),
            source_identity: read(12),
            assumed_root: read(13).filter(|flag| *flag == "true"),
            federated_provider: None,
            invoked_by: named("via_service"),
            outcome: named("outcome").unwrap_or_default(),
            error_message: named("error_message"),
            key_ref: named("key_ref"),
            key_arn: named("key_arn"),
        }
    }
}
