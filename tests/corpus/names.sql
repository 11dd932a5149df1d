-- athena table of the console
SELECT eventName, count(*) AS n FROM cloudtrail_logs GROUP BY eventName ORDER BY n DESC, eventName LIMIT 5;
-- table named after the account
SELECT count(*) AS n FROM cloudtrail_111122223333;
-- table named after the bucket
SELECT count(*) AS n FROM cloudtrail_logs_amzn_s3_demo_bucket WHERE eventsource = 'kms.amazonaws.com';
-- database and table
SELECT count(*) AS n FROM default.cloudtrail_logs;
-- quoted database and table
SELECT count(*) AS n FROM "security_db"."trail_events" WHERE eventname = 'DisableKey';
-- catalogue, database and table
SELECT count(*) AS n FROM awsdatacatalog.logs.cloudtrail;
-- placeholder DATABASE.TABLE
SELECT count(*) AS n FROM DATABASE.TABLE WHERE eventname = 'CreateKey';
-- placeholder in angle brackets
SELECT eventID FROM <EDS ID> WHERE eventName = 'DisableKey';
-- placeholder with underscores
SELECT eventID FROM <event_data_store_id> WHERE eventName = 'DisableKey';
-- placeholder as a variable
SELECT eventID FROM $EDS_ID WHERE eventName = 'DisableKey';
-- placeholder as a variable in braces
SELECT eventID FROM ${EDS_ID} WHERE eventName = 'DisableKey';
-- placeholder as a word
SELECT eventID FROM EDS_ID WHERE eventName = 'DisableKey';
-- placeholder event data store
SELECT eventID FROM event_data_store_ID WHERE eventName = 'DisableKey';
-- id of an event data store
SELECT eventID FROM 0a1b2c3d-4e5f-6789-abcd-ef0123456789 WHERE eventName = 'DisableKey';
-- id that begins with letters
SELECT eventID FROM abcdef01-2345-6789-abcd-ef0123456789 AS e WHERE e.eventName = 'DisableKey';
-- two placeholders joined
SELECT count(*) AS n FROM <EDS ID> a JOIN <EDS ID> b ON a.sharedEventID = b.sharedEventID AND a.eventID <> b.eventID;
-- placeholder in a subquery
SELECT count(*) AS n FROM (SELECT DISTINCT userIdentity.arn FROM <EDS ID> WHERE eventName = 'Decrypt');
-- alias of a pasted table
SELECT ct.eventname FROM cloudtrail_logs AS ct WHERE ct.eventname = 'DisableKey';
-- qualified by the pasted name
SELECT cloudtrail_logs.eventname FROM cloudtrail_logs WHERE cloudtrail_logs.eventname = 'DisableKey';
-- common table expression keeps its own name
WITH trail AS (SELECT * FROM cloudtrail_logs WHERE eventname = 'DisableKey') SELECT count(*) AS n FROM trail;
-- a slip is no table
SELECT * FROM kms_evnts;
-- camel case everywhere
SELECT eventSource, eventName, awsRegion, sourceIPAddress, userAgent FROM cloudtrail_logs WHERE eventName = 'DisableKey';
-- capitals everywhere
SELECT EVENTSOURCE, EVENTNAME FROM CLOUDTRAIL_LOGS WHERE EVENTNAME = 'DisableKey';
-- quoted camel case
SELECT "eventName", "userIdentity"."arn" FROM cloudtrail_logs WHERE "eventName" = 'DisableKey';
-- nested camel case
SELECT userIdentity.sessionContext.sessionIssuer.userName, count(*) AS n FROM cloudtrail_logs WHERE eventSource = 'kms.amazonaws.com' AND userIdentity.type = 'AssumedRole' GROUP BY userIdentity.sessionContext.sessionIssuer.userName ORDER BY n DESC, 1 LIMIT 3;
-- nested through the alias of the table
SELECT c.userIdentity.sessionContext.attributes.mfaAuthenticated AS mfa, count(*) AS n FROM cloudtrail_logs c GROUP BY 1 ORDER BY 1;
-- nested with brackets
SELECT useridentity['type'] AS t, useridentity['sessionContext']['sessionIssuer']['userName'] AS u FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- quoted alias of an answer
SELECT eventname AS "Event Name", count(*) AS "Count" FROM cloudtrail_logs WHERE eventname LIKE '%Alias' GROUP BY eventname ORDER BY "Count" DESC, 1;
-- alias that is a column in other letters
SELECT lower(eventname) AS "eventName" FROM cloudtrail_logs WHERE eventname = 'DisableKey' ORDER BY "eventName";
-- fields are named by themselves
SELECT useridentity.arn, useridentity.accountid FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- two fields of one name
SELECT useridentity.arn, useridentity.sessioncontext.sessionissuer.arn FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- a column that is not there
SELECT evntname FROM cloudtrail_logs;
-- a field that is not there
SELECT useridentity.usename FROM cloudtrail_logs;
