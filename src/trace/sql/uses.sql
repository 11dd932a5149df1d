-- When the key was used with success between its changes, as far as its state can be read from that.
SELECT min(eventtime) AS first_use_at, max(eventtime) AS last_use_at
FROM kms_events
WHERE key_arn = $key AND class = 'use' AND outcome = 'success' AND ($until IS NULL OR eventtime < $until)
