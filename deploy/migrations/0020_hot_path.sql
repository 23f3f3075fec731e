-- What every placement pays for, once more (docs/adr/0009, 0020): the events of a transaction are a few rows, foreign
-- keys of new apps are looked at once a statement, the capacity guard computes in doubles.

-- ---- the outbox: up to 100 events that were committed together are one row, numbered together ----
CREATE TABLE core.outbox_part (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  last         bigint,             -- number of its last event; NULL: not numbered yet
  count        integer NOT NULL CHECK (count > 0),
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind         text[] NOT NULL,    -- one item an event, in all of these
  subject      text[] NOT NULL,
  app          text[] NOT NULL,
  host         text[] NOT NULL,
  actor        text[] NOT NULL,
  operation_id uuid[] NOT NULL,
  data         json[] NOT NULL
);
INSERT INTO core.outbox_part (last, count, at, kind, subject, app, host, actor, operation_id, data)
  SELECT number, 1, at, ARRAY[kind], ARRAY[subject], ARRAY[app], ARRAY[host], ARRAY[actor], ARRAY[operation_id], ARRAY[data::json]
  FROM core.outbox ORDER BY id;
DROP VIEW core.event_v;
DROP TABLE core.outbox;
CREATE UNIQUE INDEX outbox_last ON core.outbox_part (last) WHERE last IS NOT NULL;
CREATE INDEX outbox_unnumbered ON core.outbox_part (id) WHERE last IS NULL;
-- Long lists of words are written once and read a few times.
ALTER TABLE core.outbox_part ALTER COLUMN kind SET STORAGE EXTERNAL, ALTER COLUMN subject SET STORAGE EXTERNAL,
  ALTER COLUMN app SET STORAGE EXTERNAL, ALTER COLUMN host SET STORAGE EXTERNAL, ALTER COLUMN actor SET STORAGE EXTERNAL,
  ALTER COLUMN operation_id SET STORAGE EXTERNAL, ALTER COLUMN data SET STORAGE EXTERNAL;

-- Its events, one by one; `id` is that of the part, `place` the event's in it.
CREATE VIEW core.outbox AS
  SELECT p.id, p.last - p.count + e.place AS number, p.at, e.kind, e.subject, e.app, e.host, e.actor, e.operation_id, e.data::jsonb AS data,
         e.place
  FROM core.outbox_part p CROSS JOIN LATERAL unnest(p.kind, p.subject, p.app, p.host, p.actor, p.operation_id, p.data)
    WITH ORDINALITY AS e(kind, subject, app, host, actor, operation_id, data, place);

-- The events after a number, at most so many, by number.
CREATE FUNCTION core.events_after(p_after bigint, p_limit bigint)
RETURNS TABLE (number bigint, at timestamptz, kind text, subject text, app text, host text, actor text, operation_id uuid, data jsonb)
LANGUAGE plpgsql STABLE SET search_path = core, pg_temp AS $$
DECLARE part core.outbox_part; given bigint := 0; n bigint;
BEGIN
  FOR part IN SELECT * FROM core.outbox_part p WHERE p.last > p_after ORDER BY p.last LIMIT p_limit LOOP
    RETURN QUERY SELECT part.last - part.count + e.place, part.at, e.kind, e.subject, e.app, e.host, e.actor, e.operation_id, e.data::jsonb
      FROM unnest(part.kind, part.subject, part.app, part.host, part.actor, part.operation_id, part.data)
        WITH ORDINALITY AS e(kind, subject, app, host, actor, operation_id, data, place)
      WHERE part.last - part.count + e.place > p_after ORDER BY e.place LIMIT p_limit - given;
    GET DIAGNOSTICS n = ROW_COUNT;
    given := given + n;
    EXIT WHEN given >= p_limit;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION core.emit(p_kind text[], p_subject text[], p_app text[], p_host text[], p_actor text[], p_operation_id uuid[], p_data text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
BEGIN
  INSERT INTO core.outbox_part (count, kind, subject, app, host, actor, operation_id, data)
  SELECT least(100, cardinality(p_kind) - k + 1), p_kind[k:k + 99], p_subject[k:k + 99], p_app[k:k + 99], p_host[k:k + 99],
    p_actor[k:k + 99], p_operation_id[k:k + 99], p_data[k:k + 99]::json[]
  FROM generate_series(1, cardinality(p_kind), 100) AS k;
END $$;

-- Numbers committed events, some 1000 at a time; returns the last number given so far. The counter row's lock serialises callers;
-- each statement of this volatile function sees what was committed before it, so a late row gets a later number.
CREATE OR REPLACE FUNCTION core.number_events()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE last_number bigint; given bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM core.outbox_part WHERE last IS NULL) THEN
    SELECT last INTO last_number FROM core.outbox_counter;
    RETURN last_number;
  END IF;
  SELECT last INTO last_number FROM core.outbox_counter FOR UPDATE;
  WITH waiting AS (SELECT id, count FROM core.outbox_part WHERE last IS NULL ORDER BY id LIMIT 1000),
       todo AS (SELECT id, sum(count) OVER (ORDER BY id) AS upto, sum(count) OVER (ORDER BY id) - count AS before FROM waiting),
       done AS (UPDATE core.outbox_part p SET last = last_number + todo.upto FROM todo WHERE p.id = todo.id AND todo.before < 1000
                RETURNING p.count)
  SELECT coalesce(sum(count), 0) INTO given FROM done;
  UPDATE core.outbox_counter SET last = last_number + given;
  RETURN last_number + given;
END $$;
REVOKE ALL ON FUNCTION core.events_after(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.events_after(bigint, bigint) TO sot_gateway, sot_bridge;
GRANT SELECT ON core.outbox_part, core.outbox TO sot_gateway, sot_bridge;
GRANT SELECT (id) ON core.outbox_part TO sot_ipam;

-- As before, with a plan that is kept: a function in SQL is planned at each call.
CREATE OR REPLACE FUNCTION gateway.audit_add_all(p_actor text[], p_source_address text[], p_api_request_id text[], p_action text[], p_target text[],
  p_operation_id uuid[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  INSERT INTO gateway.audit (actor, source_address, api_request_id, action, target, result, operation_id, detail)
  SELECT a, s, r, n, t, 'accepted', o, '{}' FROM unnest(p_actor, p_source_address, p_api_request_id, p_action, p_target, p_operation_id)
    AS u(a, s, r, n, t, o);
END $$;

-- Lists are in the order of ids: operation_listing.
DROP INDEX scheduler.operation_recent;

-- ---- what an app and its groups name: as foreign keys did, once a statement. The scheduler is the only writer, behind its fence ----
ALTER TABLE scheduler.app DROP CONSTRAINT app_image_fkey, DROP CONSTRAINT app_plan_fkey, DROP CONSTRAINT app_team_fkey;
ALTER TABLE scheduler.instance_group DROP CONSTRAINT instance_group_app_id_fkey;
CREATE FUNCTION scheduler.refuse_dangling(p_constraint text, p_what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', p_what USING ERRCODE = '23503', CONSTRAINT = p_constraint;
END $$;
CREATE FUNCTION scheduler.app_names_what_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken record;
BEGIN
  SELECT f.name, f.image, f.plan, f.team INTO broken FROM fresh f
  WHERE NOT EXISTS (SELECT FROM scheduler.image i WHERE i.name = f.image) OR NOT EXISTS (SELECT FROM scheduler.plan p WHERE p.name = f.plan)
     OR f.team IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.team t WHERE t.name = f.team) LIMIT 1;
  IF FOUND THEN
    PERFORM scheduler.refuse_dangling('app_names', format('app %s names image %s, plan %s, team %s: not all of them are there',
      broken.name, broken.image, broken.plan, coalesce(broken.team, '(none)')));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER app_names_new AFTER INSERT ON scheduler.app REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.app_names_what_is_there();
CREATE TRIGGER app_names_changed AFTER UPDATE ON scheduler.app REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.app_names_what_is_there();
CREATE FUNCTION scheduler.no_app_names_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT a.name INTO broken FROM gone g JOIN scheduler.app a
    ON g.name = CASE TG_TABLE_NAME WHEN 'image' THEN a.image WHEN 'plan' THEN a.plan ELSE a.team END LIMIT 1;
  IF FOUND THEN
    PERFORM scheduler.refuse_dangling('app_names', format('app %s still names a %s that was to be deleted', broken, TG_TABLE_NAME));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER image_is_named AFTER DELETE ON scheduler.image REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.no_app_names_it();
CREATE TRIGGER plan_is_named AFTER DELETE ON scheduler.plan REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.no_app_names_it();
CREATE TRIGGER team_is_named AFTER DELETE ON scheduler.team REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.no_app_names_it();
CREATE FUNCTION scheduler.group_has_its_app() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT f.name INTO broken FROM fresh f WHERE NOT EXISTS (SELECT FROM scheduler.app a WHERE a.id = f.app_id) LIMIT 1;
  IF FOUND THEN
    PERFORM scheduler.refuse_dangling('group_app', format('group %s belongs to no app', broken));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER group_app AFTER INSERT ON scheduler.instance_group REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.group_has_its_app();
CREATE FUNCTION scheduler.app_takes_its_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM scheduler.instance_group WHERE app_id IN (SELECT id FROM gone);
  RETURN NULL;
END $$;
CREATE TRIGGER app_groups AFTER DELETE ON scheduler.app REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.app_takes_its_groups();

-- ---- the capacity guard ----
-- In doubles: amounts below 2^53 are exact and rounding keeps the order of two products, so what is right is never refused.
DROP TRIGGER host_capacity ON scheduler.host;
CREATE TRIGGER host_capacity BEFORE UPDATE ON scheduler.host FOR EACH ROW WHEN (
  (NEW.booked_cpu_milli > OLD.booked_cpu_milli AND
     NEW.booked_cpu_milli * 1000.0::float8 > (NEW.cpu_milli - NEW.reserve_cpu_milli) * NEW.cpu_overcommit_permille::float8) OR
  (NEW.booked_memory_bytes > OLD.booked_memory_bytes AND
     NEW.booked_memory_bytes * 1000.0::float8 > (NEW.memory_bytes - NEW.reserve_memory_bytes) * NEW.memory_overcommit_permille::float8) OR
  (NEW.booked_disk_bytes > OLD.booked_disk_bytes AND
     NEW.booked_disk_bytes * 1000.0::float8 > (NEW.disk_bytes - NEW.reserve_disk_bytes) * NEW.disk_overcommit_permille::float8) OR
  (NEW.booked_instances > OLD.booked_instances AND NEW.max_instances > 0 AND NEW.booked_instances > NEW.max_instances))
  EXECUTE FUNCTION scheduler.refuse_overbooking();
