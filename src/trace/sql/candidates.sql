-- The keys a name may mean, with when the log and the snapshots have seen each under it.
SELECT key_arn, min(alias_arn) AS alias_arn, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    max(in_snapshot) AS in_snapshot
FROM (
    SELECT key_arn, min(alias_arn) AS alias_arn, min(eventtime) AS first_seen, max(eventtime) AS last_seen, 0 AS in_snapshot
    FROM kms_events
    WHERE key_arn IS NOT NULL
        AND (key_arn = $name OR key_id = $name OR key_ref = $name OR alias_arn = $name)
        AND ($until IS NULL OR eventtime < $until) AND ($since IS NULL OR eventtime >= $since)
    GROUP BY key_arn
    UNION ALL
    SELECT kms[1]['key_arn'], NULL, min(eventtime), max(eventtime), 0
    FROM cloudtrail
    WHERE eventsource = 'kms.amazonaws.com' AND eventname IN ('CreateAlias', 'UpdateAlias', 'DeleteAlias')
        AND (errorcode IS NULL OR errorcode = '') AND kms[1]['key_arn'] IS NOT NULL
        AND ($until IS NULL OR eventtime < $until) AND ($since IS NULL OR eventtime >= $since)
        AND (
            regexp_match(requestparameters, '"aliasName"\s*:\s*"([^"\\]+)"')[1] = $name
            OR (
                regexp_match(requestparameters, '"aliasName"\s*:\s*"([^"\\]+)"')[1] = $alias
                AND recipientaccountid = $account AND awsregion = $region
            )
        )
    GROUP BY kms[1]['key_arn']
    UNION ALL
    SELECT key_arn, NULL, min(creation_date), max(collected_at), 1 FROM kms_keys
    WHERE key_arn = $name OR key_id = $name GROUP BY key_arn
    UNION ALL
    SELECT target_key_arn, min(alias_arn), min(coalesce(last_updated_date, creation_date)), max(collected_at), 1 FROM kms_aliases
    WHERE target_key_arn IS NOT NULL AND (alias_arn = $name OR alias_name = $name) GROUP BY target_key_arn
)
GROUP BY key_arn
ORDER BY last_seen DESC, key_arn
