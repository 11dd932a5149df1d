-- title: Uses of keys per day
-- question: On which days was each key used, how often, and by how many principals?
-- param since instant = null: first instant to count; everything when not given
-- param until instant = null: first instant not to count
-- param key text = null: only this key (its ARN or id, or the reference the caller typed)
-- column day: the UTC day
-- column key_arn: the key
-- column uses: successful calls; one that was logged in two accounts counts once
-- column not_used: calls that were denied or failed
-- column principals: principals with a successful call
SELECT
    CAST(eventtime AS DATE) AS day,
    key_arn,
    count(DISTINCT CASE WHEN outcome = 'success' THEN coalesce(sharedeventid, eventid) END) AS uses,
    count(DISTINCT CASE WHEN outcome IN ('denied', 'failed') THEN coalesce(sharedeventid, eventid) END) AS not_used,
    count(DISTINCT CASE WHEN outcome = 'success' THEN principal_arn END) AS principals
FROM kms_events
WHERE class = 'use'
    AND outcome <> 'dry_run'
    AND key_arn IS NOT NULL
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
    AND ($key IS NULL OR key_arn = $key OR key_id = $key OR key_ref = $key)
GROUP BY CAST(eventtime AS DATE), key_arn
ORDER BY day, key_arn
