-- The audit's chain. A row is written with the change it describes; a moment later it is sealed: it gets its number, the
-- credential that was used, what the change's events say was before and after, and the SHA-256 over all of it and the
-- row before. One gateway seals at a time, so that writers never wait for each other (as with numbers of events, ADR 9).
ALTER TABLE gateway.audit
  ADD COLUMN number     bigint UNIQUE,
  ADD COLUMN credential text NOT NULL DEFAULT '',
  ADD COLUMN changes    jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN sha256     bytea;
CREATE INDEX audit_unsealed ON gateway.audit (id) WHERE number IS NULL;
CREATE INDEX audit_actor ON gateway.audit (actor, id DESC);
CREATE INDEX audit_target ON gateway.audit (target, id DESC);
CREATE INDEX audit_operation ON gateway.audit (operation_id) WHERE operation_id IS NOT NULL;

CREATE TABLE gateway.audit_head (
  only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  number       bigint NOT NULL DEFAULT 0,
  sha256       bytea NOT NULL DEFAULT '\x',
  announced_on date
);
INSERT INTO gateway.audit_head DEFAULT VALUES;

-- Which credential a request that goes on to another service came with; written before it is sent on, kept for a day.
CREATE TABLE gateway.request (
  id         text PRIMARY KEY,
  credential text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX request_at ON gateway.request (at);
CREATE INDEX outbox_at ON core.outbox_part (at);
GRANT INSERT, SELECT (id) ON gateway.request TO sot_gateway; -- the key for ON CONFLICT

-- What is hashed, in one exact form.
CREATE FUNCTION gateway.audit_text(r gateway.audit)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_array(r.number, (extract(epoch FROM r.at) * 1000000)::bigint, r.actor, r.source_address, r.api_request_id, r.action, r.target,
    r.result, r.operation_id, r.detail, r.credential, r.changes)::text
$$;

-- Seals up to 200 committed rows; how many. The head's lock lets one gateway in at a time; the others find nothing to do.
CREATE FUNCTION gateway.audit_seal()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE head audit_head; r audit; n bigint := 0;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM audit WHERE number IS NULL) THEN
    RETURN 0;
  END IF;
  SELECT * INTO head FROM audit_head FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  FOR r IN SELECT * FROM audit WHERE number IS NULL ORDER BY id LIMIT 200 LOOP
    n := n + 1;
    r.number := head.number + n;
    r.credential := coalesce((SELECT q.credential FROM request q WHERE q.id = r.api_request_id), r.detail->>'credential', '');
    IF r.operation_id IS NOT NULL THEN
      r.changes := coalesce((
        SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'subject', e.subject, 'changed', e.data->'changed') ORDER BY e.id, e.place)
        FROM core.outbox e WHERE e.at BETWEEN r.at - interval '5 seconds' AND r.at + interval '5 seconds'
          AND e.operation_id = r.operation_id AND e.data ? 'changed' AND e.kind NOT LIKE 'operation.%'), '[]');
    ELSIF r.detail ? 'after' OR r.detail ? 'before' THEN
      r.changes := jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('before', r.detail->'before', 'after', r.detail->'after')));
    END IF;
    head.sha256 := sha256(head.sha256 || convert_to(audit_text(r), 'UTF8'));
    UPDATE audit SET number = r.number, credential = r.credential, changes = r.changes, sha256 = head.sha256 WHERE id = r.id;
  END LOOP;
  UPDATE audit_head SET number = head.number + n, sha256 = head.sha256;
  DELETE FROM request WHERE at < now() - interval '1 day';
  -- Once a day the head goes out with the events: whoever follows them holds a witness outside of this database.
  IF head.announced_on IS DISTINCT FROM current_date AND n > 0 THEN
    UPDATE audit_head SET announced_on = current_date;
    PERFORM core.emit(ARRAY['audit.head'], ARRAY[(head.number + n)::text], ARRAY[''], ARRAY[''], ARRAY['svc:api-gateway'], ARRAY[NULL::uuid],
      ARRAY[jsonb_build_object('number', head.number + n, 'sha256', encode(head.sha256, 'hex'))::text]);
  END IF;
  RETURN n;
END $$;

-- Checks up to p_limit rows after a number against the chain. `fault` is '' when all is right; `next` is where to go on.
CREATE FUNCTION gateway.audit_check(p_after bigint, p_limit bigint)
RETURNS TABLE (checked bigint, next bigint, head bigint, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE h audit_head; r audit; expected bytea := '\x'; n bigint := p_after; first boolean := true;
BEGIN
  SELECT * INTO h FROM audit_head;
  IF p_after > 0 THEN
    SELECT a.sha256 INTO expected FROM audit a WHERE a.number = p_after;
    IF NOT FOUND THEN
      RETURN QUERY SELECT 0::bigint, p_after, h.number, format('row %s is missing', p_after); RETURN;
    END IF;
  END IF;
  FOR r IN SELECT * FROM audit a WHERE a.number > p_after ORDER BY a.number LIMIT p_limit LOOP
    IF r.number <> n + 1 THEN
      RETURN QUERY SELECT n - p_after, n, h.number, format('row %s is missing', n + 1); RETURN;
    END IF;
    expected := sha256(expected || convert_to(audit_text(r), 'UTF8'));
    IF r.sha256 IS DISTINCT FROM expected THEN
      RETURN QUERY SELECT n - p_after, n, h.number, format('row %s was changed after it was written', r.number); RETURN;
    END IF;
    n := r.number;
  END LOOP;
  IF n - p_after < p_limit AND n <> h.number THEN
    RETURN QUERY SELECT n - p_after, n, h.number, format('rows %s to %s are missing', n + 1, h.number); RETURN;
  END IF;
  IF n = h.number AND n > 0 AND expected IS DISTINCT FROM h.sha256 THEN
    RETURN QUERY SELECT n - p_after, n, h.number, 'the end of the chain is another than the head says'; RETURN;
  END IF;
  RETURN QUERY SELECT n - p_after, n, h.number, '';
END $$;

CREATE OR REPLACE VIEW gateway.audit_v AS
  SELECT id, at, actor, source_address AS "sourceAddress", api_request_id AS "requestId", action, target, result, operation_id AS "operationId", detail,
         number, credential, changes, encode(sha256, 'hex') AS sha256
  FROM gateway.audit;
REVOKE ALL ON FUNCTION gateway.audit_seal(), gateway.audit_check(bigint, bigint), gateway.audit_text(gateway.audit) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.audit_seal(), gateway.audit_check(bigint, bigint) TO sot_gateway;
