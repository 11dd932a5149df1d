-- What the same credentials, and the same identities, did around the time.
SELECT
    eventtime, eventsource, operation, account_id, region, access_key, identity_arn, principal_arn, source_ip, user_agent,
    error_code, read_only, eventid, parameters
FROM (
    SELECT
        eventtime, eventsource, eventname AS operation, recipientaccountid AS account_id, awsregion AS region,
        nullif(accesskeyid, '') AS access_key, useridentity['arn'] AS identity_arn, principal_arn,
        sourceipaddress AS source_ip, useragent AS user_agent, nullif(errorcode, '') AS error_code, readonly AS read_only,
        coalesce(original_event_id, eventid) AS eventid, sharedeventid,
        CASE WHEN eventsource IN ('sts.amazonaws.com', 'kms.amazonaws.com', 'cloudtrail.amazonaws.com', 'iam.amazonaws.com')
            THEN requestparameters END AS parameters,
        row_number() OVER (
            PARTITION BY coalesce(sharedeventid, original_event_id, eventid)
            ORDER BY accesskeyid IS NULL, useridentity['arn'] IS NULL, original_event_id IS NULL, eventid
        ) AS copy
    FROM cloudtrail
    WHERE eventtime >= $since AND eventtime < $until
        AND (accesskeyid IN ($keys) OR useridentity['arn'] IN ($arns))
) WHERE copy = 1
ORDER BY eventtime, eventid
LIMIT 400
