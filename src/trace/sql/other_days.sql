-- On which days the log holds records that name the key by an alias or beside another key, and whether they are changes of
-- it: what takes long to read, so that only those days are read for it. No day: a record without a time.
SELECT DISTINCT event_date AS day, class IN ('admin', 'service') AS is_change
FROM kms_records
WHERE key_arn = $key AND kms_key_arn IS DISTINCT FROM $key
