-- days
SELECT date(from_iso8601_timestamp(eventtime)) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1 LIMIT 3;
-- days of Lake
SELECT date(eventTime) AS day, count(*) AS n FROM $EDS_ID WHERE eventTime >= '2026-09-14' AND eventTime < '2026-09-17' GROUP BY date(eventTime) ORDER BY 1;
-- hours
SELECT date_trunc('hour', from_iso8601_timestamp(eventtime)) AS hour, count(*) AS n FROM cloudtrail_logs WHERE eventtime LIKE '2026-09-15%' GROUP BY 1 ORDER BY 1 LIMIT 3;
-- months
SELECT date_trunc('month', eventtime) AS month, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1;
-- days in MySQL's codes
SELECT date_format(from_iso8601_timestamp(eventtime), '%Y-%m-%d') AS day, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- hours in MySQL's codes
SELECT date_format(eventTime, '%H:00') AS hour, count(*) AS n FROM $EDS_ID WHERE eventSource = 'kms.amazonaws.com' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- parsed by MySQL's codes
SELECT count(*) AS n FROM cloudtrail_logs WHERE date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') > timestamp '2026-10-01 00:00:00';
-- parsed by Joda's letters
SELECT count(*) AS n FROM cloudtrail_logs WHERE parse_datetime(eventtime, 'yyyy-MM-dd''T''HH:mm:ss''Z''') > timestamp '2026-10-01 00:00:00';
-- written in Joda's letters
SELECT format_datetime(eventtime, 'yyyy-MM') AS month, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1;
-- days before an instant
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime >= date_add('day', -7, timestamp '2026-09-16 00:00:00') AND eventtime < timestamp '2026-09-16 00:00:00';
-- days before today
SELECT count(*) >= 0 AS fine FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) > date_add('day', -30, now());
-- from today
SELECT count(*) >= 0 AS fine FROM cloudtrail_logs WHERE date(eventtime) >= current_date - interval '30' day;
-- days between
SELECT date_diff('day', min(from_iso8601_timestamp(eventtime)), max(from_iso8601_timestamp(eventtime))) AS days FROM cloudtrail_logs;
-- minutes between
SELECT date_diff('minute', min(eventTime), max(eventTime)) AS minutes FROM $EDS_ID WHERE eventName IN ('DisableKey', 'CancelKeyDeletion') AND eventTime LIKE '2026-09-15%';
-- weekdays
SELECT day_of_week(from_iso8601_timestamp(eventtime)) AS weekday, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1 ORDER BY 1;
-- outside working hours
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventsource = 'kms.amazonaws.com' AND (hour(eventtime) < 6 OR hour(eventtime) >= 20);
-- extract
SELECT extract(hour FROM eventtime) AS hour, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY 1;
-- parts
SELECT year(eventtime) AS y, month(eventtime) AS m, day(eventtime) AS d FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- date literal
SELECT count(*) AS n FROM cloudtrail_logs WHERE date(eventtime) = date '2026-09-15';
-- date as text
SELECT count(*) AS n FROM cloudtrail_logs WHERE CAST(date(eventtime) AS varchar) = '2026-09-15';
-- seconds since 1970
SELECT to_unixtime(from_iso8601_timestamp(eventtime)) AS seconds FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- from seconds since 1970
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventtime > from_unixtime(1790812800);
-- another zone
SELECT from_iso8601_timestamp(eventtime) AT TIME ZONE 'Europe/Berlin' AS local FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- gaps between events
SELECT max(gap) AS seconds FROM (SELECT date_diff('second', lag(eventtime) OVER (ORDER BY eventtime), eventtime) AS gap FROM cloudtrail_logs WHERE recipientaccountid = '444455556666');
-- sessions older than the call
SELECT count(*) AS n FROM cloudtrail_logs WHERE date_diff('hour', from_iso8601_timestamp(useridentity.sessioncontext.attributes.creationdate), eventtime) >= 6;
