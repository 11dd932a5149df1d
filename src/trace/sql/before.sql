-- Which of these the log knew before a time: one instant of each that it knew. Any will do, so that what is common is found
-- at once and what is rare by its filter, where the first of all would have to be looked for in the whole log.
SELECT
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND principal_arn = $principal LIMIT 1)
        AS principal_first_at,
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND sourceipaddress = $ip LIMIT 1) AS ip_first_at,
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND useragent = $agent LIMIT 1) AS agent_first_at,
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND principal_arn = $principal
        AND eventsource = 'kms.amazonaws.com' AND eventname = $operation LIMIT 1) AS operation_first_at,
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND principal_arn = $principal
        AND eventsource = 'kms.amazonaws.com' AND eventname IN (
            'CancelKeyDeletion', 'CreateAlias', 'CreateGrant', 'DeleteAlias', 'DeleteImportedKeyMaterial', 'DisableKey',
            'DisableKeyRotation', 'EnableKey', 'EnableKeyRotation', 'ImportKeyMaterial', 'PutKeyPolicy', 'ReplicateKey',
            'RevokeGrant', 'ScheduleKeyDeletion', 'UpdateAlias', 'UpdatePrimaryRegion'
        ) LIMIT 1) AS admin_first_at
