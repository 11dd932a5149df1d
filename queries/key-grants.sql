-- title: Grants of keys
-- question: Which grants does each key have, for whom, which operations, and under which constraints?
-- needs: snapshot
-- param as_of instant = latest: grants are those of the newest snapshot at or before it
-- column key_arn: the key
-- column grant_id: the grant; its token is shown to nobody after it was given
-- column name: its name, where it has one
-- column creation_date: when it was given
-- column grantee: who may use the key through it
-- column retiring: who may retire it, besides the key's account
-- column issuing_account: under whose account it was given
-- column operations: what it allows
-- column constraints: the encryption context or source it is limited to
-- column snapshot_at: when it was seen
WITH newest AS (
    SELECT account_id, region, snapshot_id
    FROM (
        SELECT
            account_id, region, snapshot_id,
            row_number() OVER (PARTITION BY account_id, region ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
)
SELECT
    g.key_arn,
    g.grant_id,
    nullif(g.name, '') AS name,
    g.creation_date,
    coalesce(g.grantee_principal, g.grantee_service_principal) AS grantee,
    coalesce(g.retiring_principal, g.retiring_service_principal) AS retiring,
    g.issuing_account,
    g.operations,
    g.constraints,
    g.collected_at AS snapshot_at
FROM kms_grants AS g
JOIN newest AS n ON n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
ORDER BY g.key_arn, g.creation_date, g.grant_id
