-- name: usage_series
-- columns: subnet uuid, at_unix_ms int8, used int8, free int8
-- The last 14 days of each subnet, the middle value of each six hours; and what is free now.
SELECT s.subnet, (extract(epoch FROM date_bin('6 hours', s.at, '2000-01-01T00:00:00Z')) * 1000)::int8 AS at_unix_ms,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY s.used) AS used, u.size - u.used - u.unusable AS free
FROM ipam.usage_sample s JOIN ipam.subnet_usage u ON u.subnet = s.subnet
WHERE s.at > now() - interval '14 days'
GROUP BY s.subnet, 2, 4
ORDER BY s.subnet, 2
