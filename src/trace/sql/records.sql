-- Every change of the key, and every other record that names it by an alias or beside another key. Days on which there is
-- nothing to read cost nothing.
SELECT * FROM kms_records
WHERE key_arn = $key AND class IN ('admin', 'service')
    -- As above, for the filters of files, which do not know the classes. A record without a name is among the others.
    AND (operation IS NULL OR operation NOT IN (
        'Decrypt', 'Encrypt', 'GenerateDataKey', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac', 'VerifyMac', 'DescribeKey',
        'GenerateRandom', 'GenerateDataKeyWithoutPlaintext'
    ))
    AND (event_date IS NULL OR event_date IN ($days_of_changes))
UNION ALL
SELECT * FROM kms_records
WHERE key_arn = $key AND class NOT IN ('admin', 'service') AND (kms_key_arn IS DISTINCT FROM $key)
    AND (event_date IS NULL OR event_date IN ($days_of_others))
