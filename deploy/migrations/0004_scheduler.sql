-- scheduler owns: plans, images, apps, groups, versions, hosts, instances, operations.
GRANT USAGE ON SCHEMA scheduler TO sot_scheduler, sot_gateway, sot_ipam, sot_bridge;

CREATE TABLE scheduler.plan (
  name         text PRIMARY KEY,
  cpu_milli    integer NOT NULL CHECK (cpu_milli > 0),
  memory_bytes bigint NOT NULL CHECK (memory_bytes >= 4194304),
  disk_bytes   bigint NOT NULL CHECK (disk_bytes >= 0)
);
INSERT INTO scheduler.plan VALUES
  ('tiny',   100,  134217728,  1073741824),
  ('small',  500,  536870912,  5368709120),
  ('medium', 1000, 1073741824, 10737418240),
  ('large',  2000, 4294967296, 42949672960);

CREATE TABLE scheduler.image (
  name       text PRIMARY KEY,
  reference  text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE scheduler.app (
  id         uuid PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  image      text NOT NULL REFERENCES scheduler.image (name),
  plan       text NOT NULL REFERENCES scheduler.plan (name),
  network    text NOT NULL,
  command    text NOT NULL DEFAULT '',
  health     jsonb NOT NULL,
  env        jsonb NOT NULL DEFAULT '[]',
  version    text NOT NULL DEFAULT '',
  deleting   boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE TABLE scheduler.app_version (
  app_id     uuid NOT NULL REFERENCES scheduler.app (id) ON DELETE CASCADE,
  version    text NOT NULL,
  sha256     bytea NOT NULL CHECK (length(sha256) = 32),
  size_bytes bigint NOT NULL,
  file_name  text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  PRIMARY KEY (app_id, version)
);
CREATE TABLE scheduler.instance_group (
  id          uuid PRIMARY KEY,
  app_id      uuid NOT NULL REFERENCES scheduler.app (id) ON DELETE CASCADE,
  name        text NOT NULL,
  next_number integer NOT NULL DEFAULT 1, -- numbers are never used twice
  UNIQUE (app_id, name)
);
CREATE TABLE scheduler.host (
  id             uuid PRIMARY KEY,
  name           text NOT NULL UNIQUE,
  az             text NOT NULL,
  rack           text NOT NULL,
  tags           text[] NOT NULL DEFAULT '{}',
  public_key     text NOT NULL UNIQUE CHECK (length(public_key) = 40),
  revoked        boolean NOT NULL DEFAULT false,
  schedulable    boolean NOT NULL DEFAULT true,
  state          text NOT NULL CHECK (state IN ('registered', 'online', 'suspect', 'agent_lost', 'docker_sick', 'retired')),
  generation     bigint NOT NULL DEFAULT 0, -- of the desired set
  boot_id        text NOT NULL DEFAULT '',
  agent_version  text NOT NULL DEFAULT '',
  hostname       text NOT NULL DEFAULT '',
  kernel         text NOT NULL DEFAULT '',
  docker_version text NOT NULL DEFAULT '',
  cpu_milli      integer NOT NULL DEFAULT 0,
  memory_bytes   bigint NOT NULL DEFAULT 0,
  disk_bytes     bigint NOT NULL DEFAULT 0,
  booked_cpu_milli    integer NOT NULL DEFAULT 0,
  booked_memory_bytes bigint NOT NULL DEFAULT 0,
  booked_disk_bytes   bigint NOT NULL DEFAULT 0,
  unknown_containers  integer NOT NULL DEFAULT 0,
  created_at     timestamptz NOT NULL,
  seen_at        timestamptz,
  -- The database is the last guard: booked never passes capacity (cpu x 4: overcommit of shares; memory and disk x 1).
  CONSTRAINT host_cpu_capacity CHECK (cpu_milli = 0 OR booked_cpu_milli <= cpu_milli * 4),
  CONSTRAINT host_memory_capacity CHECK (memory_bytes = 0 OR booked_memory_bytes <= memory_bytes),
  CONSTRAINT host_disk_capacity CHECK (disk_bytes = 0 OR booked_disk_bytes <= disk_bytes)
);
CREATE TABLE scheduler.instance (
  id           uuid PRIMARY KEY,
  app_id       uuid NOT NULL REFERENCES scheduler.app (id),
  group_id     uuid NOT NULL REFERENCES scheduler.instance_group (id),
  number       integer NOT NULL,
  name         text NOT NULL,
  state        text NOT NULL CHECK (state IN ('requested', 'placed', 'creating', 'starting', 'running', 'stopping', 'stopped', 'retiring', 'retired', 'failed')),
  health       text NOT NULL CHECK (health IN ('unknown', 'starting', 'healthy', 'unhealthy')),
  desired      text NOT NULL CHECK (desired IN ('running', 'stopped', 'retired')),
  generation   bigint NOT NULL DEFAULT 1,
  restart_seq  integer NOT NULL DEFAULT 0,
  host_id      uuid REFERENCES scheduler.host (id),
  address      inet,
  prefix       integer,
  gateway      inet,
  vlan_id      integer,
  mac          macaddr,
  address_generation bigint NOT NULL DEFAULT 0,
  cpu_milli    integer NOT NULL,
  memory_bytes bigint NOT NULL,
  disk_bytes   bigint NOT NULL,
  image        text NOT NULL,
  version      text NOT NULL DEFAULT '',   -- wanted
  observed_generation bigint NOT NULL DEFAULT 0,
  observed_restart_seq integer NOT NULL DEFAULT 0,
  observed_version text NOT NULL DEFAULT '',
  container_id text NOT NULL DEFAULT '',
  restarts     integer NOT NULL DEFAULT 0,
  error        text NOT NULL DEFAULT '',
  started_at   timestamptz,
  observed_at  timestamptz,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  UNIQUE (group_id, number)
);
CREATE UNIQUE INDEX instance_live_name ON scheduler.instance (name) WHERE state <> 'retired';
CREATE UNIQUE INDEX instance_live_address ON scheduler.instance (address) WHERE state <> 'retired' AND address IS NOT NULL;
CREATE INDEX instance_app ON scheduler.instance (app_id);
CREATE INDEX instance_host ON scheduler.instance (host_id) WHERE state <> 'retired';

CREATE TABLE scheduler.operation (
  id              uuid PRIMARY KEY,
  kind            text NOT NULL,
  app_id          uuid,
  target          text NOT NULL,
  actor           text NOT NULL,
  idempotency_key text NOT NULL,
  request_sha256  bytea NOT NULL,
  resource_id     uuid NOT NULL,
  spec            jsonb NOT NULL,          -- what was asked; enough to resume
  state           text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  waits_for       text NOT NULL DEFAULT '', -- why it does not go on, in words
  progress_done   integer NOT NULL DEFAULT 0,
  progress_total  integer NOT NULL DEFAULT 0,
  error           text NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  finished_at     timestamptz,
  UNIQUE (actor, idempotency_key),
  CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE INDEX operation_open ON scheduler.operation (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX operation_recent ON scheduler.operation (created_at DESC);
CREATE TABLE scheduler.operation_step (
  operation_id uuid NOT NULL REFERENCES scheduler.operation (id) ON DELETE CASCADE,
  ordinal      integer NOT NULL,
  instance_id  uuid,
  name         text NOT NULL,
  subject      text NOT NULL,
  state        text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  detail       text NOT NULL DEFAULT '',
  started_at   timestamptz,
  finished_at  timestamptz,
  PRIMARY KEY (operation_id, ordinal)
);
CREATE TABLE scheduler.operation_log (
  operation_id uuid NOT NULL REFERENCES scheduler.operation (id) ON DELETE CASCADE,
  line         bigint NOT NULL,
  at           timestamptz NOT NULL,
  level        text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
  text         text NOT NULL,
  PRIMARY KEY (operation_id, line)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.app, scheduler.instance_group, scheduler.app_version, scheduler.image,
  scheduler.host, scheduler.instance, scheduler.operation, scheduler.operation_step, scheduler.operation_log TO sot_scheduler;
GRANT SELECT ON scheduler.plan TO sot_scheduler, sot_gateway;
