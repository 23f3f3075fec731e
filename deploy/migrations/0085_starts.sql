-- What an operation is told of when it is written first is one row (docs/adr/0062): the steps of its first instance, its first log lines,
-- and the decision with which instances found their hosts in the same commit, which has the operation's id. What comes later has rows of its
-- own in operation_track, operation_log_part and decision, as what came earlier has.
CREATE TABLE scheduler.operation_start (
  operation_id uuid PRIMARY KEY,       -- no foreign key: a decision outlives its operation while an instance names it
  instance_id  uuid,
  subject      text,
  steps        json,                   -- as operation_track.steps from ordinal 0, as they are now; NULL: none is here
  lines        json,                   -- as operation_log_part.lines from line 1; NULL: none is here
  decided_at   timestamptz,
  decision     json                    -- as decision.data; NULL: none is here
) WITH (fillfactor = 50);              -- steps change without any index
ALTER TABLE scheduler.operation_start ALTER COLUMN steps SET STORAGE EXTERNAL, ALTER COLUMN lines SET STORAGE EXTERNAL,
  ALTER COLUMN decision SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.operation_start TO sot_scheduler;

-- A scheduler of the version before, which may lead while machines are upgraded one by one, writes steps into operation_track only.
CREATE FUNCTION scheduler.steps_at_start() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE scheduler.operation_start SET steps = NEW.steps WHERE operation_id = NEW.operation_id AND steps IS NOT NULL;
  RETURN CASE WHEN FOUND THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER steps_at_start BEFORE INSERT ON scheduler.operation_track FOR EACH ROW WHEN (NEW.first = 0)
  EXECUTE FUNCTION scheduler.steps_at_start();

-- No part of a UNION ALL has conditions of its own: only then each is looked into by its key when operations are joined to it.
CREATE OR REPLACE VIEW scheduler.operation_step AS
  SELECT t.operation_id, t.first + s.place::int - 1 AS ordinal, t.instance_id, s.step->>0 AS name, t.subject, s.step->>1 AS state,
         s.step->>2 AS detail, to_timestamp(nullif((s.step->>3)::bigint, 0) / 1000.0) AS started_at,
         to_timestamp(nullif((s.step->>4)::bigint, 0) / 1000.0) AS finished_at, coalesce((s.step->>5)::int, 0) AS batch
  FROM (SELECT operation_id, first, instance_id, subject, steps FROM scheduler.operation_track
        UNION ALL SELECT operation_id, 0, instance_id, subject, steps FROM scheduler.operation_start) t
    CROSS JOIN LATERAL json_array_elements(t.steps) WITH ORDINALITY AS s(step, place);
CREATE OR REPLACE VIEW scheduler.operation_log AS
  SELECT p.operation_id, p.first + l.place - 1 AS line, to_timestamp((l.line->>0)::bigint / 1000.0) AS at, l.line->>1 AS level,
         l.line->>2 AS text
  FROM (SELECT operation_id, first, lines FROM scheduler.operation_log_part
        UNION ALL SELECT operation_id, 1, lines FROM scheduler.operation_start) p
    CROSS JOIN LATERAL json_array_elements(p.lines) WITH ORDINALITY AS l(line, place);
CREATE OR REPLACE VIEW scheduler.placement_v AS
  SELECT d.id, d.operation_id AS "operationId", d.at, jsonb_set(d.data::jsonb, '{runnersUp}', (
    SELECT coalesce(jsonb_agg(CASE jsonb_typeof(x.item) WHEN 'object' THEN x.item ELSE scheduler.parts_shown(x.item) END ORDER BY x.place), '[]')
    FROM jsonb_array_elements(d.data::jsonb->'runnersUp') WITH ORDINALITY AS x(item, place))) AS data
  FROM (SELECT id, operation_id, at, data, refused FROM scheduler.decision
        UNION ALL SELECT operation_id, operation_id, decided_at, decision, false FROM scheduler.operation_start) d
  WHERE NOT d.refused AND d.data IS NOT NULL;
