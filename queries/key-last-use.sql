-- title: Last use of keys
-- question: Which record is the last successful use of each key, and in which object does it stand?
-- param as_of instant = latest: only before it
-- column key_arn: the key
-- column last_used_at: when the last use in the log was
-- column principal_arn: who used it
-- column operation: with which operation
-- column eventid: the event
-- column source_object: the object that holds its record
-- column source_index: which record in it, from 0
SELECT
    key_arn,
    max(eventtime) AS last_used_at,
    first_value(principal_arn ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC NULLS LAST, eventid, source_object) AS principal_arn,
    first_value(operation ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC NULLS LAST, eventid, source_object) AS operation,
    first_value(eventid ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC NULLS LAST, eventid, source_object) AS eventid,
    first_value(source_object ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC NULLS LAST, eventid, source_object) AS source_object,
    first_value(source_index ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC NULLS LAST, eventid, source_object) AS source_index
FROM kms_events
WHERE class = 'use' AND outcome = 'success' AND key_arn IS NOT NULL AND eventtime < $as_of
GROUP BY key_arn
ORDER BY key_arn
