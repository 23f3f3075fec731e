-- name: host_keys
-- columns: id uuid, public_key text, denied bool, stamp text
-- Nothing when $1 is the stamp that is true.
WITH s AS MATERIALIZED (SELECT scheduler.host_key_stamp() AS stamp)
SELECT k.id, k.public_key, k.denied, s.stamp FROM s CROSS JOIN scheduler.host_key_v k WHERE s.stamp <> $1
