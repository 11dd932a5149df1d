-- On which days these records are changes of the key. No day: a record without a time.
SELECT DISTINCT event_date AS day, kms_key_arn IS NOT NULL AS is_flat
FROM kms_records
WHERE class IN ('admin', 'service')
