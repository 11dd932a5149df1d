-- title: Activity per period
-- question: How did uses, failures and administration of keys go from one period to the next, and was each covered?
-- param window duration = 90d: the length of a period
-- param as_of instant = latest: the end of the last one
-- param periods integer = 4: how many, backwards
-- column period: 0 is the last, 1 the one before it, and so on
-- column since: where it begins
-- column until: where it ends
-- column covered_places: accounts and Regions whose log covers it whole, for uses
-- column places: accounts and Regions that the log knows
-- column keys_used: keys with a successful use
-- column uses: successful uses; one that was logged twice counts once
-- column failed_uses: denied or failed uses
-- column keys_administered: keys with a successful administrative call
-- column admin_calls: successful administrative calls
-- column denied_admin_calls: denied or failed ones
-- column administrators: principals with a successful administrative call
WITH numbered AS (
    -- In microseconds, because an interval cannot be multiplied.
    SELECT
        unnest(range(0, $periods)) AS period,
        CAST($as_of AS BIGINT) AS ending,
        CAST($as_of AS BIGINT) - CAST($as_of - $window AS BIGINT) AS span
),
periods AS (
    SELECT
        period,
        arrow_cast(ending - span * (period + 1), 'Timestamp(Microsecond, Some("UTC"))') AS since,
        arrow_cast(ending - span * period, 'Timestamp(Microsecond, Some("UTC"))') AS until
    FROM numbered
),
happened AS (
    SELECT
        p.period,
        count(DISTINCT CASE WHEN e.class = 'use' AND e.outcome = 'success' THEN e.key_arn END) AS keys_used,
        count(DISTINCT CASE WHEN e.class = 'use' AND e.outcome = 'success' THEN coalesce(e.sharedeventid, e.eventid) END) AS uses,
        count(DISTINCT CASE WHEN e.class = 'use' AND e.outcome IN ('denied', 'failed') THEN coalesce(e.sharedeventid, e.eventid) END) AS failed_uses,
        count(DISTINCT CASE WHEN e.class = 'admin' AND e.outcome = 'success' THEN e.key_arn END) AS keys_administered,
        count(DISTINCT CASE WHEN e.class = 'admin' AND e.outcome = 'success' THEN coalesce(e.sharedeventid, e.eventid) END) AS admin_calls,
        count(DISTINCT CASE WHEN e.class = 'admin' AND e.outcome IN ('denied', 'failed') THEN coalesce(e.sharedeventid, e.eventid) END) AS denied_admin_calls,
        count(DISTINCT CASE WHEN e.class = 'admin' AND e.outcome = 'success' THEN e.principal_arn END) AS administrators
    FROM periods AS p
    JOIN kms_events AS e ON e.eventtime >= p.since AND e.eventtime < p.until
    GROUP BY p.period
),
spans AS (
    SELECT
        p.period, c.account_id, c.region,
        min(c.since) <= p.since AND max(c.until) >= p.until AND count(CASE WHEN c.state <> 'covered' THEN 1 END) = 0 AS whole
    FROM periods AS p
    JOIN coverage AS c ON c.kind = 'use' AND c.since < p.until AND c.until > p.since
    GROUP BY p.period, p.since, p.until, c.account_id, c.region
),
covered AS (
    SELECT period, count(CASE WHEN whole THEN 1 END) AS covered_places, count(*) AS places FROM spans GROUP BY period
)
SELECT
    p.period,
    p.since,
    p.until,
    coalesce(c.covered_places, 0) AS covered_places,
    coalesce(c.places, 0) AS places,
    coalesce(h.keys_used, 0) AS keys_used,
    coalesce(h.uses, 0) AS uses,
    coalesce(h.failed_uses, 0) AS failed_uses,
    coalesce(h.keys_administered, 0) AS keys_administered,
    coalesce(h.admin_calls, 0) AS admin_calls,
    coalesce(h.denied_admin_calls, 0) AS denied_admin_calls,
    coalesce(h.administrators, 0) AS administrators
FROM periods AS p
LEFT JOIN happened AS h ON h.period = p.period
LEFT JOIN covered AS c ON c.period = p.period
-- Of a period that the lake knows nothing of, nothing is said.
WHERE h.period IS NOT NULL OR c.period IS NOT NULL
ORDER BY p.period
