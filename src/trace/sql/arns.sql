-- The keys of this id that the log or a snapshot names by their ARNs.
SELECT kms_key_arn AS name FROM cloudtrail
WHERE eventsource = 'kms.amazonaws.com' AND ends_with(kms_key_arn, concat(':key/', $id))
UNION
SELECT key_arn FROM kms_keys WHERE key_id = $id
