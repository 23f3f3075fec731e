-- name: machine_sweep
-- columns: failed int8
SELECT gateway.machine_sweep()::bigint AS failed
