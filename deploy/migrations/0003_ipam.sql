-- ipam owns: VLANs, subnets, addresses, their history.
GRANT USAGE ON SCHEMA ipam TO sot_ipam, sot_gateway, sot_scheduler, sot_bridge;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA ipam;

CREATE TABLE ipam.vlan (
  id         uuid PRIMARY KEY,
  vrf        integer NOT NULL DEFAULT 0,
  name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
  vlan_id    integer NOT NULL CHECK (vlan_id BETWEEN 0 AND 4094),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ipam.subnet (
  id          uuid PRIMARY KEY,
  vrf         integer NOT NULL DEFAULT 0,
  vlan        uuid NOT NULL REFERENCES ipam.vlan (id),
  cidr        cidr NOT NULL CHECK (family(cidr) = 4 AND masklen(cidr) BETWEEN 8 AND 30),
  gateway     inet,
  first       inet NOT NULL,
  last        inet NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  CHECK (gateway IS NULL OR (gateway << cidr AND gateway <> host(network(cidr))::inet AND gateway <> host(broadcast(cidr))::inet)),
  CHECK (first << cidr AND last << cidr AND first <= last AND first <> host(network(cidr))::inet AND last <> host(broadcast(cidr))::inet),
  CONSTRAINT subnet_no_overlap EXCLUDE USING gist (vrf WITH =, cidr inet_ops WITH &&)
);
-- Only addresses that are not free have a row. Free = in the subnet's range and no row.
CREATE TABLE ipam.address (
  vrf         integer NOT NULL DEFAULT 0,
  address     inet NOT NULL,
  subnet      uuid NOT NULL REFERENCES ipam.subnet (id),
  state       text NOT NULL CHECK (state IN ('reserved', 'bound', 'cooling', 'static', 'excluded', 'conflict', 'suspect')),
  owner       uuid,
  nic         integer NOT NULL DEFAULT 0,
  host        uuid,
  mac         macaddr,
  generation  bigint NOT NULL DEFAULT 1,
  free_after  timestamptz,
  reason      text NOT NULL DEFAULT '',
  operation_id uuid,
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (vrf, address),
  CHECK ((state IN ('reserved', 'bound', 'static')) = (owner IS NOT NULL) OR state IN ('conflict', 'suspect')),
  CHECK ((state = 'cooling') = (free_after IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX address_owner ON ipam.address (owner, nic, family(address)) WHERE state IN ('reserved', 'bound', 'static', 'suspect');
CREATE INDEX address_cooling ON ipam.address (free_after) WHERE state = 'cooling';
CREATE INDEX address_host ON ipam.address (host);

-- Who had this address at this time. Append-only.
CREATE TABLE ipam.address_event (
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  vrf          integer NOT NULL DEFAULT 0,
  address      inet NOT NULL,
  event        text NOT NULL CHECK (event IN ('reserved', 'bound', 'released', 'expired', 'conflict', 'excluded')),
  owner        uuid,
  host         uuid,
  mac          macaddr,
  generation   bigint NOT NULL,
  actor        text NOT NULL,
  operation_id uuid
);
CREATE INDEX address_event_address ON ipam.address_event (vrf, address, at DESC);
GRANT SELECT, INSERT, UPDATE, DELETE ON ipam.vlan, ipam.subnet, ipam.address TO sot_ipam;
GRANT SELECT, INSERT ON ipam.address_event TO sot_ipam;

-- Idempotency of ipam's own mutating requests (network_create).
CREATE TABLE ipam.operation_ref (
  actor           text NOT NULL,
  idempotency_key text NOT NULL,
  request_sha256  bytea NOT NULL,
  resource_id     uuid NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (actor, idempotency_key)
);
GRANT SELECT, INSERT, DELETE ON ipam.operation_ref TO sot_ipam;
