-- What the encryption contexts of the key's uses name: the resources it protects, as far as callers say.
SELECT context, count(*) AS uses, max(eventtime) AS last_used_at
FROM (
    SELECT eventtime, regexp_match(request_parameters, '"encryptionContext"\s*:\s*\{([^{}]*)\}')[1] AS context
    FROM kms_records
    WHERE key_arn = $key AND class = 'use' AND outcome IN ('success', 'failed')
        AND eventtime >= $since AND eventtime < $until
)
WHERE context IS NOT NULL AND context <> ''
GROUP BY context
ORDER BY uses DESC, context
LIMIT 50
