-- title: Separation of duties
-- question: Who may both administer and use a key, and who did both in the window?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- column key_arn: the key
-- column principal_arn: who holds both
-- column principal_type: role, user, root, service, account or external
-- column admin_actions: the core administrative permissions
-- column use_actions: the cryptographic permissions
-- column admin_calls: successful administrative calls in the window; one that was logged twice counts once
-- column use_calls: successful uses in the window, those through AWS services included
-- column verdict: exercised where the log shows both, granted where it does not: where it is not whole, they may have
WITH held AS (
    SELECT
        key_arn, principal_arn, principal_type, principal_id,
        array_agg(CASE WHEN is_admin THEN action END ORDER BY action) FILTER (WHERE is_admin) AS admin_actions,
        array_agg(CASE WHEN NOT is_admin THEN action END ORDER BY action) FILTER (WHERE NOT is_admin) AS use_actions
    FROM (
        SELECT
            key_arn, principal_arn, principal_type, principal_id, action,
            action IN (
                'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
                'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
                'kms:DisableKeyRotation'
            ) AS is_admin
        FROM effective_access_at($as_of)
        WHERE action IN (
                'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
                'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
                'kms:DisableKeyRotation', 'kms:Decapsulate', 'kms:Decrypt', 'kms:DeriveSharedSecret',
                'kms:Encapsulate', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyPair',
                'kms:GenerateDataKeyPairWithoutPlaintext', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:GenerateMac',
                'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:Sign', 'kms:Verify', 'kms:VerifyMac'
            )
            -- What the snapshot leaves open is no finding, nor is what only an AWS service can use.
            AND decision <> 'undetermined' AND coalesce(condition_kind, '') <> 'service_only'
            AND principal_type <> 'service'
    ) AS rights
    GROUP BY key_arn, principal_arn, principal_type, principal_id
),
calls AS (
    SELECT
        key_arn, principal_arn, principal_id,
        count(DISTINCT CASE WHEN class = 'admin' THEN coalesce(sharedeventid, eventid) END) AS admin_calls,
        count(DISTINCT CASE WHEN class = 'use' THEN coalesce(sharedeventid, eventid) END) AS use_calls
    FROM kms_events
    WHERE class IN ('admin', 'use') AND outcome = 'success' AND key_arn IS NOT NULL AND principal_arn IS NOT NULL
        AND eventtime >= $as_of - $window AND eventtime < $as_of
    GROUP BY key_arn, principal_arn, principal_id
),
counted AS (
    SELECT
        h.key_arn, h.principal_arn, h.principal_type, h.admin_actions, h.use_actions,
        -- A role that was made anew under its name has done nothing.
        coalesce(sum(CASE WHEN h.principal_id IS NULL OR h.principal_id = c.principal_id THEN c.admin_calls END), 0)
            AS admin_calls,
        coalesce(sum(CASE WHEN h.principal_id IS NULL OR h.principal_id = c.principal_id THEN c.use_calls END), 0)
            AS use_calls
    FROM held AS h
    LEFT JOIN calls AS c ON c.key_arn = h.key_arn AND c.principal_arn = h.principal_arn
    WHERE array_length(h.admin_actions) > 0 AND array_length(h.use_actions) > 0
    GROUP BY h.key_arn, h.principal_arn, h.principal_type, h.principal_id, h.admin_actions, h.use_actions
)
SELECT
    key_arn,
    principal_arn,
    principal_type,
    admin_actions,
    use_actions,
    admin_calls,
    use_calls,
    CASE WHEN admin_calls > 0 AND use_calls > 0 THEN 'exercised' ELSE 'granted' END AS verdict
FROM counted
ORDER BY key_arn, principal_arn
