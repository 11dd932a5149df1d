-- What the newest snapshot says about the key.
SELECT
    k.collected_at, k.key_state, k.deletion_date, k.creation_date, k.description, k.key_manager, k.origin, k.multi_region,
    k.multi_region_key_type, k.custom_key_store_id,
    (SELECT array_to_string(array_sort(array_agg(DISTINCT a.alias_name)), ', ') FROM kms_aliases AS a
        WHERE a.target_key_arn = $key AND a.collected_at = (SELECT max(collected_at) FROM kms_keys WHERE key_arn = $key)) AS aliases,
    (SELECT max(p.policy) FROM kms_key_policies AS p WHERE p.key_arn = $key AND p.policy_name = 'default'
        AND p.collected_at = (SELECT max(collected_at) FROM kms_keys WHERE key_arn = $key)) AS policy
FROM kms_keys AS k
WHERE k.key_arn = $key
ORDER BY k.collected_at DESC
LIMIT 1
