-- Lost hosts: what proves it, what is replaced, what each host gives up when it is back, and the brake.
ALTER TABLE scheduler.app
  ADD COLUMN recovery  text NOT NULL DEFAULT 'pinned' CHECK (recovery IN ('pinned', 'replaceable')),
  ADD COLUMN on_return text NOT NULL DEFAULT 'keep_original' CHECK (on_return IN ('keep_original', 'keep_replacement', 'longest_running'));
ALTER TABLE scheduler.host
  ADD COLUMN duty    text NOT NULL DEFAULT 'active' CHECK (duty IN ('active', 'draining', 'maintenance')),
  ADD COLUMN address inet,                     -- of the machine, as its agent told
  ADD COLUMN reason  text NOT NULL DEFAULT '', -- of its state
  ADD COLUMN lost_by text NOT NULL DEFAULT '' CHECK (lost_by IN ('', 'witnesses', 'operator')),
  ADD COLUMN lost_at timestamptz;
ALTER TABLE scheduler.host DROP CONSTRAINT host_state_check;
ALTER TABLE scheduler.host ADD CONSTRAINT host_state_check CHECK (state IN (
  'registered', 'online', 'suspect', 'agent_lost', 'host_lost', 'docker_sick', 'draining', 'maintenance', 'retired'));
-- The order to a host to give up its copy of an instance that stands elsewhere now. It stands until the host's agent has
-- proved it, so that no return, however late, starts a copy that nobody counts on. The instance may be gone by then.
CREATE TABLE scheduler.departure (
  host_id     uuid NOT NULL REFERENCES scheduler.host (id),
  instance_id uuid NOT NULL,
  generation  bigint NOT NULL,
  desired     text NOT NULL CHECK (desired IN ('stopped', 'retired')),
  name        text NOT NULL,
  app         text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (host_id, instance_id)
);
-- One row at most: whether replacing lost hosts has stopped itself.
CREATE TABLE scheduler.brake (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  engaged boolean NOT NULL,
  reason  text NOT NULL,
  since   timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.departure, scheduler.brake TO sot_scheduler;

CREATE OR REPLACE VIEW scheduler.host_v AS
  SELECT h.id, h.name, h.az, h.rack, h.tags, h.state, h.schedulable, h.hostname, h.kernel, h.docker_version AS "dockerVersion",
         h.agent_version AS "agentVersion", h.boot_id AS "bootId", h.generation, h.unknown_containers AS "unknownContainers",
         json_build_object('cpuMilli', h.cpu_milli, 'memoryBytes', h.memory_bytes, 'diskBytes', h.disk_bytes) AS capacity,
         json_build_object('cpuMilli', h.booked_cpu_milli, 'memoryBytes', h.booked_memory_bytes, 'diskBytes', h.booked_disk_bytes) AS booked,
         (SELECT count(*) FROM scheduler.instance i WHERE i.host_id = h.id AND i.state <> 'retired') AS instances,
         h.created_at AS "createdAt", h.seen_at AS "seenAt", h.class, h.repels,
         json_build_object('cpuMilli', greatest(h.cpu_milli - h.reserve_cpu_milli, 0)::bigint * h.cpu_overcommit_permille / 1000,
                           'memoryBytes', trunc(greatest(h.memory_bytes - h.reserve_memory_bytes, 0)::numeric * h.memory_overcommit_permille / 1000),
                           'diskBytes', trunc(greatest(h.disk_bytes - h.reserve_disk_bytes, 0)::numeric * h.disk_overcommit_permille / 1000)) AS bookable,
         h.duty, h.reason, host(h.address) AS address, h.lost_by AS "lostBy", h.lost_at AS "lostAt",
         (SELECT coalesce(json_agg(json_build_object('instance', d.name, 'app', d.app, 'desired', d.desired, 'createdAt', d.created_at)
                                   ORDER BY d.name), '[]'::json) FROM scheduler.departure d WHERE d.host_id = h.id) AS departures
  FROM scheduler.host h;
CREATE OR REPLACE VIEW scheduler.app_v AS
  SELECT a.id, a.name, a.image, a.plan, a.vlan, a.command, a.health, a.env, a.version, a.deleting,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.state = 'running' AND i.health = 'healthy') AS ready,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt", coalesce(a.team, '') AS team, a.placement, a.recovery, a.on_return AS "onReturn"
  FROM scheduler.app a;
CREATE VIEW scheduler.brake_v AS
  SELECT coalesce(b.engaged, false) AS engaged, coalesce(b.reason, '') AS reason, b.since
  FROM (SELECT true) one LEFT JOIN scheduler.brake b ON true;
GRANT SELECT ON scheduler.brake_v TO sot_gateway;
