-- The custom key store of the key, by a snapshot or the call that created it.
SELECT custom_key_store_id AS name FROM kms_keys WHERE key_arn = $key AND custom_key_store_id IS NOT NULL
UNION
SELECT regexp_match(request_parameters, '"customKeyStoreId"\s*:\s*"([A-Za-z0-9-]+)"')[1]
FROM kms_records
WHERE operation = 'CreateKey' AND key_arn = $key AND strpos(request_parameters, '"customKeyStoreId"') > 0
