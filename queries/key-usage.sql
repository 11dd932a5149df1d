-- title: Uses of keys
-- question: Which keys were used, by whom, with which operation, how often, and when last?
-- param since instant = null: first instant to count; everything when not given
-- param until instant = null: first instant not to count
-- param key text = null: only this key (its ARN or id, or the reference the caller typed)
-- column key_arn: the key; null where no record of the call tells it
-- column principal_arn: who called: the role behind a session, else the user, root, external principal or service
-- column operation: the cryptographic operation
-- column uses: successful calls; one that was logged in two accounts counts once
-- column through_services: those of them that an AWS service made, for the principal or for itself
-- column denied: calls refused for want of permission
-- column failed: calls that failed otherwise
-- column first_used_at: first successful call
-- column last_used_at: last successful call
SELECT
    key_arn,
    principal_arn,
    operation,
    count(DISTINCT CASE WHEN outcome = 'success' THEN coalesce(sharedeventid, eventid) END) AS uses,
    count(DISTINCT CASE WHEN outcome = 'success' AND via_service IS NOT NULL THEN coalesce(sharedeventid, eventid) END)
        AS through_services,
    count(DISTINCT CASE WHEN outcome = 'denied' THEN coalesce(sharedeventid, eventid) END) AS denied,
    count(DISTINCT CASE WHEN outcome = 'failed' THEN coalesce(sharedeventid, eventid) END) AS failed,
    min(CASE WHEN outcome = 'success' THEN eventtime END) AS first_used_at,
    max(CASE WHEN outcome = 'success' THEN eventtime END) AS last_used_at
FROM kms_events
WHERE class = 'use'
    AND outcome <> 'dry_run'
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
    AND ($key IS NULL OR key_arn = $key OR key_id = $key OR key_ref = $key)
GROUP BY key_arn, principal_arn, operation
ORDER BY uses DESC, key_arn, principal_arn, operation
