-- title: Withheld administrative rights
-- question: Which administrative rights do policies and grants give that a Deny, a boundary or a control policy takes away?
-- needs: snapshot
-- param as_of instant = latest: rights are those of the newest snapshot at or before it
-- column key_arn: on which key
-- column principal_arn: who would hold the right
-- column principal_type: role, user, root, service, account or external
-- column actions: the permissions, as IAM names them
-- column paths: the statements and grants that give them
-- column limits: the Denies, the boundary and the control policies that withhold or narrow them, by statement
-- column reason: the layers that decide
SELECT
    key_arn,
    principal_arn,
    principal_type,
    array_agg(action ORDER BY action) AS actions,
    first_value(paths ORDER BY action) AS paths,
    first_value(limits ORDER BY action) AS limits,
    reason
FROM withheld_access_at($as_of)
WHERE action IN (
        'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion', 'kms:EnableKey',
        'kms:DisableKey', 'kms:CreateGrant', 'kms:RevokeGrant', 'kms:EnableKeyRotation',
        'kms:DisableKeyRotation', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:UpdateAlias',
        'kms:DeleteImportedKeyMaterial', 'kms:ImportKeyMaterial', 'kms:ReplicateKey', 'kms:RetireGrant',
        'kms:RotateKeyOnDemand', 'kms:TagResource', 'kms:UntagResource', 'kms:UpdateKeyDescription',
        'kms:UpdatePrimaryRegion'
    )
GROUP BY
    key_arn, principal_arn, principal_type, reason, array_to_string(paths, chr(10)), array_to_string(limits, chr(10))
ORDER BY key_arn, principal_arn, min(action), array_to_string(limits, chr(10))
