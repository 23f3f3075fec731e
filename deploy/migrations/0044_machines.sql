-- Machines on their way into service: what an operator imported, how far each is, every line that its installation wrote, one-time
-- tokens and the keys that hosts made for themselves. The gateway owns these tables; what operators see of a step is an operation.
CREATE TABLE gateway.machine (
  name         text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,61}[a-z0-9]$'),
  address      inet NOT NULL UNIQUE,
  ssh_port     integer NOT NULL DEFAULT 22 CHECK (ssh_port BETWEEN 1 AND 65535),
  ssh_user     text NOT NULL DEFAULT 'root',
  az           text NOT NULL,
  rack         text NOT NULL,
  labels       text[] NOT NULL DEFAULT '{}', -- become the host's tags
  oob          text NOT NULL DEFAULT '',     -- where its power switch is: ipmi://10.9.0.7
  state        text NOT NULL DEFAULT 'registered' CHECK (state IN ('registered', 'installing', 'preflight', 'online', 'failed')),
  task         text NOT NULL DEFAULT '',     -- the last one of the playbook
  error        text NOT NULL DEFAULT '',
  attempt      integer NOT NULL DEFAULT 1,
  operation_id uuid NOT NULL,                -- the last one
  run_id       uuid,                         -- of the playbook that has it now
  lines        bigint NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by   text NOT NULL,
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX machine_waits ON gateway.machine (created_at, name) WHERE state = 'registered';
CREATE INDEX machine_of_run ON gateway.machine (run_id) WHERE run_id IS NOT NULL;
-- Kept for ever.
CREATE TABLE gateway.machine_line (
  machine text NOT NULL,
  line    bigint NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempt integer NOT NULL,
  run_id  uuid,
  counter integer,                           -- the run's own number: told twice, it is one line
  status  text NOT NULL CHECK (status IN ('ok', 'changed', 'skipped', 'failed', 'unreachable', 'note')),
  play    text NOT NULL DEFAULT '',
  task    text NOT NULL,
  text    text NOT NULL DEFAULT '',
  took_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (machine, line),
  UNIQUE (run_id, counter, machine)
);
-- A playbook that runs for some machines. Silent for longer than its lease, it is over.
CREATE TABLE gateway.machine_run (
  id          uuid PRIMARY KEY,
  runner      text NOT NULL,
  began_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  alive_until timestamptz NOT NULL,
  ended_at    timestamptz
);
-- The key that a host made and showed a token for. Two at a time while it is exchanged.
CREATE TABLE gateway.host_key (
  public_key text PRIMARY KEY CHECK (length(public_key) = 40),
  name       text NOT NULL,
  machine_id text NOT NULL,                  -- /etc/machine-id of the host that made it
  state      text NOT NULL CHECK (state IN ('pending', 'active', 'replaced', 'revoked')),
  ends_at    timestamptz,                    -- of a replaced one
  reason     text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decided_by text NOT NULL DEFAULT '',
  decided_at timestamptz
);
CREATE INDEX host_key_name ON gateway.host_key (name);
CREATE TABLE gateway.enrolment (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  name         text NOT NULL,
  by_hand      boolean NOT NULL,             -- the key waits for an approval
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz NOT NULL,
  public_key   text                          -- that used it: it is good for this one alone
);

-- A version 7 UUID: ids of operations are in the order of their time.
CREATE FUNCTION gateway.new_id() RETURNS uuid LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(r, 14))::uuid
  FROM (SELECT replace(gen_random_uuid()::text, '-', '') AS r) r
$$;

-- ---- operations of machines: rows of scheduler.operation that no scheduler leads ----
CREATE FUNCTION scheduler.machine_operation_begin(p_id uuid, p_kind text, p_target text, p_actor text, p_parent uuid, p_retry_of uuid, p_total integer, p_spec jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
BEGIN
  INSERT INTO operation (id, kind, target, actor, idempotency_key, request_sha256, resource_id, spec, state, progress_total, created_at, updated_at,
    started_at, parent_id, retry_of, parallel, children_total)
  VALUES (p_id, p_kind, p_target, p_actor, 'machine-' || p_id, sha256(p_id::text::bytea), p_id, p_spec, 'running', p_total, clock_timestamp(),
    clock_timestamp(), clock_timestamp(), p_parent, p_retry_of, CASE WHEN p_kind LIKE 'bulk.%' THEN p_total ELSE 0 END,
    CASE WHEN p_kind LIKE 'bulk.%' THEN p_total ELSE 0 END);
  IF p_kind NOT LIKE 'bulk.%' THEN
    INSERT INTO operation_track (operation_id, first, subject, steps)
    VALUES (p_id, 1, p_target, json_build_array(json_build_array('install', 'queued', '', 0, 0), json_build_array('preflight', 'queued', '', 0, 0),
      json_build_array('online', 'queued', '', 0, 0)));
  END IF;
  PERFORM core.emit(ARRAY['operation.state'], ARRAY[p_target], ARRAY[''], ARRAY[CASE WHEN p_kind LIKE 'bulk.%' THEN '' ELSE p_target END], ARRAY[p_actor], ARRAY[p_id],
    ARRAY[jsonb_build_object('id', p_id, 'kind', p_kind, 'changed', jsonb_build_object('state', jsonb_build_array('queued', 'running')), 'error', '',
      'reason', '')::text]);
END $$;
-- The steps before p_step are done, it itself is in p_state; a failed one takes those after it along.
CREATE FUNCTION scheduler.machine_operation_step(p_id uuid, p_step text, p_state text, p_detail text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
DECLARE now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint; place integer := array_position(ARRAY['install', 'preflight', 'online'], p_step);
BEGIN
  UPDATE operation_track t SET steps = (SELECT json_agg(CASE
      WHEN n < place THEN json_build_array(s->>0, 'done', s->>2, CASE WHEN (s->>3)::bigint = 0 THEN now_ms ELSE (s->>3)::bigint END,
        CASE WHEN (s->>4)::bigint = 0 THEN now_ms ELSE (s->>4)::bigint END)
      WHEN n = place THEN json_build_array(s->>0, p_state, p_detail, CASE WHEN (s->>3)::bigint = 0 THEN now_ms ELSE (s->>3)::bigint END,
        CASE WHEN p_state IN ('done', 'failed') THEN now_ms ELSE 0 END)
      WHEN p_state = 'failed' THEN json_build_array(s->>0, 'cancelled', s->>2, (s->>3)::bigint, now_ms)
      ELSE s END ORDER BY n) FROM json_array_elements(t.steps) WITH ORDINALITY AS e(s, n))
  WHERE t.operation_id = p_id;
  UPDATE operation SET progress_done = place - CASE WHEN p_state = 'done' THEN 0 ELSE 1 END, updated_at = clock_timestamp() WHERE id = p_id AND finished_at IS NULL;
END $$;
-- Ends it, and its bulk operation with the last of its children.
CREATE FUNCTION scheduler.machine_operation_end(p_id uuid, p_state text, p_error text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
DECLARE o record; b record;
BEGIN
  UPDATE operation SET state = p_state, error = left(p_error, 2000), finished_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE id = p_id AND finished_at IS NULL RETURNING * INTO o;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM core.emit(ARRAY['operation.state'], ARRAY[o.target], ARRAY[''], ARRAY[CASE WHEN o.kind LIKE 'bulk.%' THEN '' ELSE o.target END], ARRAY[o.actor], ARRAY[p_id],
    ARRAY[jsonb_strip_nulls(jsonb_build_object('id', p_id, 'kind', o.kind, 'changed', jsonb_build_object('state', jsonb_build_array('running', p_state)),
      'error', o.error, 'reason', '', 'parent', o.parent_id))::text]);
  IF o.parent_id IS NULL THEN
    RETURN;
  END IF;
  UPDATE operation SET children_done = children_done + (p_state = 'done')::integer, children_failed = children_failed + (p_state = 'failed')::integer,
    progress_done = progress_done + 1, updated_at = clock_timestamp() WHERE id = o.parent_id RETURNING * INTO b;
  IF b.children_done + b.children_failed = b.children_total THEN
    PERFORM machine_operation_end(b.id, CASE WHEN b.children_failed = 0 THEN 'done' ELSE 'failed' END,
      CASE WHEN b.children_failed = 0 THEN '' ELSE format('%s of %s machines failed; sotalia host retry --failed goes on with them', b.children_failed, b.children_total) END);
  END IF;
END $$;
REVOKE ALL ON FUNCTION scheduler.machine_operation_begin(uuid, text, text, text, uuid, uuid, integer, jsonb),
  scheduler.machine_operation_step(uuid, text, text, text), scheduler.machine_operation_end(uuid, text, text) FROM PUBLIC;

-- ---- import ----
CREATE FUNCTION gateway.machine_note(p_machine text, p_status text, p_task text, p_text text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE m record;
BEGIN
  UPDATE machine SET lines = lines + 1, updated_at = clock_timestamp() WHERE name = p_machine RETURNING * INTO m;
  IF FOUND THEN
    INSERT INTO machine_line (machine, line, attempt, run_id, status, task, text) VALUES (p_machine, m.lines, m.attempt, m.run_id, p_status, p_task, p_text);
  END IF;
END $$;
CREATE FUNCTION gateway.machine_state(p_machine text, p_state text, p_error text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was text; op uuid;
BEGIN
  SELECT state, operation_id INTO was, op FROM machine WHERE name = p_machine FOR UPDATE;
  IF was = p_state THEN
    RETURN;
  END IF;
  UPDATE machine SET state = p_state, error = left(p_error, 2000), updated_at = clock_timestamp() WHERE name = p_machine;
  PERFORM core.emit(ARRAY['machine.state'], ARRAY[p_machine], ARRAY[''], ARRAY[p_machine], ARRAY['system'], ARRAY[op],
    ARRAY[jsonb_build_object('changed', jsonb_build_object('state', jsonb_build_array(was, p_state)), 'error', p_error)::text]);
END $$;
-- What in these lines stands against what is there already: {line, column, text} each. A machine that is there as it is in the file is none.
CREATE FUNCTION gateway.machine_conflicts(p_rows jsonb)
RETURNS TABLE (line integer, col text, text text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  WITH r AS (SELECT * FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, az text, rack text)),
  racks AS (SELECT rack, min(az) AS az, min(name) AS host FROM (SELECT rack, az, name FROM scheduler.host WHERE state <> 'retired' UNION ALL SELECT rack, az, name FROM machine) k GROUP BY rack)
  SELECT r.line, 'name', format('machine %s is known with the address %s; give that address, or another name', r.name, host(m.address))
    FROM r JOIN machine m ON m.name = r.name WHERE m.address <> r.address
  UNION ALL SELECT r.line, 'name', format('a host %s is registered already', r.name)
    FROM r JOIN scheduler.host h ON h.name = r.name WHERE NOT EXISTS (SELECT 1 FROM machine m WHERE m.name = r.name)
  UNION ALL SELECT r.line, 'address', format('address %s belongs to machine %s', host(r.address), m.name)
    FROM r JOIN machine m ON m.address = r.address WHERE m.name <> r.name
  UNION ALL SELECT r.line, 'rack', format('rack %s is in zone %s (host %s), not in %s', r.rack, k.az, k.host, r.az)
    FROM r JOIN racks k ON k.rack = r.rack WHERE k.az <> r.az AND k.host <> r.name
$$;
-- Answers {imported, unchanged, operation}; with conflicts, {errors} and nothing is changed.
CREATE FUNCTION gateway.machine_import(p_actor text, p_source text, p_request_id text, p_dry boolean, p_rows jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE wrong jsonb; fresh text[]; bulk uuid; child uuid; r record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('gateway.machine', 0));
  SELECT jsonb_agg(jsonb_build_object('pointer', concat('/lines/', c.line, '/', c.col), 'line', c.line, 'column', c.col, 'detail', c.text) ORDER BY c.line, c.col) INTO wrong FROM machine_conflicts(p_rows) c;
  IF wrong IS NOT NULL THEN
    RETURN jsonb_build_object('errors', wrong);
  END IF;
  SELECT coalesce(array_agg(x.name ORDER BY x.line), '{}') INTO fresh FROM jsonb_to_recordset(p_rows) AS x(line integer, name text)
    WHERE NOT EXISTS (SELECT 1 FROM machine m WHERE m.name = x.name);
  IF p_dry OR cardinality(fresh) = 0 THEN
    RETURN jsonb_build_object('imported', cardinality(fresh), 'unchanged', jsonb_array_length(p_rows) - cardinality(fresh), 'operation', NULL);
  END IF;
  bulk := new_id();
  PERFORM scheduler.machine_operation_begin(bulk, 'bulk.host.install', cardinality(fresh) || ' machines', p_actor, NULL, NULL, cardinality(fresh), '{}');
  FOR r IN SELECT x.* FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, port integer, "user" text, az text, rack text, labels text[], oob text)
           WHERE x.name = ANY (fresh) ORDER BY x.line LOOP
    child := new_id();
    PERFORM scheduler.machine_operation_begin(child, 'host.install', r.name, p_actor, bulk, NULL, 3, jsonb_build_object('address', host(r.address)));
    INSERT INTO machine (name, address, ssh_port, ssh_user, az, rack, labels, oob, operation_id, created_by)
      VALUES (r.name, r.address, r.port, r."user", r.az, r.rack, coalesce(r.labels, '{}'), r.oob, child, p_actor);
    PERFORM machine_note(r.name, 'note', 'registered', format('line %s of a file of %s', r.line, p_actor));
  END LOOP;
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.import', cardinality(fresh) || ' machines', 'done', bulk, jsonb_build_object('names', to_jsonb(fresh))::text);
  RETURN jsonb_build_object('imported', cardinality(fresh), 'unchanged', jsonb_array_length(p_rows) - cardinality(fresh), 'operation', jsonb_build_object('id', bulk));
END $$;
-- Those that failed go on: the ones named, or all.
CREATE FUNCTION gateway.machine_retry(p_actor text, p_source text, p_request_id text, p_names text[])
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE chosen text[]; bulk uuid; child uuid; r record;
BEGIN
  SELECT array_agg(m.name ORDER BY m.name) INTO chosen FROM machine m WHERE m.state = 'failed' AND (cardinality(p_names) = 0 OR m.name = ANY (p_names));
  IF chosen IS NULL OR (cardinality(p_names) > 0 AND cardinality(chosen) < cardinality(p_names)) THEN
    RETURN jsonb_build_object('problem', CASE WHEN cardinality(p_names) = 0 THEN 'no machine has failed'
      ELSE format('only a machine that has failed can be tried again; not so: %s',
        (SELECT string_agg(n, ', ') FROM unnest(p_names) AS n WHERE n <> ALL (coalesce(chosen, '{}')))) END);
  END IF;
  bulk := new_id();
  PERFORM scheduler.machine_operation_begin(bulk, 'bulk.host.install', cardinality(chosen) || ' machines', p_actor, NULL, NULL, cardinality(chosen), '{}');
  FOR r IN SELECT * FROM machine WHERE name = ANY (chosen) ORDER BY name LOOP
    child := new_id();
    PERFORM scheduler.machine_operation_begin(child, 'host.install', r.name, p_actor, bulk, r.operation_id, 3, jsonb_build_object('address', host(r.address)));
    UPDATE machine SET operation_id = child, attempt = attempt + 1, run_id = NULL, task = '' WHERE name = r.name;
    PERFORM machine_state(r.name, 'registered', '');
    PERFORM machine_note(r.name, 'note', 'retry', 'asked for by ' || p_actor);
  END LOOP;
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.retry', cardinality(chosen) || ' machines', 'done', bulk, jsonb_build_object('names', to_jsonb(chosen))::text);
  RETURN jsonb_build_object('retried', cardinality(chosen), 'operation', jsonb_build_object('id', bulk));
END $$;

-- ---- a run of the playbook ----
CREATE FUNCTION gateway.machine_fail(p_machine text, p_error text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE m record;
BEGIN
  SELECT * INTO m FROM machine WHERE name = p_machine AND state IN ('registered', 'installing', 'preflight') FOR UPDATE;
  IF FOUND THEN
    PERFORM scheduler.machine_operation_step(m.operation_id, CASE m.state WHEN 'preflight' THEN 'preflight' ELSE 'install' END, 'failed', left(p_error, 500));
    PERFORM scheduler.machine_operation_end(m.operation_id, 'failed', p_error);
    PERFORM machine_state(p_machine, 'failed', p_error);
    PERFORM machine_note(p_machine, 'note', 'failed', p_error);
  END IF;
END $$;
-- Machines that wait, with a token each to enrol by. A run that is silent for longer than its lease has failed.
CREATE FUNCTION gateway.machine_claim(p_actor text, p_runner text, p_names text[], p_limit integer, p_lease_s integer)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE run uuid := gen_random_uuid(); m record; token text; found jsonb := '[]'; dead record;
BEGIN
  FOR dead IN SELECT m2.name, r.runner FROM machine m2 JOIN machine_run r ON r.id = m2.run_id
              WHERE m2.state IN ('installing', 'preflight') AND r.alive_until < clock_timestamp() ORDER BY m2.name LOOP
    PERFORM machine_fail(dead.name, format('the runner %s was not heard of any more; sotalia host retry %s tries again', dead.runner, dead.name));
  END LOOP;
  FOR m IN SELECT * FROM machine WHERE state = 'registered' AND (cardinality(p_names) = 0 OR name = ANY (p_names)) ORDER BY created_at, name LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
    IF found = '[]' THEN
      INSERT INTO machine_run (id, runner, alive_until) VALUES (run, p_runner, clock_timestamp() + make_interval(secs => p_lease_s));
    END IF;
    token := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    INSERT INTO enrolment (token_sha256, name, by_hand, created_by, expires_at)
      VALUES (sha256(token::bytea), m.name, false, p_actor, clock_timestamp() + interval '1 hour');
    UPDATE machine SET run_id = run WHERE name = m.name;
    PERFORM machine_state(m.name, 'installing', '');
    PERFORM scheduler.machine_operation_step(m.operation_id, 'install', 'running', 'by ' || p_runner);
    PERFORM machine_note(m.name, 'note', 'install', 'by ' || p_runner);
    found := found || jsonb_build_object('name', m.name, 'address', host(m.address), 'port', m.ssh_port, 'user', m.ssh_user, 'az', m.az, 'rack', m.rack,
      'labels', to_jsonb(m.labels), 'enrolToken', token);
  END LOOP;
  RETURN jsonb_build_object('run', CASE WHEN found <> '[]' THEN run END, 'machines', found);
END $$;
-- Lines of a run. Answers how many were new; null: there is no such run, or it is over.
CREATE FUNCTION gateway.machine_tell(p_run uuid, p_lease_s integer, p_lines jsonb)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE e record; m record; n integer := 0; number bigint;
BEGIN
  UPDATE machine_run SET alive_until = clock_timestamp() + make_interval(secs => p_lease_s) WHERE id = p_run AND ended_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  FOR e IN SELECT * FROM jsonb_to_recordset(p_lines) AS x(counter integer, machine text, status text, play text, task text, text text, "tookMs" bigint, phase text)
           ORDER BY x.counter LOOP
    SELECT * INTO m FROM machine WHERE name = e.machine AND run_id = p_run FOR UPDATE;
    CONTINUE WHEN NOT FOUND OR EXISTS (SELECT 1 FROM machine_line l WHERE l.run_id = p_run AND l.counter = e.counter AND l.machine = e.machine);
    n := n + 1;
    UPDATE machine SET lines = lines + 1, task = left(e.task, 200), updated_at = clock_timestamp() WHERE name = e.machine RETURNING lines INTO number;
    INSERT INTO machine_line (machine, line, attempt, run_id, counter, status, play, task, text, took_ms)
      VALUES (e.machine, number, m.attempt, p_run, e.counter, e.status, coalesce(e.play, ''), e.task, coalesce(e.text, ''), coalesce(e."tookMs", 0));
    IF e.phase = 'preflight' AND m.state = 'installing' THEN
      PERFORM machine_state(e.machine, 'preflight', '');
      PERFORM scheduler.machine_operation_step(m.operation_id, 'preflight', 'running', '');
    END IF;
    IF e.status IN ('failed', 'unreachable') THEN
      PERFORM machine_fail(e.machine, left(e.task || ': ' || coalesce(e.text, ''), 1000));
    END IF;
  END LOOP;
  RETURN n;
END $$;
-- The playbook has ended. A machine counts as online when its agent is: the scheduler's word, not the playbook's.
CREATE FUNCTION gateway.machine_run_end(p_run uuid, p_error text)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE m record; is_online boolean; done integer := 0;
BEGIN
  UPDATE machine_run SET ended_at = clock_timestamp() WHERE id = p_run AND ended_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  FOR m IN SELECT * FROM machine WHERE run_id = p_run AND state IN ('installing', 'preflight') ORDER BY name FOR UPDATE LOOP
    SELECT h.state = 'online' INTO is_online FROM scheduler.host h WHERE h.name = m.name;
    IF coalesce(is_online, false) AND p_error = '' THEN
      PERFORM scheduler.machine_operation_step(m.operation_id, 'online', 'done', '');
      PERFORM scheduler.machine_operation_end(m.operation_id, 'done', '');
      PERFORM machine_state(m.name, 'online', '');
      PERFORM machine_note(m.name, 'note', 'online', 'its agent has answered');
      done := done + 1;
    ELSE
      PERFORM machine_fail(m.name, CASE WHEN p_error <> '' THEN p_error ELSE 'the playbook ended and the agent is not online; read its log and the agent''s: journalctl -u sotalia-hostagent' END);
    END IF;
  END LOOP;
  RETURN jsonb_build_object('online', done, 'failed', (SELECT count(*) FROM machine WHERE run_id = p_run AND state = 'failed'));
END $$;

-- ---- enrolment ----
CREATE FUNCTION gateway.enrolment_add(p_actor text, p_source text, p_request_id text, p_name text, p_minutes integer, p_by_hand boolean)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE token text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''); ends timestamptz := clock_timestamp() + make_interval(mins => p_minutes);
BEGIN
  IF NOT EXISTS (SELECT 1 FROM machine WHERE name = p_name) THEN
    RETURN jsonb_build_object('problem', format('there is no machine %s; import it first', p_name));
  END IF;
  DELETE FROM enrolment WHERE expires_at < clock_timestamp() - interval '1 day';
  INSERT INTO enrolment (token_sha256, name, by_hand, created_by, expires_at) VALUES (sha256(token::bytea), p_name, p_by_hand, p_actor, ends);
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.enrolment', p_name, 'done', NULL, jsonb_build_object('expiresAt', ends, 'byHand', p_by_hand)::text);
  RETURN jsonb_build_object('token', token, 'machine', p_name, 'expiresAt', ends, 'byHand', p_by_hand);
END $$;
-- A host shows its token and the key that it made. Again with the same key: the same answer. Answers {problem, code}, {state: pending}, or what the
-- host is to be registered with.
CREATE FUNCTION gateway.enrol(p_source text, p_request_id text, p_token text, p_public_key text, p_machine_id text)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE e record; k record; m record; other text;
BEGIN
  SELECT * INTO e FROM enrolment WHERE token_sha256 = sha256(p_token::bytea) FOR UPDATE;
  IF NOT FOUND OR (e.expires_at < clock_timestamp() AND e.public_key IS DISTINCT FROM p_public_key) THEN
    RETURN jsonb_build_object('code', 'unauthorized', 'problem', 'the token is unknown or too old; an operator makes a new one: sotalia host enrolment NAME');
  END IF;
  IF e.public_key IS NOT NULL AND e.public_key <> p_public_key THEN
    PERFORM audit_add('host:' || e.name, p_source, p_request_id, 'host.enrol', e.name, 'refused', NULL, '{"why": "the token was used with another key"}');
    RETURN jsonb_build_object('code', 'conflict', 'problem', 'the token was used with another key: it is good for one machine');
  END IF;
  SELECT * INTO k FROM host_key WHERE public_key = p_public_key FOR UPDATE;
  IF FOUND AND (k.name <> e.name OR k.machine_id <> p_machine_id) THEN
    PERFORM audit_add('host:' || e.name, p_source, p_request_id, 'host.enrol', e.name, 'refused', NULL, jsonb_build_object('why', 'cloned key', 'of', k.name)::text);
    RETURN jsonb_build_object('code', 'conflict', 'problem', format('this key belongs to machine %s: was its disk cloned? Remove /var/lib/sotalia/agent.key* and enrol again', k.name));
  END IF;
  SELECT h.name INTO other FROM host_key h WHERE h.machine_id = p_machine_id AND h.name <> e.name AND h.state IN ('pending', 'active') LIMIT 1;
  IF FOUND THEN
    PERFORM audit_add('host:' || e.name, p_source, p_request_id, 'host.enrol', e.name, 'refused', NULL, jsonb_build_object('why', 'cloned machine-id', 'of', other)::text);
    RETURN jsonb_build_object('code', 'conflict', 'problem', format('this /etc/machine-id is that of machine %s: was its disk cloned? Make a new one: rm /etc/machine-id, systemd-machine-id-setup', other));
  END IF;
  IF k.public_key IS NULL THEN
    INSERT INTO host_key (public_key, name, machine_id, state) VALUES (p_public_key, e.name, p_machine_id, CASE WHEN e.by_hand THEN 'pending' ELSE 'active' END) RETURNING * INTO k;
    IF NOT e.by_hand THEN
      UPDATE host_key SET decided_by = 'policy', decided_at = clock_timestamp() WHERE public_key = p_public_key;
    END IF;
    UPDATE enrolment SET public_key = p_public_key WHERE token_sha256 = e.token_sha256;
    PERFORM audit_add('host:' || e.name, p_source, p_request_id, 'host.enrol', e.name, 'done', NULL, jsonb_build_object('state', k.state, 'publicKey', p_public_key)::text);
  END IF;
  IF k.state <> 'active' THEN
    RETURN jsonb_build_object('state', k.state, 'code', CASE k.state WHEN 'pending' THEN 'pending' ELSE 'forbidden' END,
      'problem', format('the key of %s is %s', e.name, k.state) || CASE k.state WHEN 'pending' THEN ': an operator approves it with sotalia host-key approve ' || e.name ELSE '' END);
  END IF;
  -- A key that takes another's place: the old one is good for a while, for what is under way.
  UPDATE host_key SET state = 'replaced', ends_at = clock_timestamp() + interval '60 s' WHERE name = e.name AND state = 'active' AND public_key <> p_public_key;
  -- A host that is there keeps what operators have said of it since, and the key that it is registered with.
  SELECT coalesce(h.az, n.az) AS az, coalesce(h.rack, n.rack) AS rack, coalesce(h.tags, n.labels) AS tags, coalesce(h.public_key, p_public_key) AS public_key
    INTO m FROM machine n LEFT JOIN scheduler.host h ON h.name = n.name WHERE n.name = e.name;
  RETURN jsonb_build_object('state', 'active', 'name', e.name, 'az', m.az, 'rack', m.rack, 'tags', to_jsonb(m.tags), 'publicKey', m.public_key);
END $$;
CREATE FUNCTION gateway.host_key_decide(p_actor text, p_source text, p_request_id text, p_name text, p_action text, p_reason text)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE n integer;
BEGIN
  UPDATE host_key SET state = CASE p_action WHEN 'approve' THEN 'active' ELSE 'revoked' END, reason = p_reason, decided_by = p_actor, decided_at = clock_timestamp()
    WHERE name = p_name AND CASE p_action WHEN 'approve' THEN state = 'pending' ELSE state IN ('pending', 'active', 'replaced') END;
  GET DIAGNOSTICS n = ROW_COUNT;
  IF p_action = 'revoke' THEN -- also of a host that was registered with its key by hand
    INSERT INTO host_key (public_key, name, machine_id, state, reason, decided_by, decided_at)
      SELECT h.public_key, h.name, '', 'revoked', p_reason, p_actor, clock_timestamp() FROM scheduler.host h WHERE h.name = p_name
      ON CONFLICT (public_key) DO NOTHING;
    IF n = 0 THEN
      GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
  END IF;
  IF n = 0 THEN
    RETURN jsonb_build_object('problem', CASE p_action WHEN 'approve' THEN format('no key of %s waits for an approval', p_name) ELSE format('%s has no key that could be revoked', p_name) END);
  END IF;
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.key.' || p_action, p_name, 'done', NULL, jsonb_build_object('reason', p_reason)::text);
  RETURN jsonb_build_object('machine', p_name, 'keys', n);
END $$;

-- A host's keys: the one it was registered with, unless it was replaced or revoked, and those that took its place.
CREATE OR REPLACE VIEW scheduler.host_key_v AS
  SELECT h.id, h.name, coalesce(k.public_key, h.public_key) AS public_key,
         h.revoked OR h.state = 'retired' OR coalesce(NOT (k.state = 'active' OR (k.state = 'replaced' AND k.ends_at > now())), false) AS denied
  FROM scheduler.host h LEFT JOIN gateway.host_key k ON k.name = h.name AND (k.state <> 'pending');

CREATE VIEW gateway.machine_v AS
  SELECT m.name, host(m.address) AS address, m.ssh_port AS "sshPort", m.ssh_user AS "sshUser", m.az, m.rack, m.labels, m.oob, m.state, m.task, m.error, m.attempt,
         m.operation_id AS operation, m.run_id AS run, m.lines, m.created_at AS "createdAt", m.created_by AS "createdBy", m.updated_at AS "updatedAt"
  FROM gateway.machine m;
CREATE VIEW gateway.machine_line_v AS
  SELECT l.machine, l.line, l.at, l.attempt, l.status, l.play, l.task, l.text, l.took_ms AS "tookMs" FROM gateway.machine_line l;
CREATE VIEW gateway.host_key_state_v AS
  SELECT k.name AS machine, k.public_key AS "publicKey", k.machine_id AS "machineId", k.state, k.ends_at AS "endsAt", k.reason, k.created_at AS "createdAt",
         k.decided_by AS "decidedBy", k.decided_at AS "decidedAt" FROM gateway.host_key k;
GRANT SELECT ON gateway.machine_v, gateway.machine_line_v, gateway.host_key_state_v TO sot_gateway;
REVOKE ALL ON FUNCTION gateway.new_id(), gateway.machine_note(text, text, text, text), gateway.machine_state(text, text, text), gateway.machine_conflicts(jsonb),
  gateway.machine_import(text, text, text, boolean, jsonb), gateway.machine_retry(text, text, text, text[]), gateway.machine_fail(text, text),
  gateway.machine_claim(text, text, text[], integer, integer), gateway.machine_tell(uuid, integer, jsonb), gateway.machine_run_end(uuid, text),
  gateway.enrolment_add(text, text, text, text, integer, boolean), gateway.enrol(text, text, text, text, text),
  gateway.host_key_decide(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.machine_import(text, text, text, boolean, jsonb), gateway.machine_retry(text, text, text, text[]),
  gateway.machine_claim(text, text, text[], integer, integer), gateway.machine_tell(uuid, integer, jsonb), gateway.machine_run_end(uuid, text),
  gateway.enrolment_add(text, text, text, text, integer, boolean), gateway.enrol(text, text, text, text, text),
  gateway.host_key_decide(text, text, text, text, text, text) TO sot_gateway;
