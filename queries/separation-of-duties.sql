-- title: Separation of duties
-- question: Who may both administer and use a key, and who did both in the window?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- column key_arn: the key
-- column principal_arn: who holds both
-- column principal_type: role, user, root, service, account or external
-- column admin_actions: the core administrative permissions
-- column use_actions: the cryptographic permissions
-- column admin_calls: successful administrative calls in the window; one that was logged twice counts once
-- column use_calls: successful uses in the window, those through AWS services included
-- column verdict: exercised where the log shows both, granted where it does not: where it is not whole, they may have
WITH rights AS (
    SELECT 'admin' AS class, * FROM effective_rights_at($as_of, 'core')
    UNION ALL
    SELECT 'use', * FROM effective_rights_at($as_of, 'use')
),
held AS (
    SELECT
        key_arn, principal_arn, principal_type, principal_id,
        array_sort(array_distinct(flatten(array_agg(actions) FILTER (WHERE class = 'admin')))) AS admin_actions,
        array_sort(array_distinct(flatten(array_agg(actions) FILTER (WHERE class = 'use')))) AS use_actions
    FROM rights
    -- What the snapshot leaves open is no finding, nor is what only an AWS service can use.
    WHERE decision <> 'undetermined' AND coalesce(condition_kind, '') <> 'service_only'
        AND principal_type <> 'service'
    GROUP BY key_arn, principal_arn, principal_type, principal_id
    HAVING bool_or(class = 'admin') AND bool_or(class = 'use')
),
calls AS (
    SELECT
        key_arn, principal_arn, principal_id,
        count(DISTINCT CASE WHEN class = 'admin' THEN coalesce(sharedeventid, eventid) END) AS admin_calls,
        count(DISTINCT CASE WHEN class = 'use' THEN coalesce(sharedeventid, eventid) END) AS use_calls
    FROM kms_events
    WHERE class IN ('admin', 'use') AND outcome = 'success' AND key_arn IS NOT NULL AND principal_arn IS NOT NULL
        AND eventtime >= $as_of - $window AND eventtime < $as_of
    GROUP BY key_arn, principal_arn, principal_id
),
-- Under the caller's unique id, where the right has one: a role that was made anew under its name has done nothing.
-- Under the name alone otherwise.
counted AS (
    SELECT key_arn, principal_arn, principal_id, admin_calls, use_calls
    FROM calls
    WHERE principal_id IS NOT NULL
    UNION ALL
    SELECT key_arn, principal_arn, NULL, sum(admin_calls), sum(use_calls)
    FROM calls
    GROUP BY key_arn, principal_arn
),
duties AS (
    SELECT
        h.key_arn, h.principal_arn, h.principal_type, h.admin_actions, h.use_actions,
        coalesce(c.admin_calls, 0) AS admin_calls,
        coalesce(c.use_calls, 0) AS use_calls
    FROM held AS h
    LEFT JOIN counted AS c
        ON c.key_arn = h.key_arn AND c.principal_arn = h.principal_arn
        AND coalesce(c.principal_id, '') = coalesce(h.principal_id, '')
)
SELECT
    key_arn,
    principal_arn,
    principal_type,
    admin_actions,
    use_actions,
    admin_calls,
    use_calls,
    CASE WHEN admin_calls > 0 AND use_calls > 0 THEN 'exercised' ELSE 'granted' END AS verdict
FROM duties
ORDER BY key_arn, principal_arn
