-- The full address model: VRFs, VLAN groups and scopes, IPv6, ranges, leases, the truth as hosts report it, history by
-- partitions, imports. `network` becomes `vlan` everywhere: one word for one thing.

-- ---- VRFs and VLANs ----
CREATE TABLE ipam.vrf (
  number     integer PRIMARY KEY CHECK (number BETWEEN 0 AND 46655), -- three base-36 digits in an interface's name
  name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ipam.vrf (number, name) VALUES (0, 'default');
ALTER TABLE ipam.vlan
  ADD COLUMN vlan_group  text NOT NULL DEFAULT '' CHECK (vlan_group = '' OR vlan_group ~ '^[a-z][a-z0-9-]{0,31}$'),
  ADD COLUMN mtu         integer NOT NULL DEFAULT 0 CHECK (mtu = 0 OR mtu BETWEEN 1280 AND 9216),
  ADD COLUMN isolated    boolean NOT NULL DEFAULT false,
  ADD COLUMN dns_zone    text NOT NULL DEFAULT '' CHECK (length(dns_zone) <= 200),
  ADD COLUMN description text NOT NULL DEFAULT '' CHECK (length(description) <= 200),
  ADD COLUMN updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD FOREIGN KEY (vrf) REFERENCES ipam.vrf (number);
CREATE INDEX vlan_of_group ON ipam.vlan (vlan_group) WHERE vlan_group <> '';
-- Where a VLAN reaches; no row: everywhere.
CREATE TABLE ipam.vlan_scope (
  vlan uuid NOT NULL REFERENCES ipam.vlan (id) ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('az', 'rack', 'host')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
  PRIMARY KEY (vlan, kind, name)
);

-- ---- subnets of both families, and what parts of them are for ----
ALTER TABLE ipam.subnet DROP CONSTRAINT subnet_cidr_check, DROP CONSTRAINT subnet_check, DROP CONSTRAINT subnet_check1;
ALTER TABLE ipam.subnet
  ADD COLUMN dns               inet[] NOT NULL DEFAULT '{}' CHECK (cardinality(dns) <= 3),
  ADD COLUMN rank              integer NOT NULL DEFAULT 0 CHECK (rank BETWEEN 0 AND 65535),
  ADD COLUMN weight            integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
  ADD COLUMN open              boolean NOT NULL DEFAULT true,
  ADD COLUMN redundant_gateway boolean NOT NULL DEFAULT false,
  ADD COLUMN description       text NOT NULL DEFAULT '' CHECK (length(description) <= 200),
  ADD COLUMN updated_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD CONSTRAINT subnet_size CHECK (CASE family(cidr) WHEN 4 THEN masklen(cidr) BETWEEN 8 AND 30 ELSE masklen(cidr) BETWEEN 48 AND 126 END),
  ADD CONSTRAINT subnet_gateway CHECK (gateway IS NULL OR (gateway << cidr AND host(gateway) <> host(network(cidr))
    AND (family(cidr) = 6 OR host(gateway) <> host(broadcast(cidr))))),
  ADD CONSTRAINT subnet_pool CHECK (first << cidr AND last << cidr AND first <= last AND host(first) <> host(network(cidr))
    AND (family(cidr) = 6 OR host(last) <> host(broadcast(cidr))));
CREATE TABLE ipam.address_range (
  id         uuid PRIMARY KEY,
  vrf        integer NOT NULL,
  subnet     uuid NOT NULL REFERENCES ipam.subnet (id) ON DELETE CASCADE,
  first      inet NOT NULL,
  last       inet NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('pool', 'reserved', 'excluded')),
  owner      text NOT NULL DEFAULT '' CHECK (length(owner) <= 63),
  reason     text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  UNIQUE (vrf, first, last),
  CHECK (family(first) = family(last) AND first <= last)
);
CREATE INDEX address_range_subnet ON ipam.address_range (subnet);

-- ---- addresses ----
ALTER TABLE ipam.address
  ADD COLUMN lease_until timestamptz,            -- of a reserved one: bound by then, or given back when its owner is gone
  ADD COLUMN owner_name  text NOT NULL DEFAULT '' CHECK (length(owner_name) <= 63), -- of one that no instance holds
  DROP CONSTRAINT address_check, DROP CONSTRAINT address_check1;
UPDATE ipam.address SET lease_until = clock_timestamp() + interval '10 minutes' WHERE state = 'reserved';
ALTER TABLE ipam.address
  ADD CONSTRAINT address_owner_of_state CHECK (CASE WHEN state IN ('reserved', 'bound') THEN owner IS NOT NULL
    WHEN state IN ('static', 'excluded', 'cooling') THEN owner IS NULL ELSE true END),
  ADD CONSTRAINT address_cools CHECK ((state = 'cooling') = (free_after IS NOT NULL)),
  ADD CONSTRAINT address_lease CHECK (lease_until IS NULL OR state = 'reserved');
DROP INDEX ipam.address_owner;
CREATE UNIQUE INDEX address_owner ON ipam.address (owner, nic, family(address)) WHERE state IN ('reserved', 'bound', 'suspect');
CREATE INDEX address_lease_until ON ipam.address (lease_until) WHERE state = 'reserved';
DROP INDEX ipam.address_host, ipam.address_cooling;
CREATE INDEX address_host ON ipam.address (host) WHERE host IS NOT NULL;
CREATE INDEX address_cooling ON ipam.address (subnet, free_after) WHERE state = 'cooling';
-- As before, with a plan that is kept: a function in SQL is planned at each call.
CREATE OR REPLACE FUNCTION core.emit(p_kind text[], p_subject text[], p_app text[], p_host text[], p_actor text[], p_operation_id uuid[], p_data text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
BEGIN
  INSERT INTO core.outbox (kind, subject, app, host, actor, operation_id, data)
  SELECT k, s, a, h, c, o, d::jsonb FROM unnest(p_kind, p_subject, p_app, p_host, p_actor, p_operation_id, p_data) AS t(k, s, a, h, c, o, d);
END $$;
-- One event for the addresses that went from one state to another by one operation; at most 16 in one: a longer list would be
-- compressed and moved out of the row, which costs more than ten rows.
CREATE FUNCTION ipam.tell_states(p_address inet[], p_owner uuid[], p_before text[], p_operation_id uuid[], p_after text, p_actor text)
RETURNS void LANGUAGE plpgsql SET search_path = ipam, pg_temp AS $$
BEGIN
  PERFORM core.emit(array_agg('address.state'::text), array_agg(subject), array_agg(''::text), array_agg(''::text),
    array_agg(p_actor), array_agg(operation_id),
    array_agg('{"addresses":[' || list || '],"changed":{"state":["' || before || '","' || p_after || '"]}}'))
  FROM (
    SELECT operation_id, before, CASE WHEN count(*) = 1 THEN min(host(address)) ELSE '' END AS subject,
      string_agg('{"address":"' || host(address) || '","owner":' || coalesce('"' || owner || '"', 'null') || '}', ',') AS list
    FROM (SELECT t.*, (row_number() OVER (PARTITION BY operation_id, before) - 1) / 16 AS part
          FROM unnest(p_address, p_owner, p_before, p_operation_id) AS t(address, owner, before, operation_id)) t
    GROUP BY operation_id, before, part
  ) s;
END $$;
REVOKE ALL ON FUNCTION ipam.tell_states(inet[], uuid[], text[], uuid[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.tell_states(inet[], uuid[], text[], uuid[], text, text) TO sot_ipam;


-- Who had this address at this time: partitions by month, made ahead and dropped after the retention by ipam.history_keep.
ALTER TABLE ipam.address_event RENAME TO address_event_0;
ALTER INDEX ipam.address_event_address RENAME TO address_event_0_address;
DROP VIEW ipam.address_event_v;
CREATE TABLE ipam.address_event (
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  vrf          integer NOT NULL DEFAULT 0,
  address      inet NOT NULL,
  event        text NOT NULL CHECK (event IN ('reserved', 'bound', 'released', 'expired', 'static', 'excluded', 'conflict', 'suspect',
                 'leaked', 'foreign', 'missing', 'moved', 'freed')),
  owner        uuid,
  host         uuid,
  mac          macaddr,
  generation   bigint NOT NULL,
  actor        text NOT NULL,
  operation_id uuid,
  reason       text NOT NULL DEFAULT ''
) PARTITION BY RANGE (at);
CREATE INDEX address_event_address ON ipam.address_event (vrf, address, at DESC);
CREATE INDEX address_event_owner ON ipam.address_event (owner, at DESC);
CREATE TABLE ipam.address_event_default PARTITION OF ipam.address_event DEFAULT;

-- Makes the partitions of this month and the next two, drops those that ended before `p_keep` ago. Returns how many were made
-- and dropped. A partition can only be made while the default one holds no row of it: history is never written there
-- as long as this runs once a month.
CREATE FUNCTION ipam.history_keep(p_keep interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ipam, pg_temp AS $$
DECLARE
  month timestamptz; name text; done integer := 0; old record;
BEGIN
  IF p_keep < interval '1 month' THEN
    RAISE EXCEPTION 'history is kept for at least a month, not %', p_keep USING ERRCODE = '22023';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ipam.history_keep'));
  FOR i IN 0..2 LOOP
    month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + i * interval '1 month';
    name := 'address_event_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
    IF to_regclass('ipam.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE ipam.%I PARTITION OF ipam.address_event FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
      done := done + 1;
    END IF;
  END LOOP;
  FOR old IN SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'ipam.address_event'::regclass
               AND c.relname ~ '^address_event_[0-9]{6}$'
               AND to_timestamp(substr(c.relname, 15), 'YYYYMM') + interval '1 month' < now() - p_keep LOOP
    EXECUTE format('DROP TABLE ipam.%I', old.relname);
    done := done + 1;
  END LOOP;
  RETURN done;
END $$;
REVOKE ALL ON FUNCTION ipam.history_keep(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.history_keep(interval) TO sot_ipam;
SELECT ipam.history_keep('1 year');
INSERT INTO ipam.address_event (at, vrf, address, event, owner, host, mac, generation, actor, operation_id)
  SELECT at, vrf, address, event, owner, host, mac, generation, actor, operation_id FROM ipam.address_event_0;
DROP TABLE ipam.address_event_0;

-- ---- the truth as hosts report it ----
-- The last complete report of each host: what came before it cannot tell about what was given out after it.
CREATE TABLE ipam.host_report (
  host                  uuid PRIMARY KEY,
  boot_id               text NOT NULL,
  taken_at              timestamptz NOT NULL,  -- on the host
  received_at           timestamptz NOT NULL,
  assignment_generation bigint NOT NULL,
  epoch                 bigint NOT NULL,
  used                  integer NOT NULL
);
-- What hosts report that rows do not say (foreign, moved), what rows say that hosts do not report (missing), and strangers
-- (conflict). A row stands as long as the finding does; its event is told once.
CREATE TABLE ipam.finding (
  vrf        integer NOT NULL,
  address    inet NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('foreign', 'missing', 'moved', 'conflict')),
  host       uuid NOT NULL,
  owner      uuid,
  mac        macaddr,
  detail     text NOT NULL DEFAULT '',
  first_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (vrf, address, kind, host)
);
-- Addresses whose owner seems to be gone, and the evidence gathered about each.
CREATE TABLE ipam.leak (
  vrf          integer NOT NULL,
  address      inet NOT NULL,
  generation   bigint NOT NULL,
  observations integer NOT NULL DEFAULT 1,
  first_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  silent_at    timestamptz,  -- a probe got no answer
  seen_at      timestamptz,  -- somebody uses it: a host reported it, or a probe was answered
  braked_at    timestamptz,  -- it was ready to go when the collection stopped itself
  released_at  timestamptz,  -- and an operator let it go on
  evidence     text NOT NULL DEFAULT '',
  PRIMARY KEY (vrf, address)
);
-- The mass-free brake, and the quarantine after a restore. One row.
CREATE TABLE ipam.guard (
  only_row           boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  stream             uuid NOT NULL,              -- the life of the data that ipam last worked on
  brake_since        timestamptz,
  brake_candidates   integer NOT NULL DEFAULT 0,
  brake_reason       text NOT NULL DEFAULT '',
  quarantine_since   timestamptz,
  quarantine_reason  text NOT NULL DEFAULT ''
);
INSERT INTO ipam.guard (stream) SELECT stream FROM core.platform;

-- ---- use over time ----
CREATE TABLE ipam.usage_sample (
  subnet     uuid NOT NULL REFERENCES ipam.subnet (id) ON DELETE CASCADE,
  at         timestamptz NOT NULL,
  used       bigint NOT NULL,
  size       bigint NOT NULL,
  PRIMARY KEY (subnet, at)
);
CREATE TABLE ipam.subnet_usage (
  subnet     uuid PRIMARY KEY REFERENCES ipam.subnet (id) ON DELETE CASCADE,
  level      text NOT NULL CHECK (level IN ('ok', 'notice', 'warning', 'critical')),
  used       bigint NOT NULL,
  unusable   bigint NOT NULL,
  cooling    bigint NOT NULL,
  size       bigint NOT NULL,
  days_left  double precision,   -- NULL: it does not grow
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- ---- administrative changes ----
-- VLANs, subnets, ranges and imports are checked against what was read, and written only when no other change came between:
-- each raises the version, on the condition that it is still the one that was read.
CREATE TABLE ipam.plan (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version  bigint NOT NULL DEFAULT 0
);
INSERT INTO ipam.plan DEFAULT VALUES;
-- Raises 40001 when what a change was decided on is not so any more: it is read and decided again.
CREATE FUNCTION ipam.expect(p_holds boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_holds IS NOT TRUE THEN
    RAISE EXCEPTION 'it was changed meanwhile' USING ERRCODE = '40001';
  END IF;
END $$;
REVOKE ALL ON FUNCTION ipam.expect(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.expect(boolean) TO sot_ipam;
GRANT SELECT, UPDATE ON ipam.plan TO sot_ipam;
-- What an idempotency key led to, when that is not a thing with an id: the address of address_fix.
ALTER TABLE ipam.operation_ref ADD COLUMN result text NOT NULL DEFAULT '';

-- ---- imports ----
CREATE TABLE ipam.import (
  id          uuid PRIMARY KEY,
  actor       text NOT NULL,
  file_name   text NOT NULL DEFAULT '',
  kind        text NOT NULL DEFAULT '',
  state       text NOT NULL DEFAULT 'staged' CHECK (state IN ('staged', 'checked', 'refused', 'applied')),
  dry_run     boolean NOT NULL DEFAULT true,
  lines       integer NOT NULL DEFAULT 0,
  changes     jsonb NOT NULL DEFAULT '{}',   -- {"vlans":n,"subnets":n,"ranges":n,"addresses":n,"unchanged":n,"ignored":n}
  error_count integer NOT NULL DEFAULT 0,
  errors      jsonb NOT NULL DEFAULT '[]',   -- [{"line":n,"column":"name","detail":"text"}], the first 1000
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE ipam.import_part (
  import_id uuid NOT NULL REFERENCES ipam.import (id) ON DELETE CASCADE,
  part      integer NOT NULL CHECK (part BETWEEN 0 AND 4095),
  data      bytea NOT NULL CHECK (length(data) BETWEEN 1 AND 262144),
  PRIMARY KEY (import_id, part)
);
-- The gateway stages a body in parts; the rows belong to ipam. Staged files that nobody ran are dropped after a day.
CREATE FUNCTION ipam.import_stage(p_id uuid, p_actor text, p_file_name text, p_part integer, p_data bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = ipam, pg_temp AS $$
  DELETE FROM ipam.import WHERE state = 'staged' AND created_at < now() - interval '1 day';
  INSERT INTO ipam.import (id, actor, file_name) VALUES (p_id, p_actor, p_file_name) ON CONFLICT (id) DO NOTHING;
  INSERT INTO ipam.import_part (import_id, part, data) VALUES (p_id, p_part, p_data)
$$;
REVOKE ALL ON FUNCTION ipam.import_stage(uuid, text, text, integer, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.import_stage(uuid, text, text, integer, bytea) TO sot_gateway;

GRANT SELECT, INSERT, UPDATE, DELETE ON ipam.vrf, ipam.vlan_scope, ipam.address_range, ipam.host_report, ipam.finding, ipam.leak,
  ipam.guard, ipam.usage_sample, ipam.subnet_usage, ipam.import, ipam.import_part TO sot_ipam;
GRANT SELECT, INSERT ON ipam.address_event TO sot_ipam;
GRANT SELECT ON core.platform, core.leader, core.outbox_counter TO sot_ipam;
GRANT SELECT (id) ON core.outbox TO sot_ipam;

-- Who had this address at this moment: the last change of its row until then. Observations (foreign, missing, moved) change
-- nothing. `owner` is empty when nobody had it. No row: nothing is known of it, or longer ago than history is kept.
CREATE FUNCTION ipam.address_holder_at(p_vrf integer, p_address inet, p_at timestamptz)
RETURNS TABLE (at timestamptz, event text, owner uuid, host uuid, mac macaddr, generation bigint, actor text, operation_id uuid, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ipam, pg_temp AS $$
BEGIN -- plpgsql keeps the plan: planning all partitions takes longer than asking them
  RETURN QUERY SELECT e.at, e.event, CASE WHEN e.event IN ('reserved', 'bound', 'suspect', 'conflict') THEN e.owner END,
         e.host, e.mac, e.generation, e.actor, e.operation_id, e.reason
  FROM ipam.address_event e
  WHERE e.vrf = p_vrf AND e.address = p_address AND e.at <= p_at AND e.event NOT IN ('foreign', 'missing', 'moved')
  ORDER BY e.at DESC LIMIT 1;
END $$;
REVOKE ALL ON FUNCTION ipam.address_holder_at(integer, inet, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.address_holder_at(integer, inet, timestamptz) TO sot_ipam, sot_gateway;

-- ---- the scheduler's side ----
ALTER TABLE scheduler.app RENAME COLUMN network TO vlan;
ALTER TABLE scheduler.plan ADD COLUMN bandwidth_kbit integer NOT NULL DEFAULT 0 CHECK (bandwidth_kbit >= 0);
ALTER TABLE scheduler.instance
  ADD COLUMN vlan           text NOT NULL DEFAULT '', -- the VLAN that its address is of
  ADD COLUMN vrf            integer NOT NULL DEFAULT 0,
  ADD COLUMN mtu            integer NOT NULL DEFAULT 0,
  ADD COLUMN isolated       boolean NOT NULL DEFAULT false,
  ADD COLUMN dns            inet[] NOT NULL DEFAULT '{}',
  ADD COLUMN dns_search     text NOT NULL DEFAULT '',
  ADD COLUMN net_settings   bigint NOT NULL DEFAULT 0,  -- ipam's digest of what its VLAN told it
  ADD COLUMN address_v6     inet,
  ADD COLUMN prefix_v6      integer,
  ADD COLUMN gateway_v6     inet,
  ADD COLUMN address_v6_generation bigint NOT NULL DEFAULT 0,
  ADD COLUMN bandwidth_kbit integer NOT NULL DEFAULT 0;
UPDATE scheduler.instance i SET vlan = a.vlan FROM scheduler.app a WHERE a.id = i.app_id AND i.address IS NOT NULL;
DROP INDEX scheduler.instance_live_address;
CREATE UNIQUE INDEX instance_live_address ON scheduler.instance (vrf, address) WHERE state <> 'retired' AND address IS NOT NULL;
CREATE UNIQUE INDEX instance_live_address_v6 ON scheduler.instance (vrf, address_v6) WHERE state <> 'retired' AND address_v6 IS NOT NULL;
-- What ipam may know of instances: whether an owner is alive, and what it believes to hold.
CREATE VIEW scheduler.address_owner_v AS
  SELECT id AS owner, name, host_id AS host, vrf, address, address_generation, address_v6, address_v6_generation, state
  FROM scheduler.instance WHERE state <> 'retired';
CREATE VIEW scheduler.host_place_v AS
  SELECT id, name, az, rack, state, seen_at, generation FROM scheduler.host WHERE state <> 'retired';
GRANT SELECT ON scheduler.address_owner_v, scheduler.host_place_v TO sot_ipam;
GRANT SELECT ON scheduler.host_key_v TO sot_ipam;

-- ---- what readers see ----
ALTER VIEW scheduler.app_v RENAME COLUMN network TO vlan;
DROP VIEW scheduler.plan_v;
CREATE VIEW scheduler.plan_v AS
  SELECT name, cpu_milli AS "cpuMilli", memory_bytes AS "memoryBytes", disk_bytes AS "diskBytes", bandwidth_kbit AS "bandwidthKbit"
  FROM scheduler.plan;
CREATE OR REPLACE VIEW scheduler.instance_v AS
  SELECT i.id, i.name, a.name AS app, g.name AS "group", i.number, h.name AS host, host(i.address) AS address, i.state, i.health,
         i.observed_version AS version, i.version AS "wantedVersion", i.desired, i.image, i.mac::text AS mac, i.vlan_id AS "vlanId",
         i.cpu_milli AS "cpuMilli", i.memory_bytes AS "memoryBytes", i.disk_bytes AS "diskBytes", i.generation,
         i.container_id AS "containerId", i.restarts, i.error, i.started_at AS "startedAt", i.observed_at AS "observedAt",
         i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.vlan, host(i.address_v6) AS "addressV6", i.bandwidth_kbit AS "bandwidthKbit"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.instance_group g ON g.id = i.group_id
       LEFT JOIN scheduler.host h ON h.id = i.host_id;
CREATE VIEW ipam.vlan_v AS
  SELECT v.name, v.vlan_id AS "vlanId", r.name AS vrf, v.vlan_group AS "group", v.mtu, v.isolated, v.dns_zone AS "dnsZone", v.description,
         coalesce((SELECT json_agg(json_build_object('kind', s.kind, 'name', s.name) ORDER BY s.kind, s.name)
                   FROM ipam.vlan_scope s WHERE s.vlan = v.id), '[]'::json) AS scopes,
         coalesce((SELECT json_agg(s.cidr::text ORDER BY family(s.cidr), s.rank, s.cidr) FROM ipam.subnet s WHERE s.vlan = v.id), '[]'::json) AS subnets,
         v.created_at AS "createdAt", v.updated_at AS "updatedAt", v.id
  FROM ipam.vlan v JOIN ipam.vrf r ON r.number = v.vrf;
-- `size` counts what could be given out at all: for IPv6 more than fits into a bigint is cut there.
CREATE FUNCTION ipam.span(p_first inet, p_last inet) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN family(p_first) = 4 THEN p_last - p_first + 1
              WHEN set_masklen(p_first, 66)::cidr = set_masklen(p_last, 66)::cidr THEN least(p_last - p_first, 9223372036854775806) + 1
              ELSE 9223372036854775807 END
$$;
DROP VIEW ipam.subnet_v;
CREATE VIEW ipam.subnet_v AS
  SELECT s.id, v.name AS vlan, v.vlan_id AS "vlanId", r.name AS vrf, s.cidr::text AS cidr, family(s.cidr) AS family, host(s.gateway) AS gateway,
         host(s.first) AS first, host(s.last) AS last, ipam.span(s.first, s.last) AS size,
         n.used, n.cooling, n.unusable,
         s.open, s.rank, s.weight, (SELECT coalesce(json_agg(host(d)), '[]'::json) FROM unnest(s.dns) AS d) AS dns,
         s.redundant_gateway AS "redundantGateway", s.description, coalesce(u.level, 'ok') AS level, u.days_left AS "daysLeft",
         s.created_at AS "createdAt", s.updated_at AS "updatedAt"
  FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = s.vrf LEFT JOIN ipam.subnet_usage u ON u.subnet = s.id,
       LATERAL (SELECT count(*) FILTER (WHERE a.state IN ('reserved', 'bound', 'static')) AS used,
                       count(*) FILTER (WHERE a.state = 'cooling') AS cooling,
                       count(*) FILTER (WHERE a.state IN ('excluded', 'conflict', 'suspect')) AS unusable
                FROM ipam.address a -- by the primary key: the subnet's part of it
                WHERE a.vrf = s.vrf AND a.address >= s.cidr AND a.address <= host(broadcast(s.cidr))::inet) n;
CREATE VIEW ipam.address_range_v AS
  SELECT g.id, v.name AS vlan, s.cidr::text AS subnet, r.name AS vrf, host(g.first) AS first, host(g.last) AS last, g.kind, g.owner, g.reason,
         g.created_at AS "createdAt", g.created_by AS "createdBy"
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = g.vrf;
DROP VIEW ipam.address_v;
CREATE VIEW ipam.address_v AS
  SELECT host(a.address) AS address, v.name AS vlan, r.name AS vrf, s.cidr::text AS subnet, a.state, a.owner, i.name AS instance,
         a.owner_name AS "ownerName", h.name AS host, a.mac::text AS mac, a.generation, a.lease_until AS "leaseUntil",
         a.free_after AS "freeAfter", a.reason, a.updated_at AS "updatedAt", a.vrf AS "vrfNumber", a.address AS inet -- for an index
  FROM ipam.address a JOIN ipam.subnet s ON s.id = a.subnet JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = a.vrf
       LEFT JOIN scheduler.instance i ON i.id = a.owner LEFT JOIN scheduler.host h ON h.id = a.host;
CREATE VIEW ipam.address_event_v AS
  SELECT e.at, host(e.address) AS address, r.name AS vrf, e.event, e.owner, i.name AS instance, h.name AS host, e.mac::text AS mac, e.generation,
         e.actor, e.operation_id AS "operationId", e.reason, e.address AS inet -- for an index
  FROM ipam.address_event e JOIN ipam.vrf r ON r.number = e.vrf
       LEFT JOIN scheduler.instance i ON i.id = e.owner LEFT JOIN scheduler.host h ON h.id = e.host;
CREATE VIEW ipam.finding_v AS
  SELECT host(f.address) AS address, r.name AS vrf, f.kind, h.name AS host, f.owner, i.name AS instance, f.mac::text AS mac, f.detail,
         f.first_at AS "firstAt", f.last_at AS "lastAt"
  FROM ipam.finding f JOIN ipam.vrf r ON r.number = f.vrf LEFT JOIN scheduler.instance i ON i.id = f.owner
       LEFT JOIN scheduler.host h ON h.id = f.host;
CREATE VIEW ipam.guard_v AS
  SELECT brake_since AS "brakeSince", brake_candidates AS "brakeCandidates", brake_reason AS "brakeReason",
         quarantine_since AS "quarantineSince", quarantine_reason AS "quarantineReason" FROM ipam.guard;
CREATE VIEW ipam.leak_v AS
  SELECT host(l.address) AS address, r.name AS vrf, v.name AS vlan, s.cidr::text AS subnet, a.state, a.owner, h.name AS host, l.observations,
         l.first_at AS "firstAt", l.last_at AS "lastAt", l.silent_at AS "silentAt", l.evidence
  FROM ipam.leak l JOIN ipam.address a ON a.vrf = l.vrf AND a.address = l.address JOIN ipam.subnet s ON s.id = a.subnet
       JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = l.vrf LEFT JOIN scheduler.host h ON h.id = a.host;
-- Only what a picture of a subnet needs, for many rows at once.
CREATE VIEW ipam.address_state_v AS
  SELECT r.name AS vrf, a.address AS inet, a.state FROM ipam.address a JOIN ipam.vrf r ON r.number = a.vrf;
-- Hosts whose report a quarantine waits for; no row when there is none.
CREATE VIEW ipam.awaited_v AS
  SELECT p.name AS host, p.state, t.received_at AS "reportedAt"
  FROM ipam.guard g JOIN scheduler.host_place_v p ON true LEFT JOIN ipam.host_report t ON t.host = p.id
  WHERE g.quarantine_since IS NOT NULL AND (t.received_at IS NULL OR t.received_at <= g.quarantine_since);
CREATE VIEW ipam.import_v AS
  SELECT id, actor, file_name AS "fileName", kind, state, dry_run AS "dryRun", lines, changes, error_count AS "errorCount", errors,
         created_at AS "createdAt", updated_at AS "updatedAt" FROM ipam.import;
GRANT SELECT ON scheduler.plan_v, ipam.vlan_v, ipam.subnet_v, ipam.address_range_v, ipam.address_v, ipam.address_event_v, ipam.finding_v,
  ipam.guard_v, ipam.leak_v, ipam.awaited_v, ipam.address_state_v, ipam.import_v TO sot_gateway;
GRANT SELECT ON ipam.subnet_v TO sot_bridge;

-- The serial of a DNS zone grows with every change of its content, whoever asks, also after a restore of older data: the
-- gateway keeps the digest of what it gave out last.
CREATE TABLE gateway.zone_serial (
  vrf            text NOT NULL,
  zone           text NOT NULL,
  content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
  serial         bigint NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (vrf, zone)
);
GRANT SELECT, INSERT, UPDATE ON gateway.zone_serial TO sot_gateway;
