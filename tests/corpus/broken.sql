-- the slip of a missing WHERE
SELECT eventname FROM cloudtrail_logs eventname = 'DisableKey';
-- the slip of a glued ORDER BY
SELECT eventname, count(*) FROM cloudtrail_logs GROUP BY eventnameORDER BY 2;
-- the slip of a missing comma
SELECT eventname FROM cloudtrail_logs WHERE eventname IN ('DisableKey' 'EnableKey');
-- the slip of a misspelt column
SELECT eventname, useridentity.acountid FROM cloudtrail_logs;
-- the slip of a misspelt function
SELECT json_extract_scalr(requestparameters, '$.keyId') FROM cloudtrail_logs;
-- pattern recognition is refused
SELECT * FROM cloudtrail_logs MATCH_RECOGNIZE (PARTITION BY useridentity.arn ORDER BY eventtime MEASURES A.eventtime AS t PATTERN (A B) DEFINE A AS A.eventname = 'DisableKey');
