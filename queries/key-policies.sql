-- title: Key policies
-- question: What does each key's policy say, exactly as configured?
-- needs: snapshot
-- param as_of instant = latest: policies are those of the newest snapshot at or before it
-- column key_arn: the key
-- column policy_name: the policy's name; `default` is the key policy
-- column policy_sha256: SHA-256 of the text
-- column verbatim: whether the text is as AWS gave it, or was written anew from a decoded document
-- column error: why it could not be read
-- column policy: the text
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
    p.key_arn,
    p.policy_name,
    p.policy_sha256,
    p.verbatim,
    p.error,
    p.policy,
    p.collected_at AS snapshot_at
FROM kms_key_policies AS p
JOIN newest AS n ON n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id AND n.region = p.region
ORDER BY p.key_arn, p.policy_name
