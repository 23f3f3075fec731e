-- name: usage_forecast
-- columns: none
-- $1 subnet, $2 days left as text, '' for none.
UPDATE ipam.subnet_usage u SET days_left = nullif(t.days, '')::double precision
FROM unnest($1::uuid[], $2::text[]) AS t(subnet, days) WHERE u.subnet = t.subnet
