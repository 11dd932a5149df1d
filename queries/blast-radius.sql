-- title: What broke with a key
-- question: Who began to fail on this key after it was disabled or scheduled for deletion, who used it before, and who uses it again?
-- param key text: the key's ARN or id
-- param at instant = null: when it broke; by default the first blow to the key since it was last whole
-- param until instant = null: first instant not to look at
-- param before duration = 90d: how far back to look for those who depended on it
-- column principal_arn: who
-- column first_failure_at: their first failure because of the key's state; null for those who have not tried yet
-- column seconds_to_failure: how long after the blow that was
-- column failures: calls that failed because of the key's state
-- column last_failure_at: the last of them
-- column error_codes: what they were told
-- column uses_before: successful uses in the time before
-- column last_used_before: the last of them
-- column operations: what they asked of the key
-- column used_again_at: their first success after the blow; null where use did not come back
-- column broken_at: the blow
WITH blows AS (
    SELECT
        eventtime,
        operation IN ('EnableKey', 'ImportKeyMaterial') AS mends
    FROM kms_events
    WHERE (key_arn = $key OR ($key NOT LIKE 'arn:%' AND key_id = $key)) AND outcome = 'success' AND operation IN (
        'DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial', 'DeleteExpiredKeyMaterial', 'DeleteKey',
        'EnableKey', 'ImportKeyMaterial'
    )
        AND ($until IS NULL OR eventtime < $until)
),
broken AS (
    SELECT coalesce($at, min(b.eventtime)) AS at
    FROM blows AS b
    CROSS JOIN (
        SELECT
            max(CASE WHEN m.mends AND m.eventtime < l.at THEN m.eventtime END) AS mended_at
        FROM blows AS m
        CROSS JOIN (SELECT max(CASE WHEN NOT mends THEN eventtime END) AS at FROM blows) AS l
    ) AS m
    WHERE NOT b.mends AND (m.mended_at IS NULL OR b.eventtime > m.mended_at)
),
calls AS (
    SELECT
        k.principal_arn, k.eventtime, k.outcome, k.operation, k.error_code, b.at,
        coalesce(k.sharedeventid, k.eventid) AS call,
        k.error_code IN ('DisabledException', 'KMSInvalidStateException', 'KeyUnavailableException', 'NotFoundException',
            'Disabled', 'KMSInvalidState') AS by_state
    FROM kms_events AS k
    CROSS JOIN broken AS b
    WHERE (k.key_arn = $key OR ($key NOT LIKE 'arn:%' AND k.key_id = $key)) AND k.class = 'use' AND b.at IS NOT NULL
        AND k.eventtime >= b.at - $before AND ($until IS NULL OR k.eventtime < $until)
)
SELECT
    principal_arn,
    min(CASE WHEN by_state AND eventtime >= at THEN eventtime END) AS first_failure_at,
    CAST(extract(epoch FROM min(CASE WHEN by_state AND eventtime >= at THEN eventtime END) - min(at)) AS BIGINT)
        AS seconds_to_failure,
    count(DISTINCT CASE WHEN by_state AND eventtime >= at THEN call END) AS failures,
    max(CASE WHEN by_state AND eventtime >= at THEN eventtime END) AS last_failure_at,
    array_to_string(array_sort(array_agg(DISTINCT error_code) FILTER (WHERE by_state AND eventtime >= at)), ', ')
        AS error_codes,
    count(DISTINCT CASE WHEN outcome = 'success' AND eventtime < at THEN call END) AS uses_before,
    max(CASE WHEN outcome = 'success' AND eventtime < at THEN eventtime END) AS last_used_before,
    array_to_string(array_sort(array_agg(DISTINCT operation)), ', ') AS operations,
    min(CASE WHEN outcome = 'success' AND eventtime >= at THEN eventtime END) AS used_again_at,
    min(at) AS broken_at
FROM calls
WHERE (outcome = 'success' OR by_state)
GROUP BY principal_arn
HAVING count(CASE WHEN (outcome = 'success' AND eventtime < at) OR (by_state AND eventtime >= at) THEN 1 END) > 0
ORDER BY first_failure_at NULLS LAST, uses_before DESC, principal_arn
