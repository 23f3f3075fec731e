-- name: history_keep
-- columns: changed int4
-- $1 days
SELECT ipam.history_keep($1::int8 * interval '1 day') AS changed
