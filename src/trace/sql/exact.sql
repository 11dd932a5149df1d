-- Whether the log or a snapshot knows a key by this ARN: the one name that needs no history.
SELECT key_arn, min(eventtime) AS first_seen, max(eventtime) AS last_seen, 0 AS in_snapshot
FROM kms_events
WHERE key_arn = $name
    AND ($until IS NULL OR eventtime < $until) AND ($since IS NULL OR eventtime >= $since)
GROUP BY key_arn
UNION ALL
SELECT key_arn, min(creation_date), max(collected_at), 1 FROM kms_keys WHERE key_arn = $name GROUP BY key_arn
