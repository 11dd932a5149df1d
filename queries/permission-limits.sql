-- title: Limits on permissions
-- question: Which permissions boundary, service control policy or resource control policy limits which principals or keys?
-- needs: snapshot
-- param as_of instant = latest: the newest snapshot at or before it
-- column kind: boundary, scp or rcp
-- column account_id: the account whose principals (boundary, scp) or keys (rcp) it limits
-- column principal_arn: the principal a boundary is set on
-- column policy_arn: the policy
-- column policy_name: its name
-- column attached_to: the root, units and accounts through which it reaches the account
-- column sha256: SHA-256 of its text
-- column policy: its text, where the snapshot has it
WITH newest AS (
    SELECT service, account_id, snapshot_id
    FROM (
        SELECT
            service, account_id, snapshot_id,
            row_number() OVER (
                PARTITION BY
                    service,
                    CASE WHEN service = 'organizations' THEN coalesce(organization_id, account_id) ELSE account_id END
                ORDER BY collected_at DESC, snapshot_id DESC
            ) AS place
        FROM snapshot_scope
        WHERE service IN ('iam', 'organizations') AND operation IS NULL AND state IN ('complete', 'partial')
            AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
bounded AS (
    SELECT p.account_id, p.principal_arn, p.permissions_boundary_arn, p.snapshot_id
    FROM iam_principals AS p
    JOIN newest AS n ON n.service = 'iam' AND n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id
    WHERE p.permissions_boundary_arn IS NOT NULL
),
reached AS (
    SELECT a.snapshot_id, a.organization_id, a.account_id, a.is_management, a.account_id AS target
    FROM org_accounts AS a
    JOIN newest AS n ON n.service = 'organizations' AND n.snapshot_id = a.snapshot_id
    UNION
    SELECT a.snapshot_id, a.organization_id, a.account_id, a.is_management, unnest(a.path) AS target
    FROM org_accounts AS a
    JOIN newest AS n ON n.service = 'organizations' AND n.snapshot_id = a.snapshot_id
),
attached AS (
    SELECT snapshot_id, organization_id, policy_id, unnest(targets) AS target
    FROM org_policies
)
SELECT
    'boundary' AS kind,
    b.account_id,
    b.principal_arn,
    b.permissions_boundary_arn AS policy_arn,
    max(i.policy_name) AS policy_name,
    CAST(NULL AS VARCHAR) AS attached_to,
    max(i.document_sha256) AS sha256,
    max(i.document) AS policy
FROM bounded AS b
LEFT JOIN iam_policies AS i
    ON i.snapshot_id = b.snapshot_id AND i.policy_arn = b.permissions_boundary_arn AND i.is_default_version
GROUP BY b.account_id, b.principal_arn, b.permissions_boundary_arn
UNION ALL
-- The management account is subject to neither.
SELECT
    CASE p.policy_type WHEN 'RESOURCE_CONTROL_POLICY' THEN 'rcp' ELSE 'scp' END AS kind,
    r.account_id,
    CAST(NULL AS VARCHAR) AS principal_arn,
    p.policy_arn,
    p.policy_name,
    string_agg(r.target, ', ' ORDER BY r.target) AS attached_to,
    p.content_sha256 AS sha256,
    p.content AS policy
FROM org_policies AS p
JOIN attached AS t
    ON t.snapshot_id = p.snapshot_id AND t.organization_id = p.organization_id AND t.policy_id = p.policy_id
JOIN reached AS r
    ON r.snapshot_id = p.snapshot_id AND r.organization_id = p.organization_id AND r.target = t.target
WHERE NOT coalesce(r.is_management, false)
    AND p.policy_type IN ('SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY')
GROUP BY p.policy_type, r.account_id, p.policy_arn, p.policy_name, p.content_sha256, p.content
ORDER BY kind, account_id, principal_arn, policy_name, policy_arn
