-- title: Everything that changed a key
-- question: What changed this key, its policy, grants, aliases, material or key store, who did it, and what did they ask for?
-- param key text: the key's ARN or id
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- column eventtime: when the call completed
-- column key_arn: the key; null for key stores
-- column operation: the operation, those of KMS itself included
-- column outcome: success, denied, failed or dry_run
-- column error_code: why it did not work
-- column error_message: in KMS's words
-- column actor_arn: who called; null where KMS acted by itself
-- column session_arn: the session through which the actor called
-- column access_key: the access key that signed
-- column source_ip: from where
-- column user_agent: with what
-- column mfa: whether the session was opened with multi-factor authentication, where the record says so
-- column identity_type: the kind of identity, as CloudTrail names it
-- column principal_id: the identity's unique id, with its session
-- column account_id: the caller's account
-- column user_name: the user's name, where there is one
-- column via_service: the AWS service that called on the actor's behalf
-- column issuer_arn: the role or user that issued the session
-- column source_identity: the source identity set when the first role was assumed
-- column instance_delivery: set where an EC2 instance was handed the credentials
-- column assumed_root: true where a privileged root session acted
-- column parameters: the request, as JSON
-- column answer: the answer, as JSON
-- column details: what else the record tells, as JSON
-- column eventid: the event
WITH stores AS (
    SELECT custom_key_store_id AS id FROM kms_keys WHERE (key_arn = $key OR key_id = $key) AND custom_key_store_id IS NOT NULL
    UNION
    SELECT regexp_match(request_parameters, '"customKeyStoreId"\s*:\s*"([A-Za-z0-9-]+)"')[1]
    FROM kms_records
    WHERE operation = 'CreateKey' AND (key_arn = $key OR ($key NOT LIKE 'arn:%' AND key_id = $key))
),
concerned AS (
    SELECT * FROM kms_records
    WHERE class IN ('admin', 'service')
        AND operation NOT IN ('Decrypt', 'Encrypt', 'GenerateDataKey', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac',
            'VerifyMac', 'DescribeKey', 'GenerateRandom', 'GenerateDataKeyWithoutPlaintext')
        -- An ARN is looked for as such, so that only the pages that hold it are read.
        AND (key_arn = $key OR ($key NOT LIKE 'arn:%' AND key_id = $key))
    UNION ALL
    SELECT * FROM kms_records
    WHERE operation IN ('ConnectCustomKeyStore', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore',
            'DeleteCustomKeyStore')
        AND regexp_match(request_parameters, '"customKeyStoreId"\s*:\s*"([A-Za-z0-9-]+)"')[1] IN (SELECT id FROM stores)
)
SELECT
    eventtime, key_arn, operation, outcome, error_code, error_message, actor_arn, session_arn, access_key, source_ip,
    user_agent, mfa, identity['type'] AS identity_type, identity['principalid'] AS principal_id,
    identity['accountid'] AS account_id, identity['username'] AS user_name, via_service,
    identity['sessioncontext']['sessionissuer']['arn'] AS issuer_arn,
    identity['sessioncontext']['sourceidentity'] AS source_identity,
    identity['sessioncontext']['ec2roledelivery'] AS instance_delivery,
    identity['sessioncontext']['assumedroot'] AS assumed_root,
    parameters, answer, details, eventid
FROM (
    SELECT
        eventtime, key_arn, operation, outcome, error_code, error_message,
        CASE WHEN class <> 'service' THEN principal_arn END AS actor_arn,
        CASE WHEN class <> 'service' THEN session_arn END AS session_arn,
        access_key, source_ip, user_agent, mfa, user_identity AS identity, via_service,
        request_parameters AS parameters, response_elements AS answer, details, eventid,
        row_number() OVER (
            PARTITION BY eventid ORDER BY original_event_id IS NULL, key_arn, source_object, source_index
        ) AS copy
    FROM concerned
    WHERE ($since IS NULL OR eventtime >= $since)
        AND ($until IS NULL OR eventtime < $until)
)
WHERE copy = 1
ORDER BY eventtime, eventid
