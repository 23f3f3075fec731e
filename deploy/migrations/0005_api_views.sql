-- What readers see. Column names are the API's and the CLI's field names: one word for one thing. The gateway turns
-- rows into JSON with row_to_json, so a view is also the API's documentation of an object.
CREATE VIEW scheduler.plan_v AS
  SELECT name, cpu_milli AS "cpuMilli", memory_bytes AS "memoryBytes", disk_bytes AS "diskBytes" FROM scheduler.plan;
CREATE VIEW scheduler.image_v AS
  SELECT name, reference, updated_at AS "updatedAt" FROM scheduler.image;
CREATE VIEW scheduler.host_v AS
  SELECT h.id, h.name, h.az, h.rack, h.tags, h.state, h.schedulable, h.hostname, h.kernel, h.docker_version AS "dockerVersion",
         h.agent_version AS "agentVersion", h.boot_id AS "bootId", h.generation, h.unknown_containers AS "unknownContainers",
         json_build_object('cpuMilli', h.cpu_milli, 'memoryBytes', h.memory_bytes, 'diskBytes', h.disk_bytes) AS capacity,
         json_build_object('cpuMilli', h.booked_cpu_milli, 'memoryBytes', h.booked_memory_bytes, 'diskBytes', h.booked_disk_bytes) AS booked,
         (SELECT count(*) FROM scheduler.instance i WHERE i.host_id = h.id AND i.state <> 'retired') AS instances,
         h.created_at AS "createdAt", h.seen_at AS "seenAt"
  FROM scheduler.host h;
CREATE VIEW scheduler.app_v AS
  SELECT a.id, a.name, a.image, a.plan, a.network, a.command, a.health, a.env, a.version, a.deleting,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.state = 'running' AND i.health = 'healthy') AS ready,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt"
  FROM scheduler.app a;
CREATE VIEW scheduler.app_version_v AS
  SELECT a.name AS app, v.version, encode(v.sha256, 'hex') AS sha256, v.size_bytes AS "sizeBytes", v.file_name AS "fileName",
         v.created_at AS "createdAt", v.created_by AS "createdBy"
  FROM scheduler.app_version v JOIN scheduler.app a ON a.id = v.app_id;
CREATE VIEW scheduler.instance_v AS
  SELECT i.id, i.name, a.name AS app, g.name AS "group", i.number, h.name AS host, host(i.address) AS address, i.state, i.health,
         i.observed_version AS version, i.version AS "wantedVersion", i.desired, i.image, i.mac::text AS mac, i.vlan_id AS "vlanId",
         i.cpu_milli AS "cpuMilli", i.memory_bytes AS "memoryBytes", i.disk_bytes AS "diskBytes", i.generation,
         i.container_id AS "containerId", i.restarts, i.error, i.started_at AS "startedAt", i.observed_at AS "observedAt",
         i.created_at AS "createdAt", i.updated_at AS "updatedAt"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.instance_group g ON g.id = i.group_id
       LEFT JOIN scheduler.host h ON h.id = i.host_id;
CREATE VIEW scheduler.operation_v AS
  SELECT o.id, o.kind, o.target, coalesce(a.name, '') AS app, o.actor, o.state, o.waits_for AS "waitsFor", o.error,
         json_build_object('done', o.progress_done, 'total', o.progress_total) AS progress, o.spec, o.resource_id AS "resourceId",
         o.created_at AS "createdAt", o.updated_at AS "updatedAt", o.finished_at AS "finishedAt"
  FROM scheduler.operation o LEFT JOIN scheduler.app a ON a.id = o.app_id;
CREATE VIEW scheduler.operation_step_v AS
  SELECT operation_id, ordinal, name, subject, state, detail, started_at AS "startedAt", finished_at AS "finishedAt" FROM scheduler.operation_step;
CREATE VIEW scheduler.operation_log_v AS
  SELECT operation_id, line, at, level, text FROM scheduler.operation_log;
CREATE VIEW scheduler.host_key_v AS
  SELECT id, name, public_key, revoked OR state = 'retired' AS denied FROM scheduler.host;
CREATE VIEW ipam.subnet_v AS
  SELECT s.id, v.name AS network, v.vlan_id AS "vlanId", s.cidr::text AS cidr, host(s.gateway) AS gateway, host(s.first) AS first, host(s.last) AS last,
         (s.last - s.first + 1) AS size,
         (SELECT count(*) FROM ipam.address a WHERE a.subnet = s.id AND a.state IN ('reserved', 'bound', 'static')) AS used,
         (SELECT count(*) FROM ipam.address a WHERE a.subnet = s.id AND a.state = 'cooling') AS cooling,
         (SELECT count(*) FROM ipam.address a WHERE a.subnet = s.id AND a.state IN ('excluded', 'conflict', 'suspect')) AS unusable,
         s.created_at AS "createdAt"
  FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan;
CREATE VIEW ipam.address_v AS
  SELECT host(a.address) AS address, v.name AS network, s.cidr::text AS subnet, a.state, a.owner, i.name AS instance, h.name AS host,
         a.mac::text AS mac, a.generation, a.free_after AS "freeAfter", a.reason, a.updated_at AS "updatedAt"
  FROM ipam.address a JOIN ipam.subnet s ON s.id = a.subnet JOIN ipam.vlan v ON v.id = s.vlan
       LEFT JOIN scheduler.instance i ON i.id = a.owner LEFT JOIN scheduler.host h ON h.id = i.host_id;
CREATE VIEW ipam.address_event_v AS
  SELECT e.at, host(e.address) AS address, e.event, e.owner, i.name AS instance, h.name AS host, e.mac::text AS mac, e.generation, e.actor, e.operation_id AS "operationId"
  FROM ipam.address_event e LEFT JOIN scheduler.instance i ON i.id = e.owner LEFT JOIN scheduler.host h ON h.id = e.host;
CREATE VIEW core.event_v AS
  SELECT o.number, p.stream, o.at, o.kind, o.subject, o.app, o.host, o.actor, o.operation_id AS "operationId", o.data
  FROM core.outbox o CROSS JOIN core.platform p WHERE o.number IS NOT NULL;
CREATE VIEW gateway.audit_v AS
  SELECT id, at, actor, source_address AS "sourceAddress", api_request_id AS "requestId", action, target, result, operation_id AS "operationId", detail
  FROM gateway.audit;
GRANT SELECT ON scheduler.plan_v, scheduler.image_v, scheduler.host_v, scheduler.app_v, scheduler.app_version_v, scheduler.instance_v,
  scheduler.operation_v, scheduler.operation_step_v, scheduler.operation_log_v, ipam.subnet_v, ipam.address_v, ipam.address_event_v,
  core.event_v, gateway.audit_v TO sot_gateway;
GRANT SELECT ON scheduler.host_key_v TO sot_bridge, sot_scheduler;
GRANT SELECT ON core.event_v, scheduler.host_v, scheduler.instance_v, scheduler.app_v, ipam.subnet_v TO sot_bridge;
