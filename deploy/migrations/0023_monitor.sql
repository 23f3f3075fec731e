-- The bridges to CAT: who of them sends what, how far events were told, what operators ask of them.
CREATE SCHEMA monitor;
GRANT USAGE ON SCHEMA monitor TO sot_bridge, sot_gateway;

-- One row for each bridge that ever was; its number is part of message ids, so it is never given to another.
CREATE TABLE monitor.bridge (
  name        text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
  number      integer NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 999),
  life        uuid NOT NULL,        -- of the process
  address     inet NOT NULL,
  joined_at   timestamptz NOT NULL, -- since when its lease has not lapsed
  lease_until timestamptz NOT NULL,
  status      jsonb NOT NULL DEFAULT '{}'
);
-- How far the events were told to CAT.
CREATE TABLE monitor.cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  stream   uuid NOT NULL,
  number   bigint NOT NULL
);
CREATE TABLE monitor.request (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind        text NOT NULL CHECK (kind IN ('test', 'trace')),
  argument    text NOT NULL CHECK (length(argument) <= 64),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  bridge      text,
  answer      jsonb,
  answered_at timestamptz
);
CREATE INDEX request_open ON monitor.request (created_at) WHERE answer IS NULL;

-- Renews the lease of a bridge while it lasts; after a lapse, or for a new process, the bridge joins anew. Then all rows,
-- at one instant of this clock: the lock puts renewals in a line, so who reads at t sees every renewal made before t.
-- `own` is null everywhere when another process has taken the name: the caller is nobody any more.
CREATE FUNCTION monitor.renew(p_name text, p_life uuid, p_begins boolean, p_address inet, p_lease_ms bigint, p_status jsonb)
RETURNS TABLE (own boolean, number integer, address inet, joined_unix_ms bigint, lease_until_unix_ms bigint, now_unix_ms bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
DECLARE t timestamptz; lease interval := p_lease_ms * interval '1 ms';
BEGIN
  IF p_lease_ms NOT BETWEEN 500 AND 60000 THEN
    RAISE EXCEPTION 'lease of % ms is outside 500..60000', p_lease_ms USING ERRCODE = '22023';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('monitor.bridge', 0));
  t := clock_timestamp();
  IF p_begins THEN
    INSERT INTO monitor.bridge AS b (name, number, life, address, joined_at, lease_until, status)
      VALUES (p_name, (SELECT min(n) FROM generate_series(0, 999) AS n WHERE NOT EXISTS (SELECT 1 FROM monitor.bridge o WHERE o.number = n)),
              p_life, p_address, t, t + lease, p_status)
      ON CONFLICT (name) DO UPDATE SET life = p_life, address = p_address, joined_at = t, lease_until = t + lease, status = p_status;
  ELSE
    UPDATE monitor.bridge b SET joined_at = CASE WHEN b.lease_until > t THEN b.joined_at ELSE t END,
      lease_until = t + lease, address = p_address, status = p_status
      WHERE b.name = p_name AND b.life = p_life;
  END IF;
  DELETE FROM monitor.request r WHERE r.created_at < t - interval '1 hour';
  RETURN QUERY SELECT CASE WHEN b.life = p_life THEN b.name = p_name END, b.number, b.address,
    (extract(epoch FROM b.joined_at) * 1000)::bigint, (extract(epoch FROM b.lease_until) * 1000)::bigint,
    (extract(epoch FROM t) * 1000)::bigint
    FROM monitor.bridge b WHERE b.lease_until > t - interval '1 minute' ORDER BY b.number;
END $$;

-- A clean stop: others need not wait for the lease.
CREATE FUNCTION monitor.leave(p_name text, p_life uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
  UPDATE monitor.bridge SET lease_until = clock_timestamp() WHERE name = p_name AND life = p_life AND lease_until > clock_timestamp()
$$;

-- The next events, each given out once: the cursor moves in the same transaction. A new stream (another or a restored
-- database) begins at its newest event: its past was told, or is too old.
-- fields: name US value RS ..., members of data as they are, `old.x` and `new.x` of data.changed.
-- steps, of an ended operation: name US instance US host US state US begin US end US detail RS ...
CREATE FUNCTION monitor.take_events(p_limit integer)
RETURNS TABLE (at_unix_ms bigint, kind text, subject text, app text, host text, actor text, operation_id uuid, fields text, steps text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
DECLARE
  c monitor.cursor; newest bigint; upto bigint; present uuid;
  us constant text := E'\x1f'; rs constant text := E'\x1e';
BEGIN
  SELECT p.stream INTO present FROM core.platform p;
  SELECT o.last INTO newest FROM core.outbox_counter o;
  INSERT INTO monitor.cursor (stream, number) VALUES (present, newest) ON CONFLICT (only_row) DO NOTHING;
  SELECT * INTO c FROM monitor.cursor FOR UPDATE;
  IF c.stream <> present OR c.number > newest THEN
    UPDATE monitor.cursor SET stream = present, number = newest;
    RETURN;
  END IF;
  SELECT max(e.number) INTO upto FROM core.events_after(c.number, p_limit) e;
  IF upto IS NULL THEN
    RETURN;
  END IF;
  UPDATE monitor.cursor SET number = upto;
  RETURN QUERY
    SELECT (extract(epoch FROM o.at) * 1000)::bigint, o.kind, o.subject, o.app, o.host, o.actor, o.operation_id,
      coalesce((SELECT string_agg(f.name || us || translate(f.value, us || rs, ''), rs) FROM (
        SELECT d.key AS name, d.value FROM jsonb_each_text(o.data) d WHERE d.key <> 'changed'
        UNION ALL SELECT 'old.' || d.key, d.value->>0 FROM jsonb_each(x.changed) d
        UNION ALL SELECT 'new.' || d.key, d.value->>1 FROM jsonb_each(x.changed) d
        UNION ALL SELECT 'version', p.spec->>'version' FROM scheduler.operation p WHERE o.kind = 'operation.state' AND p.id = o.operation_id) f WHERE f.value IS NOT NULL), ''),
      coalesce(CASE WHEN o.kind = 'operation.state' AND x.changed #>> '{state,1}' IN ('done', 'failed', 'cancelled') THEN (
        SELECT string_agg(concat_ws(us, s.name, s.subject, coalesce(h.name, ''), s.state,
            coalesce((extract(epoch FROM s.started_at) * 1000)::bigint::text, ''),
            coalesce((extract(epoch FROM s.finished_at) * 1000)::bigint::text, ''), translate(s.detail, us || rs, '')), rs ORDER BY s.ordinal)
        FROM (SELECT * FROM scheduler.operation_step z WHERE z.operation_id = o.operation_id ORDER BY z.ordinal LIMIT 500) s
        LEFT JOIN scheduler.instance i ON i.id = s.instance_id LEFT JOIN scheduler.host h ON h.id = i.host_id) END, '')
    FROM core.events_after(c.number, p_limit) o, LATERAL (SELECT CASE jsonb_typeof(o.data->'changed') WHEN 'object' THEN o.data->'changed' ELSE '{}'::jsonb END AS changed) x
    WHERE o.number <= upto ORDER BY o.number;
END $$;

-- What an operator asks of the bridges, and their answer.
CREATE FUNCTION monitor.ask(p_kind text, p_argument text)
RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
  INSERT INTO monitor.request (kind, argument) VALUES (p_kind, p_argument) RETURNING id
$$;
CREATE FUNCTION monitor.answer(p_id uuid, p_bridge text, p_answer jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
  UPDATE monitor.request SET bridge = p_bridge, answer = p_answer, answered_at = clock_timestamp() WHERE id = p_id AND answer IS NULL
$$;

CREATE VIEW monitor.bridge_v AS
  SELECT b.name, b.number, host(b.address) AS address, b.lease_until > clock_timestamp() AS alive, b.joined_at AS "joinedAt",
         b.lease_until AS "leaseUntil", b.status
  FROM monitor.bridge b;
-- How many events wait to be told, and since when.
CREATE VIEW monitor.lag_v AS
  SELECT greatest(o.last - coalesce(c.number, o.last), 0) AS events,
         (SELECT e.at FROM core.events_after(c.number, 1) e) AS since
  FROM core.outbox_counter o LEFT JOIN monitor.cursor c ON true;
CREATE VIEW monitor.request_v AS
  SELECT id, kind, argument, bridge, answer, created_at AS "createdAt", answered_at AS "answeredAt" FROM monitor.request;

REVOKE ALL ON FUNCTION monitor.renew(text, uuid, boolean, inet, bigint, jsonb), monitor.leave(text, uuid), monitor.take_events(integer),
  monitor.ask(text, text), monitor.answer(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION monitor.renew(text, uuid, boolean, inet, bigint, jsonb), monitor.leave(text, uuid), monitor.take_events(integer),
  monitor.answer(uuid, text, jsonb) TO sot_bridge;
GRANT EXECUTE ON FUNCTION monitor.ask(text, text) TO sot_gateway;
GRANT SELECT ON monitor.bridge_v, monitor.lag_v, monitor.request_v TO sot_bridge, sot_gateway;
GRANT SELECT ON scheduler.operation_v TO sot_bridge;
