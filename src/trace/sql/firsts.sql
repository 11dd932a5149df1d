-- When the log first saw this caller, this address, this tool and this right in the caller's hands, in a span.
SELECT
    min(CASE WHEN principal_arn = $principal THEN eventtime END) AS principal_first_at,
    min(CASE WHEN sourceipaddress = $ip THEN eventtime END) AS ip_first_at,
    min(CASE WHEN useragent = $agent THEN eventtime END) AS agent_first_at,
    min(CASE WHEN principal_arn = $principal AND eventsource = 'kms.amazonaws.com' AND eventname = $operation
        THEN eventtime END) AS operation_first_at,
    min(CASE WHEN principal_arn = $principal AND eventsource = 'kms.amazonaws.com' AND eventname IN (
        'CancelKeyDeletion', 'CreateAlias', 'CreateGrant', 'DeleteAlias', 'DeleteImportedKeyMaterial', 'DisableKey',
        'DisableKeyRotation', 'EnableKey', 'EnableKeyRotation', 'ImportKeyMaterial', 'PutKeyPolicy', 'ReplicateKey',
        'RevokeGrant', 'ScheduleKeyDeletion', 'UpdateAlias', 'UpdatePrimaryRegion'
    ) THEN eventtime END) AS admin_first_at,
    min(CASE WHEN $person <> '' AND (useridentity['username'] = $person
            OR ends_with(useridentity['arn'], concat('/', $person)))
        AND sourceipaddress = $ip THEN eventtime END) AS person_ip_first_at,
    min(CASE WHEN $person <> '' AND (useridentity['username'] = $person
            OR ends_with(useridentity['arn'], concat('/', $person)))
        THEN eventtime END) AS person_first_at
FROM cloudtrail
WHERE eventtime >= $since AND eventtime < $until
    AND (principal_arn = $principal OR sourceipaddress = $ip OR useragent = $agent
        OR useridentity['username'] = $person OR ends_with(useridentity['arn'], concat('/', $person)))
