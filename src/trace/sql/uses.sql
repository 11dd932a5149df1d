-- When the key was used with success, first and last, and by which aliases it was called.
SELECT
    min(CASE WHEN class = 'use' AND outcome = 'success' THEN eventtime END) AS first_use_at,
    max(CASE WHEN class = 'use' AND outcome = 'success' THEN eventtime END) AS last_use_at,
    array_to_string(array_sort(array_agg(DISTINCT
        CASE WHEN key_ref LIKE 'alias/%' THEN key_ref
            WHEN key_ref LIKE 'arn:%:alias/%' THEN concat('alias/', split_part(key_ref, ':alias/', 2)) END
    ) FILTER (WHERE key_ref LIKE '%alias/%')), ', ') AS aliases
FROM kms_events
WHERE key_arn = $key AND ($until IS NULL OR eventtime < $until)
