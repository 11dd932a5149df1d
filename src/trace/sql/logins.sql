-- Sign-ins to the console by these identities: what the temporary keys of a browser come from, which no STS call issues.
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
SELECT eventtime, useridentity['arn'] AS identity_arn, sourceipaddress AS source_ip, useragent AS user_agent,
    strpos(additionaleventdata, '"MFAUsed":"Yes"') > 0 OR strpos(additionaleventdata, '"MFAUsed": "Yes"') > 0 AS mfa,
    coalesce(original_event_id, eventid) AS eventid
FROM cloudtrail
WHERE eventsource = 'signin.amazonaws.com' AND eventname = 'ConsoleLogin'
    AND (errorcode IS NULL OR errorcode = '') AND strpos(responseelements, 'Success') > 0
    AND eventtime >= $since AND eventtime < $until AND event_date IN ($days)
    AND useridentity['arn'] IN ($arns)
ORDER BY eventtime, eventid
LIMIT 2000
