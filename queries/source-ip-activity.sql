-- title: Activity from an address
-- question: Who did what from this address?
-- param source_ip text: the address, or the name of an AWS service, as CloudTrail writes it
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
WHERE sourceipaddress = $source_ip
    AND ($since IS NULL OR eventtime >= $since)
    AND ($until IS NULL OR eventtime < $until)
ORDER BY eventtime, eventid, recipientaccountid, source_object, source_index
