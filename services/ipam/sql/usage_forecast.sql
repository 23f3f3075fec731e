-- name: usage_forecast
-- columns: none
-- $1 subnet, $2 days left as text, '' for none.
UPDATE ipam.subnet_usage u SET days_left = nullif(t.days, '')::double precision
FROM (SELECT unnest($1::uuid[]) AS subnet, unnest($2::text[]) AS days) AS t WHERE u.subnet = t.subnet
