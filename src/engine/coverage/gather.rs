//! The facts of coverage, read from the ledger, the snapshots and the few records that change trails.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use futures::try_join;

use crate::coverage::change::OPERATIONS;
use crate::coverage::{
    Active, Assumption, Canary, Change, DELIVERY_DELAY, DigestHour, Facts, Fault, Listing, LostObject, Place, SECOND,
    TrailRow,
};
use crate::engine::fetch::Fetched;
use crate::model::Instant;
use crate::model::instant::DAY;

/// An object's key up to its last slash: what tells its place, and far fewer than the objects.
const FOLDER: &str = "substr(source_object, 1, length(source_object) - length(substr_index(source_object, '/', -1)))";

/// What names a log object wherever its copy lies.
const TAIL: &str = "regexp_replace(%, '^.*AWSLogs/', '')";

/// Minutes are the precision of the delivery time in an object's name.
const MINUTE: i64 = 60 * SECOND;

/// Days whose records are read for what they tell of their accounts.
const LAST_DAYS_MAX: usize = 8;

/// Asks side by side: each question is small, and most of it is waiting.
pub(super) async fn facts(context: &SessionContext, assumed: Vec<Assumption>) -> Result<Facts> {
    let log = async {
        try_join!(
            listings(context),
            activity(context),
            deliveries(context),
            faults(context),
            digests(context),
            changes(context),
            one_sided(context),
            wanted(context)
        )
    };
    let snapshots = async {
        try_join!(
            trails(context),
            trails_read(context),
            organizations(context),
            canaries(context)
        )
    };
    let (
        (listings, active, (last_delivery, last_event), faults, digests, changes, one_sided, wanted),
        (trails, trails_read, organizations, canaries),
    ) = try_join!(log, snapshots)?;
    Ok(Facts {
        listings,
        active,
        last_delivery,
        last_event,
        faults,
        digests,
        trails,
        trails_read,
        organizations,
        changes,
        canaries,
        one_sided,
        assumed,
        wanted,
    })
}

async fn listings(context: &SessionContext) -> Result<Vec<Listing>> {
    let sql = "SELECT source, trail_arn, finished_at, since, until FROM ingest_listings \
               WHERE complete AND source IS NOT NULL AND finished_at IS NOT NULL";
    let answer = Fetched::of(context, sql).await?;
    let listings = answer.rows().map(|row| Listing {
        source: row.owned(0).unwrap_or_default(),
        trail_arn: row.owned(1),
        finished_at: row.instant(2).unwrap_or(i64::MIN),
        since: row.instant(3),
        until: row.instant(4),
    });
    Ok(listings.collect())
}

/// Days with records. An object's first and last event tell them, except for what lies between and for objects whose
/// key names no account: there the records are asked.
async fn activity(context: &SessionContext) -> Result<BTreeSet<Active>> {
    let sql = format!(
        "SELECT {FOLDER} AS folder, source, account_id, CAST(first_event_at AS DATE) AS first, \
         CAST(last_event_at AS DATE) AS last FROM ingest_objects WHERE account_id IS NOT NULL \
         GROUP BY folder, source, account_id, first, last"
    );
    let ends = Fetched::of(context, &sql).await?;
    let long = "first_event_at IS NOT NULL AND (account_id IS NULL \
                OR last_event_at > first_event_at + INTERVAL '1 day')";
    let sql = format!("SELECT count(*) FROM ingest_objects WHERE {long}");
    let between = if Fetched::of(context, &sql)
        .await?
        .rows()
        .any(|row| row.whole(0) != Some(0))
    {
        let sql = format!(
            "SELECT {FOLDER} AS folder, source, account_id, day FROM (\
             SELECT DISTINCT o.source_object, o.source, coalesce(c.recipientaccountid, o.account_id) AS account_id, \
             c.event_date AS day \
             FROM cloudtrail c JOIN (SELECT source_object, source, account_id FROM ingest_objects WHERE {long}) o \
             ON c.source_object = o.source_object) GROUP BY folder, source, account_id, day"
        );
        Some(Fetched::of(context, &sql).await?)
    } else {
        None
    };
    let mut active = BTreeSet::new();
    for row in ends.rows().chain(between.iter().flat_map(Fetched::rows)) {
        let (Some(folder), Some(account_id)) = (row.text(0), row.owned(2)) else {
            continue;
        };
        let place = Place::of_object(folder, row.text(1));
        for day in [row.whole(3), row.whole(4)].into_iter().flatten() {
            active.insert(Active {
                place: place.clone(),
                account_id: account_id.clone(),
                day,
            });
        }
    }
    Ok(active)
}

/// The last delivery, and the last event, of each source.
async fn deliveries(context: &SessionContext) -> Result<(BTreeMap<String, i64>, BTreeMap<String, i64>)> {
    let (mut deliveries, mut events) = (BTreeMap::new(), BTreeMap::new());
    let sql = "SELECT source, max(delivered_at), max(last_event_at) FROM ingest_objects \
               WHERE source IS NOT NULL GROUP BY source";
    for row in Fetched::of(context, sql).await?.rows() {
        let Some(source) = row.owned(0) else { continue };
        deliveries.extend(row.instant(1).map(|at| (source.clone(), at)));
        events.extend(row.instant(2).map(|at| (source, at)));
    }
    Ok((deliveries, events))
}

async fn faults(context: &SessionContext) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let sql = "SELECT source_object, source, account_id, region, delivered_at, first_event_at, last_event_at, error, \
               faulted FROM ingest_objects \
               WHERE (error IS NOT NULL OR faulted > 0) AND kind IN ('CloudTrail', 'unknown')";
    for row in Fetched::of(context, sql).await?.rows() {
        let Some(object) = row.text(0) else { continue };
        let (first, last) = (row.instant(5), row.instant(6));
        let (since, until) = match (row.instant(4), first, last) {
            // Records are of any time before their delivery, most likely of its day; what was read may tell of earlier.
            (Some(delivered), ..) => {
                let day = day_of(delivered - DELIVERY_DELAY);
                (
                    first.unwrap_or(day).min(day),
                    last.map_or(i64::MIN, |at| at + SECOND).max(delivered + MINUTE),
                )
            }
            (None, Some(first), Some(last)) => (day_of(first), day_of(last) + DAY),
            _ => (i64::MIN, i64::MAX),
        };
        let what = match (row.text(7), row.whole(8)) {
            (Some(error), _) => format!("object `{object}` could not be read: {error}"),
            (None, faulted) => format!(
                "{} records of object `{object}` could not be read",
                faulted.unwrap_or_default()
            ),
        };
        faults.push(Fault {
            place: Place::of_object(object, row.text(1)),
            account_id: row.owned(2),
            region: row.owned(3),
            since,
            until,
            what,
        });
    }
    Ok(faults)
}

fn day_of(at: i64) -> i64 {
    at.div_euclid(DAY) * DAY
}

async fn digests(context: &SessionContext) -> Result<Vec<DigestHour>> {
    let sql = "SELECT DISTINCT d.source_object, o.source, d.account_id, d.region, d.trail_arn, d.digest_start_time, \
               d.digest_end_time, d.digest_object, d.previous_digest_object \
               FROM digests d LEFT JOIN ingest_objects o ON o.source_object = d.source_object";
    let mut hours: BTreeMap<String, DigestHour> = BTreeMap::new();
    for row in Fetched::of(context, sql).await?.rows() {
        let (Some(object), Some(account_id), Some(region)) = (row.text(0), row.owned(2), row.owned(3)) else {
            continue;
        };
        let (Some(since), Some(until)) = (row.instant(5), row.instant(6)) else {
            continue;
        };
        let hour = DigestHour {
            place: Place::of_object(object, row.text(1)),
            account_id,
            region,
            trail_arn: row.owned(4),
            since,
            until,
            object: row.owned(7),
            previous: row.owned(8),
            lost: Vec::new(),
        };
        hours.insert(object.to_owned(), hour);
    }
    if !hours.is_empty() {
        let tail = |column: &str| TAIL.replace('%', column);
        let sql = format!(
            "SELECT d.source_object, d.log_object, d.log_oldest_event_time, d.log_newest_event_time FROM digests d \
             LEFT ANTI JOIN (SELECT {} AS tail FROM ingest_objects WHERE error IS NULL AND faulted = 0) o \
             ON o.tail = {} WHERE d.log_object IS NOT NULL",
            tail("source_object"),
            tail("d.log_object")
        );
        for row in Fetched::of(context, &sql).await?.rows() {
            if let Some(hour) = row.text(0).and_then(|object| hours.get_mut(object)) {
                let object = row.owned(1).unwrap_or_default();
                hour.lost.push(LostObject {
                    object,
                    events: row.instant(2).zip(row.instant(3)),
                });
            }
        }
    }
    Ok(hours.into_values().collect())
}

async fn trails(context: &SessionContext) -> Result<Vec<TrailRow>> {
    let sql = "SELECT collected_at, account_id, trail_arn, home_region, s3_bucket_name, s3_key_prefix, is_multi_region, \
               is_organization_trail, is_logging, start_logging_time, stop_logging_time, latest_delivery_time, \
               latest_delivery_error, delivers_kms_read, delivers_kms_write FROM trails \
               WHERE trail_arn IS NOT NULL ORDER BY collected_at, trail_arn, account_id, region";
    let answer = Fetched::of(context, sql).await?;
    let trails = answer.rows().map(|row| TrailRow {
        collected_at: row.instant(0).unwrap_or_default(),
        seen_in: row.owned(1).unwrap_or_default(),
        trail_arn: row.owned(2).unwrap_or_default(),
        home_region: row.owned(3),
        bucket: row.owned(4),
        prefix: row.owned(5),
        is_multi_region: row.flag(6),
        is_organization: row.flag(7),
        is_logging: row.flag(8),
        started_at: row.instant(9),
        stopped_at: row.instant(10),
        delivered_at: row.instant(11),
        delivery_error: row.owned(12),
        delivers_read: row.flag(13),
        delivers_write: row.flag(14),
    });
    Ok(trails.collect())
}

/// Accounts whose trails a snapshot lists.
async fn trails_read(context: &SessionContext) -> Result<BTreeSet<String>> {
    let sql = "SELECT DISTINCT account_id FROM snapshot_scope \
               WHERE service = 'cloudtrail' AND operation IS NULL AND state IN ('complete', 'partial')";
    accounts(context, sql).await
}

async fn organizations(context: &SessionContext) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let sql = "SELECT DISTINCT management_account_id, account_id FROM org_accounts";
    let mut organizations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in Fetched::of(context, sql).await?.rows() {
        if let (Some(management), Some(account)) = (row.owned(0), row.owned(1)) {
            organizations.entry(management).or_default().insert(account);
        }
    }
    Ok(organizations)
}

async fn changes(context: &SessionContext) -> Result<Vec<Change>> {
    let sql = format!(
        "SELECT eventtime, coalesce(original_event_id, eventid), eventname, awsregion, recipientaccountid, principal_arn, \
         requestparameters, responseelements FROM cloudtrail \
         WHERE eventsource = 'cloudtrail.amazonaws.com' AND eventname IN ('{}') \
         AND coalesce(errorcode, '') = '' AND eventtime IS NOT NULL ORDER BY eventtime, eventid",
        OPERATIONS.join("', '")
    );
    let answer = Fetched::of(context, &sql).await?;
    let changes = answer.rows().map(|row| Change {
        at: row.instant(0).unwrap_or_default(),
        event_id: row.owned(1).unwrap_or_default(),
        operation: row.owned(2).unwrap_or_default(),
        region: row.owned(3).unwrap_or_default(),
        account_id: row.owned(4).unwrap_or_default(),
        principal: row.owned(5),
        request: row.owned(6),
        response: row.owned(7),
    });
    Ok(changes.collect())
}

/// Records that GetKeyLastUsage names and the lake does not hold.
async fn canaries(context: &SessionContext) -> Result<Vec<Canary>> {
    let sql = "SELECT DISTINCT account_id, region, key_arn, last_used_at, last_usage_event_id FROM kms_last_usage \
               WHERE last_usage_event_id IS NOT NULL AND last_used_at IS NOT NULL";
    let mut canaries = Vec::new();
    let mut days: BTreeSet<i64> = BTreeSet::new();
    for row in Fetched::of(context, sql).await?.rows() {
        let (Some(account_id), Some(region), Some(at)) = (row.owned(0), row.owned(1), row.instant(3)) else {
            continue;
        };
        // The two clocks need not agree to the second.
        days.extend([at - MINUTE, at, at + MINUTE].map(|at| at.div_euclid(DAY)));
        let (key_arn, event_id) = (row.owned(2).unwrap_or_default(), row.owned(4).unwrap_or_default());
        canaries.push(Canary {
            account_id,
            region,
            at,
            event_id,
            key_arn,
        });
    }
    if canaries.is_empty() {
        return Ok(canaries);
    }
    let records = format!(
        "FROM cloudtrail WHERE eventsource = 'kms.amazonaws.com' AND event_date IN ({})",
        dates(days)
    );
    let sql = format!(
        "SELECT DISTINCT u.last_usage_event_id FROM kms_last_usage u JOIN \
         (SELECT eventid AS id {records} UNION ALL SELECT original_event_id AS id {records} \
         AND original_event_id IS NOT NULL) c ON c.id = u.last_usage_event_id"
    );
    let held: BTreeSet<String> = Fetched::of(context, &sql)
        .await?
        .rows()
        .filter_map(|row| row.owned(0))
        .collect();
    canaries.retain(|canary| !held.contains(&canary.event_id));
    Ok(canaries)
}

/// Accounts whose log cannot be whole: KMS calls that change something, over a month or longer, and no read-only call of
/// any service. On ten days at least: two calls a month apart may well be all that ever happened.
async fn one_sided(context: &SessionContext) -> Result<BTreeSet<String>> {
    if every_account_reads(context).await? {
        return Ok(BTreeSet::new());
    }
    // The records of KMS are few, and nearly always enough to clear an account. An interval is added, because the engine
    // compares what lies between two instants with days wrongly.
    let sql = "SELECT recipientaccountid FROM cloudtrail WHERE eventsource = 'kms.amazonaws.com' \
               GROUP BY recipientaccountid HAVING bool_or(readonly) IS NOT TRUE \
               AND max(CASE WHEN NOT readonly THEN eventtime END) \
               >= min(CASE WHEN NOT readonly THEN eventtime END) + INTERVAL '30 days' \
               AND count(DISTINCT CASE WHEN NOT readonly THEN event_date END) >= 10";
    let mut suspects = accounts(context, sql).await?;
    if !suspects.is_empty() {
        let sql = "SELECT DISTINCT recipientaccountid FROM cloudtrail WHERE readonly \
                   AND eventsource IS DISTINCT FROM 'kms.amazonaws.com'";
        let cleared = accounts(context, sql).await?;
        suspects.retain(|account| !cleared.contains(account));
    }
    Ok(suspects)
}

/// Whether each account's last day in the log tells that it cannot be one-sided: nearly always, and the whole log need not
/// be read for it.
async fn every_account_reads(context: &SessionContext) -> Result<bool> {
    let sql = "SELECT account_id, CAST(max(last_event_at) AS DATE) FROM ingest_objects WHERE records_read > 0 GROUP BY account_id";
    let (mut delivering, mut days) = (BTreeSet::new(), BTreeSet::new());
    for row in Fetched::of(context, sql).await?.rows() {
        let (Some(account), Some(day)) = (row.owned(0), row.whole(1)) else {
            return Ok(false);
        };
        delivering.insert(account);
        days.insert(day);
    }
    if delivering.is_empty() || days.len() > LAST_DAYS_MAX {
        return Ok(false);
    }
    // An object may hold records of another account than its key names; a verdict needs the account's keys.
    delivering.extend(accounts(context, "SELECT DISTINCT account_id FROM kms_keys").await?);
    let sql = format!(
        "SELECT DISTINCT recipientaccountid FROM cloudtrail WHERE readonly AND event_date IN ({})",
        dates(days)
    );
    Ok(delivering.is_subset(&accounts(context, &sql).await?))
}

/// Days since 1970 as a list of literals.
fn dates(days: BTreeSet<i64>) -> String {
    let dates = days
        .into_iter()
        .map(|day| format!("DATE '{}'", Instant(day * DAY).date()));
    dates.collect::<Vec<_>>().join(", ")
}

/// The accounts that a question answers.
async fn accounts(context: &SessionContext, sql: &str) -> Result<BTreeSet<String>> {
    let answer = Fetched::of(context, sql).await?;
    Ok(answer.rows().filter_map(|row| row.owned(0)).collect())
}

async fn wanted(context: &SessionContext) -> Result<BTreeSet<(String, String)>> {
    let sql = "SELECT account_id, region FROM ingest_objects WHERE kind = 'CloudTrail' \
               UNION SELECT account_id, region FROM digests \
               UNION SELECT account_id, region FROM kms_keys \
               UNION SELECT account_id, region FROM snapshot_scope WHERE service = 'kms' AND region <> ''";
    let mut pairs = vec![Fetched::of(context, sql).await?];
    let sql = "SELECT count(*) FROM ingest_objects WHERE account_id IS NULL AND records_read > 0";
    if Fetched::of(context, sql)
        .await?
        .rows()
        .any(|row| row.whole(0) != Some(0))
    {
        pairs.push(Fetched::of(context, "SELECT DISTINCT recipientaccountid, awsregion FROM cloudtrail").await?);
    }
    let mut wanted = BTreeSet::new();
    for row in pairs.iter().flat_map(Fetched::rows) {
        if let (Some(account), Some(region)) = (row.owned(0), row.owned(1))
            && !account.is_empty()
            && !region.is_empty()
        {
            wanted.insert((account, region));
        }
    }
    Ok(wanted)
}
