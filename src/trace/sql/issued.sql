-- The calls that issued these access keys: of each key's records the one that says most about its caller.
SELECT
    issued_key, eventtime, operation, role_arn, eventid, access_key, identity_type, identity_arn, principal_arn,
    principal_id, account_id, user_name, via_service, issuer_arn, source_identity, instance_delivery, assumed_root,
    identity_provider, subject, source_ip, user_agent, mfa
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY issued_key
            ORDER BY access_key IS NULL, identity_arn IS NULL, original_event_id IS NULL, eventid
        ) AS copy
    FROM (
        SELECT
            regexp_match(responseelements, '"accessKeyId"\s*:\s*"([A-Za-z0-9]+)"')[1] AS issued_key,
            eventtime, eventname AS operation,
            regexp_match(requestparameters, '"roleArn"\s*:\s*"([^"\\]+)"')[1] AS role_arn,
            regexp_match(responseelements, '"subjectFromWebIdentityToken"\s*:\s*"([^"\\]+)"')[1] AS subject,
            coalesce(original_event_id, eventid) AS eventid, original_event_id,
            nullif(accesskeyid, '') AS access_key, principal_arn,
            useridentity['type'] AS identity_type, useridentity['arn'] AS identity_arn,
            useridentity['principalid'] AS principal_id, useridentity['accountid'] AS account_id,
            useridentity['username'] AS user_name, useridentity['invokedby'] AS via_service,
            useridentity['identityprovider'] AS identity_provider,
            useridentity['sessioncontext']['sessionissuer']['arn'] AS issuer_arn,
            coalesce(
                useridentity['sessioncontext']['sourceidentity'],
                regexp_match(requestparameters, '"sourceIdentity"\s*:\s*"([^"\\]+)"')[1]
            ) AS source_identity,
            useridentity['sessioncontext']['ec2roledelivery'] AS instance_delivery,
            useridentity['sessioncontext']['assumedroot'] AS assumed_root,
            sourceipaddress AS source_ip, useragent AS user_agent,
            CASE lower(useridentity['sessioncontext']['attributes']['mfaauthenticated'])
                WHEN 'true' THEN true
                WHEN 'false' THEN false
            END AS mfa
        FROM cloudtrail
        WHERE eventsource = 'sts.amazonaws.com'
            AND (eventname LIKE 'Assume%' OR eventname LIKE 'Get%Token')
            AND (errorcode IS NULL OR errorcode = '')
            AND eventtime >= $since AND eventtime < $until AND event_date IN ($days)
    )
    WHERE issued_key IN ($keys)
) WHERE copy = 1
ORDER BY issued_key
