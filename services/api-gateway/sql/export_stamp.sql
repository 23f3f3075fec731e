-- name: export_stamp
-- columns: stamp text
-- Another one: VLANs, subnets or ranges were changed. For this transaction the page that follows is read along its key, whatever is known of
-- the tables: after a large import nothing is, and each page would be a scan and a sort of all that is left.
SELECT p.stamp
FROM ipam.plan_stamp_v p, set_config('plan_cache_mode', 'force_generic_plan', true) a, set_config('enable_seqscan', 'off', true) b,
  set_config('enable_bitmapscan', 'off', true) c, set_config('enable_sort', 'off', true) d, set_config('enable_incremental_sort', 'off', true) e
