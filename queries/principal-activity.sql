-- title: Activity of a principal
-- question: What did this principal do, through which sessions, from where, and did it work?
-- param principal text: the principal's ARN (of a role, all its sessions; of a session, that one) or its unique id
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- column eventtime: when the call completed
-- column eventsource: the service
-- column eventname: the operation
-- column awsregion: the Region
-- column recipientaccountid: the account whose log holds the record
-- column principal_arn: who called
-- column identity_arn: the identity as the record has it, with its session
-- column accesskeyid: the access key that signed
-- column sourceipaddress: from where
-- column useragent: with what
-- column errorcode: why it did not work
-- column eventid: the event
SELECT
    eventtime, eventsource, eventname, awsregion, recipientaccountid, principal_arn,
    useridentity['arn'] AS identity_arn, accesskeyid, sourceipaddress, useragent, errorcode,
    coalesce(original_event_id, eventid) AS eventid
FROM cloudtrail
WHERE (principal_arn = $principal OR principal_id = $principal OR useridentity['arn'] = $principal)
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
ORDER BY eventtime, eventid, recipientaccountid, source_object, source_index
