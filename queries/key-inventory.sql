-- title: Inventory of keys
-- question: Which keys are there, in all accounts and Regions, of which kind, state, origin and rotation?
-- needs: snapshot
-- param as_of instant = latest: keys are those of the newest snapshot at or before it
-- column key_arn: the key
-- column account_id: the account that owns it
-- column region: its Region
-- column key_id: its id
-- column aliases: its aliases
-- column tags: its tags, as name=value
-- column description: its description
-- column key_manager: CUSTOMER or AWS
-- column key_state: its state
-- column creation_date: when it was created
-- column deletion_date: when it is to be deleted
-- column key_spec: its type
-- column key_usage: what it is for
-- column origin: where its material comes from
-- column custom_key_store_id: its custom key store
-- column multi_region_key_type: PRIMARY or REPLICA, of multi-Region keys
-- column primary_key_arn: the primary of a multi-Region key
-- column replica_key_arns: its replicas
-- column valid_to: when imported material expires
-- column rotation_enabled: whether it is rotated each period
-- column rotation_period_days: the period
-- column next_rotation_date: when it is rotated next
-- column last_rotation_date: when it was rotated last
-- column last_used_at: last use by GetKeyLastUsage
-- column last_usage_operation: the operation of that use
-- column last_usage_event_id: the event of that use
-- column tracking_start_date: since when AWS tracks its use
-- column unreadable: what of it the collector could not read
-- column snapshot_id: the snapshot
-- column snapshot_at: when that was collected
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
),
alias_names AS (
    SELECT a.target_key_arn AS key_arn, array_agg(a.alias_name ORDER BY a.alias_name) AS names
    FROM kms_aliases AS a
    JOIN newest AS n ON n.snapshot_id = a.snapshot_id AND n.account_id = a.account_id AND n.region = a.region
    GROUP BY a.target_key_arn
),
tag_texts AS (
    SELECT t.key_arn, array_agg(t.tag_key || '=' || coalesce(t.tag_value, '') ORDER BY t.tag_key) AS texts
    FROM kms_tags AS t
    JOIN newest AS n ON n.snapshot_id = t.snapshot_id AND n.account_id = t.account_id AND n.region = t.region
    GROUP BY t.key_arn
)
SELECT
    k.key_arn,
    k.account_id,
    k.region,
    k.key_id,
    a.names AS aliases,
    t.texts AS tags,
    k.description,
    k.key_manager,
    k.key_state,
    k.creation_date,
    k.deletion_date,
    k.key_spec,
    k.key_usage,
    k.origin,
    k.custom_key_store_id,
    k.multi_region_key_type,
    k.primary_key_arn,
    k.replica_key_arns,
    k.valid_to,
    k.rotation_enabled,
    k.rotation_period_days,
    k.next_rotation_date,
    k.last_rotation_date,
    k.last_used_at,
    k.last_usage_operation,
    k.last_usage_event_id,
    k.tracking_start_date,
    k.unreadable,
    k.snapshot_id,
    k.collected_at AS snapshot_at
FROM kms_keys AS k
JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
LEFT JOIN alias_names AS a ON a.key_arn = k.key_arn
LEFT JOIN tag_texts AS t ON t.key_arn = k.key_arn
ORDER BY k.key_arn
