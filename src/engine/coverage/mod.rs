//! `coverage` as a table: facts from the lake, judged by the room of that name.

mod gather;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::coverage::{Assumption, Stretch, compute};
use crate::lake::schema::timestamp;
use crate::model::Instant;

/// The table's name.
pub(super) const NAME: &str = "coverage";

/// The relations its facts are read from.
pub(super) const BELOW: [&str; 9] = [
    "cloudtrail",
    "ingest_objects",
    "ingest_listings",
    "digests",
    "trails",
    "snapshot_scope",
    "org_accounts",
    "kms_last_usage",
    "kms_keys",
];

/// The columns of the public contract.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let instant = |name: &str| Field::new(name, timestamp(), true);
    Arc::new(Schema::new(vec![
        text("account_id"),
        text("region"),
        text("kind"),
        instant("since"),
        instant("until"),
        text("state"),
        text("basis"),
        text("trail_arn"),
        text("cause"),
    ]))
}

/// The table over the relations that `context` knows.
pub(super) async fn table(context: &SessionContext, assumed: Vec<Assumption>) -> Result<Arc<dyn TableProvider>> {
    let facts = gather::facts(context, assumed).await?;
    let stretches = compute(&facts);
    Ok(Arc::new(MemTable::try_new(schema(), vec![vec![batch(&stretches)?]])?))
}

fn batch(stretches: &[Stretch]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&Stretch) -> Option<String>| -> ArrayRef {
        Arc::new(stretches.iter().map(of).collect::<StringArray>())
    };
    let instant = |of: &dyn Fn(&Stretch) -> Instant| -> ArrayRef {
        let micros: TimestampMicrosecondArray = stretches.iter().map(|stretch| Some(of(stretch).0)).collect();
        Arc::new(micros.with_timezone("UTC"))
    };
    let columns = vec![
        text(&|stretch| Some(stretch.account_id.clone())),
        text(&|stretch| Some(stretch.region.clone())),
        text(&|stretch| Some(stretch.kind.word().to_owned())),
        instant(&|stretch| stretch.since),
        instant(&|stretch| stretch.until),
        text(&|stretch| Some(stretch.state.word().to_owned())),
        text(&|stretch| Some(stretch.basis.word().to_owned())),
        text(&|stretch| stretch.trail_arn.clone()),
        text(&|stretch| stretch.cause.clone()),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
