-- api-gateway owns: users, tokens, sessions, audit, blobs.
GRANT USAGE ON SCHEMA gateway TO sot_gateway;
CREATE TABLE gateway.account (
  name          text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9._-]{0,62}$'),
  role          text NOT NULL CHECK (role IN ('viewer', 'developer', 'middleware', 'operator', 'admin')),
  password_hash text, -- yescrypt; NULL: no password login
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE gateway.token (
  id            text PRIMARY KEY,                 -- the public part: sot_<id>_<secret>
  secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
  account       text REFERENCES gateway.account (name) ON DELETE CASCADE,
  host_id       uuid,                             -- a host's fetch token: role `agent`, packages only
  description   text NOT NULL DEFAULT '',
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  last_used_at  timestamptz,
  CHECK ((account IS NULL) <> (host_id IS NULL))
);
CREATE TABLE gateway.session (
  id_sha256  bytea PRIMARY KEY CHECK (length(id_sha256) = 32),
  csrf       text NOT NULL,
  account    text NOT NULL REFERENCES gateway.account (name) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE TABLE gateway.blob (
  sha256     bytea PRIMARY KEY CHECK (length(sha256) = 32),
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.account, gateway.token, gateway.session TO sot_gateway;
GRANT SELECT, INSERT ON gateway.blob TO sot_gateway;

-- Who did what, from where, with which result. Insert-only for everybody; written in the same transaction as the
-- change it describes, by whichever service makes the change.
CREATE TABLE gateway.audit (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor          text NOT NULL,
  source_address text NOT NULL,
  api_request_id text NOT NULL,
  action         text NOT NULL,
  target         text NOT NULL,
  result         text NOT NULL,
  operation_id   uuid,
  detail         jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_at ON gateway.audit (at DESC);
CREATE FUNCTION gateway.audit_add(p_actor text, p_source_address text, p_api_request_id text, p_action text, p_target text,
  p_result text, p_operation_id uuid, p_detail text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  INSERT INTO gateway.audit (actor, source_address, api_request_id, action, target, result, operation_id, detail)
  VALUES (p_actor, p_source_address, p_api_request_id, p_action, p_target, p_result, p_operation_id, p_detail::jsonb)
$$;
REVOKE ALL ON FUNCTION gateway.audit_add(text, text, text, text, text, text, uuid, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA gateway TO sot_scheduler, sot_ipam;
GRANT EXECUTE ON FUNCTION gateway.audit_add(text, text, text, text, text, text, uuid, text) TO sot_scheduler, sot_ipam, sot_gateway;
GRANT SELECT ON gateway.audit TO sot_gateway;
