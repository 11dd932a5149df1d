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
    SELECT
        k.key_arn, k.account_id, k.region, k.key_id, k.key_manager, k.key_state AS snapshot_state, k.creation_date,
        k.deletion_date, k.collected_at, k.grants_read,
        (length(coalesce(k.rotations, '')) - length(replace(coalesce(k.rotations, ''), 'RotationDate', ''))) / 12
            AS rotations
    FROM kms_keys AS k
    JOIN newest AS n ON n.snapshot_id = k.snapshot_id AND n.account_id = k.account_id AND n.region = k.region
),
-- Ids under which the log holds more than one record: a delivery of its own for an addendum, say.
repeated AS (
    SELECT coalesce(original_event_id, eventid) AS event_id
    FROM cloudtrail
    WHERE eventsource = 'kms.amazonaws.com'
    GROUP BY 1
    HAVING count(*) > 1
),
-- Everything before as_of that names a key. What may stand in the log twice has a row for each key and call, so that a use
-- which two accounts or two trails logged counts once; the other calls need no telling apart.
calls AS (
    SELECT
        e.key_arn, e.operation, e.class, e.outcome,
        coalesce(e.principal_arn = e.via_service, false) AS by_service,
        e.eventtime >= $as_of - $window AS in_window,
        CASE WHEN e.sharedeventid IS NOT NULL OR r.event_id IS NOT NULL OR e.operation = 'ReEncrypt' THEN e.call_id END AS call,
        count(*) AS records,
        sum(CASE WHEN e.error_code IN ('DisabledException', 'KMSInvalidStateException') THEN 1 ELSE 0 END) AS by_state,
        max(e.eventtime) AS at,
        -- Of two records of one call, the one that names the caller.
        newest_caller(e.principal_arn, e.eventtime) AS caller
    FROM repeated AS r
    -- The few on the left, because that side of a join is held.
    RIGHT JOIN kms_events AS e ON e.eventid = r.event_id
    WHERE e.key_arn IS NOT NULL AND e.outcome <> 'dry_run' AND e.eventtime < $as_of
        AND (e.class <> 'read' OR e.operation = 'GetPublicKey')
    GROUP BY 1, 2, 3, 4, 5, 6, 7
),
counted AS (
    SELECT
        key_arn, operation, class, outcome, by_service, in_window, at, caller,
        CASE WHEN call IS NULL THEN records ELSE 1 END AS calls,
        CASE WHEN call IS NULL THEN by_state WHEN by_state > 0 THEN 1 ELSE 0 END AS by_state
    FROM calls
),
happened AS (
    SELECT
        key_arn, nullif(split_part(key_arn, ':key/', 2), '') AS key_id, operation, class,
        sum(CASE WHEN class = 'use' AND in_window AND outcome = 'success' AND NOT by_service THEN calls ELSE 0 END) AS uses,
        sum(CASE WHEN class = 'use' AND in_window AND outcome = 'success' AND by_service THEN calls ELSE 0 END)
            AS service_uses,
        sum(CASE WHEN class = 'use' AND in_window AND outcome <> 'success' THEN calls ELSE 0 END) AS failed_uses,
        sum(CASE WHEN class = 'use' AND in_window THEN by_state ELSE 0 END) AS refused_by_state,
        sum(CASE WHEN operation = 'RotateKey' AND outcome = 'success' THEN calls ELSE 0 END) AS rotations,
        max(CASE WHEN outcome <> 'success' AND in_window THEN at END) AS last_failed_at,
        max(CASE WHEN outcome = 'success' THEN at END) AS last_at,
        newest_caller(caller, at) FILTER (WHERE outcome = 'success') AS last_by
    FROM counted
    GROUP BY key_arn, operation, class
),
-- A key of the log without one in the snapshot stays for the sake of its relatives in other Regions.
histories AS (
    SELECT
        coalesce(k.key_arn, h.key_arn) AS key_arn,
        max(coalesce(k.key_id, h.key_id)) AS key_id,
        coalesce(sum(h.uses), 0) AS uses,
        coalesce(sum(h.service_uses), 0) AS service_uses,
        coalesce(sum(h.failed_uses), 0) AS failed_uses,
        coalesce(sum(h.refused_by_state), 0) AS refused_by_state,
        coalesce(max(h.rotations), 0) AS logged_rotations,
        max(CASE WHEN h.class = 'use' THEN h.last_failed_at END) AS last_failed_at,
        max(CASE WHEN h.class = 'use' THEN h.last_at END) AS logged_use_at,
        max(CASE WHEN h.operation = 'GetPublicKey' THEN h.last_at END) AS handed_out_at,
        first_value(h.last_by ORDER BY h.class = 'use' AND h.last_at IS NOT NULL DESC NULLS LAST,
            h.last_at DESC NULLS LAST, h.operation) AS logged_use_by,
        first_value(h.operation ORDER BY h.class = 'use' AND h.last_at IS NOT NULL DESC NULLS LAST,
            h.last_at DESC NULLS LAST, h.operation) AS logged_operation,
        -- What happened to the key between its snapshot and as_of.
        array_to_string(array_sort(array_agg(
            'at ' || CAST(h.last_at AS VARCHAR) || ' ' || h.operation
        ) FILTER (WHERE h.class IN ('admin', 'service') AND h.last_at > k.collected_at
            AND h.operation NOT IN ('RotateKey', 'SynchronizeMultiRegionKey'))), ', ') AS changed,
        max(CASE WHEN h.operation IN ('EnableKey', 'ImportKeyMaterial') AND h.last_at > k.collected_at
            THEN h.last_at END) AS enabled_at,
        max(CASE WHEN h.operation IN ('DisableKey', 'CancelKeyDeletion') AND h.last_at > k.collected_at
            THEN h.last_at END) AS disabled_at,
        max(CASE WHEN h.operation = 'ScheduleKeyDeletion' AND h.last_at > k.collected_at THEN h.last_at END)
            AS scheduled_at,
        max(CASE WHEN h.operation IN ('DeleteImportedKeyMaterial', 'DeleteExpiredKeyMaterial')
            AND h.last_at > k.collected_at THEN h.last_at END) AS emptied_at,
        max(CASE WHEN h.operation = 'DeleteKey' AND h.last_at > k.collected_at THEN h.last_at END) AS deleted_at
    FROM keys AS k
    FULL JOIN happened AS h ON h.key_arn = k.key_arn
    GROUP BY coalesce(k.key_arn, h.key_arn)
),
-- The longest time between two uses, before the window.
days_of_use AS (
    SELECT key_arn, event_date, min(eventtime) AS first_at, max(eventtime) AS last_at
    FROM kms_events
    WHERE class = 'use' AND outcome = 'success' AND key_arn IS NOT NULL AND eventtime < $as_of - $window
    GROUP BY key_arn, event_date
),
rhythms AS (
    SELECT key_arn, max(gap_days) AS longest_gap_days
    FROM (
        SELECT
            key_arn,
            (date_part('epoch', first_at)
                - date_part('epoch', lag(last_at) OVER (PARTITION BY key_arn ORDER BY event_date))) / 86400.0 AS gap_days
        FROM days_of_use
    ) AS gaps
    GROUP BY key_arn
),
-- What GetKeyLastUsage said, in whichever snapshot.
answers AS (
    SELECT
        u.key_arn,
        max(CASE WHEN u.last_used_at >= b.window_since AND u.last_used_at < b.window_until THEN u.last_used_at END)
            AS used_in_window_at,
        max(CASE WHEN u.last_used_at < b.window_until THEN u.last_used_at END) AS answered_use_at,
        first_value(u.last_usage_operation
            ORDER BY u.last_used_at < b.window_until DESC NULLS LAST, u.last_used_at DESC NULLS LAST)
            AS answered_operation,
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
days AS (
    SELECT
        k.key_arn AS key_of_days,
        sum(greatest(
            0.0,
            date_part('epoch', s.until) - date_part('epoch', greatest(s.since, coalesce(k.creation_date, s.since)))
        )) / 86400.0 AS covered_days
    FROM keys AS k
    JOIN stretches AS s ON s.account_id = k.account_id AND s.region = k.region AND s.state = 'covered'
    GROUP BY k.key_arn
),
grant_changes AS (
    SELECT
        t.kms_key_arn AS key_arn,
        t.eventname = 'CreateGrant' AS given,
        regexp_replace(
            CASE
                WHEN t.eventname = 'CreateGrant' THEN t.responseelements
                WHEN t.requestparameters LIKE '%"grantId"%' THEN t.requestparameters
                ELSE t.additionaleventdata
            END,
            '^(.|\n)*"grantId"\s*:\s*"([^"]+)"(.|\n)*$', '\2'
        ) AS grant_id
    FROM cloudtrail AS t
    JOIN newest AS n
        ON n.account_id = split_part(t.kms_key_arn, ':', 5) AND n.region = split_part(t.kms_key_arn, ':', 4)
    WHERE t.eventsource = 'kms.amazonaws.com' AND t.eventname IN ('CreateGrant', 'RevokeGrant', 'RetireGrant')
        AND coalesce(t.errorcode, '') = '' AND t.eventtime < $as_of AND t.eventtime > n.collected_at
        -- As above, for the filters of files.
        AND t.eventtime > (SELECT min(collected_at) FROM newest)
),
grants AS (
    SELECT key_arn, count(*) AS live
    FROM (
        SELECT key_arn, grant_id
        FROM (
            SELECT g.key_arn, g.grant_id, true AS given
            FROM kms_grants AS g
            JOIN newest AS n ON n.snapshot_id = g.snapshot_id AND n.account_id = g.account_id AND n.region = g.region
            UNION ALL
            SELECT key_arn, grant_id, given FROM grant_changes
        ) AS told
        GROUP BY key_arn, grant_id
        HAVING bool_or(given) AND (bool_and(given) OR grant_id IS NULL)
    ) AS held
    GROUP BY key_arn
),
alias_names AS (
    SELECT a.target_key_arn AS key_arn, array_to_string(array_sort(array_agg(a.alias_name)), ', ') AS names
    FROM kms_aliases AS a
    JOIN newest AS n ON n.snapshot_id = a.snapshot_id AND n.account_id = a.account_id AND n.region = a.region
    GROUP BY a.target_key_arn
),
tag_texts AS (
    SELECT
        t.key_arn,
        array_to_string(array_sort(array_agg(t.tag_key || '=' || coalesce(t.tag_value, ''))), ', ') AS texts
    FROM kms_tags AS t
    JOIN newest AS n ON n.snapshot_id = t.snapshot_id AND n.account_id = t.account_id AND n.region = t.region
    GROUP BY t.key_arn
),
-- Why an answer could not be had.
refusals AS (
    SELECT resource AS key_arn, max(error_code) AS error_code
    FROM snapshot_scope
    WHERE operation = 'GetKeyLastUsage' AND collected_at <= $as_of
    GROUP BY resource
),
-- Other Regions' keys of the same multi-Region key.
relatives AS (
    SELECT
        h.*,
        a.used_in_window_at, a.answered_use_at, a.answered_operation, a.last_answer_at, a.last_ever,
        a.key_arn IS NOT NULL AS answered,
        coalesce(a.proves_no_use, 0) = 1 AS no_use_by_answer,
        coalesce(a.asked_late_enough, 0) = 1 AS asked_late_enough,
        coalesce(a.tracked_long_enough, 0) = 1 AS tracked_long_enough,
        coalesce(a.used_since, 0) = 1 AS used_since,
        coalesce(a.asked_an_hour_later, 0) = 1 AS asked_an_hour_later,
        CASE WHEN h.key_id LIKE 'mrk-%' THEN string_agg(
            CASE WHEN h.uses + h.service_uses > 0 OR a.used_in_window_at IS NOT NULL
                THEN split_part(h.key_arn, ':', 4) END, ', '
        ) OVER (PARTITION BY h.key_id ORDER BY h.key_arn ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) END
            AS regions_in_use
    FROM histories AS h
    LEFT JOIN answers AS a ON a.key_arn = h.key_arn
),
facts AS (
    SELECT
        k.key_arn, k.account_id, k.region, k.key_id, k.key_manager, k.creation_date, k.deletion_date, k.collected_at,
        k.grants_read,
        CASE
            WHEN h.deleted_at IS NOT NULL THEN 'Deleted'
            ELSE coalesce(
                CASE greatest(h.enabled_at, h.disabled_at, h.scheduled_at, h.emptied_at)
                    WHEN h.scheduled_at THEN 'PendingDeletion'
                    WHEN h.enabled_at THEN 'Enabled'
                    WHEN h.disabled_at THEN 'Disabled'
                    WHEN h.emptied_at THEN 'PendingImport'
                END,
                k.snapshot_state
            )
        END AS key_state,
        h.uses, h.service_uses, h.failed_uses, h.refused_by_state, h.last_failed_at, h.logged_use_at,
        CASE WHEN h.logged_use_at IS NOT NULL THEN h.logged_use_by END AS logged_use_by,
        CASE WHEN h.logged_use_at IS NOT NULL THEN h.logged_operation END AS logged_operation,
        h.handed_out_at, nullif(h.changed, '') AS changed, ry.longest_gap_days,
        nullif(trim(BOTH ', ' FROM replace(', ' || h.regions_in_use || ', ', ', ' || k.region || ', ', ', ')), '')
            AS related_regions,
        h.used_in_window_at, h.answered_use_at, h.answered_operation, h.last_answer_at, h.last_ever, h.answered,
        h.no_use_by_answer, h.asked_late_enough, h.tracked_long_enough, h.used_since, h.asked_an_hour_later,
        coalesce(g.live, 0) AS live_grants,
        r.error_code AS answer_refused,
        coalesce(c.whole, false) AS covered,
        c.basis,
        c.since AS covered_since,
        c.until AS covered_until,
        m.named AS missing,
        m.stretches AS missing_stretches,
        greatest(k.rotations, h.logged_rotations) AS all_rotations,
        an.names AS aliases,
        tt.texts AS tags,
        b.window_since,
        b.window_until
    FROM keys AS k
    CROSS JOIN bounds AS b
    JOIN relatives AS h ON h.key_arn = k.key_arn
    LEFT JOIN rhythms AS ry ON ry.key_arn = k.key_arn
    LEFT JOIN refusals AS r ON r.key_arn = k.key_arn
    LEFT JOIN covered AS c ON c.account_id = k.account_id AND c.region = k.region
    LEFT JOIN missing AS m ON m.account_id = k.account_id AND m.region = k.region
    LEFT JOIN grants AS g ON g.key_arn = k.key_arn
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
        CASE WHEN verdict NOT IN ('in_use', 'not_applicable')
                AND longest_gap_days > (date_part('epoch', window_until) - date_part('epoch', window_since)) / 86400.0
            THEN 'the window is shorter than the longest gap between past uses, '
                || CAST(round(longest_gap_days, 1) AS VARCHAR) || ' days' END,
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
    coalesce(round(covered_days, 2), 0.0) AS covered_days,
    round((date_part('epoch', window_until) - date_part('epoch', window_since)) / 86400.0, 2) AS window_days,
    CASE
        WHEN key_manager = 'AWS' OR key_state IN ('PendingDeletion', 'PendingReplicaDeletion', 'Deleted') THEN 0.0
        ELSE ($key_month_cents + $rotation_month_cents * least(all_rotations, 2)) / 100.0
    END AS monthly_cost_usd,
    CASE WHEN verdict = 'unused' AND covered THEN basis END AS proof_basis,
    collected_at AS snapshot_at
FROM judged
LEFT JOIN days ON days.key_of_days = judged.key_arn
ORDER BY account_id, region, key_arn
