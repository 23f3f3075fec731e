-- What a plan says besides sizes: whether an instance is bound to processors of its own, how many processes it may have, its share of
-- block I/O. An instance remembers its plan, because it may be given another one than its app's.
ALTER TABLE scheduler.plan
  ADD COLUMN cpu_pinned boolean NOT NULL DEFAULT true, -- sees as many processors as its share needs; false: all, held by its quota
  ADD COLUMN pids_max   integer NOT NULL DEFAULT 512 CHECK (pids_max BETWEEN 16 AND 4194304),
  ADD COLUMN io_weight  integer NOT NULL DEFAULT 500 CHECK (io_weight BETWEEN 10 AND 1000);
UPDATE scheduler.plan SET pids_max = 256, io_weight = 100 WHERE name = 'tiny';
UPDATE scheduler.plan SET io_weight = 250 WHERE name = 'small';
UPDATE scheduler.plan SET pids_max = 1024 WHERE name = 'medium';
UPDATE scheduler.plan SET pids_max = 4096, io_weight = 1000 WHERE name = 'large';
ALTER TABLE scheduler.instance ADD COLUMN plan text NOT NULL DEFAULT '';
UPDATE scheduler.instance i SET plan = a.plan FROM scheduler.app a WHERE a.id = i.app_id;

DROP VIEW scheduler.plan_v;
CREATE VIEW scheduler.plan_v AS
  SELECT name, cpu_milli AS "cpuMilli", memory_bytes AS "memoryBytes", disk_bytes AS "diskBytes", bandwidth_kbit AS "bandwidthKbit",
         cpu_pinned AS "cpuPinned", pids_max AS "pidsMax", io_weight AS "ioWeight"
  FROM scheduler.plan;
GRANT SELECT ON scheduler.plan_v TO sot_gateway;
CREATE OR REPLACE VIEW scheduler.instance_v AS
  SELECT i.id, i.name, a.name AS app, g.name AS "group", i.number, h.name AS host, host(i.address) AS address, i.state, i.health,
         i.observed_version AS version, i.version AS "wantedVersion", i.desired, i.image, i.mac::text AS mac, i.vlan_id AS "vlanId",
         i.cpu_milli AS "cpuMilli", i.memory_bytes AS "memoryBytes", i.disk_bytes AS "diskBytes", i.generation,
         i.container_id AS "containerId", i.restarts, i.error, i.started_at AS "startedAt", i.observed_at AS "observedAt",
         i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.vlan, host(i.address_v6) AS "addressV6", i.bandwidth_kbit AS "bandwidthKbit",
         t.name AS "movingTo", i.plan
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.instance_group g ON g.id = i.group_id
       LEFT JOIN scheduler.host h ON h.id = i.host_id LEFT JOIN scheduler.host t ON t.id = i.moving_to;
