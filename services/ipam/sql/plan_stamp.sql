-- name: plan_stamp
-- columns: stamp text, unix_ms int8
-- Another text when a VLAN, a subnet, a range or a scope came, went or was changed; and the database's clock.
SELECT concat_ws(' ',
    (SELECT count(*) || '/' || coalesce(max(updated_at)::text, '') FROM ipam.vlan),
    (SELECT count(*) || '/' || coalesce(max(updated_at)::text, '') FROM ipam.subnet),
    (SELECT count(*) || '/' || coalesce(max(created_at)::text, '') FROM ipam.address_range),
    (SELECT count(*) FROM ipam.vlan_scope)) AS stamp,
  (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS unix_ms
