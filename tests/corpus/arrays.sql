-- unnest with one name
SELECT r.arn, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventname = 'ReEncrypt' GROUP BY r.arn ORDER BY 1;
-- unnest through the table's name
SELECT t.r.arn, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventname = 'UpdateAlias' GROUP BY t.r.arn ORDER BY 1;
-- unnest without AS
SELECT resource.type, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) t(resource) GROUP BY resource.type ORDER BY n DESC, 1;
-- unnest after a comma
SELECT r.arn FROM cloudtrail_logs, UNNEST(resources) AS t(r) WHERE eventname = 'UpdateAlias' ORDER BY 1;
-- unnest with a name for each field
SELECT arn, type FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(arn, accountid, type) WHERE eventname = 'UpdateAlias' ORDER BY arn;
-- unnest through the alias of the table
SELECT c.eventname, r.arn FROM cloudtrail_logs c CROSS JOIN UNNEST(c.resources) AS t(r) WHERE c.eventname = 'DisableKey';
-- unnest with the table's name only
SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS r WHERE eventname = 'DisableKey';
-- unnest keeps rows without elements
SELECT count(*) AS n, count(r) AS held FROM cloudtrail_logs LEFT JOIN UNNEST(resources) AS t(r) ON TRUE WHERE eventname IN ('ConsoleLogin', 'DisableKey');
-- unnest with ordinality
SELECT r.arn, place FROM cloudtrail_logs CROSS JOIN UNNEST(resources) WITH ORDINALITY AS t(r, place) WHERE eventname = 'UpdateAlias' ORDER BY place;
-- unnest of a literal
SELECT x FROM UNNEST(ARRAY['a', 'b']) AS t(x) ORDER BY x;
-- unnest of two arrays in step
SELECT a, b FROM (SELECT 1) AS one CROSS JOIN UNNEST(ARRAY[1, 2], ARRAY['x', 'y']) AS t(a, b) ORDER BY a;
-- unnest of an unnest
SELECT part, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) CROSS JOIN UNNEST(split(r.arn, ':')) AS p(part) WHERE eventname = 'DisableKey' GROUP BY part ORDER BY part;
-- unnest in a common table expression
WITH arns AS (SELECT r.arn AS arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r)) SELECT count(DISTINCT arn) AS n FROM arns;
-- unnest with virtual columns
SELECT region, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE r.type = 'AWS::KMS::Key' GROUP BY region ORDER BY region;
-- first element
SELECT resources[1].arn AS arn FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- first element through the alias of the table
SELECT c.resources[1].arn AS arn, c.resources[1].type FROM cloudtrail_logs AS c WHERE c.resources[1].arn LIKE '%key/%' AND c.eventname = 'DisableKey';
-- first element by function
SELECT element_at(resources, 1).arn AS arn FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- last element
SELECT element_at(resources, -1).arn AS arn FROM cloudtrail_logs WHERE eventname = 'UpdateAlias';
-- an element that is not there
SELECT resources[9].arn AS arn FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- number of elements
SELECT cardinality(resources) AS size, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1;
-- any element
SELECT count(*) AS n FROM cloudtrail_logs WHERE any_match(resources, r -> r.arn LIKE '%:alias/%');
-- all elements
SELECT count(*) AS n FROM cloudtrail_logs WHERE cardinality(resources) > 0 AND all_match(resources, r -> r.type = 'AWS::KMS::Key');
-- no element
SELECT count(*) AS n FROM cloudtrail_logs WHERE none_match(resources, r -> r.type = 'AWS::KMS::Key');
-- elements that match
SELECT cardinality(filter(resources, r -> r.arn LIKE '%:key/%')) AS keys, count(*) AS n FROM cloudtrail_logs WHERE eventsource = 'kms.amazonaws.com' GROUP BY 1 ORDER BY 1;
-- a field of every element
SELECT transform(resources, r -> r.arn) AS arns FROM cloudtrail_logs WHERE eventname = 'UpdateAlias';
-- a field of every element, joined
SELECT array_join(transform(resources, r -> r.type), ', ') AS types FROM cloudtrail_logs WHERE eventname = 'UpdateAlias';
-- array has an element
SELECT count(*) AS n FROM cloudtrail_logs WHERE contains(transform(resources, r -> r.type), 'AWS::KMS::Key');
-- literal array has an element
SELECT count(*) AS n FROM cloudtrail_logs WHERE contains(ARRAY['DisableKey', 'EnableKey'], eventname);
-- part of an array
SELECT slice(split(useridentity.arn, '/'), 2, 2) AS parts FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- part of a text
SELECT split(useridentity.arn, '/')[2] AS role FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- distinct names in order
SELECT awsregion, array_agg(DISTINCT eventname ORDER BY eventname) AS names FROM cloudtrail_logs WHERE eventname LIKE '%Alias' GROUP BY awsregion ORDER BY awsregion;
-- distinct names, joined
SELECT array_join(array_agg(DISTINCT eventname), ',') AS names FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- addresses in a block
SELECT sourceipaddress, count(*) AS n FROM cloudtrail_logs WHERE contains('192.0.2.0/24', CAST(sourceipaddress AS IPADDRESS)) GROUP BY sourceipaddress ORDER BY n DESC, 1;
-- addresses outside of blocks
SELECT count(*) AS n FROM cloudtrail_logs WHERE NOT contains('203.0.113.0/24', TRY_CAST(sourceipaddress AS IPADDRESS));
-- address literal
SELECT contains('10.0.0.0/8', IPADDRESS '10.1.2.3') AS inside;
-- rows of a JSON array, as columns of their types
SELECT t.number, t.kind FROM (SELECT '[{"n":1,"k":"x"},{"k":"y"}]' AS held) AS h CROSS JOIN UNNEST(CAST(json_parse(h.held) AS ARRAY(ROW(n BIGINT, k VARCHAR)))) AS t(number, kind) ORDER BY t.kind;
-- rows of a JSON array, numbered, without a table before
SELECT t.k, t.n + 1 AS next, t.at FROM UNNEST(CAST(json_parse('[{"n":1,"k":"x"},{"n":5,"k":"y"}]') AS ARRAY(ROW(n BIGINT, k VARCHAR)))) WITH ORDINALITY AS t(n, k, at) ORDER BY t.at DESC;
-- a map's entries, without a table before
SELECT key, value FROM UNNEST(map(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(key, value) WHERE t.value > 1;
-- an array numbered, without a table before
SELECT * FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) ORDER BY n;
-- an array without a table before, beside another
SELECT a.x, b.y FROM UNNEST(ARRAY[1, 2]) WITH ORDINALITY AS a(x, n) CROSS JOIN UNNEST(ARRAY['p', 'q']) AS b(y) WHERE a.n = 2 ORDER BY b.y;
-- ordered and grouped by what stands in an array
SELECT t.x AS number, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(ARRAY[2, 1]) AS t(x) WHERE eventname = 'DisableKey' GROUP BY t.x ORDER BY t.x;
-- ordered by a field of a resource
SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventname = 'DisableKey' ORDER BY t.r.arn DESC, eventtime;
-- an array beside tables that are joined
SELECT b.e, r.type, count(*) AS n FROM cloudtrail_logs a JOIN (SELECT 'DisableKey' AS e) b ON a.eventname = b.e CROSS JOIN UNNEST(a.resources) AS t(r) GROUP BY b.e, r.type ORDER BY b.e;
-- an array of the table that is joined, without its name
SELECT b.e, count(*) AS n FROM (SELECT 'DisableKey' AS e) b JOIN cloudtrail_logs a ON a.eventname = b.e CROSS JOIN UNNEST(resources) AS t(r) GROUP BY 1;
-- an array before a table that is joined to it
SELECT t.x, b.e FROM (SELECT ARRAY[1, 2] AS xs) a CROSS JOIN UNNEST(a.xs) AS t(x) LEFT JOIN (SELECT 2 AS k, 'two' AS e) b ON b.k = t.x ORDER BY t.x;
-- whether there is an element
SELECT eventname, count(*) AS n FROM cloudtrail_logs l WHERE EXISTS (SELECT 1 FROM UNNEST(l.resources) AS t(r) WHERE t.r.type = 'AWS::KMS::Key' AND r.arn LIKE 'arn:aws:kms:%') GROUP BY eventname ORDER BY n DESC, eventname LIMIT 3;
-- whether there is none
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventname = 'DisableKey' AND NOT EXISTS (SELECT * FROM UNNEST(resources));
-- how many elements, and the greatest
SELECT a.id, (SELECT count(*) FROM UNNEST(a.xs) AS t(x) WHERE x > 1) AS n, (SELECT max(x) FROM UNNEST(a.xs) AS t(x)) AS most, (SELECT array_agg(x * 10) FROM UNNEST(a.xs) AS t(x) WHERE x < 3) AS tens FROM (VALUES (1, ARRAY[1, 2, 3]), (2, ARRAY[NULL]), (3, NULL)) AS a(id, xs) ORDER BY a.id;
-- among the elements
SELECT a.id, 2 IN (SELECT t.x FROM UNNEST(a.xs) AS t(x) WHERE t.x <> 3) AS two, 3 NOT IN (SELECT x FROM UNNEST(a.xs) AS t(x)) AS no_three FROM (VALUES (1, ARRAY[1, 2, 3]), (2, ARRAY[NULL]), (3, NULL)) AS a(id, xs) ORDER BY a.id;
-- a field of an element, in brackets
SELECT t.r['type'] AS kind, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventname = 'DisableKey' AND EXISTS (SELECT 1 FROM UNNEST(resources) AS u(s) WHERE u.s['arn'] = t.r['arn']) GROUP BY t.r['type'];
-- the resources' own accounts, and not the record's
SELECT arn, accountid FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(arn, accountid, type) WHERE eventname = 'DisableKey';
-- a name for an element that a column of AWS's tables has
SELECT eventname, region FROM cloudtrail_logs CROSS JOIN UNNEST(ARRAY['us-east-1', 'eu-west-1']) AS t(region) WHERE awsregion = region AND eventname = 'DisableKey';
-- the same name for the elements of two queries
SELECT a.eventname, t.r.type AS kind FROM cloudtrail_logs a CROSS JOIN UNNEST(a.resources) AS t(r) WHERE a.eventname = 'DisableKey' AND a.recipientaccountid IN (SELECT t.r.accountid FROM cloudtrail_logs b CROSS JOIN UNNEST(b.resources) AS t(r) WHERE t.r.type = 'AWS::KMS::Key' AND b.eventname = 'DisableKey');
-- a lambda whose parameter is called like a table
SELECT count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS r WHERE eventname = 'DisableKey' AND any_match(resources, r -> r.type = 'AWS::KMS::Key');
-- a JSON array's rows of one field
SELECT n FROM UNNEST(CAST(json_parse('[{"n":1},{"n":2}]') AS ARRAY(ROW(n BIGINT)))) AS t(n) WHERE n > 1;
-- rows of which one does not fit
SELECT t.n, t.k FROM UNNEST(TRY_CAST(json_parse('[{"n":"x","k":"a"},{"n":2,"k":"b"}]') AS ARRAY(ROW(n BIGINT, k VARCHAR)))) AS t(n, k) ORDER BY t.k;
-- two arrays in step, numbered
SELECT x, y, n FROM UNNEST(ARRAY[1], ARRAY['a', 'b']) WITH ORDINALITY AS t(x, y, n) ORDER BY n;
-- a number among elements that are of another kind
SELECT 2 IN (SELECT CAST(v AS DOUBLE) FROM UNNEST(a.xs) AS t(v)) AS two FROM (VALUES (ARRAY[1, 2])) AS a(xs);
-- a condition on the elements
SELECT r.type, count(*) AS n FROM cloudtrail_logs JOIN UNNEST(resources) AS t(r) ON t.r.type = 'AWS::KMS::Key' AND eventname LIKE 'Dis%' GROUP BY r.type;
