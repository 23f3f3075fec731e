-- Machines, second part: a file that is imported again changes what it may; retries take turns; a runner that died is noticed by itself; an
-- operator's own Ansible can tell its lines; the ssh key of a machine is kept from its first sight on.
ALTER TABLE gateway.machine ADD COLUMN ssh_key text NOT NULL DEFAULT ''
  CHECK (ssh_key = '' OR ssh_key ~ '^(ssh-ed25519|ecdsa-sha2-nistp256|ecdsa-sha2-nistp384|ecdsa-sha2-nistp521|ssh-rsa) [A-Za-z0-9+/]+={0,2}$' AND length(ssh_key) <= 1600);

-- Zone, rack and labels are the host's once its agent has registered: a file that says something else is told by line.
CREATE OR REPLACE FUNCTION gateway.machine_conflicts(p_rows jsonb)
RETURNS TABLE (line integer, col text, text text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  WITH r AS (SELECT * FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, az text, rack text, labels text[])),
  racks AS (SELECT rack, min(az) AS az, min(name) AS host FROM (SELECT rack, az, name FROM scheduler.host WHERE state <> 'retired' UNION ALL SELECT rack, az, name FROM machine) k GROUP BY rack)
  SELECT r.line, 'name', format('machine %s is known with the address %s; give that address, or another name', r.name, host(m.address))
    FROM r JOIN machine m ON m.name = r.name WHERE m.address <> r.address
  UNION ALL SELECT r.line, 'name', format('a host %s is registered already', r.name)
    FROM r JOIN scheduler.host h ON h.name = r.name WHERE NOT EXISTS (SELECT 1 FROM machine m WHERE m.name = r.name)
  UNION ALL SELECT r.line, 'address', format('address %s belongs to machine %s', host(r.address), m.name)
    FROM r JOIN machine m ON m.address = r.address WHERE m.name <> r.name
  UNION ALL SELECT r.line, 'rack', format('rack %s is in zone %s (host %s), not in %s', r.rack, k.az, k.host, r.az)
    FROM r JOIN racks k ON k.rack = r.rack WHERE k.az <> r.az AND k.host <> r.name
  UNION ALL SELECT r.line, CASE WHEN r.az <> m.az THEN 'az' ELSE 'rack' END, format('machine %s is a host already, in zone %s and rack %s; retire it before it moves', r.name, m.az, m.rack)
    FROM r JOIN machine m ON m.name = r.name JOIN scheduler.host h ON h.name = r.name AND h.state <> 'retired' WHERE (r.az, r.rack) <> (m.az, m.rack)
  UNION ALL SELECT r.line, 'labels', format('machine %s is a host already; change its labels with sotalia host set %s --tag=...', r.name, r.name)
    FROM r JOIN machine m ON m.name = r.name JOIN scheduler.host h ON h.name = r.name AND h.state <> 'retired' WHERE coalesce(r.labels, '{}') <> m.labels
$$;
-- Answers {imported, changed, unchanged, operation}; with conflicts, {errors} and nothing is changed.
CREATE OR REPLACE FUNCTION gateway.machine_import(p_actor text, p_source text, p_request_id text, p_dry boolean, p_rows jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE wrong jsonb; fresh text[]; changed text[]; answer jsonb; bulk uuid; child uuid; r record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('gateway.machine', 0));
  SELECT jsonb_agg(jsonb_build_object('pointer', concat('/lines/', c.line, '/', c.col), 'line', c.line, 'column', c.col, 'detail', c.text) ORDER BY c.line, c.col) INTO wrong FROM machine_conflicts(p_rows) c;
  IF wrong IS NOT NULL THEN
    RETURN jsonb_build_object('errors', wrong);
  END IF;
  SELECT coalesce(array_agg(x.name ORDER BY x.line), '{}') INTO fresh FROM jsonb_to_recordset(p_rows) AS x(line integer, name text)
    WHERE NOT EXISTS (SELECT 1 FROM machine m WHERE m.name = x.name);
  SELECT coalesce(array_agg(m.name ORDER BY x.line), '{}') INTO changed FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, port integer, "user" text, az text, rack text, labels text[], oob text, "sshKey" text)
    JOIN machine m ON m.name = x.name
    WHERE (x.port, x."user", x.az, x.rack, coalesce(x.labels, '{}'), x.oob, coalesce(nullif(x."sshKey", ''), m.ssh_key))
      IS DISTINCT FROM (m.ssh_port, m.ssh_user, m.az, m.rack, m.labels, m.oob, m.ssh_key);
  answer := jsonb_build_object('imported', cardinality(fresh), 'changed', cardinality(changed),
    'unchanged', jsonb_array_length(p_rows) - cardinality(fresh) - cardinality(changed), 'operation', NULL);
  IF p_dry THEN
    RETURN answer;
  END IF;
  IF cardinality(changed) > 0 THEN
    FOR r IN UPDATE machine m SET ssh_port = x.port, ssh_user = x."user", az = x.az, rack = x.rack, labels = coalesce(x.labels, '{}'), oob = x.oob,
               ssh_key = coalesce(nullif(x."sshKey", ''), m.ssh_key), updated_at = clock_timestamp()
             FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, port integer, "user" text, az text, rack text, labels text[], oob text, "sshKey" text)
             WHERE m.name = x.name AND m.name = ANY (changed) RETURNING m.name, x.line LOOP
      PERFORM machine_note(r.name, 'note', 'changed', format('line %s of a file of %s', r.line, p_actor));
    END LOOP;
    PERFORM audit_add(p_actor, p_source, p_request_id, 'host.import', cardinality(changed) || ' machines', 'done', NULL, jsonb_build_object('changed', to_jsonb(changed))::text);
  END IF;
  IF cardinality(fresh) = 0 THEN
    RETURN answer;
  END IF;
  bulk := new_id();
  PERFORM scheduler.machine_operation_begin(bulk, 'bulk.host.install', cardinality(fresh) || ' machines', p_actor, NULL, NULL, cardinality(fresh), '{}');
  FOR r IN SELECT x.* FROM jsonb_to_recordset(p_rows) AS x(line integer, name text, address inet, port integer, "user" text, az text, rack text, labels text[], oob text, "sshKey" text)
           WHERE x.name = ANY (fresh) ORDER BY x.line LOOP
    child := new_id();
    PERFORM scheduler.machine_operation_begin(child, 'host.install', r.name, p_actor, bulk, NULL, 3, jsonb_build_object('address', host(r.address)));
    INSERT INTO machine (name, address, ssh_port, ssh_user, az, rack, labels, oob, ssh_key, operation_id, created_by)
      VALUES (r.name, r.address, r.port, r."user", r.az, r.rack, coalesce(r.labels, '{}'), r.oob, coalesce(r."sshKey", ''), child, p_actor);
    PERFORM machine_note(r.name, 'note', 'registered', format('line %s of a file of %s', r.line, p_actor));
  END LOOP;
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.import', cardinality(fresh) || ' machines', 'done', bulk, jsonb_build_object('names', to_jsonb(fresh))::text);
  RETURN answer || jsonb_build_object('operation', jsonb_build_object('id', bulk));
END $$;
-- With p_new_ssh_key a machine that was installed anew may show another ssh key. (The default is for gateways of the release before.)
DROP FUNCTION gateway.machine_retry(text, text, text, text[]);
CREATE FUNCTION gateway.machine_retry(p_actor text, p_source text, p_request_id text, p_names text[], p_new_ssh_key boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE chosen text[]; bulk uuid; child uuid; r record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('gateway.machine', 0)); -- of two who ask at once, the second finds nothing that failed
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
    UPDATE machine SET operation_id = child, attempt = attempt + 1, run_id = NULL, task = '', ssh_key = CASE WHEN p_new_ssh_key THEN '' ELSE ssh_key END WHERE name = r.name;
    PERFORM machine_state(r.name, 'registered', '');
    PERFORM machine_note(r.name, 'note', 'retry', 'asked for by ' || p_actor);
  END LOOP;
  PERFORM audit_add(p_actor, p_source, p_request_id, 'host.retry', cardinality(chosen) || ' machines', 'done', bulk, jsonb_build_object('names', to_jsonb(chosen))::text);
  RETURN jsonb_build_object('retried', cardinality(chosen), 'operation', jsonb_build_object('id', bulk));
END $$;

-- ---- a run of the playbook ----
-- What a run that is silent for longer than its lease had, has failed. Answers how many. Gateways ask for it every few seconds.
CREATE FUNCTION gateway.machine_sweep()
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE dead record; n integer := 0;
BEGIN
  FOR dead IN SELECT m.name, r.id, r.runner FROM machine m JOIN machine_run r ON r.id = m.run_id
              WHERE m.state IN ('installing', 'preflight') AND r.alive_until < clock_timestamp() ORDER BY m.name FOR UPDATE OF m SKIP LOCKED LOOP
    PERFORM machine_fail(dead.name, format('the runner %s was not heard of any more; sotalia host retry %s tries again', dead.runner, dead.name));
    UPDATE machine_run SET ended_at = clock_timestamp() WHERE id = dead.id AND ended_at IS NULL;
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;
-- Machines that wait, with a token each to enrol by. With p_own it is an operator's own Ansible, for the machines that it names: those that failed
-- begin anew, those on line keep their state; no tokens.
DROP FUNCTION gateway.machine_claim(text, text, text[], integer, integer);
CREATE FUNCTION gateway.machine_claim(p_actor text, p_runner text, p_names text[], p_limit integer, p_lease_s integer, p_own boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE run uuid := gen_random_uuid(); m record; token text; child uuid; found jsonb := '[]';
BEGIN
  PERFORM machine_sweep();
  FOR m IN SELECT * FROM machine WHERE state = ANY (CASE WHEN p_own THEN ARRAY['registered', 'failed', 'online'] ELSE ARRAY['registered'] END)
             AND (name = ANY (p_names) OR (cardinality(p_names) = 0 AND NOT p_own)) ORDER BY created_at, name LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
    IF found = '[]' THEN
      INSERT INTO machine_run (id, runner, alive_until) VALUES (run, p_runner, clock_timestamp() + make_interval(secs => p_lease_s));
    END IF;
    IF m.state = 'online' THEN -- its lines are kept; what becomes of it is the scheduler's to say
      UPDATE machine SET run_id = run WHERE name = m.name;
      PERFORM machine_note(m.name, 'note', 'playbook', 'by ' || p_runner);
      found := found || jsonb_build_object('name', m.name);
      CONTINUE;
    END IF;
    IF m.state = 'failed' THEN
      child := new_id();
      PERFORM scheduler.machine_operation_begin(child, 'host.install', m.name, p_actor, NULL, m.operation_id, 3, jsonb_build_object('address', host(m.address)));
      UPDATE machine SET operation_id = child, attempt = attempt + 1, task = '', error = '' WHERE name = m.name RETURNING * INTO m;
    END IF;
    token := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    IF NOT p_own THEN
      INSERT INTO enrolment (token_sha256, name, by_hand, created_by, expires_at)
        VALUES (sha256(token::bytea), m.name, false, p_actor, clock_timestamp() + interval '1 hour');
    END IF;
    UPDATE machine SET run_id = run WHERE name = m.name;
    PERFORM machine_state(m.name, 'installing', '');
    PERFORM scheduler.machine_operation_step(m.operation_id, 'install', 'running', 'by ' || p_runner);
    PERFORM machine_note(m.name, 'note', 'install', 'by ' || p_runner);
    found := found || (jsonb_build_object('name', m.name) || CASE WHEN p_own THEN '{}' ELSE jsonb_build_object('address', host(m.address), 'port', m.ssh_port, 'user', m.ssh_user, 'az', m.az, 'rack', m.rack,
      'labels', to_jsonb(m.labels), 'sshKey', m.ssh_key, 'enrolToken', token) END);
  END LOOP;
  RETURN jsonb_build_object('run', CASE WHEN found <> '[]' THEN run END, 'machines', found);
END $$;
-- The ssh keys that a runner saw, {machine, key} each: the first one is kept; a machine that shows another one later has failed.
CREATE FUNCTION gateway.machine_ssh_keys(p_run uuid, p_keys jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE e record; m record; kept integer := 0; refused text[] := '{}';
BEGIN
  IF NOT EXISTS (SELECT 1 FROM machine_run WHERE id = p_run AND ended_at IS NULL) THEN
    RETURN NULL;
  END IF;
  FOR e IN SELECT * FROM jsonb_to_recordset(p_keys) AS x(machine text, key text) ORDER BY x.machine LOOP
    SELECT * INTO m FROM machine WHERE name = e.machine AND run_id = p_run FOR UPDATE;
    CONTINUE WHEN NOT FOUND OR m.ssh_key = e.key;
    IF m.ssh_key = '' THEN
      UPDATE machine SET ssh_key = e.key WHERE name = e.machine;
      PERFORM machine_note(e.machine, 'note', 'ssh key', 'kept: ' || e.key);
      kept := kept + 1;
    ELSE
      PERFORM machine_fail(e.machine, format('its ssh key is not the one that is kept of it; was it installed anew? sotalia host retry %s --new-ssh-key', e.machine));
      refused := refused || e.machine;
    END IF;
  END LOOP;
  RETURN jsonb_build_object('kept', kept, 'refused', to_jsonb(refused));
END $$;

CREATE OR REPLACE VIEW gateway.machine_v AS
  SELECT m.name, host(m.address) AS address, m.ssh_port AS "sshPort", m.ssh_user AS "sshUser", m.az, m.rack, m.labels, m.oob, m.state, m.task, m.error, m.attempt,
         m.operation_id AS operation, m.run_id AS run, m.lines, m.created_at AS "createdAt", m.created_by AS "createdBy", m.updated_at AS "updatedAt", m.ssh_key AS "sshKey"
  FROM gateway.machine m;
REVOKE ALL ON FUNCTION gateway.machine_retry(text, text, text, text[], boolean), gateway.machine_claim(text, text, text[], integer, integer, boolean),
  gateway.machine_sweep(), gateway.machine_ssh_keys(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.machine_retry(text, text, text, text[], boolean), gateway.machine_claim(text, text, text[], integer, integer, boolean),
  gateway.machine_sweep(), gateway.machine_ssh_keys(uuid, jsonb) TO sot_gateway;
