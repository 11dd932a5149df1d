-- title: Administrative rights by key
-- question: Who may destroy or take over each key, and who both administers and uses it?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of calls count
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- column key_arn: the key
-- column key_manager: CUSTOMER or AWS
-- column destructive_holders: principals, AWS services apart, who may schedule its deletion, disable it, delete its material or replace its policy
-- column destructive_holder_arns: who they are
-- column destructive_exercised_by: who did so in the window, as far as the log tells
-- column administrators: principals with any administrative right on it, AWS services apart
-- column users: principals with any cryptographic right on it, AWS services apart
-- column administrators_who_may_use: principals with both: duties that are not separated
-- column administrators_who_used: principals who administered and used it in the window, as far as the log tells
-- column administrators_who_used_arns: who they are
-- column undetermined_holders: principals of whom the snapshot leaves a destructive right open; not among the others
-- column observed: whether the log covers use and administration over the whole window
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
keys AS (
    SELECT k.key_arn, k.account_id, k.region, k.key_manager
    FROM kms_keys AS k
    JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
),
rights AS (
    SELECT
        key_arn, principal_arn,
        max(CASE WHEN decision <> 'undetermined' AND action IN (
            'kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:DeleteImportedKeyMaterial', 'kms:PutKeyPolicy'
        ) THEN 1 ELSE 0 END) AS destroys,
        max(CASE WHEN decision = 'undetermined' AND action IN (
            'kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:DeleteImportedKeyMaterial', 'kms:PutKeyPolicy'
        ) THEN 1 ELSE 0 END) AS may_destroy,
        max(CASE WHEN decision <> 'undetermined' AND action IN (
            'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
            'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
            'kms:DisableKeyRotation', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:UpdateAlias',
            'kms:DeleteImportedKeyMaterial', 'kms:ImportKeyMaterial', 'kms:ReplicateKey', 'kms:RetireGrant',
            'kms:RotateKeyOnDemand', 'kms:TagResource', 'kms:UntagResource', 'kms:UpdateKeyDescription',
            'kms:UpdatePrimaryRegion'
        ) THEN 1 ELSE 0 END) AS administers,
        max(CASE WHEN decision <> 'undetermined' AND action IN (
            'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext',
            'kms:GenerateDataKeyPair', 'kms:GenerateDataKeyPairWithoutPlaintext', 'kms:ReEncryptFrom',
            'kms:ReEncryptTo', 'kms:GenerateMac', 'kms:VerifyMac', 'kms:Sign', 'kms:Verify',
            'kms:DeriveSharedSecret', 'kms:Encapsulate', 'kms:Decapsulate'
        ) THEN 1 ELSE 0 END) AS uses
    FROM effective_access_at($as_of)
    WHERE principal_type <> 'service' AND coalesce(condition_kind, '') <> 'service_only'
    GROUP BY key_arn, principal_arn
),
held AS (
    SELECT
        key_arn,
        sum(destroys) AS destructive_holders,
        array_to_string(array_sort(array_agg(principal_arn) FILTER (WHERE destroys = 1)), ', ') AS destructive_holder_arns,
        sum(CASE WHEN destroys = 0 THEN may_destroy ELSE 0 END) AS undetermined_holders,
        sum(administers) AS administrators,
        sum(uses) AS users,
        sum(administers * uses) AS administrators_who_may_use
    FROM rights
    GROUP BY key_arn
),
done AS (
    SELECT
        key_arn, principal_arn,
        max(CASE WHEN operation IN (
            'ScheduleKeyDeletion', 'DisableKey', 'DeleteImportedKeyMaterial', 'PutKeyPolicy'
        ) THEN 1 ELSE 0 END) AS destroyed,
        max(CASE WHEN class = 'admin' THEN 1 ELSE 0 END) AS administered,
        max(CASE WHEN class = 'use' THEN 1 ELSE 0 END) AS used
    FROM kms_events
    WHERE outcome = 'success' AND key_arn IS NOT NULL AND class IN ('use', 'admin')
        AND eventtime >= $as_of - $window AND eventtime < $as_of
        AND principal_arn LIKE 'arn:%'
    GROUP BY key_arn, principal_arn
),
exercised AS (
    SELECT
        key_arn,
        array_to_string(array_sort(array_agg(principal_arn) FILTER (WHERE destroyed = 1)), ', ') AS destructive_exercised_by,
        sum(administered * used) AS administrators_who_used,
        array_to_string(array_sort(array_agg(principal_arn) FILTER (WHERE administered * used = 1)), ', ')
            AS administrators_who_used_arns
    FROM done
    GROUP BY key_arn
),
-- The stretches of an account and Region follow each other without holes.
covered AS (
    SELECT account_id, region
    FROM (
        SELECT c.account_id, c.region, c.kind
        FROM coverage AS c
        WHERE c.since < $as_of AND c.until > $as_of - $window
        GROUP BY c.account_id, c.region, c.kind
        HAVING min(c.since) <= min($as_of - $window) AND max(c.until) >= min($as_of)
            AND count(CASE WHEN c.state <> 'covered' THEN 1 END) = 0
    ) AS whole
    GROUP BY account_id, region
    HAVING count(*) = 2
)
SELECT
    k.key_arn,
    k.key_manager,
    coalesce(h.destructive_holders, 0) AS destructive_holders,
    nullif(h.destructive_holder_arns, '') AS destructive_holder_arns,
    nullif(e.destructive_exercised_by, '') AS destructive_exercised_by,
    coalesce(h.administrators, 0) AS administrators,
    coalesce(h.users, 0) AS users,
    coalesce(h.administrators_who_may_use, 0) AS administrators_who_may_use,
    coalesce(e.administrators_who_used, 0) AS administrators_who_used,
    nullif(e.administrators_who_used_arns, '') AS administrators_who_used_arns,
    coalesce(h.undetermined_holders, 0) AS undetermined_holders,
    v.account_id IS NOT NULL AS observed
FROM keys AS k
LEFT JOIN held AS h ON h.key_arn = k.key_arn
LEFT JOIN exercised AS e ON e.key_arn = k.key_arn
LEFT JOIN covered AS v ON v.account_id = k.account_id AND v.region = k.region
ORDER BY destructive_holders DESC, k.key_arn
