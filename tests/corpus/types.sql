-- event time as text
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime LIKE '2026-09-15T02:%';
-- event time as text, not like
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime NOT LIKE '2026-09%';
-- part of the text of an event time
SELECT substr(eventtime, 1, 10) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY substr(eventtime, 1, 10) ORDER BY 1 LIMIT 3;
-- substring from for
SELECT substring(eventtime FROM 12 FOR 2) AS hour, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'Decrypt' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- split of an event time
SELECT split_part(eventtime, 'T', 1) AS day, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY 1;
-- compared with ISO texts
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime >= '2026-09-15T00:00:00Z' AND eventtime < '2026-09-16T00:00:00Z';
-- compared with Lake's texts
SELECT count(*) AS n FROM $EDS_ID WHERE eventTime > '2026-09-15 00:00:00' AND eventTime < '2026-09-16 00:00:00';
-- compared with dates
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime >= '2026-09-15' AND eventtime < '2026-09-16';
-- compared with a month
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime >= '2026-09' AND eventtime < '2026-10';
-- literal on the left
SELECT count(*) AS n FROM cloudtrail_logs WHERE '2026-09-15' <= eventtime AND '2026-09-16' > eventtime;
-- between texts
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime BETWEEN '2026-09-15T00:00:00Z' AND '2026-09-15T23:59:59Z';
-- not between texts
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime NOT BETWEEN '2026-07-02' AND '2026-12-31';
-- between timestamps
SELECT count(*) AS n FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) BETWEEN timestamp '2026-09-15 00:00:00' AND timestamp '2026-09-16 00:00:00';
-- Lake's timestamps
SELECT count(*) AS n FROM $EDS_ID WHERE eventTime >= timestamp '2026-09-15 00:00:00' AND eventTime < timestamp '2026-09-16 00:00:00';
-- read only as text
SELECT readonly, count(*) AS n FROM cloudtrail_logs WHERE readonly = 'true' GROUP BY readonly;
-- read only as a boolean
SELECT count(*) AS n FROM $EDS_ID WHERE readOnly = false;
-- read only alone
SELECT count(*) AS n FROM $EDS_ID WHERE NOT readOnly;
-- management event as text
SELECT count(*) AS n FROM cloudtrail_logs WHERE managementevent = 'true';
-- mfa as text
SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.sessioncontext.attributes.mfaauthenticated = 'true';
-- mfa as a boolean
SELECT count(*) AS n FROM cloudtrail_logs WHERE useridentity.sessioncontext.attributes.mfaauthenticated = true;
-- account as text
SELECT count(*) AS n FROM cloudtrail_logs WHERE recipientaccountid = '444455556666';
-- account as a number
SELECT count(*) AS n FROM cloudtrail_logs WHERE recipientaccountid = 444455556666;
-- event version
SELECT eventversion, count(*) AS n FROM cloudtrail_logs GROUP BY eventversion ORDER BY n DESC, 1;
-- region of the partition
SELECT region, count(*) AS n FROM cloudtrail_logs WHERE region = 'eu-west-1' GROUP BY region;
-- year, month and day of the partition
SELECT count(*) AS n FROM cloudtrail_logs WHERE year = '2026' AND month = '09' AND day = '15';
-- numbers for partitions
SELECT count(*) AS n FROM cloudtrail_logs WHERE year = 2026 AND month = 9 AND day = 15;
-- grouped by partition
SELECT year, month, count(*) AS n FROM cloudtrail_logs GROUP BY year, month ORDER BY year, month;
-- date of the partition
SELECT count(*) AS n FROM cloudtrail_logs WHERE "timestamp" = '2026/09/15';
-- range of partitions
SELECT count(*) AS n FROM cloudtrail_logs WHERE "timestamp" BETWEEN '2026/09/15' AND '2026/09/16';
-- account of the partition
SELECT account, count(*) AS n FROM cloudtrail_logs GROUP BY account ORDER BY account;
-- a name the statement gives wins
SELECT region, count(*) AS n FROM (SELECT 'x' AS region FROM cloudtrail_logs WHERE eventname = 'DisableKey') GROUP BY region;
-- partition beside an alias of its name
SELECT date_format(eventtime, '%Y-%m') AS month, count(*) AS n FROM cloudtrail_logs WHERE month = '09' GROUP BY 1;
-- the record as JSON
SELECT json_extract_scalar(eventJson, '$.eventName') AS name, json_extract_scalar(eventJson, '$.userIdentity.sessionContext.sessionIssuer.userName') AS role FROM $EDS_ID WHERE eventName = 'DisableKey';
-- text of the record
SELECT count(*) AS n FROM $EDS_ID WHERE eventJson LIKE '%nightly-rotation%';
-- cast of an event time
SELECT CAST(eventtime AS varchar) AS t, CAST(eventtime AS date) AS d FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- cast to a timestamp
SELECT count(*) AS n FROM cloudtrail_logs WHERE CAST(eventtime AS timestamp) > timestamp '2026-10-01 00:00:00';
-- now
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime > now();
-- interval before now
SELECT count(*) >= 0 AS fine FROM cloudtrail_logs WHERE eventtime > current_timestamp - interval '7' day;
-- in a list of texts
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventname IN ('DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion');
-- null is not empty
SELECT count(*) AS n FROM cloudtrail_logs WHERE errorcode IS NOT NULL AND errorcode <> '';
-- greater than a text that is no instant
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime > '2026-10-0';
-- partitions through the alias of the table
SELECT c.region, c.account, count(*) AS n FROM cloudtrail_logs AS c WHERE c.year = '2026' AND c.month = '09' GROUP BY c.region, c.account ORDER BY c.region, c.account;
-- partitions behind a name for all columns
WITH september AS (SELECT * FROM cloudtrail_logs WHERE month = '09') SELECT region, day, count(*) AS n FROM september WHERE day < '03' GROUP BY region, day ORDER BY region, day;
-- partitions of a subquery with all columns
SELECT t.region, count(*) AS n FROM (SELECT * FROM cloudtrail_logs WHERE eventname = 'Decrypt') AS t WHERE t.year = '2026' GROUP BY t.region ORDER BY 1;
-- partitions of the quoted table
SELECT count(*) AS n FROM "cloudtrail" WHERE "region" = 'eu-west-1' AND "year" = '2026';
-- partitions of a table that is joined to itself
SELECT a.region, b.account, count(*) AS n FROM cloudtrail_logs a JOIN cloudtrail_logs b ON a.eventid = b.eventid AND a.account = b.account AND b.month = '09' GROUP BY a.region, b.account ORDER BY a.region, b.account;
-- partitions of two names for all columns
WITH uses AS (SELECT * FROM cloudtrail_logs WHERE eventname = 'Decrypt'), blows AS (SELECT * FROM cloudtrail_logs WHERE eventname = 'DisableKey') SELECT u.region, count(*) AS n FROM uses u JOIN blows b ON u.account = b.account AND u.region = b.region AND u.eventtime < b.eventtime GROUP BY u.region;
