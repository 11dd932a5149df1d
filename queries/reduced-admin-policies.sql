-- title: Reduced administrative policies
-- question: Which administrative rights would each role and user keep, were those removed that the log shows nobody used?
-- needs: snapshot
-- with unexercised-admin-rights: the verdict of each right
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- param principal text = null: only this role or user (its ARN)
-- column principal_arn: who
-- column principal_type: role or user
-- column rights: rights held, a key and an action each
-- column kept: rights in the proposed policy: held without condition, and used, too new or not observable
-- column kept_apart: rights to be left as they are, because a policy of plain statements would widen or invent them: conditional, undetermined, or for AWS services only
-- column removed: rights that would go: the log covers the window and holds no such call
-- column policy: the proposed policy of administrative rights, for an identity (it counts only on keys whose policy delegates to IAM); none where nothing is kept
-- column removes: what would go, in the form of a policy; none where nothing would
-- column apart: the rights kept apart, each action with its condition and the number of keys
WITH sorted AS (
    SELECT
        principal_arn, principal_type, action, decision, condition,
        replace(replace(key_arn, '\', '\\'), '"', '\"') AS key_arn,
        CASE
            WHEN decision = 'undetermined' OR coalesce(condition_kind, '') = 'service_only' THEN 'apart'
            WHEN verdict = 'unexercised' THEN 'removed'
            WHEN decision = 'conditional' THEN 'apart'
            ELSE 'kept'
        END AS fate
    FROM unexercised_admin_rights
    WHERE principal_type IN ('role', 'user') AND ($principal IS NULL OR principal_arn = $principal)
),
-- Keys with the same actions share a statement.
by_key AS (
    SELECT
        principal_arn, principal_type, fate, key_arn,
        count(*) AS rights,
        CASE WHEN fate <> 'apart' THEN array_to_string(array_sort(array_agg('"' || action || '"')), ',') END AS actions
    FROM sorted
    GROUP BY principal_arn, principal_type, fate, key_arn
),
statements AS (
    SELECT
        principal_arn, principal_type, fate,
        sum(rights) AS rights,
        '{"Effect":"Allow","Action":[' || actions || '],"Resource":['
            || array_to_string(array_sort(array_agg('"' || key_arn || '"')), ',') || ']}' AS statement
    FROM by_key
    GROUP BY principal_arn, principal_type, fate, actions
),
policies AS (
    SELECT
        principal_arn, principal_type,
        sum(rights) AS rights,
        sum(CASE WHEN fate = 'kept' THEN rights ELSE 0 END) AS kept,
        sum(CASE WHEN fate = 'apart' THEN rights ELSE 0 END) AS kept_apart,
        sum(CASE WHEN fate = 'removed' THEN rights ELSE 0 END) AS removed,
        array_to_string(array_sort(array_agg(statement) FILTER (WHERE fate = 'kept')), ',') AS kept_statements,
        array_to_string(array_sort(array_agg(statement) FILTER (WHERE fate = 'removed')), ',') AS removed_statements
    FROM statements
    GROUP BY principal_arn, principal_type
),
aparts AS (
    SELECT
        principal_arn,
        array_to_string(array_sort(array_agg(
            action || ' on ' || CAST(keys AS VARCHAR) || ' keys: ' || coalesce(condition, decision)
        )), '; ') AS apart
    FROM (
        SELECT principal_arn, action, decision, condition, count(*) AS keys
        FROM sorted
        WHERE fate = 'apart'
        GROUP BY principal_arn, action, decision, condition
    ) AS grouped
    GROUP BY principal_arn
)
SELECT
    p.principal_arn,
    p.principal_type,
    p.rights,
    p.kept,
    p.kept_apart,
    p.removed,
    CASE WHEN p.kept > 0 THEN '{"Version":"2012-10-17","Statement":[' || p.kept_statements || ']}' END AS policy,
    CASE WHEN p.removed > 0 THEN '{"Version":"2012-10-17","Statement":[' || p.removed_statements || ']}' END AS removes,
    a.apart
FROM policies AS p
LEFT JOIN aparts AS a ON a.principal_arn = p.principal_arn
ORDER BY p.removed DESC, p.principal_arn
