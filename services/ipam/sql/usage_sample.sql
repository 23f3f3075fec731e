-- name: usage_sample
-- columns: added int8
-- One sample an hour and subnet, whoever comes first; kept for 90 days.
WITH old AS (
  DELETE FROM ipam.usage_sample WHERE at < now() - interval '90 days'
), added AS (
  INSERT INTO ipam.usage_sample (subnet, at, used, size)
  SELECT subnet, date_trunc('hour', now()), used + unusable, size FROM ipam.subnet_usage ORDER BY subnet
  ON CONFLICT (subnet, at) DO NOTHING
  RETURNING 1
)
SELECT count(*) AS added FROM added
