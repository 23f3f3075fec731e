-- name: plan_stamp
-- columns: stamp text, unix_ms int8
-- Another text when a VLAN, a subnet, a range or a scope came, went or was changed; and the database's clock.
SELECT p.stamp, (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS unix_ms FROM ipam.plan_stamp_v p
