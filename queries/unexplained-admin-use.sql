-- title: Unexplained administrative use
-- question: Which administrative calls succeeded in the window that no snapshot of it allows?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window
-- column key_arn: the key
-- column action: the permission that was used, as IAM names it
-- column principal_arn: who used it
-- column principal_id: their unique id, which tells a role from its namesake
-- column exercised: successful calls; one that was logged twice counts once
-- column first_exercised_at: the first
-- column last_exercised_at: the last
-- column via_services: AWS services that called on their behalf
-- column eventid: the last record
-- column reason: what the snapshots do not hold
WITH rights AS (
    SELECT principal_arn, principal_type, principal_id, key_arn, action
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
    UNION ALL
    SELECT principal_arn, principal_type, principal_id, key_arn, action
    FROM effective_access_at($as_of)
    WHERE action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:UpdateAlias',
            'kms:DeleteImportedKeyMaterial', 'kms:ImportKeyMaterial', 'kms:ReplicateKey', 'kms:RetireGrant',
            'kms:RotateKeyOnDemand', 'kms:TagResource', 'kms:UntagResource', 'kms:UpdateKeyDescription',
            'kms:UpdatePrimaryRegion'
        )
),
explained AS (
    SELECT DISTINCT
        key_arn, action,
        CASE
            WHEN principal_arn = '*' THEN 'anyone'
            WHEN principal_type = 'account' THEN 'account:' || principal_id
            WHEN principal_type IN ('role', 'user') AND principal_id IS NOT NULL THEN 'id:' || principal_id
            ELSE 'arn:' || principal_arn
        END AS actor
    FROM rights
),
known_keys AS (
    SELECT DISTINCT key_arn FROM explained
),
calls AS (
    SELECT
        e.key_arn,
        'kms:' || e.operation AS action,
        e.principal_arn, e.principal_id, e.caller_account_id, e.account_id,
        count(DISTINCT coalesce(e.sharedeventid, e.eventid)) AS exercised,
        min(e.eventtime) AS first_exercised_at,
        max(e.eventtime) AS last_exercised_at,
        string_agg(DISTINCT e.via_service, ', ') AS via_services,
        first_value(e.eventid ORDER BY e.eventtime DESC, e.eventid) AS eventid
    FROM kms_events AS e
    WHERE e.outcome = 'success' AND e.key_arn IS NOT NULL
        AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
        AND e.operation IN (
            'PutKeyPolicy', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'EnableKey', 'DisableKey', 'CreateGrant',
            'RevokeGrant', 'EnableKeyRotation', 'DisableKeyRotation', 'CreateAlias', 'DeleteAlias', 'UpdateAlias',
            'DeleteImportedKeyMaterial', 'ImportKeyMaterial', 'ReplicateKey', 'RetireGrant', 'RotateKeyOnDemand',
            'TagResource', 'UntagResource', 'UpdateKeyDescription', 'UpdatePrimaryRegion'
        )
    GROUP BY e.key_arn, e.operation, e.principal_arn, e.principal_id, e.caller_account_id, e.account_id
)
SELECT
    c.key_arn,
    c.action,
    c.principal_arn,
    c.principal_id,
    c.exercised,
    c.first_exercised_at,
    c.last_exercised_at,
    c.via_services,
    c.eventid,
    CASE
        WHEN k.key_arn IS NULL THEN 'no snapshot of the window holds the key'
        WHEN c.action = 'kms:RetireGrant' THEN 'no snapshot of the window holds a grant that says so; retiring ends it'
        ELSE 'no snapshot of the window allows it to this principal'
    END AS reason
FROM calls AS c
LEFT JOIN explained AS by_id
    ON by_id.key_arn = c.key_arn AND by_id.action = c.action AND by_id.actor = 'id:' || c.principal_id
LEFT JOIN explained AS by_arn
    ON by_arn.key_arn = c.key_arn AND by_arn.action = c.action AND by_arn.actor = 'arn:' || c.principal_arn
LEFT JOIN explained AS by_account
    ON by_account.key_arn = c.key_arn AND by_account.action = c.action
    AND by_account.actor = 'account:' || c.caller_account_id
LEFT JOIN explained AS by_anyone
    ON by_anyone.key_arn = c.key_arn AND by_anyone.action = c.action AND by_anyone.actor = 'anyone'
    AND c.caller_account_id <> c.account_id
LEFT JOIN known_keys AS k ON k.key_arn = c.key_arn
WHERE by_id.actor IS NULL AND by_arn.actor IS NULL AND by_account.actor IS NULL AND by_anyone.actor IS NULL
ORDER BY c.key_arn, c.last_exercised_at, c.action, c.principal_arn
