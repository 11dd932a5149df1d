-- What was done to custom key stores: such records name no key.
SELECT * FROM cloudtrail
WHERE eventsource = 'kms.amazonaws.com' AND kms_key_arn IS NULL
    AND eventname IN ('ConnectCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore', 'DeleteCustomKeyStore')
