-- name: export_stamp
-- columns: stamp text
-- Another one: VLANs, subnets or ranges were changed.
SELECT p.stamp FROM ipam.plan_stamp_v p
