-- exec: sessions in instances that go through a gateway, of the command line (exec) and of the browser (console). They
-- are rows of ssh_session as log-ins by sshd are; `alive_until` is moved on by the gateway that carries them.
ALTER TABLE gateway.ssh_session
  ADD COLUMN kind        text NOT NULL DEFAULT 'ssh' CHECK (kind IN ('ssh', 'exec', 'console')),
  ADD COLUMN session     uuid UNIQUE,
  ADD COLUMN actor       text NOT NULL DEFAULT '',
  ADD COLUMN command     text NOT NULL DEFAULT '',
  ADD COLUMN alive_until timestamptz,
  ADD COLUMN revoked_at  timestamptz,
  ADD CONSTRAINT ssh_session_kind CHECK ((kind = 'ssh') = (session IS NULL) AND (kind = 'ssh') = (alive_until IS NULL));
CREATE INDEX ssh_session_alive ON gateway.ssh_session (alive_until) WHERE ended_at IS NULL AND session IS NOT NULL;
CREATE INDEX ssh_session_revoked ON gateway.ssh_session (revoked_at) WHERE revoked_at IS NOT NULL;
-- What stands for the pid of a session that sshd did not make: below 0, so it is no process.
CREATE SEQUENCE gateway.exec_number INCREMENT -1 MAXVALUE -1 START -1;

-- As before, but of sshd's sessions only: an instance that starts again tells nothing about a gateway's.
CREATE OR REPLACE FUNCTION gateway.ssh_logout(p_host uuid, p_instance uuid, p_at timestamptz, p_pid bigint)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE s record; n integer := 0; actor_name text; details jsonb;
BEGIN
  PERFORM 1 FROM scheduler.instance i WHERE i.id = p_instance AND i.host_id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  FOR s IN UPDATE ssh_session SET ended_at = greatest(p_at, started_at)
           WHERE instance_id = p_instance AND kind = 'ssh' AND ended_at IS NULL AND (p_pid = 0 OR pid = p_pid) AND started_at <= p_at
           RETURNING * LOOP
    n := n + 1;
    actor_name := CASE s.person WHEN '' THEN 'unknown' ELSE 'user:' || s.person END;
    details := jsonb_build_object('at', s.ended_at, 'account', s.account, 'address', s.address, 'port', s.port, 'keyId', s.key_id,
      'serial', s.serial, 'fingerprint', s.fingerprint, 'host', s.host, 'seconds', round(extract(epoch FROM s.ended_at - s.started_at)));
    PERFORM audit_add(actor_name, s.address, '', 'ssh.logout', s.instance, 'done', NULL, details::text);
    PERFORM core.emit(ARRAY['ssh.logout'], ARRAY[s.instance], ARRAY[s.app], ARRAY[s.host], ARRAY[actor_name], ARRAY[NULL::uuid], ARRAY[details::text]);
  END LOOP;
  RETURN n;
END $$;

-- The row, its audit row and event. False: there is no such live instance any more.
CREATE FUNCTION gateway.exec_begin(p_session uuid, p_kind text, p_instance uuid, p_person text, p_actor text, p_account text, p_address text,
  p_request_id text, p_command text, p_lease_s integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE t record; details jsonb;
BEGIN
  SELECT i.name, a.name AS app, h.name AS host INTO t
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.host h ON h.id = i.host_id
  WHERE i.id = p_instance AND i.state <> 'retired';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO ssh_session (instance_id, started_at, pid, instance, app, host, person, account, address, port, fingerprint, kind, session, actor,
    command, alive_until)
  VALUES (p_instance, clock_timestamp(), nextval('exec_number'), t.name, t.app, t.host, p_person, p_account, p_address, 0, '', p_kind, p_session,
    p_actor, left(p_command, 500), clock_timestamp() + make_interval(secs => p_lease_s));
  details := jsonb_build_object('session', p_session, 'kind', p_kind, 'account', p_account, 'address', p_address, 'command', left(p_command, 500),
    'host', t.host);
  PERFORM audit_add(p_actor, p_address, p_request_id, 'exec.begin', t.name, 'done', NULL, details::text);
  PERFORM core.emit(ARRAY['exec.begin'], ARRAY[t.name], ARRAY[t.app], ARRAY[t.host], ARRAY[p_actor], ARRAY[NULL::uuid], ARRAY[details::text]);
  RETURN true;
END $$;

-- Ends a session that is open; whether it was.
CREATE FUNCTION gateway.exec_end(p_session uuid, p_reason text, p_status integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE s record; details jsonb;
BEGIN
  UPDATE ssh_session SET ended_at = greatest(clock_timestamp(), started_at) WHERE session = p_session AND ended_at IS NULL RETURNING * INTO s;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  details := jsonb_build_object('session', s.session, 'kind', s.kind, 'account', s.account, 'address', s.address, 'command', s.command,
    'host', s.host, 'seconds', round(extract(epoch FROM s.ended_at - s.started_at)), 'reason', p_reason, 'status', p_status);
  PERFORM audit_add(s.actor, s.address, '', 'exec.end', s.instance, 'done', NULL, details::text);
  PERFORM core.emit(ARRAY['exec.end'], ARRAY[s.instance], ARRAY[s.app], ARRAY[s.host], ARRAY[s.actor], ARRAY[NULL::uuid], ARRAY[details::text]);
  RETURN true;
END $$;

-- A gateway carries these sessions still. Answers what became of each person's rights meanwhile: the role (empty: no
-- such account), whether the token or the log-in that began it is valid ("token:<id>" or "cookie:<sha256>"), and
-- whether it was revoked.
CREATE FUNCTION gateway.exec_alive(p_sessions uuid[], p_credentials text[], p_lease_s integer)
RETURNS TABLE (session uuid, role text, is_valid boolean, is_revoked boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  UPDATE ssh_session s SET alive_until = clock_timestamp() + make_interval(secs => p_lease_s)
  WHERE s.session = ANY (p_sessions) AND s.ended_at IS NULL;
  RETURN QUERY
  SELECT s.session, coalesce(a.role, ''),
    CASE WHEN c.credential LIKE 'token:%' THEN EXISTS (SELECT 1 FROM token t WHERE t.id = substr(c.credential, 7) AND t.expires_at > now())
         ELSE EXISTS (SELECT 1 FROM gateway.session b WHERE b.id_sha256 = decode(substr(c.credential, 8), 'hex') AND b.expires_at > now()) END,
    s.revoked_at IS NOT NULL OR s.ended_at IS NOT NULL
  FROM unnest(p_sessions, p_credentials) AS c(id, credential) JOIN ssh_session s ON s.session = c.id LEFT JOIN account a ON a.name = s.person;
END $$;

-- Sessions whose gateway is gone. How many.
CREATE FUNCTION gateway.exec_sweep()
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE s record; n integer := 0;
BEGIN
  FOR s IN SELECT session FROM ssh_session WHERE alive_until < clock_timestamp() AND ended_at IS NULL AND session IS NOT NULL LIMIT 100 LOOP
    n := n + exec_end(s.session, 'the gateway that carried it is gone', 0)::integer;
  END LOOP;
  RETURN n;
END $$;

-- Ends all open ones of a person: their gateways see it within 10 s.
CREATE FUNCTION gateway.exec_revoke(p_person text)
RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  UPDATE ssh_session SET revoked_at = now() WHERE person = p_person AND session IS NOT NULL AND ended_at IS NULL AND revoked_at IS NULL
  RETURNING session
$$;

REVOKE ALL ON FUNCTION gateway.exec_begin(uuid, text, uuid, text, text, text, text, text, text, integer), gateway.exec_end(uuid, text, integer),
  gateway.exec_alive(uuid[], text[], integer), gateway.exec_sweep(), gateway.exec_revoke(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.exec_begin(uuid, text, uuid, text, text, text, text, text, text, integer), gateway.exec_end(uuid, text, integer),
  gateway.exec_alive(uuid[], text[], integer), gateway.exec_sweep(), gateway.exec_revoke(text) TO sot_gateway;
GRANT SELECT ON scheduler.host_key_v TO sot_gateway;

CREATE OR REPLACE VIEW gateway.ssh_session_v AS
  SELECT instance, app, host, person, account, address, port, key_id AS "keyId", serial, fingerprint, started_at AS "startedAt",
         ended_at AS "endedAt", pid, instance_id AS "instanceId", (ended_at IS NULL) AS open, kind, session, command
  FROM gateway.ssh_session;
-- Where an instance is, for whoever wants to enter it.
CREATE VIEW scheduler.instance_place_v AS
  SELECT i.id, i.name, i.state, i.host_id AS host, h.name AS host_name, host(i.address) AS address
  FROM scheduler.instance i LEFT JOIN scheduler.host h ON h.id = i.host_id;
GRANT SELECT ON scheduler.instance_place_v TO sot_gateway;
