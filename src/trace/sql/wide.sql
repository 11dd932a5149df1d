-- The records of these days among which are the changes of the key, with all that is asked about a change. Days on which
-- there is nothing to read cost nothing.
WITH records AS (
    SELECT
        event_date, eventtime, original_event_id, eventid, sharedeventid, eventsource, eventname, eventtype, readonly,
        recipientaccountid, awsregion, principal_arn, principal_id, useridentity, accesskeyid, sourceipaddress, useragent,
        vpcendpointid, errorcode, errormessage, requestparameters, responseelements, additionaleventdata,
        serviceeventdetails, source_object, source_index, kms_key_arn, kms
    FROM cloudtrail
    WHERE eventsource = 'kms.amazonaws.com'
        -- Known to be no changes. A record without a name may be one.
        AND (eventname IS NULL OR eventname NOT IN (
            'Decrypt', 'Encrypt', 'GenerateDataKey', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac', 'VerifyMac', 'DescribeKey',
            'GenerateRandom', 'GenerateDataKeyWithoutPlaintext'
        ))
)
SELECT * FROM records WHERE kms_key_arn = $key AND (event_date IS NULL OR event_date IN ($days))
UNION ALL
SELECT * FROM records WHERE kms_key_arn IS NULL AND (event_date IS NULL OR event_date IN ($days_of_others))
