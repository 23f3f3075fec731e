-- Placement rules of apps, classes of hosts, sizes, teams with quotas: what an operator may change while it runs.

-- ---- catalogues: small tables, written as a whole by the scheduler ----
CREATE TABLE scheduler.team (
  name         text PRIMARY KEY,
  cpu_milli    integer NOT NULL CHECK (cpu_milli >= 0), -- quotas of what its apps book; 0: no limit
  memory_bytes bigint NOT NULL CHECK (memory_bytes >= 0),
  disk_bytes   bigint NOT NULL CHECK (disk_bytes >= 0),
  instances    integer NOT NULL CHECK (instances >= 0)
);
CREATE TABLE scheduler.host_class (
  name                       text PRIMARY KEY,
  cpu_overcommit_permille    integer NOT NULL CHECK (cpu_overcommit_permille BETWEEN 100 AND 100000), -- of what is not reserved
  memory_overcommit_permille integer NOT NULL CHECK (memory_overcommit_permille BETWEEN 100 AND 100000),
  disk_overcommit_permille   integer NOT NULL CHECK (disk_overcommit_permille BETWEEN 100 AND 100000),
  reserve_cpu_milli          integer NOT NULL CHECK (reserve_cpu_milli >= 0), -- for the system; never given out
  reserve_memory_bytes       bigint NOT NULL CHECK (reserve_memory_bytes >= 0),
  reserve_disk_bytes         bigint NOT NULL CHECK (reserve_disk_bytes >= 0),
  max_instances              integer NOT NULL CHECK (max_instances >= 0), -- 0: no limit
  max_starts                 integer NOT NULL CHECK (max_starts >= 0)     -- instances that start at a time; 0: no limit
);
INSERT INTO scheduler.host_class VALUES ('default', 4000, 1000, 1000, 0, 0, 0, 0, 0);
-- On a host that runs `workload`, at most so many instances of `beside`.
CREATE TABLE scheduler.mixing (
  workload text NOT NULL CHECK (workload IN ('service', 'latency', 'batch', 'system')),
  beside   text NOT NULL CHECK (beside IN ('service', 'latency', 'batch', 'system')),
  at_most  integer NOT NULL CHECK (at_most >= 0),
  PRIMARY KEY (workload, beside)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.team, scheduler.host_class, scheduler.mixing, scheduler.plan TO sot_scheduler;

-- ---- apps, hosts, instances ----
ALTER TABLE scheduler.app
  ADD COLUMN team text REFERENCES scheduler.team (name),
  -- As the API shows it; core/placement_row.c writes it, load_apps.sql reads it.
  ADD COLUMN placement jsonb NOT NULL DEFAULT '{"workload": "service", "priority": 0, "preemptable": false, "maxUnavailable": 1, "exclusive": "none",
    "spread": {"az": {"prefer": true, "maxSkew": 0, "maxCount": 0}, "rack": {"prefer": true, "maxSkew": 0, "maxCount": 0},
               "host": {"prefer": true, "maxSkew": 0, "maxCount": 0}},
    "tags": {"required": [], "forbidden": [], "preferred": [], "tolerated": []}, "zones": [], "relations": []}';
ALTER TABLE scheduler.host
  ADD COLUMN class   text NOT NULL DEFAULT 'default' REFERENCES scheduler.host_class (name),
  ADD COLUMN repels  text[] NOT NULL DEFAULT '{}', -- only apps that tolerate all of these tags enter
  -- What its class says, here so that the guard below sees it.
  ADD COLUMN cpu_overcommit_permille    integer NOT NULL DEFAULT 4000,
  ADD COLUMN memory_overcommit_permille integer NOT NULL DEFAULT 1000,
  ADD COLUMN disk_overcommit_permille   integer NOT NULL DEFAULT 1000,
  ADD COLUMN reserve_cpu_milli          integer NOT NULL DEFAULT 0,
  ADD COLUMN reserve_memory_bytes       bigint NOT NULL DEFAULT 0,
  ADD COLUMN reserve_disk_bytes         bigint NOT NULL DEFAULT 0,
  ADD COLUMN max_instances              integer NOT NULL DEFAULT 0,
  ADD COLUMN booked_instances           integer NOT NULL DEFAULT 0;
UPDATE scheduler.host h SET booked_instances = (SELECT count(*) FROM scheduler.instance i WHERE h.id IN (i.host_id, i.moving_to) AND i.state <> 'retired');

-- ---- the last guard: nothing is booked past (capacity - reserve) x overcommit ----
-- A machine that shrank, or a class that became stricter, may leave a host overbooked: then nothing more is booked on it, and
-- what stands is left alone. So the guard looks at growth; the condition is evaluated without a call for all right updates.
ALTER TABLE scheduler.host DROP CONSTRAINT host_cpu_capacity, DROP CONSTRAINT host_memory_capacity, DROP CONSTRAINT host_disk_capacity;
CREATE FUNCTION scheduler.refuse_overbooking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'host % is overbooked: cpu % of %, memory % of %, disk % of %, instances % of %', NEW.name,
    NEW.booked_cpu_milli, NEW.cpu_milli, NEW.booked_memory_bytes, NEW.memory_bytes, NEW.booked_disk_bytes, NEW.disk_bytes,
    NEW.booked_instances, NEW.max_instances USING ERRCODE = '23514', CONSTRAINT = 'host_capacity';
END $$;
CREATE TRIGGER host_capacity BEFORE UPDATE ON scheduler.host FOR EACH ROW WHEN (
  (NEW.booked_cpu_milli > OLD.booked_cpu_milli AND
     NEW.booked_cpu_milli::numeric * 1000 > (NEW.cpu_milli - NEW.reserve_cpu_milli)::numeric * NEW.cpu_overcommit_permille) OR
  (NEW.booked_memory_bytes > OLD.booked_memory_bytes AND
     NEW.booked_memory_bytes::numeric * 1000 > (NEW.memory_bytes - NEW.reserve_memory_bytes)::numeric * NEW.memory_overcommit_permille) OR
  (NEW.booked_disk_bytes > OLD.booked_disk_bytes AND
     NEW.booked_disk_bytes::numeric * 1000 > (NEW.disk_bytes - NEW.reserve_disk_bytes)::numeric * NEW.disk_overcommit_permille) OR
  (NEW.booked_instances > OLD.booked_instances AND NEW.max_instances > 0 AND NEW.booked_instances > NEW.max_instances))
  EXECUTE FUNCTION scheduler.refuse_overbooking();

-- ---- what readers see ----
CREATE OR REPLACE VIEW scheduler.app_v AS
  SELECT a.id, a.name, a.image, a.plan, a.vlan, a.command, a.health, a.env, a.version, a.deleting,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.state = 'running' AND i.health = 'healthy') AS ready,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt", coalesce(a.team, '') AS team, a.placement
  FROM scheduler.app a;
CREATE OR REPLACE VIEW scheduler.host_v AS
  SELECT h.id, h.name, h.az, h.rack, h.tags, h.state, h.schedulable, h.hostname, h.kernel, h.docker_version AS "dockerVersion",
         h.agent_version AS "agentVersion", h.boot_id AS "bootId", h.generation, h.unknown_containers AS "unknownContainers",
         json_build_object('cpuMilli', h.cpu_milli, 'memoryBytes', h.memory_bytes, 'diskBytes', h.disk_bytes) AS capacity,
         json_build_object('cpuMilli', h.booked_cpu_milli, 'memoryBytes', h.booked_memory_bytes, 'diskBytes', h.booked_disk_bytes) AS booked,
         (SELECT count(*) FROM scheduler.instance i WHERE i.host_id = h.id AND i.state <> 'retired') AS instances,
         h.created_at AS "createdAt", h.seen_at AS "seenAt", h.class, h.repels,
         json_build_object('cpuMilli', greatest(h.cpu_milli - h.reserve_cpu_milli, 0)::bigint * h.cpu_overcommit_permille / 1000,
                           'memoryBytes', trunc(greatest(h.memory_bytes - h.reserve_memory_bytes, 0)::numeric * h.memory_overcommit_permille / 1000),
                           'diskBytes', trunc(greatest(h.disk_bytes - h.reserve_disk_bytes, 0)::numeric * h.disk_overcommit_permille / 1000)) AS bookable
  FROM scheduler.host h;
CREATE VIEW scheduler.host_class_v AS
  SELECT name, json_build_object('cpuPermille', cpu_overcommit_permille, 'memoryPermille', memory_overcommit_permille,
                                 'diskPermille', disk_overcommit_permille) AS overcommit,
         json_build_object('cpuMilli', reserve_cpu_milli, 'memoryBytes', reserve_memory_bytes, 'diskBytes', reserve_disk_bytes) AS reserve,
         max_instances AS "maxInstances", max_starts AS "maxStarts",
         (SELECT count(*) FROM scheduler.host h WHERE h.class = c.name AND h.state <> 'retired') AS hosts
  FROM scheduler.host_class c;
CREATE VIEW scheduler.mixing_v AS
  SELECT workload, beside, at_most AS "atMost" FROM scheduler.mixing;
-- Booked is what stands on a host; what waits for one is not booked yet.
CREATE VIEW scheduler.team_v AS
  SELECT t.name, json_build_object('cpuMilli', t.cpu_milli, 'memoryBytes', t.memory_bytes, 'diskBytes', t.disk_bytes, 'instances', t.instances) AS quota,
         json_build_object('cpuMilli', coalesce(b.cpu, 0), 'memoryBytes', coalesce(b.memory, 0), 'diskBytes', coalesce(b.disk, 0),
                           'instances', coalesce(b.instances, 0)) AS booked,
         (SELECT count(*) FROM scheduler.app a WHERE a.team = t.name) AS apps
  FROM scheduler.team t LEFT JOIN LATERAL (
    SELECT sum(i.cpu_milli) AS cpu, sum(i.memory_bytes) AS memory, sum(i.disk_bytes) AS disk, count(*) AS instances
    FROM scheduler.app a JOIN scheduler.instance i ON i.app_id = a.id
    WHERE a.team = t.name AND i.host_id IS NOT NULL AND i.state <> 'retired') b ON true;
GRANT SELECT ON scheduler.host_class_v, scheduler.mixing_v, scheduler.team_v TO sot_gateway;
