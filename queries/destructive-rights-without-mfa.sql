-- title: Destructive rights without multi-factor authentication
-- question: Who may disable, delete or take over which key without having proven a second factor?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of calls count
-- param as_of instant = latest: rights are those of the newest snapshot at or before it
-- column principal_arn: who, AWS services apart
-- column principal_type: role, user, root, account or external
-- column key_arn: the key
-- column action: the permission, as IAM names it
-- column decision: allowed, conditional or undetermined, for a request without a second factor
-- column condition: on what it depends besides
-- column paths: the statements and grants it comes from
-- column trust: of a role, whether its trust policy speaks of a second factor, which then may be asked for when the role is assumed
-- column exercised_without_mfa: successful calls in the window whose session shows no second factor
-- column last_exercised_without_mfa_at: the last of them
WITH newest AS (
    SELECT service, account_id, region, snapshot_id, collected_at
    FROM (
        SELECT
            service, account_id, region, snapshot_id, collected_at,
            row_number() OVER (
                PARTITION BY service, account_id, CASE WHEN service = 'kms' THEN region END
                ORDER BY collected_at DESC, snapshot_id DESC
            ) AS place
        FROM snapshot_scope
        WHERE service IN ('kms', 'iam') AND operation IS NULL AND state IN ('complete', 'partial')
            AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
rights AS (
    SELECT
        principal_arn, principal_type, principal_id, key_arn, action,
        min(decision) AS decision,
        min(condition) AS condition,
        min(array_to_string(paths, ', ')) AS paths,
        CASE
            WHEN principal_arn = '*' THEN 'anyone'
            WHEN principal_type = 'account' THEN 'account:' || principal_id
            WHEN principal_type IN ('role', 'user') AND principal_id IS NOT NULL THEN 'id:' || principal_id
            ELSE 'arn:' || principal_arn
        END AS actor
    FROM effective_access_without_mfa_at($as_of)
    WHERE action IN (
            'kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:DeleteImportedKeyMaterial', 'kms:PutKeyPolicy'
        )
        AND principal_type <> 'service' AND coalesce(condition_kind, '') <> 'service_only'
    GROUP BY principal_arn, principal_type, principal_id, key_arn, action
),
trusts AS (
    SELECT p.principal_arn, bool_or(p.trust_policy ILIKE '%aws:MultiFactorAuth%') AS speaks
    FROM iam_principals AS p
    JOIN newest AS n ON n.service = 'iam' AND n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id
    WHERE p.principal_type = 'role'
    GROUP BY p.principal_arn
),
each_call AS (
    SELECT key_arn, action, actor, call_id, max(eventtime) AS at
    FROM (
        SELECT
            e.key_arn, 'kms:' || e.operation AS action, e.call_id, e.eventtime,
            CASE a.n
                WHEN 1 THEN 'id:' || e.principal_id
                WHEN 2 THEN 'arn:' || e.principal_arn
                WHEN 3 THEN 'account:' || e.caller_account_id
                WHEN 4 THEN CASE WHEN e.caller_account_id <> e.account_id THEN 'anyone' END
            END AS actor
        FROM kms_events AS e
        CROSS JOIN (VALUES (1), (2), (3), (4)) AS a(n)
        WHERE e.outcome = 'success' AND e.key_arn IS NOT NULL AND NOT coalesce(e.mfa, false)
            AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
            AND e.operation IN ('ScheduleKeyDeletion', 'DisableKey', 'DeleteImportedKeyMaterial', 'PutKeyPolicy')
    ) AS named
    WHERE actor IS NOT NULL
    GROUP BY 1, 2, 3, 4
),
calls AS (
    SELECT key_arn, action, actor, count(*) AS exercised, max(at) AS last_exercised_at
    FROM each_call
    GROUP BY key_arn, action, actor
)
SELECT
    r.principal_arn,
    r.principal_type,
    r.key_arn,
    r.action,
    r.decision,
    r.condition,
    r.paths,
    CASE WHEN r.principal_type = 'role' THEN
        CASE t.speaks
            WHEN true THEN 'speaks of a second factor'
            WHEN false THEN 'does not ask for one'
            ELSE 'not in the snapshot'
        END
    END AS trust,
    coalesce(c.exercised, 0) AS exercised_without_mfa,
    c.last_exercised_at AS last_exercised_without_mfa_at
FROM rights AS r
LEFT JOIN trusts AS t ON t.principal_arn = r.principal_arn
LEFT JOIN calls AS c ON c.key_arn = r.key_arn AND c.action = r.action AND c.actor = r.actor
ORDER BY r.principal_arn, r.key_arn, r.action
