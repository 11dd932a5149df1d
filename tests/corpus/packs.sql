-- keys made for others
/* who created access keys, and for whom?
   (the response carries the new key) */
SELECT eventTime, userIdentity.arn AS creator,
       json_extract_scalar(json_extract(responseelements, '$.accessKey'), '$.accessKeyId') AS "new key id",
       json_extract_scalar(requestparameters, '$.userName') AS "for user"
FROM cloudtrail_logs
WHERE eventsource = 'iam.amazonaws.com' AND eventname = 'CreateAccessKey' -- only these
  AND errorcode IS NULL
ORDER BY eventtime DESC LIMIT 5;
-- one day by the bootstrap's partitions
select useridentity.arn, array_agg(distinct(sourceipaddress) order by sourceipaddress) as ips from cloudtrail where date_partition >= '2026/09/15' and date_partition <= '2026/09/15' and region_partition in ('eu-west-1','us-east-1') and account_partition = '111122223333' group by useridentity.arn order by cardinality(array_agg(distinct(sourceipaddress))) desc, 1 limit 3;
-- public addresses, compared as addresses
SELECT sourceipaddress, count(*) n FROM cloudtrail_logs WHERE regexp_like(sourceipaddress, '^\d') AND NOT ((CAST(sourceipaddress AS IPADDRESS) > IPADDRESS '10.0.0.0' AND CAST(sourceipaddress AS IPADDRESS) < IPADDRESS '10.255.255.255') OR (CAST(sourceipaddress AS IPADDRESS) > IPADDRESS '172.16.0.0' AND CAST(sourceipaddress AS IPADDRESS) < IPADDRESS '172.31.255.255')) GROUP BY 1 ORDER BY 2 DESC LIMIT 5;
-- distinct rows ordered by what has another name
SELECT DISTINCT element_at(requestParameters, 'keyId') AS Key, awsRegion AS Region, recipientAccountId AS AccountID FROM <EDS_ID> WHERE eventName = 'ScheduleKeyDeletion' ORDER BY recipientAccountId, awsRegion, 1;
-- fields only Lake has
SELECT annotation, addendum, insightDetails, eventCategory, eventJsonChecksum, userIdentity.sessionContext.webidfederationData.federatedProvider, tlsDetails.cipherSuite FROM <event_data_store_id> WHERE eventTime >= '2026-09-15 02:31:00' AND eventTime <= '2026-09-15 02:32:00' ORDER BY eventTime;
-- fields of configuration items
SELECT eventData.accountId, eventData.resourceId, replace(eventData.resourceId, 'AWS::SSM::ManagedInstanceInventory/') AS InstanceId FROM $EDS_ID WHERE eventData.resourceType = 'AWS::SSM::PatchCompliance';
-- element of a JSON array
SELECT eventTime, json_extract_scalar(json_array_get(element_at(requestParameters,'evaluations' ),0 ),'$.complianceType' ) AS c FROM <event_data_store_id> WHERE eventName='PutEvaluations';
-- days that stand out
WITH per_day AS (
  SELECT date(from_iso8601_timestamp(eventtime)) AS d, count(*) AS n
  FROM "security"."cloudtrail_logs" GROUP BY 1
), stats AS (SELECT avg(n) AS mean, stddev(n) AS sd FROM per_day)
SELECT d, n, round((n - mean) / nullif(sd, 0), 2) AS z
FROM per_day CROSS JOIN stats
WHERE n > mean + 2 * sd
ORDER BY z DESC, d
FETCH FIRST 5 ROWS ONLY;
-- grouping sets
SELECT awsregion, eventsource, count(*) AS n FROM cloudtrail_logs GROUP BY GROUPING SETS ((awsregion), (eventsource), ()) ORDER BY n DESC, 1, 2 LIMIT 4;
-- rollup with what was rolled up
SELECT awsregion, eventsource, grouping(awsregion, eventsource) AS g, count(*) AS n FROM cloudtrail_logs GROUP BY ROLLUP (awsregion, eventsource) ORDER BY n DESC, 1, 2 LIMIT 4;
-- cube with an offset in rows
SELECT awsregion, readonly, count(*) FROM cloudtrail_logs GROUP BY CUBE (awsregion, readonly) ORDER BY 3 DESC, 1, 2 OFFSET 1 ROWS LIMIT 3;
-- fetch the next rows
SELECT eventname FROM cloudtrail_logs GROUP BY eventname ORDER BY eventname OFFSET 2 FETCH NEXT 2 ROWS ONLY;
-- limit of all
SELECT eventname FROM cloudtrail_logs WHERE eventname = 'DisableKey' LIMIT ALL;
-- map of counts by region
SELECT eventname, map_agg(awsregion, n) AS by_region FROM (SELECT eventname, awsregion, count(*) n FROM cloudtrail_logs WHERE eventname LIKE 'Create%' GROUP BY 1,2) GROUP BY eventname ORDER BY eventname LIMIT 3;
-- how often, from a histogram
SELECT histogram(eventname)['Decrypt'] AS decrypts FROM cloudtrail_logs;
-- element of a histogram
SELECT recipientaccountid, element_at(histogram(errorcode), 'AccessDenied') AS denied FROM cloudtrail_logs GROUP BY 1 ORDER BY 1;
-- multimap of regions
SELECT useridentity.type, multimap_agg(eventname, awsregion) FROM cloudtrail_logs WHERE eventname IN ('DisableKey','CancelKeyDeletion') GROUP BY 1 ORDER BY 1;
-- hosts of requests
SELECT url_extract_host(concat('https://', json_extract_scalar(requestparameters, '$.Host'))) h, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 2 DESC LIMIT 2;
-- days without gaps
SELECT d.day, coalesce(c.n, 0) AS n FROM UNNEST(sequence(date '2026-09-13', date '2026-09-16')) AS d(day) LEFT JOIN (SELECT date(eventtime) day, count(*) n FROM cloudtrail_logs GROUP BY 1) c ON c.day = d.day ORDER BY 1;
-- days without gaps, in a common table expression
WITH days AS (SELECT day FROM UNNEST(sequence(date '2026-09-13', date '2026-09-16', interval '1' day)) AS t(day)) SELECT cast(day AS varchar) AS day, count(ct.eventid) AS n FROM days LEFT JOIN cloudtrail_logs ct ON date(from_iso8601_timestamp(ct.eventtime)) = days.day AND ct.eventname = 'Decrypt' GROUP BY 1 ORDER BY 1;
-- membership in the select list
SELECT eventname, eventname IN (SELECT eventname FROM cloudtrail_logs WHERE errorcode = 'AccessDenied') AS ever_denied FROM cloudtrail_logs WHERE eventname IN ('DisableKey', 'Decrypt') GROUP BY eventname ORDER BY 1;
-- membership in a CASE
SELECT CASE WHEN useridentity.arn IN (SELECT useridentity.arn FROM cloudtrail_logs WHERE eventname = 'DisableKey') THEN 'disabler' ELSE 'other' END AS kind, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 2 DESC;
-- total beside a count
SELECT eventname, (SELECT count(*) FROM cloudtrail_logs) AS total, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'Decrypt' GROUP BY eventname;
-- last of each name, correlated
SELECT a.eventname, a.eventtime FROM cloudtrail_logs a WHERE a.eventtime = (SELECT max(b.eventtime) FROM cloudtrail_logs b WHERE b.eventname = a.eventname) AND a.eventname LIKE '%Key' ORDER BY 1;
-- never failed, correlated by a nested field
SELECT count(*) FROM cloudtrail_logs a WHERE NOT EXISTS (SELECT 1 FROM cloudtrail_logs b WHERE b.useridentity.arn = a.useridentity.arn AND b.errorcode IS NOT NULL);
-- distinct with a condition
SELECT useridentity.arn, count(DISTINCT sourceipaddress) FILTER (WHERE eventsource = 'kms.amazonaws.com') AS kms_ips FROM cloudtrail_logs GROUP BY 1 HAVING count(DISTINCT sourceipaddress) FILTER (WHERE eventsource = 'kms.amazonaws.com') > 2 ORDER BY 2 DESC, 1 LIMIT 5;
-- regions in one text
SELECT eventsource, listagg(DISTINCT awsregion, ', ') WITHIN GROUP (ORDER BY awsregion) AS regions FROM cloudtrail_logs GROUP BY eventsource ORDER BY 1 LIMIT 3;
-- elements with their number
SELECT t.r.arn, o FROM cloudtrail_logs CROSS JOIN UNNEST(resources) WITH ORDINALITY AS t(r, o) WHERE eventname = 'DisableKey';
-- elements of structs by their fields
SELECT arn, type, count(*) FROM cloudtrail_logs, UNNEST(resources) AS t(arn, accountid, type) WHERE eventname = 'DisableKey' GROUP BY 1, 2;
-- sample of a table
SELECT count(*) > 0 AND count(*) < 4500 AS fewer FROM cloudtrail_logs TABLESAMPLE BERNOULLI (50);
-- addresses of a network
SELECT eventname, sourceipaddress FROM cloudtrail_logs WHERE contains('192.0.2.0/24', CAST(sourceipaddress AS IPADDRESS)) AND eventname = 'DisableKey';
-- addresses of a network, with try
SELECT count(*) FROM cloudtrail_logs WHERE TRY(contains('192.0.2.0/24', CAST(sourceipaddress AS IPADDRESS)));
-- what is no address
SELECT count(*) FROM cloudtrail_logs WHERE TRY_CAST(sourceipaddress AS IPADDRESS) IS NULL;
-- array by SQL's own path
SELECT json_query(requestparameters, 'lax $.operations') ops FROM cloudtrail_logs WHERE eventname = 'CreateGrant' ORDER BY 1 LIMIT 2;
-- scalars by SQL's own paths
SELECT json_value(requestparameters, 'lax $.keyId') k, json_exists(requestparameters, 'lax $.pendingWindowInDays') e, json_value(requestparameters, 'lax $.pendingWindowInDays' RETURNING integer) d FROM cloudtrail_logs WHERE eventname = 'ScheduleKeyDeletion' ORDER BY 1 LIMIT 2;
-- default for what is not there
SELECT json_value(requestparameters, 'lax $.nope' DEFAULT 'none' ON EMPTY NULL ON ERROR) FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- hours in another zone
SELECT hour(from_iso8601_timestamp(eventtime) AT TIME ZONE 'America/New_York') AS h, date_format(from_iso8601_timestamp(eventtime) AT TIME ZONE 'America/New_York', '%Y-%m-%d %H:%i') AS l, date(from_iso8601_timestamp(eventtime) AT TIME ZONE 'America/New_York') AS d, date_trunc('day', from_iso8601_timestamp(eventtime) AT TIME ZONE 'America/New_York') AS dt, eventtime FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- formatted text
SELECT format('%s:%d', eventname, count(*)) AS s FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY eventname;
-- named window
SELECT eventname, row_number() OVER w AS rn, lag(eventname) OVER w AS prev, first_value(eventname) OVER w AS f FROM cloudtrail_logs WHERE eventsource = 'cloudtrail.amazonaws.com' WINDOW w AS (PARTITION BY recipientaccountid ORDER BY eventtime) ORDER BY recipientaccountid, rn LIMIT 3;
-- running sum and quartile
SELECT eventname, n, sum(n) OVER (ORDER BY n DESC, eventname ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running, ntile(4) OVER (ORDER BY n DESC) AS q, percent_rank() OVER (ORDER BY n) p FROM (SELECT eventname, count(*) n FROM cloudtrail_logs GROUP BY eventname) ORDER BY n DESC, eventname LIMIT 3;
-- rank of a count
SELECT eventname, rank() OVER (ORDER BY count(*) DESC) AS r FROM cloudtrail_logs GROUP BY eventname ORDER BY r, eventname LIMIT 3;
-- calls within an hour before
SELECT count(*) OVER (PARTITION BY useridentity.arn ORDER BY from_iso8601_timestamp(eventtime) RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS in_hour FROM cloudtrail_logs WHERE eventsource='kms.amazonaws.com' ORDER BY 1 DESC LIMIT 1;
-- list of names as a table
SELECT x.name, count(c.eventid) AS n FROM (VALUES 'DisableKey', 'EnableKey', 'Nothing') AS x(name) LEFT JOIN cloudtrail_logs c ON c.eventname = x.name GROUP BY 1 ORDER BY 1;
-- table of values
SELECT x.name, x.score FROM (VALUES ('DisableKey', 5), ('EnableKey', 1)) AS x (name, score) ORDER BY score;
-- pair in a subquery
SELECT eventname, awsregion FROM cloudtrail_logs WHERE (eventname, awsregion) IN (SELECT eventname, awsregion FROM cloudtrail_logs WHERE eventname = 'DisableKey');
-- pair in a list
SELECT eventname FROM cloudtrail_logs WHERE (eventname, awsregion) IN (('DisableKey','eu-west-1'), ('EnableKey','eu-west-1'));
-- sessions of a role
SELECT useridentity.sessioncontext.sessionissuer.username role, split_part(useridentity.principalid, ':', 2) AS session, count(*) c FROM cloudtrail_logs WHERE useridentity.type='AssumedRole' GROUP BY 1,2 HAVING c > 50 ORDER BY c DESC, 1, 2 LIMIT 3;
-- other escape than the backslash
SELECT eventname, sourceipaddress, useragent FROM cloudtrail_logs WHERE useragent LIKE '%[S3Console%' ESCAPE '!' OR useragent LIKE '%100!%%' ESCAPE '!' LIMIT 3;
-- text split to a map, second place of a dot
SELECT split_to_map('a=1&b=2', '&', '=')['b'] AS b, strpos(eventsource, '.', 2) AS second FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- lambdas of two parameters
SELECT zip_with(ARRAY[1,2], ARRAY[3,4], (a, b) -> a * b) z, map_filter(CAST(json_parse(requestparameters) AS MAP(VARCHAR, VARCHAR)), (k, v) -> k = 'keyId') m, transform_values(MAP(ARRAY['x'], ARRAY[1]), (k, v) -> v + 1) tv FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- keys by their beginning
SELECT filter(map_keys(requestParameters), k -> k LIKE 'key%') ks FROM $EDS_ID WHERE eventName = 'DisableKey';
-- span in words
SELECT human_readable_seconds(to_unixtime(max(eventtime)) - to_unixtime(min(eventtime))) FROM $EDS_ID WHERE eventName = 'DisableKey' OR eventName = 'CancelKeyDeletion';
-- weeks, ends of months, hours
SELECT date_trunc('week', eventtime) AS wk, last_day_of_month(date(eventtime)) AS eom, to_iso8601(date_trunc('hour', eventtime)) AS h FROM $EDS_ID WHERE eventName = 'DisableKey';
-- names of types
SELECT typeof(eventtime), typeof(useridentity.arn), typeof(count(*)) FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY 1, 2;
-- later of two times
SELECT greatest(min(eventtime), timestamp '2026-01-01 00:00:00 UTC') AS g FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- most frequent names
SELECT approx_most_frequent(3, eventname, 100) AS top FROM cloudtrail_logs;
-- sets and any of them
SELECT eventname, cardinality(set_agg(awsregion)) AS n, bool_or(errorcode IS NOT NULL) AS failed, bool_and(readonly) AS ro FROM cloudtrail_logs GROUP BY eventname ORDER BY n DESC, eventname LIMIT 3;
-- row with a name
SELECT CAST(json_parse(requestparameters) AS ROW("keyId" VARCHAR)).keyId AS k FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- array in angle brackets
SELECT t.op FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.operations') AS array<varchar>)) t(op) WHERE eventname = 'CreateGrant' GROUP BY 1 ORDER BY 1 LIMIT 2;
-- backticks
SELECT `eventname`, `useridentity`.`arn` FROM `default`.`cloudtrail_logs` WHERE `eventname` = 'DisableKey';
-- database and table with hyphens
SELECT eventName, userIdentity.userName FROM "my-database"."cloudtrail-logs-111122223333" ct WHERE ct.eventName = 'ConsoleLogin' AND ct.responseElements LIKE '%Failure%' LIMIT 2;
-- distinct over a window
SELECT DISTINCT eventname, count(*) OVER (PARTITION BY eventname) AS c FROM cloudtrail_logs WHERE eventname LIKE 'Disable%' ORDER BY c DESC;
-- aliases without AS
SELECT eventtime "when", useridentity.arn "who" FROM cloudtrail_logs WHERE eventname='DisableKey' ORDER BY "when" DESC;
-- except
SELECT eventname FROM cloudtrail_logs WHERE eventname='DisableKey' EXCEPT SELECT eventname FROM cloudtrail_logs WHERE errorcode IS NOT NULL AND eventname = 'EnableKey';
-- weekdays by name
SELECT date_format(eventtime, '%W') AS wd, count(*) FROM $EDS_ID GROUP BY date_format(eventtime, '%W') ORDER BY count(*) DESC LIMIT 2;
-- roles of sessions
SELECT regexp_extract(useridentity.arn, 'assumed-role/([^/]+)/', 1) AS role, count(*) FROM cloudtrail_logs WHERE useridentity.arn LIKE '%:assumed-role/%' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3;
-- split by a pattern
SELECT regexp_split(useragent, '/')[1] AS a, regexp_count(useragent, '/') AS n FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- rate of failures
SELECT eventname, COUNT_IF(errorcode IS NULL) ok, COUNT_IF(errorcode IS NOT NULL) AS bad, CAST(COUNT_IF(errorcode IS NOT NULL) AS double) / COUNT(*) AS rate FROM cloudtrail_logs GROUP BY eventname HAVING COUNT_IF(errorcode IS NOT NULL) > 0 ORDER BY rate DESC, eventname LIMIT 3;
-- decimals and rounding
SELECT CAST(1.0 * count(*) / 3 AS decimal(10,2)) AS d, CAST(2.6 AS integer) AS i, round(count(*) / 7.0, 1) AS r FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- field of an element that is a column's name too
SELECT eventname FROM cloudtrail_logs WHERE resources[1].arn LIKE '%:key/%' AND cardinality(resources) > 0 AND element_at(resources, 1).accountid = '111122223333' AND eventname = 'DisableKey';
-- any of the elements
SELECT any_match(resources, r -> r.arn LIKE '%:key/%') AS k, transform(resources, r -> r.type) AS types FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- what is not only reading
SELECT eventname FROM cloudtrail_logs WHERE NOT regexp_like(eventname, '^(Get|List|Describe|Head|Lookup|Generate|Decrypt|Encrypt|Assume)') AND useridentity.type IN ('IAMUser','Root') GROUP BY 1 ORDER BY 1 LIMIT 5;
-- what each user did
SELECT useridentity.username, array_join(array_agg(DISTINCT eventname ORDER BY eventname), ', ') AS did FROM cloudtrail_logs WHERE useridentity.type = 'IAMUser' GROUP BY 1 ORDER BY 1 LIMIT 2;
-- first and last seen of long-lived keys
SELECT min(eventtime) AS firstSeen, max(eventtime) AS lastSeen, date_diff('day', from_iso8601_timestamp(min(eventtime)), from_iso8601_timestamp(max(eventtime))) AS span FROM cloudtrail_logs WHERE useridentity.accesskeyid LIKE 'AKIA%';
-- recursive
WITH RECURSIVE chain(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM chain WHERE n < 3) SELECT * FROM chain;
-- partitions as text and number
SELECT eventname, count(*) FROM cloudtrail_logs WHERE year='2026' AND month IN ('08','09') AND CAST(day AS integer) BETWEEN 1 AND 15 AND region='eu-west-1' GROUP BY eventname ORDER BY 2 DESC, 1 LIMIT 2;
-- partitions joined to a day
SELECT count(*) FROM cloudtrail_logs WHERE concat(year, '-', month, '-', day) >= '2026-09-15' AND year || month || day < '20260916';
-- partitions parsed to a day
SELECT count(*) FROM cloudtrail_logs WHERE date_parse(concat(year, '/', month, '/', day), '%Y/%m/%d') = date_parse('2026/09/15', '%Y/%m/%d');
-- partitions cast to a day
SELECT count(*) FROM cloudtrail_logs WHERE CAST(concat(year, '-', month, '-', day) AS date) = date '2026-09-15' AND date(concat(year, '-', month, '-', day)) >= date('2026-09-15');
-- five minutes at a time
SELECT from_unixtime(to_unixtime(from_iso8601_timestamp(eventtime)) - mod(cast(to_unixtime(from_iso8601_timestamp(eventtime)) as bigint), 300)) AS five_min, count(*) AS n FROM cloudtrail_logs WHERE eventtime LIKE '2026-09-15T02%' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2;
-- size of a JSON text
SELECT json_extract(requestparameters, '$') IS NOT NULL AS j, json_size(requestparameters, '$') AS size, is_json_scalar(json_extract(requestparameters, '$.keyId')) AS s FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- who, by whatever name there is
SELECT COALESCE(useridentity.username, useridentity.sessioncontext.sessionissuer.username, useridentity.invokedby, 'unknown') AS who, COUNT(*) AS total FROM cloudtrail_logs GROUP BY COALESCE(useridentity.username, useridentity.sessioncontext.sessionissuer.username, useridentity.invokedby, 'unknown') ORDER BY total DESC, who LIMIT 3;
-- addresses of several principals
SELECT sourceipaddress, count(DISTINCT useridentity.arn) AS principals FROM cloudtrail_logs WHERE sourceipaddress NOT LIKE '%.amazonaws.com' AND sourceipaddress <> 'AWS Internal' GROUP BY sourceipaddress HAVING count(DISTINCT useridentity.arn) > 1 ORDER BY principals DESC, 1 LIMIT 2;
-- sign-ins without a second factor
SELECT eventname, count(*) AS "n" FROM cloudtrail_logs WHERE eventtype IN ('AwsConsoleSignIn') AND additionaleventdata LIKE '%"MFAUsed":"No"%' GROUP BY eventname;
-- results of sign-ins
SELECT json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa, json_extract_scalar(responseelements, '$.ConsoleLogin') AS result, count(*) FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1, 2 ORDER BY 3 DESC, 1;
-- keys of the encryption context
SELECT map_keys(CAST(json_extract(requestparameters, '$.encryptionContext') AS map(varchar, varchar))) AS ks, count(*) FROM cloudtrail_logs WHERE eventname = 'Decrypt' GROUP BY 1 ORDER BY 2 DESC LIMIT 2;
-- encryption context, unnested
SELECT k, v, count(*) n FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.encryptionContext') AS map(varchar, varchar))) AS t(k, v) WHERE eventname = 'Decrypt' GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 2;
-- elements, or none
SELECT e.eventname, r.arn FROM cloudtrail_logs e LEFT JOIN UNNEST(e.resources) AS t(r) ON TRUE WHERE e.eventname = 'DisableKey';
-- arrays in the request
SELECT count(*) FROM cloudtrail_logs WHERE json_array_length(json_extract(requestparameters, '$.operations')) >= 2 AND contains(CAST(json_extract(requestparameters, '$.operations') AS array(varchar)), 'Decrypt');
-- first and last of an account
SELECT arbitrary(useridentity.arn) IS NOT NULL AS a, min_by(eventname, eventtime) AS first, max_by(eventname, eventtime) AS last FROM cloudtrail_logs WHERE recipientaccountid = '111122223333';
-- busy minutes
SELECT date_trunc('minute', from_iso8601_timestamp(eventtime)) m, count(*) c FROM cloudtrail_logs GROUP BY date_trunc('minute', from_iso8601_timestamp(eventtime)) HAVING count(*) >= 10 ORDER BY c DESC, m LIMIT 2;
-- outcome by IF
SELECT eventname, IF(errorcode IS NULL, 'ok', errorcode) AS outcome, COUNT(1) FROM cloudtrail_logs WHERE eventname LIKE '%KeyDeletion' GROUP BY eventname, IF(errorcode IS NULL, 'ok', errorcode) ORDER BY 1, 2;
-- newest of each name
SELECT * FROM (SELECT eventname, eventtime, row_number() OVER (PARTITION BY eventname ORDER BY eventtime DESC) AS rn FROM cloudtrail_logs WHERE eventname LIKE 'Disable%') t WHERE t.rn = 1;
-- what else the key did
SELECT t1.eventname FROM cloudtrail_logs AS t1 INNER JOIN (SELECT useridentity.accesskeyid AS k FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY useridentity.accesskeyid) AS t2 ON t1.useridentity.accesskeyid = t2.k GROUP BY t1.eventname ORDER BY 1;
-- times without seconds
SELECT eventname, count(*) FROM cloudtrail_logs WHERE eventsource='kms.amazonaws.com' AND errorcode IS NOT NULL AND eventtime BETWEEN timestamp '2026-09-01 00:00' AND timestamp '2026-10-01 00:00' GROUP BY eventname ORDER BY 2 DESC, 1;
-- calendar of ISO weeks
SELECT year(from_iso8601_timestamp(eventtime)) y, quarter(from_iso8601_timestamp(eventtime)) q, week(from_iso8601_timestamp(eventtime)) w, year_of_week(from_iso8601_timestamp(eventtime)) yw FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- hour of two digits
SELECT lpad(cast(hour(eventtime) as varchar), 2, '0') || ':00' AS h FROM $EDS_ID WHERE eventName = 'DisableKey';
-- pseudonyms
SELECT to_hex(md5(to_utf8(useridentity.arn))) AS pseudonym FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- types of resources
SELECT array_sort(array_distinct(flatten(array_agg(transform(resources, r -> r.type))))) AS types FROM cloudtrail_logs;
-- extremes of arrays
SELECT array_max(array_agg(n)) mx, array_min(array_agg(n)) mn, array_position(array_agg(n ORDER BY n), 1) p FROM (SELECT count(*) n FROM cloudtrail_logs GROUP BY eventname);
-- arrays as sets
SELECT arrays_overlap(array_agg(DISTINCT eventname), ARRAY['DisableKey','x']) AS o, array_intersect(array_agg(DISTINCT eventname), ARRAY['DisableKey','x']) i, array_except(ARRAY['DisableKey','x'], array_agg(DISTINCT eventname)) e FROM cloudtrail_logs;
-- not distinct from NULL, and more
SELECT count(*) FROM cloudtrail_logs WHERE errorcode IS NOT DISTINCT FROM NULL AND eventname = 'DisableKey';
-- alias that is a function
SELECT eventname, count(*) as count FROM cloudtrail_logs GROUP BY eventname ORDER BY count DESC, eventname LIMIT 1;
-- alias that is a type
SELECT date(eventtime) AS date, count(*) AS total FROM $EDS_ID GROUP BY date(eventtime) ORDER BY total DESC, date LIMIT 1;
-- user is no keyword
SELECT userIdentity.arn AS user, eventName FROM $EDS_ID WHERE eventName = 'DisableKey' GROUP BY userIdentity.arn, eventName;
-- group by all
SELECT eventname, awsregion, count(*) FROM cloudtrail_logs WHERE eventname = 'DisableKey' GROUP BY ALL;
-- any of a subquery
SELECT eventname FROM cloudtrail_logs WHERE eventname = 'DisableKey' AND useridentity.sessioncontext.sessionissuer.arn = any (SELECT useridentity.sessioncontext.sessionissuer.arn FROM cloudtrail_logs);
-- after the slash
SELECT substring(useridentity.arn, position('/' IN useridentity.arn) + 1) AS tail, reverse(split_part(reverse(useridentity.arn), '/', 1)) AS last FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- parts from the end
SELECT element_at(split(useridentity.arn, '/'), -1) AS last, split(useridentity.arn, ':')[5] AS account, cardinality(split(useridentity.arn, ':')) FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- sample under an alias
SELECT count(*) BETWEEN 1 AND 4500 AS fewer FROM cloudtrail_logs AS c TABLESAMPLE SYSTEM (50) WHERE c.region IS NOT NULL;
-- access key by the name it has in the record
SELECT c.userIdentity.accessKeyId IS NOT NULL AS has, count(*) AS n FROM cloudtrail_logs c GROUP BY c.useridentity.accesskeyid IS NOT NULL ORDER BY 1;
-- access keys, grouped and ordered
SELECT useridentity.accesskeyid, count(*) AS n FROM cloudtrail_logs WHERE useridentity.accesskeyid IS NOT NULL GROUP BY useridentity.accesskeyid HAVING count(*) > 50 ORDER BY n DESC, useridentity.accesskeyid LIMIT 3;
-- steps in a row
SELECT count_if(contains_sequence(names, ARRAY['DisableKey'])) AS disabled, count(*) AS principals FROM (SELECT useridentity.arn AS arn, array_agg(eventname ORDER BY eventtime, eventid) AS names FROM cloudtrail_logs GROUP BY useridentity.arn);
-- ranges of one width
SELECT width_bucket(n, 0, 100, 4) AS range_of_calls, count(*) AS names FROM (SELECT eventname, count(*) AS n FROM cloudtrail_logs GROUP BY eventname) GROUP BY 1 ORDER BY 1;
-- part by hash
SELECT bitwise_and(from_big_endian_64(xxhash64(to_utf8(eventname))), 1) AS part, count(DISTINCT eventname) AS names FROM cloudtrail_logs GROUP BY 1 ORDER BY 1;
-- maps united
SELECT cardinality(map_union(MAP(ARRAY[eventname], ARRAY[awsregion]))) = count(DISTINCT eventname) AS same FROM cloudtrail_logs;
-- a sum by a lambda
SELECT reduce_agg(n, 0, (s, x) -> s + x, (a, b) -> a + b) = sum(n) AS same FROM (SELECT count(*) AS n FROM cloudtrail_logs GROUP BY eventname);
-- checksum in whatever order
SELECT checksum(eventid) = (SELECT checksum(eventid) FROM (SELECT eventid FROM cloudtrail_logs ORDER BY eventtime DESC)) AS same FROM cloudtrail_logs;
-- histogram of numbers
SELECT cardinality(numeric_histogram(3, n)) AS buckets FROM (SELECT count(*) AS n FROM cloudtrail_logs GROUP BY eventname);
-- calls here and elsewhere
SELECT map_zip_with(histogram(eventname) FILTER (WHERE awsregion = 'us-east-1'), histogram(eventname) FILTER (WHERE awsregion <> 'us-east-1'), (k, here, elsewhere) -> coalesce(here, 0) - coalesce(elsewhere, 0))['DisableKey'] AS more FROM cloudtrail_logs;
-- any and none of listed values
SELECT eventname, count(*) AS n FROM cloudtrail_logs WHERE eventname = ANY (VALUES 'DisableKey', 'UpdateAlias') AND awsregion <> ALL (VALUES 'xx-east-1', 'xx-west-1') GROUP BY eventname ORDER BY eventname;
-- all of a subquery
SELECT eventname FROM cloudtrail_logs WHERE eventname = 'DisableKey' AND eventtime >= ALL (SELECT eventtime FROM cloudtrail_logs WHERE eventname = 'DisableKey');
-- fields of a row by number
SELECT ROW(eventname, awsregion)[1] AS name, ROW(eventname, awsregion)[2] AS region FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- keyed pseudonyms
SELECT to_hex(hmac_sha256(to_utf8(useridentity.arn), to_utf8('a secret'))) AS pseudonym FROM cloudtrail_logs WHERE eventname = 'DisableKey';
