-- title: Destruction of keys
-- question: Who disabled, scheduled, cancelled or finished the destruction of which key, and who stood behind the session?
-- param since instant = null: first instant to show; everything when not given
-- param until instant = null: first instant not to show
-- param key text = null: only this key (its ARN, id, alias or alias ARN)
-- column key_arn: the key; null for key stores and where no record of the call tells it
-- column eventtime: when the call completed
-- column operation: the operation, those of KMS itself (DeleteKey, DeleteExpiredKeyMaterial) included
-- column outcome: success, denied, failed or dry_run
-- column actor_arn: who called; null where KMS acted by itself
-- column session_arn: the session through which the actor called
-- column origin_arn: the first identity of the chain of sessions: a user, root, or the first role where a federated subject entered
-- column origin_name: the user's name, or the federated subject, or the workload's session
-- column origin_kind: user, root, identity_center, saml, web_identity, service, role, account or unknown
-- column origin_ip: from where the origin acted
-- column source_ip: from where the call came
-- column mfa: whether the session was opened with multi-factor authentication, where the record says so
-- column eventid: the event
-- column attributed_eventid: for what KMS did by itself, the request that caused it
-- column attributed_actor_arn: who made that request
-- column chain_complete: whether every hop back to the origin is in the log
-- column chain_missing: what is missing, where something is
WITH RECURSIVE calls AS (
    SELECT * FROM (
        SELECT
            k.key_arn, k.key_id, k.key_ref, k.eventtime, k.eventid, k.operation, k.class, k.outcome, k.source_ip, k.mfa,
            CASE WHEN k.class <> 'service' THEN k.principal_arn END AS actor_arn,
            CASE WHEN k.class <> 'service' THEN k.session_arn END AS session_arn,
            regexp_match(c.requestparameters, '"customKeyStoreId"\s*:\s*"([A-Za-z0-9-]+)"')[1] AS key_store_id,
            nullif(c.accesskeyid, '') AS access_key,
            c.useridentity AS identity,
            row_number() OVER (
                PARTITION BY k.eventid, k.key_arn
                ORDER BY c.original_event_id IS NULL, k.source_object, k.source_index
            ) AS copy
        FROM kms_events AS k
        JOIN cloudtrail AS c ON c.source_object = k.source_object AND c.source_index = k.source_index
        WHERE k.operation IN (
                'DisableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'DeleteImportedKeyMaterial', 'DeleteKey',
                'DeleteExpiredKeyMaterial', 'DisconnectCustomKeyStore', 'DeleteCustomKeyStore', 'ImportKeyMaterial'
            )
            AND c.eventsource = 'kms.amazonaws.com'
            AND c.eventname IN (
                'DisableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'DeleteImportedKeyMaterial', 'DeleteKey',
                'DeleteExpiredKeyMaterial', 'DisconnectCustomKeyStore', 'DeleteCustomKeyStore', 'ImportKeyMaterial'
            )
            AND ($until IS NULL OR k.eventtime < $until)
            AND ($until IS NULL OR c.eventtime < $until)
    ) WHERE copy = 1
),
-- Several of a key's events may bear the time of one second. A cancellation then comes first where a deletion was
-- pending before, and last where none was; what KMS did by itself comes last of all.
ranked AS (
    SELECT
        *,
        CASE
            WHEN class = 'service' THEN 3
            WHEN operation <> 'CancelKeyDeletion' THEN 1
            WHEN max(CASE WHEN operation = 'ScheduleKeyDeletion' AND outcome = 'success' THEN eventtime END) OVER earlier
                > coalesce(
                    max(CASE WHEN operation = 'CancelKeyDeletion' AND outcome = 'success' THEN eventtime END) OVER earlier,
                    TIMESTAMP '1970-01-01T00:00:00Z'
                )
                THEN 0
            ELSE 2
        END AS turn
    FROM calls
    WINDOW earlier AS (
        PARTITION BY key_arn ORDER BY eventtime
        RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1 microsecond' PRECEDING
    )
),
-- What is in force at each event: a schedule until it is cancelled, a material until another one is imported.
acts AS (
    SELECT
        *,
        CASE operation
            WHEN 'DeleteKey' THEN last_value(
                CASE
                    WHEN outcome <> 'success' THEN NULL
                    WHEN operation = 'ScheduleKeyDeletion' THEN eventid
                    WHEN operation = 'CancelKeyDeletion' THEN ''
                END
            ) IGNORE NULLS OVER so_far
            WHEN 'DeleteExpiredKeyMaterial' THEN last_value(
                CASE WHEN operation = 'ImportKeyMaterial' AND outcome = 'success' THEN eventid END
            ) IGNORE NULLS OVER so_far
        END AS cause
    FROM ranked
    WINDOW so_far AS (
        PARTITION BY key_arn ORDER BY eventtime, turn, eventid ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
asked AS (
    SELECT * FROM acts
    WHERE operation <> 'ImportKeyMaterial'
        AND ($since IS NULL OR eventtime >= $since)
        AND (
            $key IS NULL OR key_arn = $key OR key_id = $key OR key_ref = $key
            OR key_arn IN (SELECT target_key_arn FROM kms_aliases WHERE alias_name = $key OR alias_arn = $key)
            OR key_arn IN (SELECT key_arn FROM kms_events WHERE key_ref = $key OR alias_arn = $key)
            OR key_store_id IN (SELECT custom_key_store_id FROM kms_keys WHERE key_arn = $key OR key_id = $key)
        )
),
-- The record of each issued access key that says most about its caller.
issued AS (
    SELECT * FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY issued_key
                ORDER BY access_key IS NULL, identity['arn'] IS NULL, original_event_id IS NULL, eventid
            ) AS copy
        FROM (
            SELECT
                regexp_match(responseelements, '"accessKeyId"\s*:\s*"([A-Za-z0-9]+)"')[1] AS issued_key,
                regexp_match(requestparameters, '"roleArn"\s*:\s*"([^"\\]+)"')[1] AS role_arn,
                eventid, original_event_id, principal_arn,
                nullif(accesskeyid, '') AS access_key,
                sourceipaddress AS source_ip,
                useridentity AS identity
            FROM cloudtrail
            WHERE eventsource = 'sts.amazonaws.com'
                AND (eventname LIKE 'Assume%' OR eventname LIKE 'Get%Token')
                AND (errorcode IS NULL OR errorcode = '')
                AND ($until IS NULL OR eventtime < $until)
        )
        WHERE issued_key IS NOT NULL
    ) WHERE copy = 1
),
starts AS (
    SELECT
        a.key_arn, a.eventtime, a.operation, a.outcome, a.actor_arn, a.session_arn, a.source_ip, a.mfa, a.eventid,
        a.class = 'service' AS by_itself, c.eventid AS attributed_eventid, c.actor_arn AS attributed_actor_arn,
        CASE WHEN a.class = 'service' THEN c.access_key ELSE a.access_key END AS access_key,
        CASE WHEN a.class = 'service' THEN c.actor_arn ELSE a.actor_arn END AS principal_arn,
        CASE WHEN a.class = 'service' THEN c.source_ip ELSE a.source_ip END AS caller_ip,
        CASE WHEN a.class = 'service' THEN c.identity ELSE a.identity END AS identity
    FROM asked AS a
    LEFT JOIN calls AS c ON c.eventid = a.cause AND c.key_arn = a.key_arn
),
-- From each event to the call that issued its access key, to the call that issued that one's, and so on.
hops AS (
    SELECT
        key_arn, eventtime, operation, outcome, actor_arn, session_arn, source_ip, mfa, eventid, by_itself,
        attributed_eventid, attributed_actor_arn,
        CAST(0 AS BIGINT) AS depth, access_key,
        CAST(concat(',', access_key, ',') AS VARCHAR) AS seen, false AS returns,
        CAST(principal_arn AS VARCHAR) AS principal_arn, identity['type'] AS type, identity['arn'] AS arn,
        identity['principalid'] AS principal_id, identity['accountid'] AS account_id, identity['username'] AS user_name,
        identity['invokedby'] AS invoked_by, identity['sessioncontext']['sessionissuer']['arn'] AS issuer_arn,
        identity['sessioncontext']['assumedroot'] AS assumed_root,
        identity['sessioncontext']['sourceidentity'] AS source_identity,
        identity['sessioncontext']['ec2roledelivery'] AS instance_delivery,
        caller_ip,
        CAST(NULL AS VARCHAR) AS entered_arn, CAST(NULL AS VARCHAR) AS entered_session, CAST(NULL AS VARCHAR) AS entered_ip
    FROM starts
    UNION ALL
    SELECT
        h.key_arn, h.eventtime, h.operation, h.outcome, h.actor_arn, h.session_arn, h.source_ip, h.mfa, h.eventid,
        h.by_itself, h.attributed_eventid, h.attributed_actor_arn,
        h.depth + 1, i.access_key,
        CAST(concat(h.seen, i.access_key, ',') AS VARCHAR),
        coalesce(strpos(h.seen, concat(',', i.access_key, ',')) > 0, false),
        CAST(i.principal_arn AS VARCHAR), i.identity['type'], i.identity['arn'],
        i.identity['principalid'], i.identity['accountid'], i.identity['username'],
        i.identity['invokedby'], i.identity['sessioncontext']['sessionissuer']['arn'],
        i.identity['sessioncontext']['assumedroot'],
        i.identity['sessioncontext']['sourceidentity'],
        i.identity['sessioncontext']['ec2roledelivery'],
        i.source_ip,
        CAST(coalesce(h.issuer_arn, i.role_arn, h.principal_arn) AS VARCHAR),
        CAST(split_part(h.principal_id, ':', 2) AS VARCHAR),
        CAST(h.caller_ip AS VARCHAR)
    FROM hops AS h
    JOIN issued AS i ON i.issued_key = h.access_key
    WHERE NOT h.returns AND h.depth < 32
),
origins AS (
    SELECT
        *,
        CASE
            WHEN returns OR depth >= 32 THEN 'cut'
            WHEN type = 'Root' AND lower(assumed_root) = 'true' THEN 'assumed_root'
            WHEN type = 'Root' THEN 'root'
            WHEN type = 'IAMUser' THEN 'user'
            WHEN type = 'FederatedUser' AND issuer_arn LIKE '%:root' THEN 'root'
            WHEN type = 'FederatedUser' AND issuer_arn <> '' THEN 'user'
            WHEN type = 'SAMLUser' AND strpos(entered_arn, '/AWSReservedSSO_') > 0 THEN 'identity_center'
            WHEN type = 'SAMLUser' THEN 'saml'
            WHEN type = 'WebIdentityUser' THEN 'web_identity'
            WHEN type = 'AWSService' THEN 'service'
            WHEN type IN ('AssumedRole', 'Role') AND instance_delivery <> '' THEN 'instance'
            WHEN type IN ('AssumedRole', 'Role') AND strpos(principal_arn, '/AWSReservedSSO_') > 0 THEN 'sso_session'
            WHEN type IN ('AssumedRole', 'Role') THEN 'role'
            WHEN type = 'AWSAccount' THEN 'account'
            ELSE 'unknown'
        END AS ending
    FROM (
        SELECT *, row_number() OVER (PARTITION BY eventid, key_arn ORDER BY depth DESC) AS place FROM hops
    ) WHERE place = 1
)
SELECT
    key_arn, eventtime, operation, outcome, actor_arn, session_arn,
    CASE
        WHEN ending IN ('identity_center', 'saml', 'web_identity', 'service') AND depth > 0 THEN entered_arn
        WHEN type = 'FederatedUser' AND issuer_arn <> '' THEN issuer_arn
        ELSE principal_arn
    END AS origin_arn,
    CASE
        WHEN ending = 'identity_center' THEN coalesce(nullif(entered_session, ''), user_name)
        WHEN ending IN ('saml', 'web_identity') THEN coalesce(nullif(user_name, ''), nullif(entered_session, ''))
        WHEN ending = 'service' THEN coalesce(nullif(entered_session, ''), invoked_by)
        WHEN ending = 'root' THEN 'root'
        WHEN ending = 'user' AND type = 'FederatedUser' THEN split_part(issuer_arn, '/', -1)
        WHEN ending = 'user' THEN coalesce(nullif(user_name, ''), split_part(arn, '/', -1))
        ELSE coalesce(
            nullif(source_identity, ''), nullif(split_part(principal_id, ':', 2), ''), nullif(user_name, ''), principal_id
        )
    END AS origin_name,
    CASE
        WHEN by_itself AND attributed_eventid IS NULL THEN NULL
        WHEN ending = 'instance' THEN 'service'
        WHEN ending = 'sso_session' THEN 'identity_center'
        WHEN ending = 'assumed_root' THEN 'root'
        WHEN ending = 'cut' THEN 'unknown'
        ELSE ending
    END AS origin_kind,
    CASE WHEN ending = 'service' AND depth > 0 THEN entered_ip ELSE caller_ip END AS origin_ip,
    source_ip, mfa, eventid, attributed_eventid, attributed_actor_arn,
    ending IN ('root', 'user', 'identity_center', 'saml', 'web_identity', 'service', 'instance') AS chain_complete,
    CASE
        WHEN by_itself AND attributed_eventid IS NULL AND operation = 'DeleteKey' THEN
            'no ScheduleKeyDeletion that was not cancelled is in the log'
        WHEN by_itself AND attributed_eventid IS NULL THEN 'no ImportKeyMaterial is in the log'
        WHEN returns THEN concat('the chain returns to access key ', access_key)
        WHEN ending = 'cut' THEN 'the chain is longer than 32 hops'
        WHEN ending = 'account' THEN
            concat('the log of account ', account_id, ' is absent: the caller is known by its id only')
        WHEN ending IN ('role', 'sso_session', 'assumed_root') AND access_key IS NULL THEN
            'the record has no access key, so nothing links it to the call that opened the session'
        WHEN ending IN ('role', 'sso_session', 'assumed_root') THEN
            concat('no record of the call that issued access key ', access_key)
        WHEN ending = 'unknown' THEN concat('the record does not say who called (', coalesce(type, 'no type'), ')')
    END AS chain_missing
FROM origins
ORDER BY eventtime, eventid, key_arn
