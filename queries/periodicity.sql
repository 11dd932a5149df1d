-- title: Periodicity of use
-- question: In which rhythm is each key used, and is the window long enough to see it?
-- param window duration = 90d: the window that a verdict would look at
-- param as_of instant = latest: its end
-- column key_arn: the key
-- column use_days: UTC days with successful uses, in all of the log before as_of
-- column first_used_at: the first use
-- column last_used_at: the last use
-- column days_since_last_use: days from then to as_of
-- column median_gap_days: days from the last use of one day to the first of the next day with one, half of them shorter
-- column longest_gap_days: the longest
-- column used_in_window: whether the window holds a use
-- column window_days: days of the window
-- column warning: why a window of this length may not see the next use; none where it would have seen every one so far
WITH days AS (
    SELECT
        key_arn, event_date,
        min(eventtime) AS first_at,
        max(eventtime) AS last_at
    FROM kms_events
    WHERE class = 'use' AND outcome = 'success' AND key_arn IS NOT NULL AND eventtime < $as_of
    GROUP BY key_arn, event_date
),
gaps AS (
    SELECT
        key_arn, first_at, last_at,
        (date_part('epoch', first_at)
            - date_part('epoch', lag(last_at) OVER (PARTITION BY key_arn ORDER BY event_date))) / 86400.0 AS gap
    FROM days
),
rhythm AS (
    SELECT
        key_arn,
        count(*) AS use_days,
        min(first_at) AS first_used_at,
        max(last_at) AS last_used_at,
        median(gap) AS median_gap,
        max(gap) AS longest_gap,
        (date_part('epoch', $as_of) - date_part('epoch', max(last_at))) / 86400.0 AS idle,
        (date_part('epoch', $as_of) - date_part('epoch', $as_of - $window)) / 86400.0 AS length
    FROM gaps
    GROUP BY key_arn
)
SELECT
    key_arn,
    use_days,
    first_used_at,
    last_used_at,
    round(idle, 2) AS days_since_last_use,
    round(median_gap, 2) AS median_gap_days,
    round(longest_gap, 2) AS longest_gap_days,
    idle <= length AS used_in_window,
    round(length, 2) AS window_days,
    CASE
        WHEN longest_gap > length THEN 'the window is shorter than the longest gap between uses'
        WHEN use_days = 1 AND idle > length THEN 'used on one day only, before the window: its rhythm is not known'
        WHEN idle > length THEN 'used before the window, and longer ago than ever between two uses'
        ELSE 'none'
    END AS warning
FROM rhythm
ORDER BY key_arn
