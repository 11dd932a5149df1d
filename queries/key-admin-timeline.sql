-- title: Administration of keys
-- question: Who changed which key, how, when, and did it work?
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- param key text = null: only this key (its ARN or id, or the reference the caller typed)
-- column eventtime: when the call completed
-- column key_arn: the key; null for key stores and where no record of the call tells it
-- column operation: the operation, those of KMS itself (rotation, deletion) included
-- column outcome: success, denied, failed or dry_run
-- column principal_arn: who called; null where KMS acted by itself
-- column session_arn: the session through which the principal acted
-- column source_ip: from where
-- column mfa: whether the session was opened with multi-factor authentication, where the record says so
-- column error_code: why it did not work
-- column eventid: the event
-- column source_object: the object that holds its record
-- column source_index: which record in it, from 0
SELECT
    eventtime, key_arn, operation, outcome, principal_arn, session_arn, source_ip, mfa, error_code, eventid,
    source_object, source_index
FROM kms_events
WHERE class IN ('admin', 'service')
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
    AND ($key IS NULL OR key_arn = $key OR key_id = $key OR key_ref = $key)
ORDER BY eventtime, eventid, key_arn
