-- Events for programs that are called, and how long events are kept.
ALTER TABLE core.outbox_counter ADD COLUMN floor bigint NOT NULL DEFAULT 0; -- events up to this number are gone

-- Forgets numbered events that are older; how many. The newest stays, so that the numbers go on.
CREATE FUNCTION core.outbox_trim(p_days integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE upto bigint; n bigint;
BEGIN
  SELECT max(last) INTO upto FROM (SELECT last FROM outbox_part WHERE last IS NOT NULL AND at < clock_timestamp() - make_interval(days => p_days)
    AND last < (SELECT c.last FROM outbox_counter c) ORDER BY last LIMIT 10000) old;
  IF upto IS NULL THEN
    RETURN 0;
  END IF;
  DELETE FROM outbox_part WHERE last <= upto;
  GET DIAGNOSTICS n = ROW_COUNT;
  UPDATE outbox_counter SET floor = greatest(floor, upto);
  RETURN n;
END $$;

CREATE TABLE gateway.webhook (
  name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9._-]{0,62}$'),
  url         text NOT NULL CHECK (url ~ '^https?://[^ ]+$'),
  secret      text NOT NULL CHECK (length(secret) BETWEEN 16 AND 128), -- of the HMAC
  kinds       text[] NOT NULL DEFAULT '{}',  -- 'instance.state', or 'instance.*'; empty: all
  app         text NOT NULL DEFAULT '',
  host        text NOT NULL DEFAULT '',
  changed     text NOT NULL DEFAULT '',      -- 'state=failed': only when this member became that; 'state': only when it changed
  paused      boolean NOT NULL DEFAULT false,
  cursor      bigint NOT NULL,               -- handled up to here
  holder      text NOT NULL DEFAULT '',      -- the gateway that delivers, until lease_until
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  tries       integer NOT NULL DEFAULT 0,    -- of the batch that is next
  first_try_at timestamptz,
  next_try_at timestamptz NOT NULL DEFAULT '-infinity',
  error       text NOT NULL DEFAULT '',
  delivered_at timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now(),
  created_by  text NOT NULL
);
-- What was given up: the events first..last that the webhook would have had.
CREATE TABLE gateway.dead_letter (
  webhook text NOT NULL REFERENCES gateway.webhook (name) ON DELETE CASCADE,
  first   bigint NOT NULL,
  last    bigint NOT NULL,
  error   text NOT NULL,
  tries   integer NOT NULL,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (webhook, first)
);
CREATE VIEW gateway.webhook_v AS
  SELECT w.name, w.url, w.kinds, w.app, w.host, w.changed, w.paused, w.cursor, c.last - w.cursor AS behind, w.tries, w.error,
         nullif(w.next_try_at, '-infinity') AS "nextTryAt", w.delivered_at AS "deliveredAt", w.created_at AS "createdAt", w.created_by AS "createdBy",
         (SELECT count(*) FROM gateway.dead_letter d WHERE d.webhook = w.name) AS "deadLetters"
  FROM gateway.webhook w CROSS JOIN core.outbox_counter c;
CREATE VIEW gateway.dead_letter_v AS SELECT webhook, first, last, error, tries, at FROM gateway.dead_letter;

CREATE FUNCTION gateway.webhook_create(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text, p_url text,
  p_secret text, p_kinds text[], p_app text, p_host text, p_changed text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE made webhook;
BEGIN
  INSERT INTO webhook (name, url, secret, kinds, app, host, changed, cursor, created_by)
  SELECT p_name, p_url, p_secret, p_kinds, p_app, p_host, p_changed, c.last, p_actor FROM core.outbox_counter c
  ON CONFLICT (name) DO NOTHING RETURNING * INTO made;
  IF made.name IS NULL THEN
    RETURN QUERY SELECT 'exists', ''; RETURN;
  END IF;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'webhook.created', p_name, NULL,
    jsonb_build_object('url', p_url, 'kinds', p_kinds, 'app', p_app, 'host', p_host, 'changed', p_changed));
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM webhook_v v WHERE v.name = p_name;
END $$;

CREATE FUNCTION gateway.webhook_delete(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was webhook;
BEGIN
  DELETE FROM webhook WHERE name = p_name RETURNING * INTO was;
  IF was.name IS NULL THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'webhook.deleted', p_name, jsonb_build_object('url', was.url), NULL);
  RETURN QUERY SELECT 'done', '{}';
END $$;

-- Pauses ('true'), goes on ('false'), or leaves ('') it; p_after >= 0: goes on after that number, back or forth. A call that is
-- under way then says nothing any more about the cursor (holder = ''); the next one begins when its lease is over.
CREATE FUNCTION gateway.webhook_update(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text, p_paused text,
  p_after bigint)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was webhook; made webhook;
BEGIN
  SELECT * INTO was FROM webhook WHERE name = p_name FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  UPDATE webhook SET paused = coalesce(nullif(p_paused, '')::boolean, paused), tries = 0, first_try_at = NULL, next_try_at = '-infinity', error = '',
    cursor = CASE WHEN p_after >= 0 THEN least(p_after, (SELECT c.last FROM core.outbox_counter c)) ELSE cursor END,
    holder = CASE WHEN p_after >= 0 THEN '' ELSE holder END
  WHERE name = p_name RETURNING * INTO made;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'webhook.updated', p_name,
    jsonb_build_object('paused', was.paused, 'cursor', was.cursor), jsonb_build_object('paused', made.paused, 'cursor', made.cursor));
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM webhook_v v WHERE v.name = p_name;
END $$;

-- One that has something to deliver, with its next batch; taken by p_holder for p_lease_s. No row: nothing to do now. The lease
-- keeps one gateway at a time at it, so that the order holds; a gateway that dies lets go when it ends.
CREATE FUNCTION gateway.webhook_take(p_holder text, p_lease_s integer, p_batch bigint)
RETURNS TABLE (name text, url text, secret text, upto bigint, events bigint, body text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE w webhook; top bigint; bottom bigint;
BEGIN
  SELECT c.last, c.floor INTO top, bottom FROM core.outbox_counter c;
  SELECT * INTO w FROM webhook k WHERE NOT k.paused AND k.cursor < top AND k.next_try_at <= now()
    AND k.lease_until <= now() ORDER BY k.next_try_at, k.name LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF w.cursor < bottom THEN -- no gap without a word of it
    INSERT INTO dead_letter (webhook, first, last, error, tries) VALUES (w.name, w.cursor + 1, bottom, 'the events are older than they are kept', w.tries)
      ON CONFLICT DO NOTHING;
    w.cursor := bottom;
  END IF;
  UPDATE webhook k SET holder = p_holder, lease_until = now() + make_interval(secs => p_lease_s), cursor = w.cursor WHERE k.name = w.name;
  RETURN QUERY
  SELECT w.name, w.url, w.secret, coalesce(max(v.number), w.cursor), count(*) FILTER (WHERE fits),
    '[' || coalesce(string_agg(core.cloud_event(p.stream, v.number, v.at, v.kind, v.subject, v.app, v.host, v.actor, v.operation_id, v.data)::text, ','
      ORDER BY v.number) FILTER (WHERE fits), '') || ']'
  FROM core.events_after(w.cursor, p_batch) v CROSS JOIN core.platform p CROSS JOIN LATERAL (
    SELECT (cardinality(w.kinds) = 0 OR EXISTS (SELECT 1 FROM unnest(w.kinds) k WHERE v.kind = k OR (k LIKE '%.*' AND starts_with(v.kind, left(k, -1)))))
      AND (w.app = '' OR v.app = w.app) AND (w.host = '' OR v.host = w.host)
      AND (w.changed = '' OR (v.data->'changed' ? split_part(w.changed, '=', 1) AND (w.changed NOT LIKE '%=%'
           OR v.data->'changed'->split_part(w.changed, '=', 1)->>1 = split_part(w.changed, '=', 2)))) AS fits) f;
END $$;

-- How the batch up to p_upto went. Delivered ('' for p_error): the cursor moves. Else the next try is later each time, up to an
-- hour apart; after p_give_up_s the batch is a dead letter and the next one's turn.
CREATE FUNCTION gateway.webhook_tried(p_name text, p_holder text, p_upto bigint, p_error text, p_give_up_s integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE w webhook;
BEGIN
  SELECT * INTO w FROM webhook WHERE name = p_name AND holder = p_holder AND lease_until > now() FOR UPDATE;
  IF NOT FOUND OR w.cursor >= p_upto THEN
    RETURN false; -- another gateway has it by now, or it was set back: what was sent is sent again
  END IF;
  IF p_error = '' THEN
    UPDATE webhook SET cursor = p_upto, tries = 0, first_try_at = NULL, next_try_at = '-infinity', error = '', delivered_at = now(),
      lease_until = '-infinity' WHERE name = p_name;
  ELSIF w.first_try_at IS NOT NULL AND w.first_try_at + make_interval(secs => p_give_up_s) <= now() THEN
    INSERT INTO dead_letter (webhook, first, last, error, tries) VALUES (p_name, w.cursor + 1, p_upto, p_error, w.tries + 1)
      ON CONFLICT (webhook, first) DO UPDATE SET last = excluded.last, error = excluded.error, tries = excluded.tries, at = now();
    UPDATE webhook SET cursor = p_upto, tries = 0, first_try_at = NULL, next_try_at = '-infinity', error = p_error, lease_until = '-infinity'
      WHERE name = p_name;
    PERFORM core.emit(ARRAY['webhook.gave_up'], ARRAY[p_name], ARRAY[''], ARRAY[''], ARRAY['svc:api-gateway'], ARRAY[NULL::uuid],
      ARRAY[jsonb_build_object('first', w.cursor + 1, 'last', p_upto, 'error', p_error)::text]);
  ELSE
    UPDATE webhook SET tries = w.tries + 1, first_try_at = coalesce(w.first_try_at, now()), error = p_error, lease_until = '-infinity',
      next_try_at = now() + least(interval '1 hour', make_interval(secs => power(2, least(w.tries, 12))::double precision / 2 * (0.75 + random() / 2)))
      WHERE name = p_name;
  END IF;
  RETURN true;
END $$;

-- Sends a dead letter again: the webhook goes back to before it and delivers on from there. Whoever uses the numbers sees nothing twice.
CREATE FUNCTION gateway.dead_letter_send(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text, p_first bigint)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE d dead_letter; was bigint;
BEGIN
  DELETE FROM dead_letter WHERE webhook = p_name AND first = p_first RETURNING * INTO d;
  IF d.webhook IS NULL THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  SELECT cursor INTO was FROM webhook WHERE name = p_name FOR UPDATE;
  UPDATE webhook SET cursor = least(cursor, d.first - 1), holder = '', tries = 0, first_try_at = NULL, next_try_at = '-infinity' WHERE name = p_name;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'webhook.updated', p_name, jsonb_build_object('cursor', was),
    jsonb_build_object('cursor', least(was, d.first - 1)));
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM webhook_v v WHERE v.name = p_name;
END $$;

-- The CloudEvents 1.0 form of an event: over HTTP, SSE and webhooks it is this text.
CREATE FUNCTION core.cloud_event(p_stream uuid, p_number bigint, p_at timestamptz, p_kind text, p_subject text, p_app text, p_host text, p_actor text,
  p_operation_id uuid, p_data jsonb)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('specversion', '1.0', 'id', p_stream || '.' || p_number, 'source', '/v1/' || split_part(p_kind, '.', 1) || 's',
    'type', 'cn.sotalia.' || p_kind || '.v1', 'subject', p_subject, 'time', to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'datacontenttype', 'application/json', 'sotalianumber', p_number, 'sotaliaactor', p_actor, 'sotaliaop', p_operation_id,
    'sotaliaapp', p_app, 'sotaliahost', p_host, 'data', p_data)
$$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'gateway' AND p.proname IN
    ('webhook_create', 'webhook_delete', 'webhook_update', 'webhook_take', 'webhook_tried', 'dead_letter_send')
    OR n.nspname = 'core' AND p.proname IN ('outbox_trim', 'cloud_event') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO sot_gateway', f);
  END LOOP;
END $$;
GRANT SELECT ON gateway.webhook_v, gateway.dead_letter_v TO sot_gateway;
