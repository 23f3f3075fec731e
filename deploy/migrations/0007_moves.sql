-- An instance that moves is booked on its host and on its target until the host's agent has proved that it left.
ALTER TABLE scheduler.instance ADD COLUMN moving_to uuid REFERENCES scheduler.host (id);
ALTER TABLE scheduler.instance DROP CONSTRAINT instance_state_check;
ALTER TABLE scheduler.instance ADD CONSTRAINT instance_state_check CHECK (state IN (
  'requested', 'placed', 'creating', 'starting', 'running', 'stopping', 'stopped', 'retiring', 'retired', 'failed', 'moving'));
ALTER TABLE scheduler.instance ADD CONSTRAINT instance_moves_elsewhere CHECK (moving_to <> host_id);
CREATE OR REPLACE VIEW scheduler.instance_v AS
  SELECT i.id, i.name, a.name AS app, g.name AS "group", i.number, h.name AS host, host(i.address) AS address, i.state, i.health,
         i.observed_version AS version, i.version AS "wantedVersion", i.desired, i.image, i.mac::text AS mac, i.vlan_id AS "vlanId",
         i.cpu_milli AS "cpuMilli", i.memory_bytes AS "memoryBytes", i.disk_bytes AS "diskBytes", i.generation,
         i.container_id AS "containerId", i.restarts, i.error, i.started_at AS "startedAt", i.observed_at AS "observedAt",
         i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.vlan, host(i.address_v6) AS "addressV6", i.bandwidth_kbit AS "bandwidthKbit",
         t.name AS "movingTo"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.instance_group g ON g.id = i.group_id
       LEFT JOIN scheduler.host h ON h.id = i.host_id LEFT JOIN scheduler.host t ON t.id = i.moving_to;
