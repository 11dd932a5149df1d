-- title: Unguarded keys
-- question: Which keys are in use and can be disabled or deleted at once, because nothing denies it, and who could remove a guard?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of a use makes a key one in use
-- param as_of instant = latest: the end of the window; policies are those of the newest snapshot at or before it
-- column key_arn: the key
-- column verdict: guarded, partly_guarded (some are exempt, or one of the two operations is open), unguarded, or undetermined where its policy could not be read
-- column open_operations: which of DisableKey and ScheduleKeyDeletion no guard without exemptions denies
-- column guards: statements that deny one of them by kms:TrailingDaysWithoutKeyUsage, by the waiting period, or always; with the days they protect for, and where they stand
-- column last_used_at: the last use in the window, from the log or GetKeyLastUsage
-- column uses: uses in the window, from the log
-- column deleters: principals who may schedule its deletion all the same
-- column guard_removers: principals who may replace the key policy, and with it a guard there; one in an organization policy is removed in the management account
-- column guard_remover_arns: who they are
-- column undetermined_removers: principals of whom the snapshot leaves it open
-- column caution: what the snapshot does not hold
WITH newest AS (
    SELECT account_id, region, snapshot_id, collected_at
    FROM (
        SELECT
            account_id, region, snapshot_id, collected_at,
            row_number() OVER (PARTITION BY account_id, region ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
keys AS (
    SELECT k.key_arn, k.account_id
    FROM kms_keys AS k
    JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
    WHERE k.key_manager = 'CUSTOMER' AND k.key_state NOT IN ('PendingDeletion', 'PendingReplicaDeletion')
),
uses AS (
    SELECT key_arn, count(*) AS uses, max(at) AS last_used_at
    FROM (
        SELECT key_arn, call_id, max(eventtime) AS at
        FROM kms_events
        WHERE class = 'use' AND outcome = 'success' AND key_arn IS NOT NULL
            AND eventtime >= $as_of - $window AND eventtime < $as_of
        GROUP BY key_arn, call_id
    ) AS calls
    GROUP BY key_arn
),
answers AS (
    SELECT key_arn, max(last_used_at) AS last_used_at
    FROM kms_last_usage
    WHERE last_used_at >= $as_of - $window AND last_used_at < $as_of
    GROUP BY key_arn
),
used AS (
    SELECT
        k.key_arn, k.account_id,
        coalesce(u.uses, 0) AS uses,
        greatest(u.last_used_at, a.last_used_at) AS last_used_at,
        floor((date_part('epoch', $as_of) - date_part('epoch', greatest(u.last_used_at, a.last_used_at))) / 86400.0)
            AS idle_days
    FROM keys AS k
    LEFT JOIN uses AS u ON u.key_arn = k.key_arn
    LEFT JOIN answers AS a ON a.key_arn = k.key_arn
    WHERE u.key_arn IS NOT NULL OR a.key_arn IS NOT NULL
),
guards AS (
    SELECT
        g.key_arn,
        max(CASE WHEN g.action = 'kms:DisableKey' AND g.for_everyone THEN 1 ELSE 0 END) AS no_disabling,
        max(CASE WHEN g.action = 'kms:ScheduleKeyDeletion' AND g.for_everyone THEN 1 ELSE 0 END) AS no_deletion,
        array_to_string(array_sort(array_agg(
            g.action || ' by ' || g.kind || coalesce(' up to ' || CAST(g.days AS VARCHAR) || ' days', '')
                || CASE WHEN g.for_everyone THEN '' ELSE ' for some' END || ' (' || g.place || ')'
        )), '; ') AS named
    FROM deletion_guards_at($as_of) AS g
    JOIN used AS u ON u.key_arn = g.key_arn
    -- A guard for fewer days than the key has been idle is none any more.
    WHERE g.kind <> 'trailing_days' OR g.days IS NULL OR g.days >= u.idle_days
    GROUP BY g.key_arn
),
holders AS (
    SELECT
        key_arn,
        count(CASE WHEN action = 'kms:ScheduleKeyDeletion' AND decision <> 'undetermined' THEN 1 END) AS deleters,
        count(CASE WHEN action = 'kms:PutKeyPolicy' AND decision <> 'undetermined' THEN 1 END) AS removers,
        count(CASE WHEN action = 'kms:PutKeyPolicy' AND decision = 'undetermined' THEN 1 END) AS undetermined_removers,
        array_to_string(array_sort(array_agg(principal_arn)
            FILTER (WHERE action = 'kms:PutKeyPolicy' AND decision <> 'undetermined')), ', ') AS remover_arns
    FROM effective_access_at($as_of)
    WHERE action IN ('kms:ScheduleKeyDeletion', 'kms:PutKeyPolicy')
        AND coalesce(condition_kind, '') <> 'service_only'
    GROUP BY key_arn
),
policies AS (
    SELECT p.key_arn
    FROM kms_key_policies AS p
    JOIN newest AS n ON n.snapshot_id = p.snapshot_id AND n.account_id = p.account_id AND n.region = p.region
    WHERE p.policy IS NOT NULL
    GROUP BY p.key_arn
),
organizations AS (
    SELECT DISTINCT account_id FROM org_accounts WHERE collected_at <= $as_of
)
SELECT
    k.key_arn,
    CASE
        WHEN g.no_disabling = 1 AND g.no_deletion = 1 THEN 'guarded'
        WHEN g.key_arn IS NOT NULL THEN 'partly_guarded'
        WHEN p.key_arn IS NULL THEN 'undetermined'
        ELSE 'unguarded'
    END AS verdict,
    nullif(concat_ws(
        ', ',
        CASE WHEN coalesce(g.no_disabling, 0) = 0 THEN 'DisableKey' END,
        CASE WHEN coalesce(g.no_deletion, 0) = 0 THEN 'ScheduleKeyDeletion' END
    ), '') AS open_operations,
    g.named AS guards,
    k.last_used_at,
    k.uses,
    coalesce(h.deleters, 0) AS deleters,
    coalesce(h.removers, 0) AS guard_removers,
    nullif(h.remover_arns, '') AS guard_remover_arns,
    coalesce(h.undetermined_removers, 0) AS undetermined_removers,
    CASE
        WHEN p.key_arn IS NULL THEN 'no snapshot holds the key policy: it may guard the key'
        WHEN o.account_id IS NULL THEN 'no snapshot holds the organization''s policies for this account: one of them may guard the key'
        ELSE 'none'
    END AS caution
FROM used AS k
LEFT JOIN guards AS g ON g.key_arn = k.key_arn
LEFT JOIN holders AS h ON h.key_arn = k.key_arn
LEFT JOIN policies AS p ON p.key_arn = k.key_arn
LEFT JOIN organizations AS o ON o.account_id = k.account_id
ORDER BY verdict DESC, k.key_arn
