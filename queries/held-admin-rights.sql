-- title: Held administrative rights
-- question: Who may administer which key, by which statement or grant, and which of it was ever used in the window?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- column key_arn: the key
-- column principal_arn: who holds the rights
-- column principal_type: role, user, root, service, account or external
-- column actions: the permissions, as IAM names them: those of the principal and key that nothing tells apart
-- column decision: allowed, conditional or undetermined
-- column paths: the statements and grants they come from
-- column limits: the Denies, the boundary and the control policies that narrow them, by statement
-- column condition: what a conditional right depends on
-- column condition_kind: what kind of condition; service_only rights are no finding against people
-- column verdict: exercised, too_new, unobservable, unexercised: the first that applies
-- column reason: why this verdict; of unobservable, what is missing
-- column first_seen_at: the first snapshot of the window that shows the rights
-- column last_seen_at: the last one
-- column last_exercised_at: when the permission was used last in the window; one that was called stands alone
-- column exercised: successful calls in the window; one that was logged twice counts once
-- column denied_attempts: denied calls in the window
WITH bounds AS (
    SELECT $as_of - $window AS window_since, $as_of AS window_until
),
newest AS (
    SELECT service, account_id, region, snapshot_id
    FROM (
        SELECT
            service, account_id, region, snapshot_id,
            row_number() OVER (
                PARTITION BY service, account_id, CASE WHEN service = 'kms' THEN region END
                ORDER BY collected_at DESC, snapshot_id DESC
            ) AS place
        FROM snapshot_scope
        WHERE service IN ('kms', 'iam') AND operation IS NULL AND state IN ('complete', 'partial')
            AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
rights AS (
    SELECT
        principal_arn, principal_type, principal_id, key_arn, account_id, region, actions, decision, paths, reason,
        condition, condition_kind, first_seen_at, last_seen_at, limits,
        -- A unique id tells a role from its namesake; an account stands for everyone in it.
        CASE
            WHEN principal_arn = '*' THEN 'anyone'
            WHEN principal_type = 'account' THEN 'account:' || principal_id
            WHEN principal_type IN ('role', 'user') AND principal_id IS NOT NULL THEN 'id:' || principal_id
            ELSE 'arn:' || principal_arn
        END AS actor
    FROM effective_rights_at($as_of, $actions, $as_of - $window)
),
-- Administrative calls in the window, under every name that a right may know their caller by; one row per call, so that
-- one that two accounts logged counts once.
each_call AS (
    SELECT key_arn, action, actor, outcome, call_id, max(eventtime) AS at
    FROM (
        SELECT
            e.key_arn, 'kms:' || e.operation AS action, e.outcome, e.call_id, e.eventtime,
            CASE a.n
                WHEN 1 THEN 'id:' || e.principal_id
                WHEN 2 THEN 'arn:' || e.principal_arn
                WHEN 3 THEN 'account:' || e.caller_account_id
                WHEN 4 THEN CASE WHEN e.caller_account_id <> e.account_id THEN 'anyone' END
            END AS actor
        FROM kms_events AS e
        CROSS JOIN (VALUES (1), (2), (3), (4)) AS a(n)
        WHERE e.outcome IN ('success', 'denied') AND e.key_arn IS NOT NULL
            AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
            AND e.operation IN (
                'PutKeyPolicy', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'EnableKey', 'DisableKey', 'CreateGrant',
                'RevokeGrant', 'EnableKeyRotation', 'DisableKeyRotation', 'CreateAlias', 'DeleteAlias', 'UpdateAlias',
                'DeleteImportedKeyMaterial', 'ImportKeyMaterial', 'ReplicateKey', 'RetireGrant', 'RotateKeyOnDemand',
                'TagResource', 'UntagResource', 'UpdateKeyDescription', 'UpdatePrimaryRegion'
            )
    ) AS named
    WHERE actor IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
),
calls AS (
    SELECT
        key_arn, action, actor,
        count(CASE WHEN outcome = 'success' THEN 1 END) AS exercised,
        count(CASE WHEN outcome = 'denied' THEN 1 END) AS denied_attempts,
        max(CASE WHEN outcome = 'success' THEN at END) AS last_exercised_at
    FROM each_call
    GROUP BY key_arn, action, actor
),
-- Calls from outside whose record names an id and an account and no ARN.
unnamed AS (
    SELECT e.key_arn, 'kms:' || e.operation AS action, e.caller_account_id AS caller_account_id
    FROM kms_events AS e
    WHERE e.principal_arn LIKE '%@%' AND e.outcome = 'success' AND e.key_arn IS NOT NULL
        AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
        AND e.operation IN ('CreateGrant', 'RevokeGrant', 'RetireGrant')
    GROUP BY 1, 2, 3
),
-- What tells actions apart that are alike otherwise: the calls of them.
called AS (
    SELECT key_arn, actor, array_agg(action) AS actions
    FROM calls
    GROUP BY key_arn, actor
),
called_unnamed AS (
    SELECT key_arn, caller_account_id, array_agg(action) AS actions
    FROM unnamed
    GROUP BY key_arn, caller_account_id
),
principals AS (
    SELECT p.principal_arn, max(p.create_date) AS create_date
    FROM iam_principals AS p
    JOIN newest AS n ON n.service = 'iam' AND n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id
    GROUP BY p.principal_arn
),
grants AS (
    SELECT g.key_arn, 'grant ' || g.grant_id AS path, max(g.creation_date) AS creation_date
    FROM kms_grants AS g
    JOIN newest AS n
        ON n.service = 'kms' AND n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
    GROUP BY g.key_arn, g.grant_id
),
stretches AS (
    SELECT
        c.account_id, c.region, c.state, c.basis, c.cause, c.since AS whole_since, c.until AS whole_until,
        greatest(c.since, b.window_since) AS since,
        least(c.until, b.window_until) AS until
    FROM coverage AS c
    CROSS JOIN bounds AS b
    WHERE c.kind = 'admin' AND c.since < b.window_until AND c.until > b.window_since
),
-- The stretches of an account and Region follow each other without holes.
covered AS (
    SELECT
        s.account_id, s.region,
        min(s.whole_since) <= min(b.window_since) AND max(s.whole_until) >= min(b.window_until)
            AND count(CASE WHEN s.state <> 'covered' THEN 1 END) = 0 AS whole,
        CASE max(CASE s.basis WHEN 'digest' THEN 1 WHEN 'listing' THEN 2 WHEN 'assumed' THEN 3 ELSE 0 END)
            WHEN 1 THEN 'digest' WHEN 2 THEN 'listing' WHEN 3 THEN 'assumed'
        END AS basis,
        min(s.whole_since) AS since,
        max(s.whole_until) AS until,
        min(CASE WHEN s.state <> 'covered' THEN s.since END) AS first_missing
    FROM stretches AS s
    CROSS JOIN bounds AS b
    GROUP BY s.account_id, s.region
),
missing AS (
    SELECT
        s.account_id, s.region,
        max(s.state || ' ' || CAST(s.since AS VARCHAR) || ' to ' || CAST(s.until AS VARCHAR) || ': '
            || coalesce(s.cause, 'no cause given')) AS named
    FROM stretches AS s
    JOIN covered AS c ON c.account_id = s.account_id AND c.region = s.region AND c.first_missing = s.since
    GROUP BY s.account_id, s.region
),
-- What is known of a key, and of what the log can say about it.
keys AS (
    SELECT
        k.key_arn, k.creation_date, v.whole, v.basis, v.since AS covered_since, v.until AS covered_until, m.named AS missing
    FROM kms_keys AS k
    JOIN newest AS n
        ON n.service = 'kms' AND n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
    LEFT JOIN covered AS v ON v.account_id = k.account_id AND v.region = k.region
    LEFT JOIN missing AS m ON m.account_id = k.account_id AND m.region = k.region
),
-- Each action with calls by itself, and the others, which have none, together under an empty name.
parts AS (
    SELECT *, unnest(CASE WHEN apart IS NULL THEN make_array('') ELSE array_append(apart, '') END) AS part
    FROM (
        SELECT r.*, array_intersect(r.actions, array_concat(c.actions, u.actions)) AS apart
        FROM rights AS r
        LEFT JOIN called AS c ON c.key_arn = r.key_arn AND c.actor = r.actor
        LEFT JOIN called_unnamed AS u
            ON u.key_arn = r.key_arn AND u.caller_account_id = split_part(r.principal_arn, ':', 5)
            AND r.actor LIKE 'arn:%'
    ) AS told
),
facts AS (
    SELECT
        r.principal_arn, r.principal_type, r.key_arn, r.account_id, r.region, r.decision, r.paths, r.limits,
        r.reason, r.condition, r.condition_kind, r.first_seen_at, r.last_seen_at,
        CASE
            WHEN r.part <> '' THEN make_array(r.part)
            WHEN r.apart IS NULL THEN r.actions
            ELSE array_except(r.actions, r.apart)
        END AS actions,
        coalesce(c.exercised, 0) AS exercised,
        coalesce(c.denied_attempts, 0) AS denied_attempts,
        c.last_exercised_at,
        u.key_arn IS NOT NULL AS unnamed_call,
        p.create_date > $as_of - $window AS principal_is_new,
        k.creation_date > $as_of - $window AS key_is_new,
        coalesce(g.creation_date > $as_of - $window, false) AS grant_is_new,
        coalesce(k.whole, false) AS covered,
        k.basis, k.covered_since, k.covered_until, k.missing
    FROM parts AS r
    LEFT JOIN calls AS c ON c.key_arn = r.key_arn AND c.action = r.part AND c.actor = r.actor
    LEFT JOIN unnamed AS u
        ON u.key_arn = r.key_arn AND u.action = r.part
        AND u.caller_account_id = split_part(r.principal_arn, ':', 5) AND r.actor LIKE 'arn:%'
    LEFT JOIN principals AS p ON p.principal_arn = r.principal_arn
    LEFT JOIN keys AS k ON k.key_arn = r.key_arn
    -- The only path is a grant.
    LEFT JOIN grants AS g ON g.key_arn = r.key_arn AND g.path = r.paths[1] AND array_length(r.paths) = 1
),
judged AS (
    SELECT
        *,
        CASE
            WHEN exercised > 0 THEN 'exercised'
            WHEN coalesce(principal_is_new, false) OR coalesce(key_is_new, false) OR grant_is_new THEN 'too_new'
            WHEN decision = 'undetermined' OR NOT covered OR unnamed_call THEN 'unobservable'
            ELSE 'unexercised'
        END AS verdict
    FROM facts
    WHERE cardinality(actions) > 0
)
SELECT
    key_arn,
    principal_arn,
    principal_type,
    actions,
    decision,
    paths,
    limits,
    condition,
    condition_kind,
    verdict,
    CASE verdict
        WHEN 'exercised' THEN 'exercised'
        WHEN 'too_new' THEN CASE
            WHEN key_is_new THEN 'the key was created in the window'
            WHEN principal_is_new THEN 'the principal was created in the window'
            ELSE 'the only path is a grant created in the window'
        END
        WHEN 'unobservable' THEN CASE
            WHEN decision = 'undetermined' THEN 'undetermined: ' || reason
            WHEN covered AND unnamed_call THEN 'a call from that account is logged without the name of its caller'
            WHEN covered_since IS NULL THEN 'log: no record of account ' || account_id || ' in ' || region || ' reaches the window'
            WHEN covered_since > $as_of - $window
                THEN 'log: begins at ' || CAST(covered_since AS VARCHAR) || ', after the window'
            WHEN missing IS NOT NULL THEN 'log: ' || missing
            ELSE 'log: vouched for only until ' || CAST(covered_until AS VARCHAR)
        END
        ELSE concat_ws(
            '; ',
            'the log covers the window and holds no such call, basis ' || basis,
            CASE WHEN condition_kind = 'service_only' THEN 'only AWS services can use it' END,
            CASE WHEN denied_attempts > 0 THEN 'tried and denied' END
        )
    END AS reason,
    first_seen_at,
    last_seen_at,
    last_exercised_at,
    exercised,
    denied_attempts
FROM judged
ORDER BY key_arn, principal_arn, actions[1], verdict, decision, reason, condition, array_to_string(limits, chr(10))
