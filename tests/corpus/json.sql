-- scalar of the request
SELECT json_extract_scalar(requestparameters, '$.keyId') AS key FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- json of the request
SELECT json_extract(requestparameters, '$.keyId') AS key FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- nested scalar
SELECT json_extract_scalar(requestparameters, '$.encryptionContext["aws:s3:arn"]') AS arn, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'GenerateDataKey' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- nested scalar with dots
SELECT json_extract_scalar(responseelements, '$.assumedRoleUser.arn') AS session, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- element of a map
SELECT element_at(requestParameters, 'keyId') AS key FROM $EDS_ID WHERE eventName = 'DisableKey';
-- filter on an element of a map
SELECT count(*) AS n FROM $EDS_ID WHERE eventName = 'AssumeRole' AND element_at(requestParameters, 'roleSessionName') = 'nightly-rotation';
-- a key that is not there
SELECT count(*) AS n FROM $EDS_ID WHERE element_at(requestParameters, 'noSuchKey') IS NOT NULL;
-- subscript of a map
SELECT requestParameters['keyId'] AS key FROM $EDS_ID WHERE eventName = 'DisableKey';
-- dotted field
SELECT requestParameters.keyId FROM $EDS_ID WHERE eventName = 'DisableKey';
-- dotted field in a filter
SELECT count(*) AS n FROM $EDS_ID WHERE requestParameters.roleSessionName = 'nightly-rotation';
-- dotted field through an alias
SELECT e.requestParameters.keyId AS key FROM $EDS_ID e WHERE e.eventName = 'DisableKey';
-- dotted field of a dotted field
SELECT responseElements.assumedRoleUser.arn AS session, count(*) AS n FROM $EDS_ID WHERE eventName = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 2;
-- keys of a map
SELECT map_keys(requestParameters) AS keys, count(*) AS n FROM $EDS_ID WHERE eventName = 'ScheduleKeyDeletion' GROUP BY 1;
-- values of a map
SELECT map_values(requestParameters) AS held FROM $EDS_ID WHERE eventName = 'DisableKey';
-- any value of a map
SELECT count(*) AS n FROM $EDS_ID WHERE any_match(map_values(requestParameters), v -> v LIKE '%payments-orders%');
-- size of a map
SELECT cardinality(requestParameters) AS size, count(*) AS n FROM $EDS_ID WHERE eventName IN ('DisableKey', 'ScheduleKeyDeletion') GROUP BY 1 ORDER BY 1;
-- parsed and written
SELECT json_format(json_parse(requestparameters)) AS r FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- cast to a map
SELECT CAST(json_parse(requestparameters) AS MAP(VARCHAR, VARCHAR))['keyId'] AS key FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- cast of a JSON number
SELECT CAST(json_extract(requestparameters, '$.pendingWindowInDays') AS integer) AS days, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ScheduleKeyDeletion' GROUP BY 1 ORDER BY 1;
-- number in a scalar
SELECT sum(CAST(json_extract_scalar(requestparameters, '$.pendingWindowInDays') AS bigint)) AS days FROM cloudtrail_logs WHERE eventname = 'ScheduleKeyDeletion';
-- text match on the request
SELECT count(*) AS n FROM cloudtrail_logs WHERE requestparameters LIKE '%payments-ledger%';
-- pattern on the request
SELECT regexp_extract(requestparameters, 'alias/([a-z-]+)', 1) AS alias, count(*) AS n FROM cloudtrail_logs WHERE eventsource = 'kms.amazonaws.com' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3;
-- array in the request
SELECT json_array_length(json_extract(requestparameters, '$.operations')) AS operations FROM cloudtrail_logs WHERE eventname = 'CreateGrant' ORDER BY 1;
-- element of an array in the request
SELECT json_extract_scalar(requestparameters, '$.operations[0]') AS first FROM cloudtrail_logs WHERE eventname = 'CreateGrant' ORDER BY 1;
-- array has an element
SELECT count(*) AS n FROM cloudtrail_logs WHERE eventname = 'CreateGrant' AND json_array_contains(json_extract(requestparameters, '$.operations'), 'Decrypt');
-- array in the request, unnested
SELECT operation, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.operations') AS ARRAY(VARCHAR))) AS t(operation) WHERE eventname = 'CreateGrant' GROUP BY operation ORDER BY operation;
-- map of the request, unnested
SELECT k, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_parse(requestparameters) AS MAP(VARCHAR, JSON))) AS t(k, v) WHERE eventname IN ('DisableKey', 'ScheduleKeyDeletion', 'CreateGrant') GROUP BY k ORDER BY n DESC, k;
-- postgres operator for text
SELECT requestparameters ->> 'keyId' AS key FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- what is no JSON is null
SELECT json_extract_scalar(useragent, '$.a') AS a FROM cloudtrail_logs WHERE eventname = 'DisableKey';
-- coalesce of two places
SELECT coalesce(json_extract_scalar(requestparameters, '$.keyId'), json_extract_scalar(responseelements, '$.keyId')) AS key, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'CancelKeyDeletion' GROUP BY 1 ORDER BY 1;
