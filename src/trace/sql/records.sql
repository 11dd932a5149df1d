-- Every record that names the key. Of mere uses, of which there are many, only what is asked about uses: what is not read
-- costs nothing. Nor do days on which there is nothing to read.
-- The columns are those of kms_records, in their order.
WITH uses AS (
    SELECT
        eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region,
        NULL AS recipient_account_id, principal_arn, NULL AS principal_id, NULL AS session_arn, NULL AS caller_account_id,
        NULL AS via_service, NULL AS source_ip, NULL AS user_agent, CAST(NULL AS BOOLEAN) AS mfa, outcome, error_code,
        NULL AS source_object, CAST(NULL AS BIGINT) AS source_index, event_date, alias_arn, kms_key_arn, NULL AS event_type,
        NULL AS aws_region, NULL AS access_key, NULL AS vpc_endpoint_id, NULL AS error_message, request_parameters,
        NULL AS response_elements, NULL AS details, original_event_id, CASE WHEN false THEN user_identity END AS user_identity,
        NULL AS call_id
    FROM kms_records
    WHERE key_arn = $key AND class NOT IN ('admin', 'service')
)
SELECT * FROM kms_records
WHERE key_arn = $key AND class IN ('admin', 'service')
    -- As above, for the filters of files, which do not know the classes. A record without a name is among the others.
    AND (operation IS NULL OR operation NOT IN (
        'Decrypt', 'Encrypt', 'GenerateDataKey', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac', 'VerifyMac', 'DescribeKey',
        'GenerateRandom', 'GenerateDataKeyWithoutPlaintext'
    ))
    AND (event_date IS NULL OR event_date IN ($days_of_changes))
UNION ALL
SELECT * FROM uses WHERE kms_key_arn = $key AND operation IS DISTINCT FROM 'ReEncrypt'
UNION ALL
SELECT * FROM uses
WHERE (kms_key_arn IS NULL OR operation = 'ReEncrypt') AND (event_date IS NULL OR event_date IN ($days_of_others))
