-- title: Administrative rights by principal
-- question: How many administrative rights does each principal hold, and how many did they use?
-- needs: snapshot
-- with unexercised-admin-rights: the verdict of each right
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- column principal_arn: who
-- column principal_type: role, user, root, service, account or external
-- column keys: keys they may administer
-- column rights: rights on them, a key and an action each
-- column conditional: rights among them that depend on a condition
-- column service_only: rights among them that only AWS services can use
-- column undetermined: rights among them that the snapshot leaves open
-- column exercised: rights used in the window
-- column unexercised: rights that the log covers and nobody used
-- column too_new: rights on new keys, of new principals or by new grants, not used
-- column unobservable: rights of which nothing can be said
-- column last_exercised_at: the last use of any of them in the window
-- column actions_exercised: the actions used
SELECT
    principal_arn,
    principal_type,
    count(DISTINCT key_arn) AS keys,
    count(*) AS rights,
    count(CASE WHEN decision = 'conditional' THEN 1 END) AS conditional,
    count(CASE WHEN condition_kind = 'service_only' THEN 1 END) AS service_only,
    count(CASE WHEN decision = 'undetermined' THEN 1 END) AS undetermined,
    count(CASE WHEN verdict = 'exercised' THEN 1 END) AS exercised,
    count(CASE WHEN verdict = 'unexercised' THEN 1 END) AS unexercised,
    count(CASE WHEN verdict = 'too_new' THEN 1 END) AS too_new,
    count(CASE WHEN verdict = 'unobservable' THEN 1 END) AS unobservable,
    max(last_exercised_at) AS last_exercised_at,
    array_to_string(array_sort(array_agg(DISTINCT action) FILTER (WHERE verdict = 'exercised')), ', ')
        AS actions_exercised
FROM unexercised_admin_rights
GROUP BY principal_arn, principal_type
ORDER BY unexercised DESC, principal_arn
