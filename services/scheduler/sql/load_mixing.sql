-- name: load_mixing
-- columns: workload text, beside text, at_most int4
SELECT workload, beside, at_most FROM scheduler.mixing
