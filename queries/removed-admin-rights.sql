-- title: Removed administrative rights
-- question: Which administrative rights did a snapshot of the window show that the newest does not?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- column principal_arn: who held the right
-- column principal_type: role, user, root, service, account or external
-- column key_arn: on which key
-- column action: the permission, as IAM names it
-- column decision: allowed, conditional or undetermined, as last seen
-- column first_seen_at: the first snapshot of the window that shows it
-- column last_seen_at: the last one
-- column exercised: successful calls in the window
-- column last_exercised_at: the last of them
-- column reason: what is gone: the key, the principal, or the right
WITH kept AS (
    -- An unknown id is any id.
    SELECT principal_arn, coalesce(principal_id, '') AS principal_id, key_arn, action
    FROM effective_access_at($as_of)
    WHERE action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:UpdateAlias',
            'kms:DeleteImportedKeyMaterial', 'kms:ImportKeyMaterial', 'kms:ReplicateKey', 'kms:RetireGrant',
            'kms:RotateKeyOnDemand', 'kms:TagResource', 'kms:UntagResource', 'kms:UpdateKeyDescription',
            'kms:UpdatePrimaryRegion'
        )
        AND ($actions = 'full' OR action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation'
        ))
),
shown AS (
    SELECT
        principal_arn, principal_type, principal_id, coalesce(principal_id, '') AS known_id, key_arn, account_id, region,
        action, decision, collected_at
    FROM effective_access_history
    WHERE collected_at >= $as_of - $window AND collected_at <= $as_of
        AND action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:UpdateAlias',
            'kms:DeleteImportedKeyMaterial', 'kms:ImportKeyMaterial', 'kms:ReplicateKey', 'kms:RetireGrant',
            'kms:RotateKeyOnDemand', 'kms:TagResource', 'kms:UntagResource', 'kms:UpdateKeyDescription',
            'kms:UpdatePrimaryRegion'
        )
        AND ($actions = 'full' OR action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation'
        ))
),
gone AS (
    SELECT s.*
    FROM shown AS s
    LEFT ANTI JOIN kept AS k
        ON k.principal_arn = s.principal_arn AND k.principal_id = s.known_id
        AND k.key_arn = s.key_arn AND k.action = s.action
),
held AS (
    SELECT
        principal_arn, principal_type, principal_id, key_arn, account_id, region, action,
        -- As last seen.
        first_value(decision ORDER BY collected_at DESC, decision) AS decision,
        min(collected_at) AS first_seen_at,
        max(collected_at) AS last_seen_at,
        CASE
            WHEN principal_arn = '*' THEN 'anyone'
            WHEN principal_type = 'account' THEN 'account:' || principal_id
            WHEN principal_type IN ('role', 'user') AND principal_id IS NOT NULL THEN 'id:' || principal_id
            ELSE 'arn:' || principal_arn
        END AS actor
    FROM gone
    GROUP BY principal_arn, principal_type, principal_id, key_arn, account_id, region, action
),
-- Administrative calls in the window, under every name that a right may know their caller by; one row per call, so that
-- one that two accounts logged counts once.
each_call AS (
    SELECT key_arn, action, actor, outcome, call_id, max(eventtime) AS at
    FROM (
        SELECT
            e.key_arn, 'kms:' || e.operation AS action, e.outcome, e.call_id, e.eventtime,
            CASE a.n
                WHEN 1 THEN 'id:' || e.principal_id
                WHEN 2 THEN 'arn:' || e.principal_arn
                WHEN 3 THEN 'account:' || e.caller_account_id
                WHEN 4 THEN CASE WHEN e.caller_account_id <> e.account_id THEN 'anyone' END
            END AS actor
        FROM kms_events AS e
        CROSS JOIN (VALUES (1), (2), (3), (4)) AS a(n)
        WHERE e.outcome = 'success' AND e.key_arn IS NOT NULL
            AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
            AND e.operation IN (
                'PutKeyPolicy', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'EnableKey', 'DisableKey', 'CreateGrant',
                'RevokeGrant', 'EnableKeyRotation', 'DisableKeyRotation', 'CreateAlias', 'DeleteAlias', 'UpdateAlias',
                'DeleteImportedKeyMaterial', 'ImportKeyMaterial', 'ReplicateKey', 'RetireGrant', 'RotateKeyOnDemand',
                'TagResource', 'UntagResource', 'UpdateKeyDescription', 'UpdatePrimaryRegion'
            )
    ) AS named
    WHERE actor IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
),
calls AS (
    SELECT
        key_arn, action, actor,
        count(*) AS exercised,
        max(at) AS last_exercised_at
    FROM each_call
    GROUP BY key_arn, action, actor
),
kept_keys AS (
    SELECT key_arn FROM kept GROUP BY key_arn
),
kept_principals AS (
    SELECT principal_arn, principal_id FROM kept GROUP BY principal_arn, principal_id
)
SELECT
    h.principal_arn,
    h.principal_type,
    h.key_arn,
    h.action,
    h.decision,
    h.first_seen_at,
    h.last_seen_at,
    coalesce(c.exercised, 0) AS exercised,
    c.last_exercised_at,
    CASE
        WHEN kk.key_arn IS NULL THEN 'nobody holds an administrative right on the key any more'
        WHEN kp.principal_arn IS NULL THEN 'the principal holds no administrative right any more'
        ELSE 'the right is gone'
    END AS reason
FROM held AS h
LEFT JOIN calls AS c ON c.key_arn = h.key_arn AND c.action = h.action AND c.actor = h.actor
LEFT JOIN kept_keys AS kk ON kk.key_arn = h.key_arn
LEFT JOIN kept_principals AS kp ON kp.principal_arn = h.principal_arn AND kp.principal_id = coalesce(h.principal_id, '')
ORDER BY h.principal_arn, h.key_arn, h.action
