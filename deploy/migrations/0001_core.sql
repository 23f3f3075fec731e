-- Schemas, leadership with epochs, the outbox, migrations. Run by role sot_migrator (owner of all objects).
-- Service roles (sot_scheduler, sot_ipam, sot_gateway, sot_bridge) are made by deploy/roles.sql before.
CREATE SCHEMA IF NOT EXISTS core; -- sotalia-migrate has made it for its own table
CREATE SCHEMA scheduler;
CREATE SCHEMA ipam;
CREATE SCHEMA gateway;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA core TO sot_scheduler, sot_ipam, sot_gateway, sot_bridge;

-- One row: which life of the data this is. A restore makes a new stream id (deploy/restore).
CREATE TABLE core.platform (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  stream     uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO core.platform DEFAULT VALUES;
GRANT SELECT ON core.platform TO sot_scheduler, sot_ipam, sot_gateway, sot_bridge;

-- Leadership: a lease on the database's clock and an epoch that only grows.
CREATE TABLE core.leader (
  role        text PRIMARY KEY,
  epoch       bigint NOT NULL,
  holder      text NOT NULL,
  lease_until timestamptz NOT NULL
);
GRANT SELECT ON core.leader TO sot_gateway, sot_bridge;

-- Takes or renews the lease. Returns the epoch when `p_holder` leads afterwards, else 0.
-- A new holder (or the same holder after a lapse: a new life) gets epoch + 1. p_epoch is the epoch the caller
-- believes it holds, 0 when it holds none.
CREATE FUNCTION core.lead(p_role text, p_holder text, p_epoch bigint, p_lease_ms bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE r core.leader;
BEGIN
  IF p_lease_ms NOT BETWEEN 500 AND 60000 THEN
    RAISE EXCEPTION 'lease of % ms is outside 500..60000', p_lease_ms USING ERRCODE = '22023';
  END IF;
  INSERT INTO core.leader (role, epoch, holder, lease_until) VALUES (p_role, 0, '', '-infinity')
    ON CONFLICT (role) DO NOTHING;
  SELECT * INTO r FROM core.leader WHERE role = p_role FOR UPDATE;
  IF r.holder = p_holder AND r.epoch = p_epoch AND p_epoch > 0 THEN
    UPDATE core.leader SET lease_until = clock_timestamp() + p_lease_ms * interval '1 ms' WHERE role = p_role;
    RETURN r.epoch;
  END IF;
  IF r.lease_until > clock_timestamp() THEN
    RETURN 0;
  END IF;
  UPDATE core.leader SET epoch = r.epoch + 1, holder = p_holder,
    lease_until = clock_timestamp() + p_lease_ms * interval '1 ms' WHERE role = p_role;
  RETURN r.epoch + 1;
END $$;

-- Gives leadership up at once (clean stop), so that a standby need not wait for the lease.
CREATE FUNCTION core.resign(p_role text, p_holder text, p_epoch bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = core, pg_temp AS $$
  UPDATE core.leader SET lease_until = '-infinity' WHERE role = p_role AND holder = p_holder AND epoch = p_epoch
$$;

-- First statement of every write transaction of a leader. Raises SQLSTATE SOT01 for an older epoch. The row lock
-- (FOR SHARE) keeps a new leader from taking over between this check and the commit.
CREATE FUNCTION core.fence(p_role text, p_epoch bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE current_epoch bigint;
BEGIN
  SELECT epoch INTO current_epoch FROM core.leader WHERE role = p_role FOR SHARE;
  IF current_epoch IS DISTINCT FROM p_epoch THEN
    RAISE EXCEPTION 'fenced: % holds epoch %, the current one is %', p_role, p_epoch, coalesce(current_epoch, 0)
      USING ERRCODE = 'SOT01';
  END IF;
END $$;
REVOKE ALL ON FUNCTION core.lead(text, text, bigint, bigint), core.resign(text, text, bigint), core.fence(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.lead(text, text, bigint, bigint), core.resign(text, text, bigint), core.fence(text, bigint) TO sot_scheduler;

-- Events for the world. Rows are inserted by the owners' transactions without a number; core.number_events gives
-- numbers in one serialised step to rows that are committed, so that a number never appears "in the past", none is
-- skipped, and all gateways publish the same numbers (reliability E13).
CREATE TABLE core.outbox (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number       bigint UNIQUE,
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind         text NOT NULL,
  subject      text NOT NULL DEFAULT '',
  app          text NOT NULL DEFAULT '',
  host         text NOT NULL DEFAULT '',
  actor        text NOT NULL DEFAULT '',
  operation_id uuid,
  data         jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX outbox_unnumbered ON core.outbox (id) WHERE number IS NULL;
CREATE TABLE core.outbox_counter (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last     bigint NOT NULL DEFAULT 0
);
INSERT INTO core.outbox_counter DEFAULT VALUES;

CREATE FUNCTION core.emit(p_kind text[], p_subject text[], p_app text[], p_host text[], p_actor text[], p_operation_id uuid[], p_data text[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = core, pg_temp AS $$
  INSERT INTO core.outbox (kind, subject, app, host, actor, operation_id, data)
  SELECT k, s, a, h, c, o, d::jsonb FROM unnest(p_kind, p_subject, p_app, p_host, p_actor, p_operation_id, p_data) AS t(k, s, a, h, c, o, d)
$$;

-- Numbers up to 1000 committed rows; returns the last number given so far. The counter row's lock serialises callers;
-- each statement of this volatile function sees what was committed before it, so a late row gets a later number.
CREATE FUNCTION core.number_events()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE last_number bigint; given bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM core.outbox WHERE number IS NULL) THEN
    SELECT last INTO last_number FROM core.outbox_counter;
    RETURN last_number;
  END IF;
  SELECT last INTO last_number FROM core.outbox_counter FOR UPDATE;
  WITH todo AS (SELECT id, row_number() OVER (ORDER BY id) AS k
                FROM (SELECT id FROM core.outbox WHERE number IS NULL ORDER BY id LIMIT 1000) s),
       done AS (UPDATE core.outbox o SET number = last_number + todo.k FROM todo WHERE o.id = todo.id RETURNING 1)
  SELECT count(*) INTO given FROM done;
  UPDATE core.outbox_counter SET last = last_number + given;
  RETURN last_number + given;
END $$;
REVOKE ALL ON FUNCTION core.emit(text[], text[], text[], text[], text[], uuid[], text[]), core.number_events() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.emit(text[], text[], text[], text[], text[], uuid[], text[]) TO sot_scheduler, sot_ipam, sot_gateway;
GRANT EXECUTE ON FUNCTION core.number_events() TO sot_gateway;
GRANT SELECT ON core.outbox, core.outbox_counter TO sot_gateway, sot_bridge;
