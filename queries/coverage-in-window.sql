-- title: Coverage of a window
-- question: What can the log vouch for in the window, per account, Region and kind of call, and what is missing?
-- param window duration = 90d: how far back from as_of
-- param as_of instant = latest: the end of the window
-- column account_id: the account
-- column region: its Region
-- column kind: use or admin calls
-- column since: where the stretch begins, within the window
-- column until: where it ends
-- column state: covered, gap, excluded or unknown
-- column basis: digest, listing, assumed or none
-- column trail_arn: the trail that delivered, or should have
-- column cause: why it is not covered
SELECT
    account_id,
    region,
    kind,
    greatest(since, $as_of - $window) AS since,
    least(until, $as_of) AS until,
    state,
    basis,
    trail_arn,
    cause
FROM coverage
WHERE since < $as_of AND until > $as_of - $window
ORDER BY account_id, region, kind DESC, since
