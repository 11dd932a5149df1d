-- What was done to custom key stores: such records name no key.
SELECT
    eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region,
    recipient_account_id, principal_arn, principal_id, session_arn, caller_account_id, via_service, source_ip,
    user_agent, mfa, outcome, error_code, source_object, source_index, event_date, alias_arn, kms_key_arn, event_type,
    aws_region, access_key, vpc_endpoint_id, error_message, request_parameters, response_elements, details,
    original_event_id, user_identity, call_id
FROM kms_records
WHERE key_arn IS NULL AND operation IN ('ConnectCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore',
    'DeleteCustomKeyStore')
