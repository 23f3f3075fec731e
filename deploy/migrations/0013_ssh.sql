-- ssh: certificates that were issued, keys that are managed centrally, sessions that agents report. The gateway owns
-- them; agents get what follows from them as one small document with a version (services/api-gateway/README.md).
CREATE TABLE gateway.ssh_certificate (
  serial      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person      text NOT NULL,
  key_id      text NOT NULL,                    -- <person>/<request id>: what sshd logs
  scope       text NOT NULL CHECK (scope ~ '^(inst|app):'), -- inst:<instance id> or app:<app>
  account     text NOT NULL CHECK (account IN ('admin', 'readonly')),
  fingerprint text NOT NULL,
  issued_at   timestamptz NOT NULL DEFAULT now(),
  valid_until timestamptz NOT NULL,
  revoked_at  timestamptz,
  revoked_by  text,
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX ssh_certificate_live ON gateway.ssh_certificate (valid_until) WHERE revoked_at IS NULL;
CREATE INDEX ssh_certificate_revoked ON gateway.ssh_certificate (valid_until) WHERE revoked_at IS NOT NULL;
CREATE TABLE gateway.ssh_key (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  person      text NOT NULL,
  scope       text NOT NULL CHECK (scope ~ '^(inst|app):'),
  account     text NOT NULL CHECK (account IN ('admin', 'readonly')),
  public_key  text NOT NULL,
  fingerprint text NOT NULL,
  comment     text NOT NULL DEFAULT '',
  created_at  timestamptz NOT NULL DEFAULT now(),
  removed_at  timestamptz,
  removed_by  text,
  CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE UNIQUE INDEX ssh_key_once ON gateway.ssh_key (scope, account, fingerprint) WHERE removed_at IS NULL;
CREATE INDEX ssh_key_fingerprint ON gateway.ssh_key (fingerprint);
CREATE TABLE gateway.ssh_session (
  instance_id uuid NOT NULL,
  started_at  timestamptz NOT NULL,
  pid         bigint NOT NULL,                  -- of the session's process, as the instance counts
  instance    text NOT NULL,
  app         text NOT NULL,
  host        text NOT NULL,
  person      text NOT NULL,                    -- empty: the key is of nobody
  account     text NOT NULL,
  address     text NOT NULL,
  port        integer NOT NULL,
  key_id      text NOT NULL DEFAULT '',
  serial      bigint,
  fingerprint text NOT NULL,
  ended_at    timestamptz,
  PRIMARY KEY (instance_id, started_at, pid)
);
CREATE INDEX ssh_session_at ON gateway.ssh_session (started_at DESC);
CREATE INDEX ssh_session_open ON gateway.ssh_session (instance_id) WHERE ended_at IS NULL;

-- Which state of it all the agents should have. Moved by the tables' triggers, so no writer can forget it.
CREATE TABLE gateway.ssh_document (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version  bigint NOT NULL DEFAULT 1
);
INSERT INTO gateway.ssh_document DEFAULT VALUES;
CREATE FUNCTION gateway.ssh_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  UPDATE ssh_document SET version = version + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER ssh_key_changed AFTER INSERT OR UPDATE OR DELETE ON gateway.ssh_key
  FOR EACH STATEMENT EXECUTE FUNCTION gateway.ssh_changed();
CREATE TRIGGER ssh_certificate_revoked AFTER UPDATE OR DELETE ON gateway.ssh_certificate
  FOR EACH STATEMENT EXECUTE FUNCTION gateway.ssh_changed();

-- A log-in that the agent of p_host has seen in one of its instances. 1: it is new, with its audit row and event; 0: it is
-- known; -1: the instance is not that host's. Whose it was says the serial of the certificate, or the key.
CREATE FUNCTION gateway.ssh_login(p_host uuid, p_instance uuid, p_at timestamptz, p_pid bigint, p_account text, p_address text,
  p_port integer, p_key_id text, p_serial bigint, p_fingerprint text)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE who text := ''; t record; details jsonb; actor_name text;
BEGIN
  SELECT i.name, a.name AS app, h.name AS host INTO t
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.host h ON h.id = i.host_id
  WHERE i.id = p_instance AND i.host_id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  IF p_serial IS NOT NULL THEN
    SELECT person INTO who FROM ssh_certificate WHERE serial = p_serial AND key_id = p_key_id;
  ELSE
    SELECT person INTO who FROM ssh_key WHERE fingerprint = p_fingerprint AND account = p_account
    ORDER BY removed_at DESC NULLS FIRST LIMIT 1;
  END IF;
  who := coalesce(who, '');
  INSERT INTO ssh_session (instance_id, started_at, pid, instance, app, host, person, account, address, port, key_id, serial, fingerprint)
  VALUES (p_instance, p_at, p_pid, t.name, t.app, t.host, who, p_account, p_address, p_port, p_key_id, p_serial, p_fingerprint)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  actor_name := CASE who WHEN '' THEN 'unknown' ELSE 'user:' || who END;
  details := jsonb_build_object('at', p_at, 'account', p_account, 'address', p_address, 'port', p_port, 'keyId', p_key_id,
    'serial', p_serial, 'fingerprint', p_fingerprint, 'host', t.host);
  PERFORM audit_add(actor_name, p_address, '', 'ssh.login', t.name, 'done', NULL, details::text);
  PERFORM core.emit(ARRAY['ssh.login'], ARRAY[t.name], ARRAY[t.app], ARRAY[t.host], ARRAY[actor_name], ARRAY[NULL::uuid], ARRAY[details::text]);
  RETURN 1;
END $$;

-- The end of one session (p_pid), or of all that are open in the instance (p_pid 0: it was started again). How many ended;
-- -1: the instance is not that host's.
CREATE FUNCTION gateway.ssh_logout(p_host uuid, p_instance uuid, p_at timestamptz, p_pid bigint)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE s record; n integer := 0; actor_name text; details jsonb;
BEGIN
  PERFORM 1 FROM scheduler.instance i WHERE i.id = p_instance AND i.host_id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  FOR s IN UPDATE ssh_session SET ended_at = greatest(p_at, started_at)
           WHERE instance_id = p_instance AND ended_at IS NULL AND (p_pid = 0 OR pid = p_pid) AND started_at <= p_at RETURNING * LOOP
    n := n + 1;
    actor_name := CASE s.person WHEN '' THEN 'unknown' ELSE 'user:' || s.person END;
    details := jsonb_build_object('at', s.ended_at, 'account', s.account, 'address', s.address, 'port', s.port, 'keyId', s.key_id,
      'serial', s.serial, 'fingerprint', s.fingerprint, 'host', s.host, 'seconds', round(extract(epoch FROM s.ended_at - s.started_at)));
    PERFORM audit_add(actor_name, s.address, '', 'ssh.logout', s.instance, 'done', NULL, details::text);
    PERFORM core.emit(ARRAY['ssh.logout'], ARRAY[s.instance], ARRAY[s.app], ARRAY[s.host], ARRAY[actor_name], ARRAY[NULL::uuid], ARRAY[details::text]);
  END LOOP;
  RETURN n;
END $$;
REVOKE ALL ON FUNCTION gateway.ssh_login(uuid, uuid, timestamptz, bigint, text, text, integer, text, bigint, text),
  gateway.ssh_logout(uuid, uuid, timestamptz, bigint), gateway.ssh_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.ssh_login(uuid, uuid, timestamptz, bigint, text, text, integer, text, bigint, text),
  gateway.ssh_logout(uuid, uuid, timestamptz, bigint) TO sot_gateway;
GRANT SELECT, INSERT, UPDATE ON gateway.ssh_certificate, gateway.ssh_key TO sot_gateway;
GRANT SELECT ON gateway.ssh_session, gateway.ssh_document TO sot_gateway;

CREATE VIEW gateway.ssh_certificate_v AS
  SELECT serial, person, key_id AS "keyId", scope, account, fingerprint, issued_at AS "issuedAt", valid_until AS "validUntil",
         CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN valid_until <= now() THEN 'expired' ELSE 'valid' END AS state,
         revoked_at AS "revokedAt", revoked_by AS "revokedBy"
  FROM gateway.ssh_certificate;
CREATE VIEW gateway.ssh_key_v AS
  SELECT id, person, scope, account, fingerprint, comment, public_key AS "publicKey", created_at AS "createdAt"
  FROM gateway.ssh_key WHERE removed_at IS NULL;
CREATE VIEW gateway.ssh_session_v AS
  SELECT instance, app, host, person, account, address, port, key_id AS "keyId", serial, fingerprint, started_at AS "startedAt",
         ended_at AS "endedAt", pid, instance_id AS "instanceId", (ended_at IS NULL) AS open
  FROM gateway.ssh_session;
GRANT SELECT ON gateway.ssh_certificate_v, gateway.ssh_key_v, gateway.ssh_session_v TO sot_gateway;
