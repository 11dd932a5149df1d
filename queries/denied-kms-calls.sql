-- title: Denied calls to KMS
-- question: Who was refused which operation on which key, how often, and when last?
-- param since instant = null: first instant to count; everything when not given
-- param until instant = null: first instant not to count
-- column principal_arn: who was refused
-- column operation: what was asked
-- column key_arn: the key, where a record of the call tells it
-- column key_ref: the key as the caller typed it
-- column error_code: how it was refused
-- column denied: calls refused; one that was logged in two accounts counts once
-- column first_denied_at: first refusal
-- column last_denied_at: last refusal
SELECT
    principal_arn,
    operation,
    key_arn,
    key_ref,
    error_code,
    count(DISTINCT coalesce(sharedeventid, eventid)) AS denied,
    min(eventtime) AS first_denied_at,
    max(eventtime) AS last_denied_at
FROM kms_events
WHERE outcome = 'denied'
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
GROUP BY principal_arn, operation, key_arn, key_ref, error_code
ORDER BY denied DESC, principal_arn, operation, key_arn, key_ref, error_code
