-- On which days these records are changes of the key. No day: a record without a time.
SELECT DISTINCT event_date AS day, true AS is_change
FROM kms_records
WHERE class IN ('admin', 'service')
