-- title: Many keys in little time
-- question: Who disabled, scheduled or destroyed many keys within a short time, or tried to?
-- param within duration = 1h: how short a time
-- param keys integer = 3: how many keys at least
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- column principal_arn: who called
-- column started_at: the first call of the burst
-- column ended_at: the last
-- column keys: different keys
-- column calls: calls, refused ones included
-- column succeeded: calls that worked
-- column operations: which operations
-- column accounts: in which accounts
WITH calls AS (
    SELECT principal_arn, coalesce(key_arn, key_ref) AS key, eventtime, eventid, operation, outcome, account_id
    FROM kms_events
    WHERE operation IN (
            'DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial', 'DisconnectCustomKeyStore',
            'DeleteCustomKeyStore', 'PutKeyPolicy'
        )
        AND outcome <> 'dry_run' AND principal_arn IS NOT NULL
        AND ($since IS NULL OR eventtime >= $since)
        AND ($until IS NULL OR eventtime < $until)
),
bursts AS (
    SELECT
        a.principal_arn, a.eventtime AS started_at, max(b.eventtime) AS ended_at, count(DISTINCT b.key) AS keys,
        count(DISTINCT b.eventid) AS calls,
        count(DISTINCT CASE WHEN b.outcome = 'success' THEN b.eventid END) AS succeeded,
        array_to_string(array_sort(array_agg(DISTINCT b.operation)), ', ') AS operations,
        array_to_string(array_sort(array_agg(DISTINCT b.account_id)), ', ') AS accounts
    FROM (SELECT DISTINCT principal_arn, eventtime FROM calls) AS a
    JOIN calls AS b
        ON b.principal_arn = a.principal_arn AND b.eventtime >= a.eventtime AND b.eventtime < a.eventtime + $within
    GROUP BY a.principal_arn, a.eventtime
)
SELECT principal_arn, started_at, ended_at, keys, calls, succeeded, operations, accounts
FROM (
    SELECT *, row_number() OVER (PARTITION BY principal_arn ORDER BY keys DESC, started_at) AS place FROM bursts
)
WHERE place = 1 AND keys >= $keys
ORDER BY keys DESC, started_at, principal_arn
