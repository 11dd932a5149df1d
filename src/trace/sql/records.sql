-- Every record that names the key. Of mere uses, of which there are many, only what is asked about uses: what is not read
-- costs nothing. Nor do days on which there is nothing to read.
SELECT * FROM kms_records
WHERE key_arn = $key AND class IN ('admin', 'service') AND (event_date IS NULL OR event_date IN ($days_of_changes))
    -- As above, for the filters of files, which do not know the classes. A record without a name is among the others.
    AND (operation IS NULL OR operation NOT IN (
        'Decrypt', 'Encrypt', 'GenerateDataKey', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac', 'VerifyMac', 'DescribeKey',
        'GenerateRandom', 'GenerateDataKeyWithoutPlaintext'
    ))
UNION ALL
-- The columns of kms_records, in their order.
SELECT
    eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region,
    NULL, principal_arn, NULL, NULL, NULL, NULL, NULL,
    NULL, CAST(NULL AS BOOLEAN), outcome, error_code, NULL, CAST(NULL AS BIGINT), event_date, alias_arn, kms_key_arn, NULL,
    NULL, NULL, NULL, NULL, request_parameters, NULL, NULL,
    original_event_id, CASE WHEN false THEN user_identity END, NULL
FROM kms_records
WHERE key_arn = $key AND class NOT IN ('admin', 'service') AND kms_key_arn = $key AND operation IS DISTINCT FROM 'ReEncrypt'
UNION ALL
SELECT
    eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region,
    NULL, principal_arn, NULL, NULL, NULL, NULL, NULL,
    NULL, CAST(NULL AS BOOLEAN), outcome, error_code, NULL, CAST(NULL AS BIGINT), event_date, alias_arn, kms_key_arn, NULL,
    NULL, NULL, NULL, NULL, request_parameters, NULL, NULL,
    original_event_id, CASE WHEN false THEN user_identity END, NULL
FROM kms_records
WHERE key_arn = $key AND class NOT IN ('admin', 'service') AND (kms_key_arn IS NULL OR operation = 'ReEncrypt')
    AND (event_date IS NULL OR event_date IN ($days_of_others))
