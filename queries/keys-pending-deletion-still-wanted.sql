-- title: Keys pending deletion that are still wanted
-- question: Which keys are on their way to deletion although somebody still asks for them, and whom to call?
-- needs: snapshot
-- param as_of instant = latest: events before it count; key states are those of the newest snapshot at or before it
-- column key_arn: the key
-- column aliases: its aliases in the snapshot
-- column tags: its tags, owners among them
-- column deletion_date: when it will be deleted, by the snapshot
-- column scheduled_at: when the deletion was scheduled, by the log; none where the log does not hold it
-- column scheduled_by: by whom
-- column wanted_by: who asked for it since
-- column failed_uses: how often they failed or were denied since; where the log does not hold when that was, how often they were refused because of the key's state
-- column operations: what they asked for
-- column last_failed_at: when they asked last
-- column source_ip: from where they asked last
-- column session_arn: in which session
-- column error_codes: what they were told
WITH newest AS (
    SELECT account_id, region, snapshot_id, collected_at
    FROM (
        SELECT
            account_id, region, snapshot_id, collected_at,
            row_number() OVER (PARTITION BY account_id, region ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
marks AS (
    SELECT
        key_arn,
        max(CASE WHEN operation = 'ScheduleKeyDeletion' THEN eventtime END) AS scheduled_at,
        max(CASE WHEN operation = 'CancelKeyDeletion' THEN eventtime END) AS cancelled_at,
        max(CASE WHEN operation = 'DeleteKey' THEN eventtime END) AS deleted_at,
        first_value(principal_arn ORDER BY operation = 'ScheduleKeyDeletion' DESC, eventtime DESC, principal_arn)
            AS scheduled_by
    FROM kms_events
    WHERE operation IN ('ScheduleKeyDeletion', 'CancelKeyDeletion', 'DeleteKey') AND outcome = 'success'
        AND key_arn IS NOT NULL AND eventtime < $as_of
    GROUP BY key_arn
),
-- The last mark of each key: what it says, and since when.
states AS (
    SELECT
        key_arn, scheduled_by, deleted_at,
        greatest(scheduled_at, cancelled_at, deleted_at) AS marked_at,
        -- A deletion that was cancelled is not the one under way.
        CASE WHEN scheduled_at > coalesce(greatest(cancelled_at, deleted_at), scheduled_at - INTERVAL '1 second')
            THEN scheduled_at END AS scheduled_at
    FROM marks
),
held AS (
    SELECT k.key_arn, k.key_state, k.deletion_date, k.collected_at
    FROM kms_keys AS k
    JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
),
pending AS (
    SELECT
        coalesce(k.key_arn, s.key_arn) AS key_arn,
        k.deletion_date,
        s.scheduled_at,
        CASE WHEN s.scheduled_at IS NOT NULL THEN s.scheduled_by END AS scheduled_by
    FROM held AS k
    FULL JOIN states AS s ON s.key_arn = k.key_arn
    LEFT JOIN newest AS n
        ON n.account_id = split_part(s.key_arn, ':', 5) AND n.region = split_part(s.key_arn, ':', 4)
    WHERE CASE
        WHEN k.key_arn IS NULL
            -- A later snapshot of its account and Region that does not hold it says that it is gone.
            THEN s.scheduled_at IS NOT NULL AND coalesce(n.collected_at < s.scheduled_at, true)
        WHEN s.marked_at > k.collected_at THEN s.scheduled_at IS NOT NULL
        ELSE coalesce(k.key_state IN ('PendingDeletion', 'PendingReplicaDeletion'), false)
    END
),
alias_names AS (
    SELECT a.target_key_arn AS key_arn, array_to_string(array_sort(array_agg(a.alias_name)), ', ') AS names
    FROM kms_aliases AS a
    JOIN newest AS n ON n.snapshot_id = a.snapshot_id AND n.account_id = a.account_id AND n.region = a.region
    GROUP BY a.target_key_arn
),
tag_texts AS (
    SELECT
        t.key_arn,
        array_to_string(array_sort(array_agg(t.tag_key || '=' || coalesce(t.tag_value, ''))), ', ') AS texts
    FROM kms_tags AS t
    JOIN newest AS n ON n.snapshot_id = t.snapshot_id AND n.account_id = t.account_id AND n.region = t.region
    GROUP BY t.key_arn
),
asked AS (
    SELECT
        p.key_arn, p.deletion_date, p.scheduled_at, p.scheduled_by,
        e.principal_arn, e.call_id, e.operation, e.eventtime, e.source_ip, e.session_arn, e.error_code
    FROM pending AS p
    JOIN kms_events AS e ON e.key_arn = p.key_arn
    WHERE e.class = 'use' AND e.outcome IN ('failed', 'denied') AND e.eventtime < $as_of
        AND CASE
            WHEN p.scheduled_at IS NOT NULL THEN e.eventtime >= p.scheduled_at
            -- The waiting period is 30 days at most, and the true date up to a day later.
            ELSE e.error_code IN ('KMSInvalidStateException', 'DisabledException')
                AND e.eventtime >= coalesce(p.deletion_date, $as_of) - INTERVAL '32 days'
        END
)
SELECT
    w.key_arn,
    max(a.names) AS aliases,
    max(t.texts) AS tags,
    max(w.deletion_date) AS deletion_date,
    max(w.scheduled_at) AS scheduled_at,
    max(w.scheduled_by) AS scheduled_by,
    w.principal_arn AS wanted_by,
    count(DISTINCT w.call_id) AS failed_uses,
    array_to_string(array_sort(array_agg(DISTINCT w.operation)), ', ') AS operations,
    max(w.eventtime) AS last_failed_at,
    first_value(w.source_ip ORDER BY w.eventtime DESC, w.call_id) AS source_ip,
    first_value(w.session_arn ORDER BY w.eventtime DESC, w.call_id) AS session_arn,
    array_to_string(array_sort(array_agg(DISTINCT w.error_code)), ', ') AS error_codes
FROM asked AS w
LEFT JOIN alias_names AS a ON a.key_arn = w.key_arn
LEFT JOIN tag_texts AS t ON t.key_arn = w.key_arn
GROUP BY w.key_arn, w.principal_arn
ORDER BY w.key_arn, failed_uses DESC, wanted_by
