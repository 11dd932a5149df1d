-- title: Protected resources
-- question: What does each key protect, by the encryption contexts of its uses and by its grants?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of uses count
-- param as_of instant = latest: the end of the window; grants are those of the newest snapshot at or before it
-- param key text = null: only this key (its ARN)
-- column key_arn: the key
-- column context_key: a key of the encryption context, such as aws:s3:arn or aws:ebs:id; source_arn and grantee of grants that are bound to a resource, or to none
-- column context_value: what it names: a floor of what the key protects, never all of it
-- column source: log, grant, or both
-- column uses: successful uses in the window that named it
-- column last_used_at: the last of them
-- column grants: grants that name it
WITH newest AS (
    SELECT account_id, region, snapshot_id, collected_at
    FROM (
        SELECT
            account_id, region, snapshot_id, collected_at,
            row_number() OVER (PARTITION BY account_id, region ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
uses AS (
    SELECT
        eventname, requestparameters, kms, eventtime,
        coalesce(
            nullif(sharedeventid, ''), nullif(original_event_id, ''), nullif(eventid, ''),
            source_object || ' ' || CAST(source_index AS VARCHAR)
        ) AS call
    FROM cloudtrail
    WHERE eventsource = 'kms.amazonaws.com' AND coalesce(errorcode, '') = '' AND kms IS NOT NULL
        AND eventtime >= $as_of - $window AND eventtime < $as_of
        AND eventname IN (
            'Decrypt', 'Encrypt', 'ReEncrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext',
            'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'
        )
        AND requestparameters LIKE '%ncryptionContext%'
),
grants AS (
    SELECT
        g.key_arn, g.grant_id, coalesce(g.grantee_principal, g.grantee_service_principal) AS grantee, g.constraints
    FROM kms_grants AS g
    JOIN newest AS n ON n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
),
named AS (
    SELECT
        kms[1]['key_arn'] AS key_arn, call, eventtime, CAST(NULL AS VARCHAR) AS grant_id,
        unnest(json_pairs(requestparameters, 'encryptionContext')) AS pair
    FROM uses
    WHERE eventname <> 'ReEncrypt'
    UNION ALL
    -- Of two keys the source comes first; one key alone is both.
    SELECT
        kms[1]['key_arn'] AS key_arn, call, eventtime, CAST(NULL AS VARCHAR) AS grant_id,
        unnest(json_pairs(requestparameters, 'sourceEncryptionContext')) AS pair
    FROM uses
    WHERE eventname = 'ReEncrypt'
    UNION ALL
    SELECT
        coalesce(kms[2]['key_arn'], kms[1]['key_arn']) AS key_arn, call, eventtime, CAST(NULL AS VARCHAR) AS grant_id,
        unnest(json_pairs(requestparameters, 'destinationEncryptionContext')) AS pair
    FROM uses
    WHERE eventname = 'ReEncrypt'
    UNION ALL
    SELECT
        key_arn, CAST(NULL AS VARCHAR) AS call, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS eventtime, grant_id,
        unnest(json_pairs(constraints, 'EncryptionContextSubset')) AS pair
    FROM grants
    UNION ALL
    SELECT
        key_arn, CAST(NULL AS VARCHAR) AS call, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS eventtime, grant_id,
        unnest(json_pairs(constraints, 'EncryptionContextEquals')) AS pair
    FROM grants
),
pairs AS (
    SELECT key_arn, pair['key'] AS context_key, pair['value'] AS context_value, call, eventtime, grant_id
    FROM named
    UNION ALL
    SELECT
        key_arn,
        CASE WHEN json_text(constraints, 'SourceArn') IS NOT NULL THEN 'source_arn' ELSE 'grantee' END AS context_key,
        coalesce(json_text(constraints, 'SourceArn'), grantee) AS context_value,
        CAST(NULL AS VARCHAR) AS call, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS eventtime, grant_id
    FROM grants
    WHERE coalesce(constraints, '') NOT LIKE '%EncryptionContext%'
),
-- One row per call, so that what two accounts logged counts once.
counted AS (
    SELECT key_arn, context_key, context_value, call, grant_id, max(eventtime) AS eventtime
    FROM pairs
    WHERE key_arn IS NOT NULL AND ($key IS NULL OR key_arn = $key)
    GROUP BY key_arn, context_key, context_value, call, grant_id
)
SELECT
    key_arn,
    context_key,
    context_value,
    CASE
        WHEN count(call) > 0 AND count(grant_id) > 0 THEN 'log, grant'
        WHEN count(call) > 0 THEN 'log'
        ELSE 'grant'
    END AS source,
    count(call) AS uses,
    max(eventtime) AS last_used_at,
    count(grant_id) AS grants
FROM counted
GROUP BY key_arn, context_key, context_value
ORDER BY key_arn, context_key, context_value
