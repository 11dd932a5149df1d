-- How far the log reaches, per account, by the objects taken; null where an object does not say whose log it is.
SELECT account_id, min(first_event_at) AS first_event_at, max(last_event_at) AS last_event_at
FROM ingest_objects
WHERE first_event_at IS NOT NULL
GROUP BY account_id
ORDER BY account_id
