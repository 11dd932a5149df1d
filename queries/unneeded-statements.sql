-- title: Statements and grants that nothing needed
-- question: Which policy statements and grants give administrative rights, and was any of them used?
-- needs: snapshot
-- with unexercised-admin-rights: the verdict of each right
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- column path: the statement or grant
-- column account_id: the account of the keys
-- column on_key: of a key policy or grant: its key
-- column keys: keys it helps to administer
-- column principals: principals it gives a right to
-- column rights: rights that rest on it, alone or with others
-- column exercised: rights among them that were used in the window
-- column too_new: rights among them that are new and not used
-- column unobservable: rights among them of which nothing can be said
-- column verdict: exercised, unobservable, too_new, or unneeded where the log covers all and no administrative right was used; the statement may give other rights, which are not looked at
WITH each_path AS (
    SELECT unnest(paths) AS path, principal_arn, key_arn, verdict
    FROM unexercised_admin_rights
),
placed AS (
    SELECT
        path, principal_arn, key_arn, verdict,
        split_part(key_arn, ':', 5) AS account_id,
        CASE WHEN path LIKE 'key policy %' OR path LIKE 'grant %' THEN key_arn END AS on_key
    FROM each_path
    WHERE path <> 'root user of the account'
),
counted AS (
    SELECT
        path, account_id, on_key,
        count(DISTINCT key_arn) AS keys,
        count(DISTINCT principal_arn) AS principals,
        count(*) AS rights,
        count(CASE WHEN verdict = 'exercised' THEN 1 END) AS exercised,
        count(CASE WHEN verdict = 'too_new' THEN 1 END) AS too_new,
        count(CASE WHEN verdict = 'unobservable' THEN 1 END) AS unobservable
    FROM placed
    GROUP BY path, account_id, on_key
)
SELECT
    path, account_id, on_key, keys, principals, rights, exercised, too_new, unobservable,
    CASE
        WHEN exercised > 0 THEN 'exercised'
        WHEN unobservable > 0 THEN 'unobservable'
        WHEN too_new > 0 THEN 'too_new'
        ELSE 'unneeded'
    END AS verdict
FROM counted
ORDER BY verdict DESC, rights DESC, path, account_id, on_key
