-- One row per KMS record and key it names; a record that names no key keeps one row with key_arn null.
-- The columns of kms_events come first, then what only the record itself tells.
-- Operations: https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
-- A record that names one key names it in a flat column too, whose statistics, pages and Bloom filters let a question
-- about a key pass over everything else. The others (two keys, an alias alone, no key) are few, and are taken apart. So is
-- every ReEncrypt with a flat key where one names two keys beside it ($flat_pairs), as in lakes of the first days: its
-- second key would be lost. A branch of its own, because no page statistics answer an OR of two columns.
WITH records AS (
    SELECT
        event_date,
        eventtime,
        -- An addendum updates an event already delivered, so both are one event.
        coalesce(original_event_id, eventid) AS event_id,
        sharedeventid,
        eventname AS operation,
        eventtype,
        readonly,
        recipientaccountid,
        principal_arn,
        principal_id,
        useridentity,
        -- Here, below the unnesting: a field that is asked of a row that was unnested has all of the identity read for it.
        -- Only STS makes sessions: assumed-role and federated-user ARNs.
        CASE WHEN split_part(useridentity['arn'], ':', 3) = 'sts' THEN useridentity['arn'] END AS session_arn,
        coalesce(
            nullif(useridentity['accountid'], ''),
            nullif(split_part(useridentity['arn'], ':', 5), ''),
            nullif(useridentity['sessioncontext']['sessionissuer']['accountid'], '')
        ) AS caller_account_id,
        useridentity['invokedby'] AS via_service,
        CASE lower(useridentity['sessioncontext']['attributes']['mfaauthenticated'])
            WHEN 'true' THEN true
            WHEN 'false' THEN false
        END AS mfa,
        sourceipaddress,
        useragent,
        nullif(errorcode, '') AS error_code,
        source_object,
        source_index,
        kms_key_arn,
        accesskeyid,
        awsregion,
        vpcendpointid,
        errormessage,
        requestparameters,
        responseelements,
        additionaleventdata,
        serviceeventdetails,
        original_event_id,
        kms
    FROM cloudtrail
    WHERE eventsource = 'kms.amazonaws.com'
),
plain AS (
    SELECT *, kms[1] AS k, kms_key_arn AS key_arn
    FROM records
    WHERE kms_key_arn IS NOT NULL AND (NOT $flat_pairs OR operation IS DISTINCT FROM 'ReEncrypt')
),
named AS (
    SELECT *, unnest(kms) AS k
    FROM records
    WHERE kms_key_arn IS NULL
    UNION ALL
    SELECT *, unnest(kms) AS k
    FROM records
    WHERE $flat_pairs AND kms_key_arn IS NOT NULL AND operation = 'ReEncrypt'
),
resolved AS (
    SELECT * FROM plain
    UNION ALL
    SELECT
        *,
        coalesce(k['key_arn'], kms_alias_target(k['alias_arn'], eventtime, operation = 'DeleteAlias')) AS key_arn
    FROM named
)
SELECT
    eventtime,
    event_id AS eventid,
    sharedeventid,
    operation,
    CASE
        WHEN operation IN (
            'Decrypt', 'Encrypt', 'ReEncrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext',
            'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'GenerateMac', 'VerifyMac', 'Sign', 'Verify',
            'DeriveSharedSecret', 'Encapsulate', 'Decapsulate', 'GenerateRandom'
        ) THEN 'use'
        WHEN operation IN (
            'CancelKeyDeletion', 'CreateAlias', 'CreateGrant', 'CreateKey', 'DeleteAlias', 'DeleteImportedKeyMaterial',
            'DisableKey', 'DisableKeyRotation', 'EnableKey', 'EnableKeyRotation', 'ImportKeyMaterial', 'PutKeyPolicy',
            'ReplicateKey', 'RetireGrant', 'RevokeGrant', 'RotateKeyOnDemand', 'ScheduleKeyDeletion', 'TagResource',
            'UntagResource', 'UpdateAlias', 'UpdateKeyDescription', 'UpdatePrimaryRegion', 'ConnectCustomKeyStore',
            'CreateCustomKeyStore', 'DeleteCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore'
        ) THEN 'admin'
        WHEN operation IN ('DeleteKey', 'RotateKey', 'DeleteExpiredKeyMaterial', 'SynchronizeMultiRegionKey')
            THEN 'service'
        WHEN operation LIKE 'Get%' OR operation LIKE 'List%' OR operation LIKE 'Describe%' THEN 'read'
        -- Operations newer than this list. A read-only one that is no Get, List or Describe is taken for a use: the
        -- cryptographic operations are logged as read-only, and a use overlooked is the worse mistake.
        WHEN eventtype = 'AwsServiceEvent' THEN 'service'
        WHEN readonly THEN 'use'
        ELSE 'admin'
    END AS class,
    k['key_ref'] AS key_ref,
    key_arn,
    coalesce(nullif(split_part(key_arn, ':key/', 2), ''), k['key_id']) AS key_id,
    coalesce(nullif(split_part(key_arn, ':', 5), ''), k['account_id']) AS account_id,
    coalesce(nullif(split_part(key_arn, ':', 4), ''), k['region']) AS region,
    recipientaccountid AS recipient_account_id,
    principal_arn,
    principal_id,
    session_arn,
    caller_account_id,
    via_service,
    sourceipaddress AS source_ip,
    useragent AS user_agent,
    mfa,
    CASE
        WHEN error_code IS NULL THEN 'success'
        WHEN error_code IN ('DryRunOperation', 'DryRunOperationException') THEN 'dry_run'
        -- AccessDenied in the log, AccessDeniedException in the API's documentation, VpceAccessDenied at an endpoint.
        WHEN error_code LIKE '%AccessDenied%' THEN 'denied'
        ELSE 'failed'
    END AS outcome,
    error_code,
    source_object,
    source_index,
    event_date,
    k['alias_arn'] AS alias_arn,
    kms_key_arn,
    eventtype AS event_type,
    awsregion AS aws_region,
    nullif(accesskeyid, '') AS access_key,
    nullif(vpcendpointid, '') AS vpc_endpoint_id,
    errormessage AS error_message,
    requestparameters AS request_parameters,
    responseelements AS response_elements,
    coalesce(serviceeventdetails, additionaleventdata) AS details,
    original_event_id,
    useridentity AS user_identity,
    -- What counts as one call: a record in each of two accounts has one shared id, and records of before 2013 have none.
    coalesce(nullif(sharedeventid, ''), nullif(event_id, ''), source_object || ' ' || CAST(source_index AS VARCHAR)) AS call_id
FROM resolved
