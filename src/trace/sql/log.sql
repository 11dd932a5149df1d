-- How far the log reaches, per account.
SELECT recipientaccountid AS account_id, min(eventtime) AS first_event_at, max(eventtime) AS last_event_at
FROM cloudtrail
WHERE recipientaccountid IS NOT NULL
GROUP BY recipientaccountid
ORDER BY recipientaccountid
