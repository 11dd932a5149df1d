//! The latest instant a lake can vouch for: the default of `as_of`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

use super::{Result, Session};
use crate::lake::schema;
use crate::model::Instant;

/// How long CloudTrail may take to deliver a record: "typically within an average of about 5 minutes", with no promise
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).
const DELIVERY_DELAY_MICROS: i64 = 15 * 60 * 1_000_000;

const SECOND_MICROS: i64 = 1_000_000;

/// An instant and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// Events before it should be in the lake.
    pub at: Instant,
    /// Why, in words.
    pub basis: String,
}

const SOURCES: &str = "\
    SELECT listed.source, listed.seen_until, taken.delivered_at, taken.last_event_at \
    FROM (SELECT source, max(least(finished_at, coalesce(until, finished_at))) AS seen_until \
          FROM ingest_listings WHERE complete AND source IS NOT NULL GROUP BY source) AS listed \
    LEFT JOIN (SELECT source, max(delivered_at) AS delivered_at, max(last_event_at) AS last_event_at \
          FROM ingest_objects GROUP BY source) AS taken ON taken.source = listed.source";

const LAST_EVENT: &str = "\
    SELECT '' AS source, NULL::timestamp AS seen_until, NULL::timestamp AS delivered_at, max(last_event_at) AS last_event_at \
    FROM ingest_objects";

struct Source {
    name: String,
    seen_until: Option<Instant>,
    delivered_at: Option<Instant>,
    last_event_at: Option<Instant>,
}

impl Session {
    /// The latest instant the lake can vouch for; `None` where it holds no finished listing and no event.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn horizon(&self) -> Result<Option<Horizon>> {
        of(&self.own).await
    }
}

/// The latest instant that the lake of a context can vouch for.
pub(super) async fn of(context: &SessionContext) -> Result<Option<Horizon>> {
    let listed = sources(context, SOURCES).await?;
    if let Some(best) = listed.iter().filter_map(vouched).max_by_key(|horizon| horizon.at) {
        return Ok(Some(best));
    }
    let last = sources(context, LAST_EVENT).await?;
    Ok(last
        .iter()
        .find_map(|source| after_last_event(source, "no complete listing")))
}

async fn sources(context: &SessionContext, sql: &str) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for batch in context.sql(sql).await?.collect().await? {
        let names = cast(batch.column(0), &DataType::Utf8).map_err(DataFusionError::from)?;
        let instants = |index: usize| cast(batch.column(index), &schema::timestamp()).map_err(DataFusionError::from);
        let (seen, delivered, event) = (instants(1)?, instants(2)?, instants(3)?);
        for row in 0..batch.num_rows() {
            let at = |column: &ArrayRef| {
                let micros = column.as_primitive::<TimestampMicrosecondType>();
                micros.is_valid(row).then(|| Instant(micros.value(row)))
            };
            sources.push(Source {
                name: names.as_string::<i32>().value(row).to_owned(),
                seen_until: at(&seen),
                delivered_at: at(&delivered),
                last_event_at: at(&event),
            });
        }
    }
    Ok(sources)
}

fn vouched(source: &Source) -> Option<Horizon> {
    let seen_until = source.seen_until?;
    // A bucket goes on receiving, so its listing speaks for the time of the listing. A copy on disk stopped receiving
    // when it was made, at the earliest after its last object.
    let (until, of) = if source.name.starts_with("s3://") {
        (seen_until, "the last complete listing")
    } else if let Some(delivered_at) = source.delivered_at {
        (seen_until.min(delivered_at), "the last object")
    } else {
        return after_last_event(source, "a copy whose object names tell no time");
    };
    let basis = format!("{of} of `{}`, {until}, less the delivery delay", source.name);
    Some(Horizon {
        at: Instant(until.0 - DELIVERY_DELAY_MICROS),
        basis,
    })
}

/// Just past the last event, so that a window ending there holds it.
fn after_last_event(source: &Source, why: &str) -> Option<Horizon> {
    let at = Instant(source.last_event_at?.0 + SECOND_MICROS);
    Some(Horizon {
        at,
        basis: format!("the last event; {why}"),
    })
}
