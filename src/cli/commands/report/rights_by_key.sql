-- The rows of `unexercised-admin-rights` by key; those of a principal that are alike but for the action are one.
SELECT
    key_arn,
    principal_arn,
    principal_type,
    decision,
    verdict,
    reason,
    array_agg(action ORDER BY action) AS actions,
    first_value(paths ORDER BY action) AS paths,
    first_value(limits ORDER BY action) AS limits,
    condition,
    condition_kind,
    max(last_exercised_at) AS last_exercised_at,
    sum(exercised) AS exercised,
    sum(denied_attempts) AS denied_attempts
FROM (
{rights}
) AS rights
GROUP BY
    key_arn, principal_arn, principal_type, decision, verdict, reason, condition, condition_kind,
    array_to_string(paths, chr(10)), array_to_string(limits, chr(10))
ORDER BY key_arn, principal_arn, min(action), verdict, decision, reason, condition, array_to_string(limits, chr(10))
