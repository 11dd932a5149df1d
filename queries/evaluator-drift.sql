-- title: Evaluator drift
-- question: Which calls did AWS decide otherwise than the permissions of the nearest snapshot say, and what is left open?
-- needs: snapshot
-- param since instant = null: first instant to replay; everything when not given
-- param until instant = null: first instant not to replay
-- param verdict list = drift: which verdicts to list
-- choice verdict: drift, other_layer, undetermined, possible, agrees, not_replayed
-- column verdict: drift: the snapshot says the opposite of what AWS did; other_layer: both refuse, AWS by a layer that by the snapshot does not; undetermined: not to be said; possible: it depends on what the record does not tell; agrees; not_replayed: nothing to ask
-- column eventtime: when
-- column operation: the operation
-- column action: the permission it needs, as IAM names it
-- column key_arn: the key
-- column principal_arn: who called
-- column session_arn: through which session
-- column observed: what AWS did: allowed (a dry run that would have gone through included) or denied
-- column evaluated: what the snapshot says of every request that could have left this record: allowed, denied, conditional or undetermined
-- column aws_layer: the layer AWS names in the refusal
-- column aws_effect: whether AWS names an explicit deny or a missing Allow
-- column our_layer: the layers that refuse by the snapshot
-- column our_reason: the evaluator's reason
-- column statements: the statements and grants that allow, or that deny, by the snapshot
-- column condition: what it depends on
-- column explanation: why a difference is taken for drift, or is not
-- column error_message: the refusal in AWS's words
-- column snapshot_id: the snapshot
-- column collected_at: when it was collected
-- column eventid: the record
WITH changes AS (
    SELECT 'key:' || key_arn AS scope, eventtime, eventid, operation AS name, CAST(NULL AS varchar) AS subject,
        operation IN ('CreateGrant', 'RetireGrant', 'RevokeGrant') AS is_grant
    FROM kms_events
    WHERE outcome = 'success'
        AND operation IN ('PutKeyPolicy', 'CreateGrant', 'RetireGrant', 'RevokeGrant', 'TagResource', 'UntagResource',
            'CreateAlias', 'UpdateAlias', 'DeleteAlias', 'CreateKey', 'ReplicateKey', 'UpdatePrimaryRegion')
    UNION ALL
    SELECT 'account:' || recipientaccountid, eventtime, eventid, eventname,
        -- Policies of groups and managed policies may concern anyone of the account.
        regexp_match(requestparameters, '"(roleName|userName)"\s*:\s*"([^"\\]+)"')[2], false
    FROM cloudtrail
    WHERE eventsource = 'iam.amazonaws.com' AND coalesce(errorcode, '') = ''
        AND eventname IN ('AddUserToGroup', 'RemoveUserFromGroup', 'AttachRolePolicy', 'DetachRolePolicy',
            'PutRolePolicy', 'DeleteRolePolicy', 'AttachUserPolicy', 'DetachUserPolicy', 'PutUserPolicy',
            'DeleteUserPolicy', 'AttachGroupPolicy', 'DetachGroupPolicy', 'PutGroupPolicy', 'DeleteGroupPolicy',
            'CreatePolicyVersion', 'DeletePolicyVersion', 'SetDefaultPolicyVersion', 'PutRolePermissionsBoundary',
            'DeleteRolePermissionsBoundary', 'PutUserPermissionsBoundary', 'DeleteUserPermissionsBoundary', 'TagRole',
            'UntagRole', 'TagUser', 'UntagUser', 'CreateRole', 'DeleteRole', 'CreateUser', 'DeleteUser')
    UNION ALL
    SELECT 'organization', eventtime, eventid, eventname, NULL, false
    FROM cloudtrail
    WHERE eventsource = 'organizations.amazonaws.com' AND coalesce(errorcode, '') = ''
        AND eventname IN ('AttachPolicy', 'DetachPolicy', 'UpdatePolicy', 'DeletePolicy', 'EnablePolicyType',
            'DisablePolicyType', 'MoveAccount', 'CreateAccount', 'RemoveAccountFromOrganization', 'LeaveOrganization',
            'AcceptHandshake')
),
replayed AS (
    SELECT
        *,
        coalesce(sharedeventid, eventid) AS call,
        observed <> evaluated AND evaluated IN ('allowed', 'denied') AS contradicts,
        -- Changes take effect within minutes (AWS KMS Developer Guide, "Eventual consistency"), and a snapshot is
        -- true of no single instant while it is being collected.
        least(eventtime, started_at) - INTERVAL '5 minutes' AS changed_since,
        greatest(eventtime, collected_at) AS changed_until
    FROM kms_replay
    WHERE ($since IS NULL OR eventtime >= $since) AND ($until IS NULL OR eventtime < $until)
),
scoped AS (
    SELECT
        *,
        unnest(CASE
            WHEN contradicts AND doubt IS NULL THEN make_array(
                'key:' || coalesce(key_arn, ''), 'account:' || coalesce(caller_account_id, ''), 'organization'
            )
            ELSE make_array('')
        END) AS concerned
    FROM replayed
),
judged AS (
    SELECT
        r.*,
        c.name AS change, c.eventtime AS changed_at,
        CASE
            WHEN r.evaluated IS NULL THEN 'not_replayed'
            WHEN r.evaluated = 'undetermined' THEN 'undetermined'
            WHEN r.evaluated = 'conditional' THEN 'possible'
            WHEN r.contradicts AND (r.doubt IS NOT NULL OR c.name IS NOT NULL) THEN 'undetermined'
            WHEN r.contradicts THEN 'drift'
            WHEN r.observed = 'denied' AND r.aws_layer IS NOT NULL AND r.layers IS NOT NULL
                AND r.aws_layer NOT IN ('session_policy', 'vpc_endpoint_policy')
                AND strpos('+' || r.layers || '+', '+' || r.aws_layer || '+') = 0 THEN 'other_layer'
            ELSE 'agrees'
        END AS verdict
    FROM scoped AS r
    LEFT JOIN changes AS c
        ON c.scope = r.concerned
        AND c.eventtime >= r.changed_since AND c.eventtime <= r.changed_until
        -- A call changes nothing before it is made.
        AND NOT (c.eventid = r.eventid AND r.eventtime > r.collected_at)
        AND (c.subject IS NULL OR ends_with(r.principal_arn, '/' || c.subject))
        AND (
            NOT c.is_grant
            OR r.operation IN ('Decrypt', 'Encrypt', 'ReEncrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext',
                'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'Sign', 'Verify', 'GenerateMac',
                'VerifyMac', 'DeriveSharedSecret', 'Encapsulate', 'Decapsulate', 'GetPublicKey', 'DescribeKey',
                'CreateGrant', 'RetireGrant')
        )
),
-- A call between accounts is delivered twice, and a contradiction met every change that may explain it.
told AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY call, key_arn, action
            ORDER BY
                change IS NULL,
                CASE verdict
                    WHEN 'drift' THEN 1 WHEN 'other_layer' THEN 2 WHEN 'agrees' THEN 3 WHEN 'possible' THEN 4
                    WHEN 'undetermined' THEN 5 ELSE 6
                END,
                changed_at, change, eventid
        ) AS copy
    FROM judged
)
SELECT
    verdict,
    eventtime,
    operation,
    action,
    key_arn,
    principal_arn,
    session_arn,
    observed,
    evaluated,
    aws_layer,
    aws_effect,
    layers AS our_layer,
    reason AS our_reason,
    statements,
    condition,
    CASE verdict
        WHEN 'drift' THEN
            CASE observed
                WHEN 'allowed' THEN 'AWS let the call through, and by the snapshot no such request is allowed'
                ELSE 'AWS refused the call, and by the snapshot every such request is allowed'
            END || '; no change of the key''s policy, grants, tags or aliases, of the caller''s IAM or of the organization'
                || ' is in the log between the two'
        WHEN 'other_layer' THEN 'both refuse; the layer AWS names refuses nothing by the snapshot'
        WHEN 'possible' THEN 'depends on what the record does not tell'
        WHEN 'not_replayed' THEN obstacle
        WHEN 'undetermined' THEN
            CASE
                WHEN doubt IS NOT NULL THEN doubt
                WHEN change IS NOT NULL THEN
                    change || ' of ' || to_char(changed_at, '%Y-%m-%dT%H:%M:%SZ')
                        || ' lies between the call and the snapshot'
                ELSE reason
            END
    END AS explanation,
    error_message,
    snapshot_id,
    collected_at,
    eventid
FROM told
WHERE copy = 1 AND array_has($verdict, verdict)
ORDER BY verdict, eventtime, eventid, key_arn, action
