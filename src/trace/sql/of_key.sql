-- The records that name the key.
SELECT * FROM kms_records WHERE key_arn = $key
