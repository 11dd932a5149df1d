-- title: Where an access key came from
-- question: Which call issued this access key, which call issued the one that signed it, and so on back to the first?
-- param access_key text: the access key id (ASIA...)
-- column hop: 0 for the call that issued the access key, 1 for the one that issued its caller's, and so on
-- column issued_key: the access key that was issued
-- column eventtime: when
-- column operation: by which call
-- column role_arn: the role that was assumed
-- column session_arn: the session that was opened
-- column caller_type: the kind of identity that called, as CloudTrail names it
-- column caller_arn: who called, with their session
-- column principal_arn: the role or user behind the caller
-- column caller_name: the user or federated subject
-- column caller_key: the caller's own access key
-- column caller_account_id: the caller's account
-- column source_identity: the source identity that was set or handed on
-- column source_ip: from where
-- column user_agent: with what
-- column mfa: whether the caller's session was opened with multi-factor authentication, where the record says so
-- column returns: whether the caller's key stood in the chain before, so that the chain ends here
-- column eventid: the event
WITH RECURSIVE issued AS (
    SELECT * FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY issued_key
                ORDER BY caller_key IS NULL, caller_arn IS NULL, original_event_id IS NULL, eventid
            ) AS copy
        FROM (
            SELECT
                regexp_match(responseelements, '"accessKeyId"\s*:\s*"([A-Za-z0-9]+)"')[1] AS issued_key,
                regexp_match(requestparameters, '"roleArn"\s*:\s*"([^"\\]+)"')[1] AS role_arn,
                regexp_match(responseelements, '"arn"\s*:\s*"([^"\\]+)"')[1] AS session_arn,
                regexp_match(requestparameters, '"sourceIdentity"\s*:\s*"([^"\\]+)"')[1] AS asked_source_identity,
                eventtime, eventname, coalesce(original_event_id, eventid) AS eventid, original_event_id, principal_arn,
                nullif(accesskeyid, '') AS caller_key, sourceipaddress, useragent,
                useridentity['type'] AS caller_type, useridentity['arn'] AS caller_arn,
                useridentity['username'] AS caller_name, useridentity['accountid'] AS caller_account_id,
                useridentity['sessioncontext']['sourceidentity'] AS held_source_identity,
                lower(useridentity['sessioncontext']['attributes']['mfaauthenticated']) AS mfa
            FROM cloudtrail
            WHERE eventsource = 'sts.amazonaws.com'
                AND (eventname LIKE 'Assume%' OR eventname LIKE 'Get%Token')
                AND (errorcode IS NULL OR errorcode = '')
        )
        WHERE issued_key IS NOT NULL
    ) WHERE copy = 1
),
chain AS (
    SELECT
        CAST(0 AS BIGINT) AS hop, issued_key, eventtime, eventname, role_arn, session_arn, caller_type,
        caller_arn, caller_name, caller_account_id, mfa, principal_arn,
        caller_key, coalesce(held_source_identity, asked_source_identity) AS source_identity, sourceipaddress, useragent,
        eventid, CAST(concat(',', issued_key, ',', caller_key, ',') AS VARCHAR) AS seen,
        coalesce(issued_key = caller_key, false) AS returns
    -- A list, because an equality on what a window is partitioned by cannot be planned over no rows.
    FROM issued WHERE issued_key IN ($access_key, '')
    UNION ALL
    SELECT
        c.hop + 1, i.issued_key, i.eventtime, i.eventname, i.role_arn, i.session_arn, i.caller_type,
        i.caller_arn, i.caller_name, i.caller_account_id, i.mfa, i.principal_arn,
        i.caller_key, coalesce(i.held_source_identity, i.asked_source_identity), i.sourceipaddress, i.useragent, i.eventid,
        CAST(concat(c.seen, i.caller_key, ',') AS VARCHAR),
        coalesce(strpos(c.seen, concat(',', i.caller_key, ',')) > 0, false)
    FROM chain AS c
    JOIN issued AS i ON i.issued_key = c.caller_key
    WHERE NOT c.returns AND c.hop < 31
)
SELECT
    hop, issued_key, eventtime, eventname AS operation, role_arn, session_arn, caller_type, caller_arn, principal_arn,
    caller_name, caller_key, caller_account_id, source_identity, sourceipaddress AS source_ip, useragent AS user_agent,
    CASE mfa WHEN 'true' THEN true WHEN 'false' THEN false END AS mfa, returns, eventid
FROM chain
ORDER BY hop
