-- name: load_instances
-- columns: id uuid, app_id uuid, group_id uuid, number int4, name text, state text, health text, desired text, generation int8, restart_seq int4, host_id uuid, address inet, prefix int4, gateway inet, vlan_id int4, mac text, address_generation int8, cpu_milli int4, memory_bytes int8, disk_bytes int8, image text, version text, observed_generation int8, observed_restart_seq int4, observed_version text, container_id text, restarts int4, error text, started_ms int8, observed_ms int8, created_ms int8, updated_ms int8, vlan text, vrf int4, mtu int4, isolated bool, dns text, dns_search text, address_v6 inet, prefix_v6 int4, gateway_v6 inet, address_v6_generation int8, bandwidth_kbit int4, bandwidth_own bool, net_settings int8, moving_to uuid, plan text, rebuild_seq int4, middleware text
-- $1 the last id that was read, $2 how many at most.
SELECT id, app_id, group_id, number, name, state, health, desired, generation, restart_seq, host_id, address,
       coalesce(prefix, 0) AS prefix, gateway, coalesce(vlan_id, 0) AS vlan_id, coalesce(mac::text, '') AS mac, address_generation,
       cpu_milli, memory_bytes, disk_bytes, image, version, observed_generation, observed_restart_seq, observed_version,
       container_id, restarts, error,
       coalesce((date_part('epoch', started_at) * 1000)::bigint, 0) AS started_ms,
       coalesce((date_part('epoch', observed_at) * 1000)::bigint, 0) AS observed_ms,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms, (date_part('epoch', updated_at) * 1000)::bigint AS updated_ms,
       vlan, vrf, mtu, isolated, array_to_string(dns, ',') AS dns, dns_search, address_v6,
       coalesce(prefix_v6, 0) AS prefix_v6, gateway_v6, address_v6_generation, bandwidth_kbit, bandwidth_own, net_settings, moving_to, plan, rebuild_seq, middleware
FROM scheduler.instance WHERE state <> 'retired' AND id > $1 ORDER BY id LIMIT $2
