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
    array_sort(array_distinct(flatten(array_agg(actions)))) AS actions,
    paths,
    limits,
    reason
FROM withheld_rights_at($as_of, 'full')
GROUP BY key_arn, principal_arn, principal_type, paths, limits, reason
ORDER BY key_arn, principal_arn, actions[1], array_to_string(limits, chr(10))
