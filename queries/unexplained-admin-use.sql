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
WITH each_call AS (
    SELECT
        key_arn, operation, principal_arn, principal_id, caller_account_id, account_id, call_id,
        min(eventtime) AS first_at,
        max(eventtime) AS last_at,
        min(eventid) AS eventid,
        max(via_service) AS via_service
    FROM kms_events
    WHERE outcome = 'success' AND key_arn IS NOT NULL
        AND eventtime >= $as_of - $window AND eventtime < $as_of
        AND operation IN (
            'PutKeyPolicy', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'EnableKey', 'DisableKey', 'CreateGrant',
            'RevokeGrant', 'EnableKeyRotation', 'DisableKeyRotation', 'CreateAlias', 'DeleteAlias', 'UpdateAlias',
            'DeleteImportedKeyMaterial', 'ImportKeyMaterial', 'ReplicateKey', 'RetireGrant', 'RotateKeyOnDemand',
            'TagResource', 'UntagResource', 'UpdateKeyDescription', 'UpdatePrimaryRegion'
        )
    GROUP BY key_arn, operation, principal_arn, principal_id, caller_account_id, account_id, call_id
),
calls AS (
    SELECT
        key_arn, 'kms:' || operation AS action, principal_arn, principal_id, caller_account_id, account_id,
        count(*) AS exercised,
        min(first_at) AS first_exercised_at,
        max(last_at) AS last_exercised_at,
        array_to_string(array_sort(array_agg(DISTINCT via_service) FILTER (WHERE via_service IS NOT NULL)), ', ')
            AS via_services,
        first_value(eventid ORDER BY last_at DESC, eventid) AS eventid
    FROM each_call
    GROUP BY key_arn, operation, principal_arn, principal_id, caller_account_id, account_id
),
-- Only rights to what was done can explain it.
wanted AS (
    SELECT DISTINCT key_arn, 'kms:' || operation AS action FROM each_call
),
rights AS (
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
        r.key_arn, r.action,
        CASE
            WHEN r.principal_arn = '*' THEN 'anyone'
            WHEN r.principal_type = 'account' THEN 'account:' || r.principal_id
            WHEN r.principal_type IN ('role', 'user') AND r.principal_id IS NOT NULL THEN 'id:' || r.principal_id
            ELSE 'arn:' || r.principal_arn
        END AS actor
    FROM rights AS r
    JOIN wanted AS w ON w.key_arn = r.key_arn AND w.action = r.action
),
-- Calls under every name that a right may know their caller by.
named AS (
    SELECT
        c.*,
        CASE a.n
            WHEN 1 THEN 'id:' || c.principal_id
            WHEN 2 THEN 'arn:' || c.principal_arn
            WHEN 3 THEN 'account:' || c.caller_account_id
            WHEN 4 THEN CASE WHEN c.caller_account_id <> c.account_id THEN 'anyone' END
        END AS actor
    FROM calls AS c
    CROSS JOIN (VALUES (1), (2), (3), (4)) AS a(n)
),
judged AS (
    SELECT
        n.key_arn, n.action, n.principal_arn, n.principal_id, n.caller_account_id,
        max(n.exercised) AS exercised,
        max(n.first_exercised_at) AS first_exercised_at,
        max(n.last_exercised_at) AS last_exercised_at,
        max(n.via_services) AS via_services,
        max(n.eventid) AS eventid
    FROM named AS n
    LEFT JOIN explained AS x ON x.key_arn = n.key_arn AND x.action = n.action AND x.actor = n.actor
    GROUP BY n.key_arn, n.action, n.principal_arn, n.principal_id, n.caller_account_id
    HAVING count(x.actor) = 0
),
known_keys AS (
    SELECT DISTINCT key_arn FROM kms_keys WHERE collected_at <= $as_of
)
SELECT
    c.key_arn,
    c.action,
    c.principal_arn,
    c.principal_id,
    c.exercised,
    c.first_exercised_at,
    c.last_exercised_at,
    nullif(c.via_services, '') AS via_services,
    c.eventid,
    CASE
        WHEN k.key_arn IS NULL THEN 'no snapshot holds the key'
        WHEN c.action = 'kms:RetireGrant' THEN 'no snapshot of the window holds a grant that says so; retiring ends it'
        ELSE 'no snapshot of the window allows it to this principal'
    END AS reason
FROM judged AS c
LEFT JOIN known_keys AS k ON k.key_arn = c.key_arn
ORDER BY c.key_arn, c.last_exercised_at, c.action, c.principal_arn
