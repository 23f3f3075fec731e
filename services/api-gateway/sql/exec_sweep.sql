-- name: exec_sweep
-- columns: ended int4
SELECT gateway.exec_sweep() AS ended
