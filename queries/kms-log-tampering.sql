-- title: Tampering with the log
-- question: Who stopped, deleted or narrowed a trail, or touched where it is kept, and did it work?
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- param account text = null: only in the log of this account
-- column eventtime: when the call completed
-- column account_id: the account whose log holds the record
-- column region: the Region
-- column eventsource: the service
-- column operation: the operation
-- column effect: what it does to the log
-- column outcome: success, denied or failed
-- column error_code: why it did not work
-- column principal_arn: who called
-- column session_arn: the session through which the principal acted
-- column access_key: the access key that signed
-- column source_ip: from where
-- column excludes_kms: whether the selectors asked for leave KMS out
-- column parameters: the request, as JSON
-- column eventid: the event
WITH log_buckets AS (
    SELECT DISTINCT s3_bucket_name AS bucket FROM trails WHERE s3_bucket_name IS NOT NULL
),
calls AS (
    SELECT
        eventtime, recipientaccountid AS account_id, awsregion AS region, eventsource, eventname AS operation,
        nullif(errorcode, '') AS error_code, principal_arn,
        CASE WHEN split_part(useridentity['arn'], ':', 3) = 'sts' THEN useridentity['arn'] END AS session_arn,
        nullif(accesskeyid, '') AS access_key, sourceipaddress AS source_ip, requestparameters AS parameters,
        coalesce(original_event_id, eventid) AS eventid,
        regexp_match(requestparameters, '"bucketName"\s*:\s*"([^"\\]+)"')[1] AS bucket
    FROM cloudtrail
    WHERE (
            (eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
                'StopLogging', 'StartLogging', 'DeleteTrail', 'UpdateTrail', 'CreateTrail', 'PutEventSelectors',
                'PutEventConfiguration', 'DeleteEventDataStore', 'StopEventDataStoreIngestion', 'UpdateEventDataStore',
                'DeregisterOrganizationDelegatedAdmin'
            ))
            OR (eventsource = 's3.amazonaws.com' AND eventname IN (
                'DeleteBucket', 'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketLifecycle',
                'PutBucketLifecycleConfiguration', 'PutBucketVersioning', 'PutBucketAcl', 'PutBucketEncryption',
                'DeleteObject', 'DeleteObjects', 'PutObjectLockConfiguration'
            ))
        )
        AND ($since IS NULL OR eventtime >= $since)
        AND ($until IS NULL OR eventtime < $until)
        AND ($account IS NULL OR recipientaccountid = $account)
)
SELECT
    eventtime, account_id, region, eventsource, operation,
    CASE operation
        WHEN 'StopLogging' THEN 'stops a trail'
        WHEN 'StartLogging' THEN 'starts a trail'
        WHEN 'DeleteTrail' THEN 'deletes a trail'
        WHEN 'CreateTrail' THEN 'creates a trail'
        WHEN 'UpdateTrail' THEN 'changes a trail'
        WHEN 'PutEventSelectors' THEN CASE
            WHEN strpos(parameters, 'kms.amazonaws.com') > 0 THEN 'chooses what a trail records, KMS apart'
            ELSE 'chooses what a trail records'
        END
        WHEN 'PutEventConfiguration' THEN 'chooses what a trail records'
        WHEN 'DeleteEventDataStore' THEN 'deletes an event data store'
        WHEN 'StopEventDataStoreIngestion' THEN 'stops an event data store'
        WHEN 'UpdateEventDataStore' THEN 'changes an event data store'
        WHEN 'DeregisterOrganizationDelegatedAdmin' THEN 'takes the trails from their administrator'
        WHEN 'DeleteBucket' THEN 'deletes a bucket of logs'
        WHEN 'DeleteObject' THEN 'deletes a log'
        WHEN 'DeleteObjects' THEN 'deletes logs'
        ELSE 'changes a bucket of logs'
    END AS effect,
    CASE
        WHEN error_code IS NULL THEN 'success'
        WHEN error_code LIKE '%AccessDenied%' OR error_code LIKE '%Unauthorized%' THEN 'denied'
        ELSE 'failed'
    END AS outcome,
    error_code, principal_arn, session_arn, access_key, source_ip,
    operation = 'PutEventSelectors' AND coalesce(strpos(parameters, 'kms.amazonaws.com') > 0, false) AS excludes_kms,
    parameters, eventid
FROM calls
WHERE eventsource = 'cloudtrail.amazonaws.com'
    OR bucket IN (SELECT bucket FROM log_buckets) OR bucket LIKE '%trail%'
ORDER BY eventtime, eventid, account_id
