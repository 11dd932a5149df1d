-- what an access key did
SELECT eventtime, eventsource, eventname, awsregion, sourceipaddress, errorcode FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'AKIAEXAMPLE' ORDER BY eventtime;
-- what a session did
SELECT eventTime, eventName, errorCode FROM $EDS_ID WHERE userIdentity.arn LIKE '%assumed-role/KeyMaintenance/nightly-rotation' ORDER BY eventTime;
-- who disabled a key
SELECT eventTime, userIdentity.sessionContext.sessionIssuer.arn AS role, sourceIPAddress FROM $EDS_ID WHERE eventSource = 'kms.amazonaws.com' AND eventName IN ('DisableKey', 'ScheduleKeyDeletion') ORDER BY eventTime;
-- failed calls by principal
SELECT useridentity.arn, eventname, errorcode, count(*) AS n FROM cloudtrail_logs WHERE errorcode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation') GROUP BY useridentity.arn, eventname, errorcode ORDER BY n DESC, 1, 2 LIMIT 5;
-- failed sign-ins
SELECT eventtime, useridentity.username, sourceipaddress, json_extract_scalar(responseelements, '$.ConsoleLogin') AS result FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' ORDER BY eventtime;
-- sign-ins without mfa
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' AND json_extract_scalar(additionaleventdata, '$.MFAUsed') = 'No';
-- use of root
SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.type = 'Root' AND useridentity.invokedby IS NULL AND eventtype <> 'AwsServiceEvent';
-- changes of trails
SELECT eventtime, eventname, useridentity.arn, errorcode FROM cloudtrail_logs WHERE eventsource = 'cloudtrail.amazonaws.com' AND eventname IN ('StopLogging', 'StartLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors') ORDER BY eventtime;
-- chain of roles
SELECT eventtime, useridentity.arn AS caller, json_extract_scalar(requestparameters, '$.roleArn') AS role, json_extract_scalar(requestparameters, '$.roleSessionName') AS session FROM cloudtrail_logs WHERE eventname LIKE 'AssumeRole%' AND eventtime BETWEEN '2026-09-15T02:00:00Z' AND '2026-09-15T03:00:00Z' ORDER BY eventtime, 2;
-- sessions and who opened them
WITH opened AS (SELECT json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS accesskey, useridentity.arn AS opener FROM cloudtrail_logs WHERE eventname = 'AssumeRole') SELECT o.opener, count(*) AS n FROM cloudtrail_logs c JOIN opened o ON c.useridentity.accesskeyid = o.accesskey WHERE c.eventsource = 'kms.amazonaws.com' AND c.eventname = 'DisableKey' GROUP BY o.opener;
-- calls through services
SELECT useridentity.invokedby, eventname, count(*) AS n FROM cloudtrail_logs WHERE eventsource = 'kms.amazonaws.com' AND useridentity.invokedby IS NOT NULL GROUP BY useridentity.invokedby, eventname ORDER BY n DESC, 1, 2 LIMIT 5;
-- busiest services
SELECT eventsource, count(*) AS n FROM cloudtrail_logs GROUP BY eventsource HAVING count(*) > 100 ORDER BY n DESC, 1;
-- alias in HAVING
SELECT eventsource, count(*) AS n FROM cloudtrail_logs GROUP BY eventsource HAVING n > 100 ORDER BY n DESC, 1;
-- alias in GROUP BY
SELECT split_part(eventsource, '.', 1) AS service, count(*) AS n FROM cloudtrail_logs GROUP BY service ORDER BY n DESC, 1 LIMIT 3;
-- number in GROUP BY
SELECT eventsource, eventname, count(*) AS n FROM cloudtrail_logs GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 3;
-- share of all calls
SELECT eventsource, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent FROM cloudtrail_logs GROUP BY eventsource ORDER BY percent DESC, 1 LIMIT 3;
-- first and last by service
SELECT eventsource, min(eventtime) AS first, max(eventtime) AS last FROM cloudtrail_logs GROUP BY eventsource ORDER BY first, 1 LIMIT 3;
-- names never seen before September
SELECT eventname FROM cloudtrail_logs GROUP BY eventname HAVING min(eventtime) >= '2026-09-01' ORDER BY eventname LIMIT 10;
-- principals in both accounts
SELECT count(*) AS n FROM (SELECT useridentity.arn FROM cloudtrail_logs WHERE recipientaccountid = '111122223333' INTERSECT SELECT useridentity.arn FROM cloudtrail_logs WHERE recipientaccountid = '444455556666');
-- shared events
SELECT a.eventname, count(*) AS n FROM cloudtrail_logs a JOIN cloudtrail_logs b ON a.sharedeventid = b.sharedeventid AND a.recipientaccountid < b.recipientaccountid GROUP BY a.eventname ORDER BY n DESC, 1;
-- keys by use
SELECT json_extract_scalar(requestparameters, '$.keyId') AS key, eventname, count(*) AS n FROM cloudtrail_logs WHERE eventsource = 'kms.amazonaws.com' AND eventname IN ('Encrypt', 'Sign', 'GenerateMac') GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 4;
-- keys and their users
SELECT r.arn AS key, count(DISTINCT useridentity.sessioncontext.sessionissuer.arn) AS roles, count(*) AS calls FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventsource = 'kms.amazonaws.com' AND r.arn LIKE '%:key/%' GROUP BY r.arn ORDER BY calls DESC, 1 LIMIT 4;
-- the day of the last use of each key
SELECT resources[1].arn AS key, max(date(eventtime)) AS day FROM cloudtrail_logs WHERE eventname = 'Decrypt' AND errorcode IS NULL GROUP BY 1 ORDER BY day, 1 LIMIT 4;
-- the last event of each name
SELECT eventname, max_by(useridentity.arn, eventtime) AS who, max(eventtime) AS last FROM cloudtrail_logs WHERE eventname LIKE '%KeyDeletion' GROUP BY eventname ORDER BY eventname;
-- ranked within a group
SELECT awsregion, eventname, n FROM (SELECT awsregion, eventname, count(*) AS n, row_number() OVER (PARTITION BY awsregion ORDER BY count(*) DESC, eventname) AS place FROM cloudtrail_logs GROUP BY awsregion, eventname) WHERE place <= 2 ORDER BY awsregion, place;
-- user agents
SELECT regexp_extract(useragent, '^[^/ ]+') AS client, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC, 1 LIMIT 4;
-- tls versions
SELECT tlsdetails.tlsversion, count(*) AS n FROM cloudtrail_logs GROUP BY tlsdetails.tlsversion ORDER BY n DESC, 1;
-- calls without tls details
SELECT count(*) AS n FROM cloudtrail_logs WHERE tlsdetails IS NULL;
-- errors by day
SELECT date(eventtime) AS day, count_if(errorcode IS NOT NULL) AS errors, count(*) AS calls FROM cloudtrail_logs GROUP BY 1 HAVING count_if(errorcode IS NOT NULL) > 3 ORDER BY 1;
-- counted with a condition
SELECT count(*) FILTER (WHERE readonly = 'true') AS reads, count(*) FILTER (WHERE readonly = 'false') AS writes FROM cloudtrail_logs;
-- summed with a condition
SELECT sum(CASE WHEN errorcode IS NULL THEN 0 ELSE 1 END) AS failures, sum(if(readonly, 1, 0)) AS reads FROM cloudtrail_logs;
-- union of two queries
SELECT 'disable' AS what, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'DisableKey' UNION ALL SELECT 'enable', count(*) FROM cloudtrail_logs WHERE eventname = 'EnableKey' ORDER BY what;
-- exists
SELECT count(*) AS n FROM cloudtrail_logs a WHERE eventname = 'ScheduleKeyDeletion' AND EXISTS (SELECT 1 FROM cloudtrail_logs b WHERE b.eventname = 'CancelKeyDeletion' AND b.awsregion = a.awsregion);
-- percentile
SELECT approx_percentile(source_index, 0.9) AS p90 FROM cloudtrail_logs;
