-- Every name by which a key could have been meant, for the nearest to a mistyped one.
SELECT DISTINCT name FROM (
    SELECT key_arn AS name FROM kms_events WHERE key_arn IS NOT NULL
    UNION ALL
    SELECT key_arn FROM kms_keys
    UNION ALL
    SELECT alias_name FROM kms_aliases
    UNION ALL
    SELECT key_ref FROM kms_events WHERE key_ref LIKE 'alias/%'
)
WHERE name IS NOT NULL
ORDER BY name
LIMIT 5000
