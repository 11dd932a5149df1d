-- title: Unused keys
-- question: Which keys did nobody use in the window, which can be said to be unused, and on what proof?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; permission state is the newest at or before it
-- param key_month_cents integer = 100: price of a customer managed key per month
-- param rotation_month_cents integer = 100: price of each of the first two rotations per month
-- column key_arn: the key
-- column account_id: the account that owns it
-- column region: its Region
-- column key_id: its id
-- column aliases: its aliases in the snapshot
-- column tags: its tags, owners among them
-- column key_manager: CUSTOMER or AWS
-- column key_state: its state in the snapshot, with what the log says happened since
-- column creation_date: when it was created
-- column verdict: not_applicable, in_use, attempted, held_by_grant, too_new, unused, inconclusive: the first that applies
-- column proof: of unused: log, last_usage, or both
-- column reason: why this verdict; of inconclusive, what is missing
-- column caution: what to think of before acting on it; none where nothing is known
-- column last_used_at: last successful use before as_of, from the log or from GetKeyLastUsage
-- column last_used_by: who, where the log tells
-- column last_operation: with which operation
-- column uses: successful uses in the window; one that was logged twice counts once
-- column service_uses: successful uses in the window by AWS services for themselves, not among the others
-- column failed_uses: denied or failed calls in the window; dry runs are none
-- column live_grants: grants, whoever holds them
-- column covered_days: days of the window that the log can vouch for, within the key's life
-- column window_days: days of the window
-- column monthly_cost_usd: what keeping it costs
-- column proof_basis: of proof by the log: digest, listing or assumed, the weakest that it leans on
-- column snapshot_at: when its state was collected
WITH bounds AS (
    SELECT $as_of - $window AS window_since, $as_of AS window_until
),
-- The newest snapshot of each account and Region.
newest AS (
    SELECT account_id, region, snapshot_id
    FROM (
        SELECT
            account_id, region, snapshot_id,
            row_number() OVER (PARTITION BY account_id, region ORDER BY collected_at DESC, snapshot_id DESC) AS place
        FROM snapshot_scope
        WHERE service = 'kms' AND operation IS NULL AND state IN ('complete', 'partial') AND collected_at <= $as_of
    ) AS ranked
    WHERE place = 1
),
keys AS (
    SELECT
        k.key_arn, k.account_id, k.region, k.key_id, k.key_manager, k.key_state AS snapshot_state, k.creation_date,
        k.deletion_date, k.collected_at, k.grants_read,
        (length(coalesce(k.rotations, '')) - length(replace(coalesce(k.rotations, ''), 'RotationDate', ''))) / 12
            AS rotations
    FROM kms_keys AS k
    JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
),
-- Every cryptographic call before as_of that names a key.
calls AS (
    SELECT
        key_arn, key_id, operation, eventtime, outcome, error_code, principal_arn,
        coalesce(sharedeventid, eventid) AS call,
        coalesce(principal_arn = via_service, false) AS by_service,
        eventtime >= $as_of - $window AS in_window
    FROM kms_events
    WHERE class = 'use' AND outcome <> 'dry_run' AND key_arn IS NOT NULL AND eventtime < $as_of
),
counted AS (
    SELECT
        key_arn,
        count(DISTINCT CASE WHEN in_window AND outcome = 'success' AND NOT by_service THEN call END) AS uses,
        count(DISTINCT CASE WHEN in_window AND outcome = 'success' AND by_service THEN call END) AS service_uses,
        count(DISTINCT CASE WHEN in_window AND outcome <> 'success' THEN call END) AS failed_uses,
        count(DISTINCT CASE
            WHEN in_window AND error_code IN ('DisabledException', 'KMSInvalidStateException') THEN call
        END) AS refused_by_state,
        max(CASE WHEN in_window AND outcome <> 'success' THEN eventtime END) AS last_failed_at
    FROM calls
    GROUP BY key_arn
),
-- Of two records of one call, the one that names the caller.
last_calls AS (
    SELECT key_arn, eventtime, principal_arn, operation
    FROM (
        SELECT
            key_arn, eventtime, principal_arn, operation,
            row_number() OVER (
                PARTITION BY key_arn
                ORDER BY eventtime DESC, principal_arn LIKE 'arn:%' DESC, principal_arn, operation
            ) AS place
        FROM (
            SELECT c.key_arn, c.eventtime, c.principal_arn, c.operation
            FROM calls AS c
            JOIN (
                SELECT key_arn, max(eventtime) AS eventtime FROM calls WHERE outcome = 'success' GROUP BY key_arn
            ) AS l ON l.key_arn = c.key_arn AND l.eventtime = c.eventtime
            WHERE c.outcome = 'success'
        ) AS latest
    ) AS ranked
    WHERE place = 1
),
-- What GetKeyLastUsage said, in whichever snapshot.
answers AS (
    SELECT
        u.key_arn,
        max(CASE WHEN u.last_used_at >= b.window_since AND u.last_used_at < b.window_until THEN u.last_used_at END)
            AS used_in_window_at,
        max(CASE WHEN u.last_used_at < b.window_until THEN u.last_used_at END) AS last_used_at,
        max(CASE WHEN u.collected_at >= b.window_until THEN 1 ELSE 0 END) AS asked_late_enough,
        max(CASE WHEN u.tracking_start_date <= b.window_since THEN 1 ELSE 0 END) AS tracked_long_enough,
        max(CASE WHEN u.last_used_at >= b.window_until THEN 1 ELSE 0 END) AS used_since,
        max(CASE
            WHEN u.collected_at >= b.window_until
                AND u.tracking_start_date <= b.window_since
                AND (u.last_used_at IS NULL OR u.last_used_at < b.window_since)
            THEN 1 ELSE 0
        END) AS proves_no_use,
        -- An answer may be up to an hour late.
        max(CASE WHEN u.collected_at >= b.window_until + INTERVAL '1 hour' THEN 1 ELSE 0 END) AS asked_an_hour_later,
        max(u.collected_at) AS last_answer_at,
        max(u.last_used_at) AS last_ever
    FROM kms_last_usage AS u
    CROSS JOIN bounds AS b
    GROUP BY u.key_arn
),
answer_operations AS (
    SELECT a.key_arn, max(u.last_usage_operation) AS operation
    FROM answers AS a
    JOIN kms_last_usage AS u ON u.key_arn = a.key_arn AND u.last_used_at = a.last_used_at
    GROUP BY a.key_arn
),
-- Stretches of use coverage that the window touches.
stretches AS (
    SELECT
        c.account_id, c.region, c.state, c.basis, c.cause, c.since AS whole_since, c.until AS whole_until,
        greatest(c.since, b.window_since) AS since,
        least(c.until, b.window_until) AS until
    FROM coverage AS c
    CROSS JOIN bounds AS b
    WHERE c.kind = 'use' AND c.since < b.window_until AND c.until > b.window_since
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
        max(s.whole_until) AS until
    FROM stretches AS s
    CROSS JOIN bounds AS b
    GROUP BY s.account_id, s.region
),
missing AS (
    SELECT
        account_id, region,
        string_agg(
            CASE WHEN place <= 3 THEN state || ' ' || CAST(since AS VARCHAR) || ' to ' || CAST(until AS VARCHAR)
                || ': ' || coalesce(cause, 'no cause given') END,
            '; ' ORDER BY since
        ) AS named,
        count(*) AS stretches
    FROM (
        SELECT *, row_number() OVER (PARTITION BY account_id, region ORDER BY since) AS place
        FROM stretches
        WHERE state <> 'covered'
    ) AS ranked
    GROUP BY account_id, region
),
covered_days AS (
    SELECT
        k.key_arn,
        sum(greatest(
            0.0,
            date_part('epoch', s.until) - date_part('epoch', greatest(s.since, coalesce(k.creation_date, s.since)))
        )) / 86400.0 AS days
    FROM keys AS k
    JOIN stretches AS s ON s.account_id = k.account_id AND s.region = k.region AND s.state = 'covered'
    GROUP BY k.key_arn
),
-- What the log says happened to keys between their snapshot and as_of.
changes AS (
    SELECT e.key_arn, e.operation, e.eventtime, e.eventid, e.source_object, e.source_index
    FROM kms_events AS e
    JOIN keys AS k ON k.key_arn = e.key_arn
    WHERE e.class IN ('admin', 'service') AND e.outcome = 'success'
        AND e.eventtime > k.collected_at AND e.eventtime < $as_of
),
changed AS (
    SELECT key_arn, string_agg(said, ', ' ORDER BY said) AS operations
    FROM (
        SELECT key_arn, operation || ' at ' || CAST(max(eventtime) AS VARCHAR) AS said
        FROM changes
        WHERE operation NOT IN ('RotateKey', 'SynchronizeMultiRegionKey')
        GROUP BY key_arn, operation
    ) AS each_operation
    GROUP BY key_arn
),
states AS (
    SELECT key_arn, state
    FROM (
        SELECT
            key_arn,
            CASE operation
                WHEN 'EnableKey' THEN 'Enabled'
                WHEN 'ImportKeyMaterial' THEN 'Enabled'
                WHEN 'DisableKey' THEN 'Disabled'
                WHEN 'CancelKeyDeletion' THEN 'Disabled'
                WHEN 'ScheduleKeyDeletion' THEN 'PendingDeletion'
                WHEN 'DeleteImportedKeyMaterial' THEN 'PendingImport'
                WHEN 'DeleteExpiredKeyMaterial' THEN 'PendingImport'
                ELSE 'Deleted'
            END AS state,
            row_number() OVER (PARTITION BY key_arn ORDER BY eventtime DESC, eventid DESC) AS place
        FROM changes
        WHERE operation IN (
            'EnableKey', 'ImportKeyMaterial', 'DisableKey', 'CancelKeyDeletion', 'ScheduleKeyDeletion',
            'DeleteImportedKeyMaterial', 'DeleteExpiredKeyMaterial', 'DeleteKey'
        )
    ) AS ranked
    WHERE place = 1
),
grant_changes AS (
    SELECT
        c.key_arn,
        c.operation = 'CreateGrant' AS given,
        regexp_replace(
            CASE
                WHEN c.operation = 'CreateGrant' THEN t.responseelements
                WHEN t.requestparameters LIKE '%"grantId"%' THEN t.requestparameters
                ELSE t.additionaleventdata
            END,
            '^(.|\n)*"grantId"\s*:\s*"([^"]+)"(.|\n)*$', '\2'
        ) AS grant_id
    FROM changes AS c
    JOIN cloudtrail AS t ON t.source_object = c.source_object AND t.source_index = c.source_index
    WHERE c.operation IN ('CreateGrant', 'RevokeGrant', 'RetireGrant')
        AND t.eventname IN ('CreateGrant', 'RevokeGrant', 'RetireGrant')
),
grants AS (
    SELECT held.key_arn, count(*) AS live
    FROM (
        SELECT g.key_arn, g.grant_id
        FROM kms_grants AS g
        JOIN newest AS n ON n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
        UNION
        SELECT key_arn, grant_id FROM grant_changes WHERE given
    ) AS held
    LEFT JOIN (SELECT DISTINCT key_arn, grant_id FROM grant_changes WHERE NOT given) AS ended
        ON ended.key_arn = held.key_arn AND ended.grant_id = held.grant_id
    WHERE ended.grant_id IS NULL
    GROUP BY held.key_arn
),
-- Other Regions' keys of the same multi-Region key.
related AS (
    SELECT one.key_arn, string_agg(DISTINCT split_part(other.key_arn, ':', 4), ', ') AS regions
    FROM keys AS one
    JOIN (
        SELECT key_arn FROM counted WHERE uses + service_uses > 0
        UNION
        SELECT key_arn FROM answers WHERE used_in_window_at IS NOT NULL
    ) AS other
        ON split_part(other.key_arn, ':key/', 2) = one.key_id AND other.key_arn <> one.key_arn
    WHERE one.key_id LIKE 'mrk-%'
    GROUP BY one.key_arn
),
public_keys AS (
    SELECT key_arn, max(eventtime) AS handed_out_at
    FROM kms_events
    WHERE operation = 'GetPublicKey' AND outcome = 'success' AND eventtime < $as_of AND key_arn IS NOT NULL
    GROUP BY key_arn
),
rotated AS (
    SELECT key_arn, count(DISTINCT eventid) AS times
    FROM kms_events
    WHERE operation = 'RotateKey' AND outcome = 'success' AND eventtime < $as_of AND key_arn IS NOT NULL
    GROUP BY key_arn
),
alias_names AS (
    SELECT a.target_key_arn AS key_arn, string_agg(a.alias_name, ', ' ORDER BY a.alias_name) AS names
    FROM kms_aliases AS a
    JOIN newest AS n ON n.snapshot_id = a.snapshot_id AND n.account_id = a.account_id AND n.region = a.region
    GROUP BY a.target_key_arn
),
tag_texts AS (
    SELECT t.key_arn, string_agg(t.tag_key || '=' || coalesce(t.tag_value, ''), ', ' ORDER BY t.tag_key) AS texts
    FROM kms_tags AS t
    JOIN newest AS n ON n.snapshot_id = t.snapshot_id AND n.account_id = t.account_id AND n.region = t.region
    GROUP BY t.key_arn
),
-- Why an answer could not be had.
refusals AS (
    SELECT s.resource AS key_arn, max(s.error_code) AS error_code
    FROM snapshot_scope AS s
    JOIN newest AS n ON n.snapshot_id = s.snapshot_id
    WHERE s.operation = 'GetKeyLastUsage'
    GROUP BY s.resource
),
facts AS (
    SELECT
        k.*,
        coalesce(st.state, k.snapshot_state) AS key_state,
        coalesce(u.uses, 0) AS uses,
        coalesce(u.service_uses, 0) AS service_uses,
        coalesce(u.failed_uses, 0) AS failed_uses,
        coalesce(u.refused_by_state, 0) AS refused_by_state,
        u.last_failed_at,
        coalesce(g.live, 0) AS live_grants,
        l.eventtime AS logged_use_at,
        l.principal_arn AS logged_use_by,
        l.operation AS logged_operation,
        a.used_in_window_at,
        a.last_used_at AS answered_use_at,
        ao.operation AS answered_operation,
        a.last_answer_at,
        a.last_ever,
        a.key_arn IS NOT NULL AS answered,
        coalesce(a.proves_no_use, 0) = 1 AS no_use_by_answer,
        coalesce(a.asked_late_enough, 0) = 1 AS asked_late_enough,
        coalesce(a.tracked_long_enough, 0) = 1 AS tracked_long_enough,
        coalesce(a.used_since, 0) = 1 AS used_since,
        coalesce(a.asked_an_hour_later, 0) = 1 AS asked_an_hour_later,
        r.error_code AS answer_refused,
        coalesce(c.whole, false) AS covered,
        c.basis,
        c.since AS covered_since,
        c.until AS covered_until,
        m.named AS missing,
        m.stretches AS missing_stretches,
        coalesce(d.days, 0.0) AS covered_days,
        ch.operations AS changed,
        rel.regions AS related_regions,
        p.handed_out_at,
        greatest(k.rotations, coalesce(ro.times, 0)) AS all_rotations,
        an.names AS aliases,
        tt.texts AS tags,
        b.window_since,
        b.window_until
    FROM keys AS k
    CROSS JOIN bounds AS b
    LEFT JOIN counted AS u ON u.key_arn = k.key_arn
    LEFT JOIN last_calls AS l ON l.key_arn = k.key_arn
    LEFT JOIN answers AS a ON a.key_arn = k.key_arn
    LEFT JOIN answer_operations AS ao ON ao.key_arn = k.key_arn
    LEFT JOIN refusals AS r ON r.key_arn = k.key_arn
    LEFT JOIN covered AS c ON c.account_id = k.account_id AND c.region = k.region
    LEFT JOIN missing AS m ON m.account_id = k.account_id AND m.region = k.region
    LEFT JOIN covered_days AS d ON d.key_arn = k.key_arn
    LEFT JOIN states AS st ON st.key_arn = k.key_arn
    LEFT JOIN changed AS ch ON ch.key_arn = k.key_arn
    LEFT JOIN grants AS g ON g.key_arn = k.key_arn
    LEFT JOIN related AS rel ON rel.key_arn = k.key_arn
    LEFT JOIN public_keys AS p ON p.key_arn = k.key_arn
    LEFT JOIN rotated AS ro ON ro.key_arn = k.key_arn
    LEFT JOIN alias_names AS an ON an.key_arn = k.key_arn
    LEFT JOIN tag_texts AS tt ON tt.key_arn = k.key_arn
),
judged AS (
    SELECT
        *,
        CASE
            WHEN key_manager = 'AWS'
                OR key_state IN ('PendingDeletion', 'PendingReplicaDeletion', 'PendingImport', 'Deleted')
                THEN 'not_applicable'
            WHEN uses + service_uses > 0 OR used_in_window_at IS NOT NULL THEN 'in_use'
            WHEN failed_uses > 0 THEN 'attempted'
            WHEN live_grants > 0 THEN 'held_by_grant'
            WHEN creation_date > window_since THEN 'too_new'
            -- Without the list of grants or the day of creation nothing rules the verdicts above out.
            WHEN (covered OR no_use_by_answer) AND coalesce(grants_read, false) AND creation_date IS NOT NULL
                AND key_manager IS NOT NULL AND key_state IS NOT NULL
                THEN 'unused'
            ELSE 'inconclusive'
        END AS verdict
    FROM facts
)
SELECT
    key_arn,
    account_id,
    region,
    key_id,
    aliases,
    tags,
    key_manager,
    key_state,
    creation_date,
    verdict,
    CASE
        WHEN verdict <> 'unused' THEN NULL
        WHEN covered AND no_use_by_answer THEN 'log, last_usage'
        WHEN covered THEN 'log'
        ELSE 'last_usage'
    END AS proof,
    CASE verdict
        WHEN 'not_applicable' THEN CASE
            WHEN key_manager = 'AWS' THEN 'AWS managed'
            WHEN key_state = 'PendingImport' THEN 'pending import'
            WHEN key_state = 'Deleted' THEN 'deleted since the snapshot'
            WHEN deletion_date IS NOT NULL THEN 'pending deletion until ' || CAST(deletion_date AS VARCHAR)
            ELSE 'pending deletion'
        END
        WHEN 'in_use' THEN CASE
            WHEN uses + service_uses = 0 THEN 'GetKeyLastUsage names a use at ' || CAST(used_in_window_at AS VARCHAR)
            WHEN uses = 0 THEN 'used by AWS services only'
            ELSE 'used'
        END
        WHEN 'attempted' THEN 'only failed uses, the last at ' || CAST(last_failed_at AS VARCHAR)
        WHEN 'held_by_grant' THEN 'no use, but ' || CAST(live_grants AS VARCHAR) || ' grants'
        WHEN 'too_new' THEN 'created in the window'
        WHEN 'unused' THEN CASE
            WHEN covered AND no_use_by_answer
                THEN 'the log covers the window and holds no use; GetKeyLastUsage names none'
            WHEN covered THEN 'the log covers the window and holds no use'
            ELSE 'GetKeyLastUsage, tracking since before the window, names no use in it'
        END
        ELSE concat_ws(
            '; ',
            CASE WHEN NOT coalesce(grants_read, false) THEN 'the grants could not be read' END,
            CASE WHEN creation_date IS NULL OR key_manager IS NULL OR key_state IS NULL THEN 'the key could not be described' END,
            CASE
                WHEN covered THEN NULL
                WHEN covered_since IS NULL THEN 'log: no record of account ' || account_id || ' in ' || region || ' reaches the window'
                ELSE concat_ws(
                    '; ',
                    CASE WHEN covered_since > window_since
                        THEN 'log: begins at ' || CAST(covered_since AS VARCHAR) || ', after the window' END,
                    'log: ' || missing,
                    CASE WHEN missing_stretches > 3 THEN CAST(missing_stretches - 3 AS VARCHAR) || ' stretches more' END,
                    CASE WHEN covered_until < window_until
                        THEN 'log: vouched for only until ' || CAST(covered_until AS VARCHAR) END
                )
            END,
            CASE
                WHEN no_use_by_answer THEN NULL
                WHEN NOT answered AND answer_refused IS NOT NULL THEN 'GetKeyLastUsage: ' || answer_refused
                WHEN NOT answered THEN 'GetKeyLastUsage: not collected'
                WHEN NOT asked_late_enough THEN 'GetKeyLastUsage: asked before as_of'
                WHEN NOT tracked_long_enough THEN 'GetKeyLastUsage: tracking began inside the window'
                WHEN used_since THEN 'GetKeyLastUsage: names a use after as_of and none before'
                ELSE 'GetKeyLastUsage: no answer that spans the window'
            END
        )
    END AS reason,
    coalesce(nullif(concat_ws(
        '; ',
        CASE WHEN verdict = 'unused' AND covered AND basis <> 'digest' THEN 'basis ' || basis END,
        CASE WHEN verdict = 'unused' AND NOT covered AND NOT asked_an_hour_later
            THEN 'GetKeyLastUsage may be up to an hour late' END,
        'related multi-Region key in use in ' || related_regions,
        'public key handed out, last at ' || CAST(handed_out_at AS VARCHAR),
        CASE WHEN greatest(logged_use_at, answered_use_at) < window_since
            THEN 'used before the window, last at ' || CAST(greatest(logged_use_at, answered_use_at) AS VARCHAR) END,
        'changed since the snapshot: ' || changed,
        CASE WHEN refused_by_state > 0
            THEN CAST(refused_by_state AS VARCHAR) || ' uses refused because of the key''s state' END,
        CASE WHEN used_in_window_at IS NOT NULL AND uses + service_uses = 0
            THEN 'the log does not hold the use that GetKeyLastUsage names' END,
        CASE WHEN answered AND logged_use_at < last_answer_at - INTERVAL '1 hour'
                AND (last_ever IS NULL OR last_ever < logged_use_at - INTERVAL '1 minute')
            THEN 'GetKeyLastUsage does not know the last use in the log' END,
        CASE WHEN verdict IN ('unused', 'attempted') AND NOT coalesce(grants_read, false)
            THEN 'the grants could not be read' END
    ), ''), 'none') AS caution,
    greatest(logged_use_at, answered_use_at) AS last_used_at,
    CASE WHEN answered_use_at IS NULL OR logged_use_at >= answered_use_at - INTERVAL '1 minute' THEN logged_use_by END
        AS last_used_by,
    CASE
        WHEN answered_use_at IS NULL OR logged_use_at >= answered_use_at - INTERVAL '1 minute' THEN logged_operation
        ELSE answered_operation
    END AS last_operation,
    uses,
    service_uses,
    failed_uses,
    live_grants,
    round(covered_days, 2) AS covered_days,
    round((date_part('epoch', window_until) - date_part('epoch', window_since)) / 86400.0, 2) AS window_days,
    CASE
        WHEN key_manager = 'AWS' OR key_state IN ('PendingDeletion', 'PendingReplicaDeletion', 'Deleted') THEN 0.0
        ELSE ($key_month_cents + $rotation_month_cents * least(all_rotations, 2)) / 100.0
    END AS monthly_cost_usd,
    CASE WHEN verdict = 'unused' AND covered THEN basis END AS proof_basis,
    collected_at AS snapshot_at
FROM judged
ORDER BY account_id, region, key_arn
