-- title: Unexercised administrative rights
-- question: Who may administer which key, and never did in the window?
-- needs: snapshot
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window; rights are those of the newest snapshot at or before it
-- param actions text = core: core (nine actions) or full (all administrative actions on single keys)
-- choice actions: core, full
-- with held-admin-rights: the rights, those alike together, and their verdicts
-- column principal_arn: who holds the right
-- column principal_type: role, user, root, service, account or external
-- column key_arn: on which key
-- column action: the permission, as IAM names it
-- column decision: allowed, conditional or undetermined
-- column paths: the statements and grants it comes from
-- column condition: what a conditional right depends on
-- column verdict: exercised, too_new, unobservable, unexercised: the first that applies
-- column reason: why this verdict; of unobservable, what is missing
-- column first_seen_at: the first snapshot of the window that shows the right
-- column last_seen_at: the last one
-- column last_exercised_at: when it was used last in the window
-- column exercised: successful calls in the window; one that was logged twice counts once
-- column denied_attempts: denied calls in the window
-- column condition_kind: what kind of condition; service_only rights are no finding against people
-- column limits: the Denies, the boundary and the control policies that narrow it, by statement
SELECT
    principal_arn,
    principal_type,
    key_arn,
    unnest(actions) AS action,
    decision,
    paths,
    condition,
    verdict,
    reason,
    first_seen_at,
    last_seen_at,
    last_exercised_at,
    exercised,
    denied_attempts,
    condition_kind,
    limits
FROM held_admin_rights
ORDER BY principal_arn, key_arn, action
