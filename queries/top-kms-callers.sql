-- title: Busiest callers of KMS
-- question: Who calls KMS most, on how many keys, and with how many refusals?
-- param since instant = null: first instant to count; everything when not given
-- param until instant = null: first instant not to count
-- param top integer = 20: how many callers to show
-- column principal_arn: who called
-- column calls: calls of any kind and outcome; one that was logged in two accounts counts once
-- column uses: successful cryptographic calls among them
-- column admin_calls: successful changes of keys among them
-- column denied: refused calls among them
-- column keys: keys named in them
-- column last_called_at: the last call
SELECT
    principal_arn,
    count(DISTINCT coalesce(sharedeventid, eventid)) AS calls,
    count(DISTINCT CASE WHEN class = 'use' AND outcome = 'success' THEN coalesce(sharedeventid, eventid) END) AS uses,
    count(DISTINCT CASE WHEN class = 'admin' AND outcome = 'success' THEN coalesce(sharedeventid, eventid) END)
        AS admin_calls,
    count(DISTINCT CASE WHEN outcome = 'denied' THEN coalesce(sharedeventid, eventid) END) AS denied,
    count(DISTINCT key_arn) AS keys,
    max(eventtime) AS last_called_at
FROM kms_events
WHERE principal_arn IS NOT NULL
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
GROUP BY principal_arn
ORDER BY calls DESC, principal_arn
LIMIT $top
