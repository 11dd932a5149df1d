-- Every record that names the key: by its ARN in the flat column or, without one, beside another key or by an alias that
-- may be the key's. Of mere uses, of which there are many, only what is asked about uses: what is not read costs nothing.
-- The flat column is of records that name one key; where lakes of the first days have it of a ReEncrypt of two (kms_events.sql),
-- the second is not found here: to look for it would be to read every name.
SELECT
    event_date, eventtime, original_event_id, eventid, sharedeventid, eventsource, eventname, eventtype, readonly,
    principal_arn, errorcode, requestparameters, kms_key_arn, kms
FROM cloudtrail
WHERE eventsource = 'kms.amazonaws.com'
    -- A condition of its own, because the statistics of the flat column answer it.
    AND (kms_key_arn = $key OR kms_key_arn IS NULL)
    AND (
        kms_key_arn = $key
        OR kms[1]['key_arn'] = $key OR (kms[1]['key_arn'] IS NULL AND starts_with(kms[1]['alias_arn'], $aliases))
        OR kms[2]['key_arn'] = $key OR (kms[2]['key_arn'] IS NULL AND starts_with(kms[2]['alias_arn'], $aliases))
        OR array_length(kms) > 2
    )
