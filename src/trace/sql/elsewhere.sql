-- Failures of other services that name the key, or its revocation.
SELECT eventtime, eventsource, operation, account_id, principal_arn, error_code, error_message, source_ip, eventid
FROM (
    SELECT
        eventtime, eventsource, eventname AS operation, recipientaccountid AS account_id, principal_arn,
        errorcode AS error_code, errormessage AS error_message, sourceipaddress AS source_ip,
        coalesce(original_event_id, eventid) AS eventid,
        row_number() OVER (PARTITION BY coalesce(sharedeventid, original_event_id, eventid) ORDER BY eventid) AS copy
    FROM cloudtrail
    WHERE eventsource <> 'kms.amazonaws.com' AND errorcode IS NOT NULL AND errorcode <> ''
        AND eventtime >= $since AND eventtime < $until
        AND (
            contains(errormessage, $key_id)
            OR (recipientaccountid = $account AND (
                errorcode LIKE '%CustomerKeyHasBeenRevoked%' OR errorcode LIKE '%KmsKey%' OR errorcode LIKE '%KMSKey%'
                OR errorcode LIKE '%KMSDisabled%' OR errorcode LIKE '%KMSInvalidState%' OR errorcode LIKE 'KMS.%'
                OR errorcode LIKE '%InaccessibleEncryption%'
            ))
        )
) WHERE copy = 1
ORDER BY eventtime, eventid
LIMIT 200
