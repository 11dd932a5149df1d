-- title: Users of keys
-- question: Who may use which key for cryptography, by which statement or grant, under which condition?
-- needs: snapshot
-- param as_of instant = latest: rights are those of the newest snapshot at or before it
-- column key_arn: the key
-- column principal_arn: who may
-- column principal_type: role, user, root, service, account or external
-- column decision: allowed, conditional or undetermined
-- column actions: what they may do, as IAM names it
-- column paths: the statements and grants it comes from
-- column condition: what a conditional right depends on
-- column condition_kind: what kind of condition
SELECT
    key_arn,
    principal_arn,
    principal_type,
    decision,
    actions,
    paths,
    condition,
    condition_kind
FROM effective_rights_at($as_of, 'use')
ORDER BY key_arn, principal_arn, decision, condition, actions[1]
