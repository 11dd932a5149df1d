-- What was done to custom key stores: such records name no key.
SELECT * FROM kms_records
WHERE key_arn IS NULL AND operation IN ('ConnectCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore',
    'DeleteCustomKeyStore')
