-- name: scan
-- columns: was text
-- For this transaction: what reads whole tables may scan them.
SELECT set_config('enable_seqscan', 'on', true) AS was
