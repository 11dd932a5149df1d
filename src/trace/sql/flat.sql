-- Every record that names the key and no other, by name: most of them. Of mere uses, of which there are many, only what is
-- asked about uses: what is not read costs nothing.
-- The columns are those of kms_records, in their order.
SELECT
    eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region,
    CASE WHEN false THEN recipient_account_id END AS recipient_account_id, principal_arn,
    CASE WHEN false THEN principal_id END AS principal_id, CASE WHEN false THEN session_arn END AS session_arn,
    CASE WHEN false THEN caller_account_id END AS caller_account_id, CASE WHEN false THEN via_service END AS via_service,
    CASE WHEN false THEN source_ip END AS source_ip, CASE WHEN false THEN user_agent END AS user_agent,
    CASE WHEN false THEN mfa END AS mfa, outcome, error_code, CASE WHEN false THEN source_object END AS source_object,
    CASE WHEN false THEN source_index END AS source_index, event_date, alias_arn, kms_key_arn,
    CASE WHEN false THEN event_type END AS event_type, CASE WHEN false THEN aws_region END AS aws_region,
    CASE WHEN false THEN access_key END AS access_key, CASE WHEN false THEN vpc_endpoint_id END AS vpc_endpoint_id,
    CASE WHEN false THEN error_message END AS error_message, request_parameters,
    CASE WHEN false THEN response_elements END AS response_elements, CASE WHEN false THEN details END AS details,
    original_event_id, CASE WHEN false THEN user_identity END AS user_identity, CASE WHEN false THEN call_id END AS call_id
FROM kms_records
WHERE key_arn = $key AND kms_key_arn = $key
