-- What the encryption contexts of the key's uses name: the resources it protects, as far as callers say.
SELECT context, count(*) AS uses, max(eventtime) AS last_used_at
FROM (
    SELECT c.eventtime,
        regexp_match(c.requestparameters, '"encryptionContext"\s*:\s*\{([^{}]*)\}')[1] AS context
    FROM kms_events AS k
    JOIN cloudtrail AS c ON c.source_object = k.source_object AND c.source_index = k.source_index
    WHERE k.key_arn = $key AND k.class = 'use' AND k.outcome IN ('success', 'failed')
        AND c.eventsource = 'kms.amazonaws.com'
        AND k.eventtime >= $since AND k.eventtime < $until AND c.eventtime >= $since AND c.eventtime < $until
)
WHERE context IS NOT NULL AND context <> ''
GROUP BY context
ORDER BY uses DESC, context
LIMIT 50
