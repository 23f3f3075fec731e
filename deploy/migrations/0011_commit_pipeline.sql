-- What a placement writes is one row each of few tables (docs/adr/0013-commit-pipeline.md): the steps of one instance are one row,
-- and so are the log lines that one commit adds to an operation. Readers find both as they were: operation_step and operation_log
-- are views now. No foreign keys where every placement would pay for them; the scheduler is the only writer.
CREATE TABLE scheduler.operation_track (
  operation_id uuid NOT NULL,
  first        integer NOT NULL,       -- ordinal of the first step
  instance_id  uuid,
  subject      text NOT NULL,
  steps        json NOT NULL,          -- of steps that follow one another: [[name, state, detail, started ms or 0, finished ms or 0], ...] in their order
  PRIMARY KEY (operation_id, first)
) WITH (fillfactor = 50);
INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps)
  SELECT operation_id, min(ordinal), instance_id, min(subject), json_agg(json_build_array(name, state, detail,
    coalesce((extract(epoch FROM started_at) * 1000)::bigint, 0), coalesce((extract(epoch FROM finished_at) * 1000)::bigint, 0)) ORDER BY ordinal)
  FROM (SELECT s.*, ordinal - row_number() OVER (PARTITION BY operation_id, instance_id ORDER BY ordinal) AS run
        FROM scheduler.operation_step s) s
  GROUP BY operation_id, instance_id, run;

CREATE TABLE scheduler.operation_log_part (
  operation_id uuid NOT NULL,
  first        bigint NOT NULL,        -- number of the first line
  count        integer NOT NULL CHECK (count > 0),
  lines        json NOT NULL,          -- [[at ms, level, text], ...]
  PRIMARY KEY (operation_id, first)
);
-- Text that is read once or never is not worth compressing.
ALTER TABLE scheduler.operation_log_part ALTER COLUMN lines SET STORAGE EXTERNAL;
ALTER TABLE scheduler.operation_track ALTER COLUMN steps SET STORAGE EXTERNAL;
INSERT INTO scheduler.operation_log_part (operation_id, first, count, lines)
  SELECT operation_id, line, 1, json_build_array(json_build_array((extract(epoch FROM at) * 1000)::bigint, level, text))
  FROM scheduler.operation_log;

DROP VIEW scheduler.operation_step_v, scheduler.operation_log_v;
DROP TABLE scheduler.operation_step, scheduler.operation_log;
CREATE VIEW scheduler.operation_step AS
  SELECT t.operation_id, t.first + s.place::int - 1 AS ordinal, t.instance_id, s.step->>0 AS name, t.subject, s.step->>1 AS state,
         s.step->>2 AS detail, to_timestamp(nullif((s.step->>3)::bigint, 0) / 1000.0) AS started_at,
         to_timestamp(nullif((s.step->>4)::bigint, 0) / 1000.0) AS finished_at
  FROM scheduler.operation_track t CROSS JOIN LATERAL json_array_elements(t.steps) WITH ORDINALITY AS s(step, place);
CREATE VIEW scheduler.operation_log AS
  SELECT p.operation_id, p.first + l.place - 1 AS line, to_timestamp((l.line->>0)::bigint / 1000.0) AS at, l.line->>1 AS level,
         l.line->>2 AS text
  FROM scheduler.operation_log_part p CROSS JOIN LATERAL json_array_elements(p.lines) WITH ORDINALITY AS l(line, place);
CREATE VIEW scheduler.operation_step_v AS
  SELECT operation_id, ordinal, name, subject, state, detail, started_at AS "startedAt", finished_at AS "finishedAt",
         instance_id AS "instanceId" FROM scheduler.operation_step;
CREATE VIEW scheduler.operation_log_v AS
  SELECT operation_id, line, at, level, text FROM scheduler.operation_log;
GRANT SELECT ON scheduler.operation_step_v, scheduler.operation_log_v TO sot_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.operation_track, scheduler.operation_log_part TO sot_scheduler;
GRANT SELECT ON scheduler.operation_step, scheduler.operation_log TO sot_scheduler;

ALTER TABLE scheduler.instance DROP CONSTRAINT instance_app_id_fkey, DROP CONSTRAINT instance_group_id_fkey,
  DROP CONSTRAINT instance_host_id_fkey;
-- A booking changes no indexed column: with room in its page it is one write.
ALTER TABLE scheduler.host SET (fillfactor = 50);
ALTER TABLE scheduler.instance SET (fillfactor = 80);

DROP INDEX scheduler.instance_app;
ALTER TABLE scheduler.instance DROP CONSTRAINT instance_group_id_number_key, ADD CONSTRAINT instance_number UNIQUE (app_id, group_id, number);
-- An event has no number when it is written: no entry for it then.
ALTER TABLE core.outbox DROP CONSTRAINT outbox_number_key;
CREATE UNIQUE INDEX outbox_number ON core.outbox (number) WHERE number IS NOT NULL;

-- The audit rows of a batch.
CREATE FUNCTION gateway.audit_add_all(p_actor text[], p_source_address text[], p_api_request_id text[], p_action text[], p_target text[],
  p_operation_id uuid[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  INSERT INTO gateway.audit (actor, source_address, api_request_id, action, target, result, operation_id, detail)
  SELECT a, s, r, n, t, 'accepted', o, '{}' FROM unnest(p_actor, p_source_address, p_api_request_id, p_action, p_target, p_operation_id)
    AS u(a, s, r, n, t, o)
$$;
REVOKE ALL ON FUNCTION gateway.audit_add_all(text[], text[], text[], text[], text[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.audit_add_all(text[], text[], text[], text[], text[], uuid[]) TO sot_scheduler;

-- Rows that a batch means to change and that are not there: a bug of the writer. Its transaction ends.
CREATE FUNCTION core.expect_rows(p_what text, p_found bigint, p_expected bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_found <> p_expected THEN
    RAISE EXCEPTION '% of % rows of % are there', p_found, p_expected, p_what USING ERRCODE = 'SOT02';
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION core.expect_rows(text, bigint, bigint) TO sot_scheduler;
