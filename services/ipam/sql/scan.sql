-- name: scan
-- columns: was text
-- For this transaction: what reads whole tables may scan them; groups are hashed, however many the planner expects.
SELECT set_config('enable_seqscan', 'on', true) || ' ' || set_config('enable_sort', 'off', true) AS was
