-- title: Dormant principals
-- question: Who may use which key, and did not in the window?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- column key_arn: the key
-- column principal_arn: who may use it
-- column principal_type: role, user, root, service, account or external
-- column decision: allowed where any use is allowed without condition, else conditional or undetermined
-- column actions: the permissions, as IAM names them
-- column service_only: whether only AWS services can use them, on the principal's behalf: no finding against people
-- column verdict: active, too_new, unobservable, dormant: the first that applies
-- column reason: why this verdict; of unobservable, what is missing
-- column uses: successful calls in the window; one that was logged twice counts once
-- column last_used_at: the last successful call before as_of, also before the window
-- column failed_uses: denied or failed calls in the window
WITH newest AS (
    SELECT service, account_id, region, snapshot_id, collected_at
    FROM (
        SELECT
            service, account_id, region, snapshot_id, collected_at,
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
new_grants AS (
    SELECT g.key_arn, 'grant ' || g.grant_id AS path
    FROM kms_grants AS g
    JOIN newest AS n
        ON n.service = 'kms' AND n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
    WHERE g.creation_date > $as_of - $window
    GROUP BY g.key_arn, g.grant_id
),
rights AS (
    SELECT
        r.principal_arn, r.principal_type, r.principal_id, r.key_arn, r.account_id, r.region,
        min(r.decision) AS decision,
        array_to_string(array_sort(array_agg(r.action)), ', ') AS actions,
        min(CASE WHEN r.condition_kind = 'service_only' THEN 1 ELSE 0 END) = 1 AS service_only,
        min(CASE WHEN g.path IS NOT NULL THEN 1 ELSE 0 END) = 1 AS only_new_grants,
        CASE
            WHEN r.principal_arn = '*' THEN 'anyone'
            WHEN r.principal_type = 'account' THEN 'account:' || r.principal_id
            WHEN r.principal_type IN ('role', 'user') AND r.principal_id IS NOT NULL THEN 'id:' || r.principal_id
            ELSE 'arn:' || r.principal_arn
        END AS actor
    FROM effective_access_at($as_of) AS r
    -- The only path is a grant of the window.
    LEFT JOIN new_grants AS g ON g.key_arn = r.key_arn AND g.path = r.paths[1] AND array_length(r.paths) = 1
    WHERE r.action IN (
            'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext',
            'kms:GenerateDataKeyPair', 'kms:GenerateDataKeyPairWithoutPlaintext', 'kms:ReEncryptFrom',
            'kms:ReEncryptTo', 'kms:GenerateMac', 'kms:VerifyMac', 'kms:Sign', 'kms:Verify',
            'kms:DeriveSharedSecret', 'kms:Encapsulate', 'kms:Decapsulate'
        )
    GROUP BY r.principal_arn, r.principal_type, r.principal_id, r.key_arn, r.account_id, r.region
),
-- One row per key, caller and call; before the window calls need no telling apart.
each_call AS (
    SELECT
        key_arn, account_id, principal_id, principal_arn, caller_account_id, outcome,
        CASE WHEN eventtime >= $as_of - $window THEN call_id END AS call,
        max(eventtime) AS at
    FROM kms_events
    WHERE class = 'use' AND outcome <> 'dry_run' AND key_arn IS NOT NULL AND eventtime < $as_of
    GROUP BY 1, 2, 3, 4, 5, 6, 7
),
-- Under every name that a right may know its caller by. A call that two accounts logged bears one name once.
each_name AS (
    SELECT key_arn, actor, outcome, call, max(at) AS at
    FROM (
        SELECT
            c.key_arn, c.outcome, c.call, c.at,
            CASE a.n
                WHEN 1 THEN 'id:' || c.principal_id
                WHEN 2 THEN 'arn:' || c.principal_arn
                WHEN 3 THEN 'account:' || c.caller_account_id
                WHEN 4 THEN CASE WHEN c.caller_account_id <> c.account_id THEN 'anyone' END
            END AS actor
        FROM each_call AS c
        CROSS JOIN (VALUES (1), (2), (3), (4)) AS a(n)
    ) AS named
    WHERE actor IS NOT NULL
    GROUP BY 1, 2, 3, 4
),
calls AS (
    SELECT
        key_arn, actor,
        count(CASE WHEN outcome = 'success' THEN call END) AS uses,
        count(CASE WHEN outcome <> 'success' THEN call END) AS failed_uses,
        max(CASE WHEN outcome = 'success' THEN at END) AS last_used_at
    FROM each_name
    GROUP BY key_arn, actor
),
-- Uses from outside whose record names an id and an account and no ARN.
unnamed AS (
    SELECT e.key_arn, e.caller_account_id AS caller_account_id
    FROM kms_events AS e
    WHERE e.class = 'use' AND e.outcome = 'success' AND e.principal_arn LIKE '%@%' AND e.key_arn IS NOT NULL
        AND e.eventtime >= $as_of - $window AND e.eventtime < $as_of
    GROUP BY 1, 2
),
keys AS (
    SELECT k.key_arn, k.creation_date
    FROM kms_keys AS k
    JOIN newest AS n
        ON n.service = 'kms' AND n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
),
principals AS (
    SELECT p.principal_arn, max(p.create_date) AS create_date
    FROM iam_principals AS p
    JOIN newest AS n ON n.service = 'iam' AND n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id
    GROUP BY p.principal_arn
),
-- The stretches of an account and Region follow each other without holes.
covered AS (
    SELECT
        c.account_id, c.region,
        min(c.since) <= min($as_of - $window) AND max(c.until) >= min($as_of)
            AND count(CASE WHEN c.state <> 'covered' THEN 1 END) = 0 AS whole,
        min(CASE WHEN c.state <> 'covered' THEN CAST(c.since AS VARCHAR) || ': ' || c.state || ', '
            || coalesce(c.cause, 'no cause given') END) AS missing
    FROM coverage AS c
    WHERE c.kind = 'use' AND c.since < $as_of AND c.until > $as_of - $window
    GROUP BY c.account_id, c.region
),
facts AS (
    SELECT
        r.key_arn, r.principal_arn, r.principal_type, r.decision, r.actions, r.service_only, r.only_new_grants,
        r.account_id, r.region,
        coalesce(c.uses, 0) AS uses,
        coalesce(c.failed_uses, 0) AS failed_uses,
        c.last_used_at,
        coalesce(p.create_date > $as_of - $window, false) AS principal_is_new,
        coalesce(k.creation_date > $as_of - $window, false) AS key_is_new,
        u.key_arn IS NOT NULL AS unnamed_call,
        coalesce(v.whole, false) AS covered,
        v.missing
    -- Rights last, and hence not held: there are more of them than of anything that they are joined with.
    FROM unnamed AS u
    RIGHT JOIN (calls AS c RIGHT JOIN rights AS r ON c.key_arn = r.key_arn AND c.actor = r.actor)
        ON u.key_arn = r.key_arn AND u.caller_account_id = split_part(r.principal_arn, ':', 5) AND r.actor LIKE 'arn:%'
    LEFT JOIN principals AS p ON p.principal_arn = r.principal_arn
    LEFT JOIN keys AS k ON k.key_arn = r.key_arn
    LEFT JOIN covered AS v ON v.account_id = r.account_id AND v.region = r.region
)
SELECT
    key_arn,
    principal_arn,
    principal_type,
    decision,
    actions,
    service_only,
    CASE
        WHEN uses > 0 THEN 'active'
        WHEN principal_is_new OR key_is_new OR only_new_grants THEN 'too_new'
        WHEN decision = 'undetermined' OR NOT covered OR unnamed_call THEN 'unobservable'
        ELSE 'dormant'
    END AS verdict,
    CASE
        WHEN uses > 0 THEN 'used'
        WHEN key_is_new THEN 'the key was created in the window'
        WHEN principal_is_new THEN 'the principal was created in the window'
        WHEN only_new_grants THEN 'the only path is a grant created in the window'
        WHEN decision = 'undetermined' THEN 'the snapshot leaves the right open'
        WHEN NOT covered AND missing IS NOT NULL THEN 'log: from ' || missing
        WHEN NOT covered THEN 'log: does not reach over the window for account ' || account_id || ' in ' || region
        WHEN unnamed_call THEN 'a use from that account is logged without the name of its caller'
        ELSE 'the log covers the window and holds no use by this principal'
    END AS reason,
    uses,
    last_used_at,
    failed_uses
FROM facts
ORDER BY key_arn, principal_arn
