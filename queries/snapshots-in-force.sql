-- title: Snapshots in force
-- question: Which permission snapshot speaks for each account, Region and service at an instant, and how whole is it?
-- needs: snapshot
-- param as_of instant = latest: the newest snapshot at or before it
-- column service: kms, iam, organizations or cloudtrail
-- column account_id: the account
-- column region: the Region, where the service has any
-- column snapshot_id: the snapshot
-- column collected_at: when it was collected
-- column state: complete, or partial where something could not be read
-- column failures: calls of its collector that failed there
-- column content_hash: SHA-256 of the snapshot's content
WITH ranked AS (
    SELECT
        service, account_id, region, snapshot_id, collected_at, state,
        row_number() OVER (
            PARTITION BY
                service,
                CASE WHEN service = 'organizations' THEN coalesce(organization_id, account_id) ELSE account_id END,
                CASE WHEN service = 'kms' THEN region END
            ORDER BY collected_at DESC, snapshot_id DESC
        ) AS place
    FROM snapshot_scope
    WHERE operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
),
failed AS (
    SELECT snapshot_id, account_id, coalesce(region, '') AS region, count(*) AS failures
    FROM snapshot_scope
    WHERE state = 'failed' AND operation IS NOT NULL
    GROUP BY snapshot_id, account_id, coalesce(region, '')
)
SELECT
    r.service,
    r.account_id,
    r.region,
    r.snapshot_id,
    r.collected_at,
    r.state,
    coalesce(f.failures, 0) AS failures,
    s.content_hash
FROM ranked AS r
LEFT JOIN snapshots AS s ON s.snapshot_id = r.snapshot_id
LEFT JOIN failed AS f
    ON f.snapshot_id = r.snapshot_id AND f.account_id = r.account_id AND f.region = coalesce(r.region, '')
WHERE r.place = 1
ORDER BY r.service, r.account_id, r.region
