-- Whether the log knew this person before a time, and from this address.
SELECT
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since
        AND (useridentity['username'] = $person OR ends_with(useridentity['arn'], concat('/', $person)))
        LIMIT 1) AS person_first_at,
    (SELECT eventtime FROM cloudtrail WHERE eventtime < $since AND sourceipaddress = $ip
        AND (useridentity['username'] = $person OR ends_with(useridentity['arn'], concat('/', $person)))
        LIMIT 1) AS person_ip_first_at
