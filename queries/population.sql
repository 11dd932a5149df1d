-- title: Population of keys
-- question: Which accounts and Regions were looked at, how many keys are there, and which were not looked at?
-- needs: snapshot
-- param as_of instant = latest: the newest snapshot at or before it
-- column account_id: the account
-- column account_name: its name in the organization
-- column region: the Region; null for an account of which no Region was looked at
-- column state: complete, partial, failed, skipped, or not collected
-- column keys: keys there
-- column customer_managed: those that a customer manages
-- column snapshot_id: the snapshot
-- column snapshot_at: when it was collected
WITH tried AS (
    SELECT account_id, region, state, snapshot_id, collected_at
    FROM (
        SELECT
            account_id, region, state, snapshot_id, collected_at,
            row_number() OVER (
                PARTITION BY account_id, region
                ORDER BY state IN ('complete', 'partial') DESC, collected_at DESC, snapshot_id DESC
            ) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
members AS (
    SELECT account_id, name
    FROM (
        SELECT
            account_id, name,
            row_number() OVER (PARTITION BY account_id ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM org_accounts
        WHERE collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
counted AS (
    SELECT
        snapshot_id, account_id, region,
        count(*) AS keys,
        count(CASE WHEN coalesce(key_manager, '') <> 'AWS' THEN 1 END) AS customer_managed
    FROM kms_keys
    GROUP BY snapshot_id, account_id, region
)
SELECT
    coalesce(t.account_id, m.account_id) AS account_id,
    m.name AS account_name,
    t.region,
    coalesce(t.state, 'not collected') AS state,
    coalesce(c.keys, 0) AS keys,
    coalesce(c.customer_managed, 0) AS customer_managed,
    t.snapshot_id,
    t.collected_at AS snapshot_at
FROM tried AS t
FULL JOIN members AS m ON m.account_id = t.account_id
LEFT JOIN counted AS c ON c.snapshot_id = t.snapshot_id AND c.account_id = t.account_id AND c.region = t.region
ORDER BY account_id, region
