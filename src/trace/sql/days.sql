-- On which days the log holds changes of the key, and records that name it by an alias or beside another key: what takes
-- long to read, so that only those days are read for it. No day: a record without a time.
SELECT DISTINCT event_date AS day, class IN ('admin', 'service') AS is_change
FROM kms_records
WHERE key_arn = $key AND (class IN ('admin', 'service') OR kms_key_arn IS NULL OR operation = 'ReEncrypt')
