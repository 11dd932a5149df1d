-- The changes of the key.
SELECT * FROM kms_records WHERE key_arn = $key AND class IN ('admin', 'service')
