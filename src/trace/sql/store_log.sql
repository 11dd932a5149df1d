-- What was done to custom key stores: such records name no key.
SELECT
    event_date, eventtime, original_event_id, eventid, sharedeventid, eventsource, eventname, eventtype, readonly,
    recipientaccountid, awsregion, principal_arn, principal_id, useridentity, accesskeyid, sourceipaddress, useragent,
    vpcendpointid, errorcode, errormessage, requestparameters, responseelements, additionaleventdata,
    serviceeventdetails, source_object, source_index, kms_key_arn, kms
FROM cloudtrail
WHERE eventsource = 'kms.amazonaws.com' AND kms_key_arn IS NULL
    AND eventname IN ('ConnectCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore', 'DeleteCustomKeyStore')
