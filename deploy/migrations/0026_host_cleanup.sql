-- What clean-up freed on each host, by policy, and instances that pass the disk of their plan, as agents tell.
CREATE TABLE gateway.host_cleanup (
  host_id uuid NOT NULL,
  host    text NOT NULL,
  policy  text NOT NULL,
  mode    text NOT NULL CHECK (mode IN ('on', 'dry')), -- dry: what would have been
  entries bigint NOT NULL,                             -- of all runs
  bytes   bigint NOT NULL,
  last_entries bigint NOT NULL,
  last_bytes   bigint NOT NULL,
  last_at timestamptz NOT NULL,
  run     text NOT NULL,                               -- the agent's name of its last run: told twice, it counts once
  PRIMARY KEY (host_id, policy, mode)
);
-- p_freed: [{"policy", "entries", "bytes"}]. 1: new, with one event for the run; 0: known; -1: no such host.
CREATE FUNCTION gateway.note_cleanup(p_host uuid, p_run text, p_mode text, p_freed jsonb)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE t record; n integer;
BEGIN
  SELECT h.name INTO t FROM scheduler.host h WHERE h.id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  INSERT INTO host_cleanup AS c
  SELECT p_host, t.name, f.policy, p_mode, f.entries, f.bytes, f.entries, f.bytes, clock_timestamp(), p_run
  FROM jsonb_to_recordset(p_freed) AS f(policy text, entries bigint, bytes bigint)
  ON CONFLICT (host_id, policy, mode) DO UPDATE SET entries = c.entries + excluded.entries, bytes = c.bytes + excluded.bytes,
    last_entries = excluded.entries, last_bytes = excluded.bytes, last_at = excluded.last_at, run = excluded.run
    WHERE c.run <> excluded.run;
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n = 0 THEN
    RETURN 0;
  END IF;
  PERFORM core.emit(ARRAY['host.cleaned'], ARRAY[t.name], ARRAY[''], ARRAY[t.name], ARRAY['host:' || p_host], ARRAY[NULL::uuid],
    ARRAY[jsonb_build_object('mode', p_mode, 'freed', p_freed)::text]);
  RETURN 1;
END $$;
-- 1: told; -1: the instance is not that host's.
CREATE FUNCTION gateway.note_disk(p_host uuid, p_instance uuid, p_over boolean, p_used bigint, p_plan bigint, p_action text)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE t record;
BEGIN
  SELECT i.name, a.name AS app, h.name AS host INTO t
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.host h ON h.id = i.host_id
  WHERE i.id = p_instance AND i.host_id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  PERFORM core.emit(ARRAY['instance.disk'], ARRAY[t.name], ARRAY[t.app], ARRAY[t.host], ARRAY['host:' || p_host], ARRAY[NULL::uuid],
    ARRAY[jsonb_build_object('over', p_over, 'usedBytes', p_used, 'planBytes', p_plan, 'action', p_action)::text]);
  RETURN 1;
END $$;
REVOKE ALL ON FUNCTION gateway.note_cleanup(uuid, text, text, jsonb), gateway.note_disk(uuid, uuid, boolean, bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.note_cleanup(uuid, text, text, jsonb), gateway.note_disk(uuid, uuid, boolean, bigint, bigint, text) TO sot_gateway;
CREATE VIEW gateway.host_cleanup_v AS
  SELECT c.host, c.policy, c.mode, c.entries, c.bytes, c.last_entries AS "lastEntries", c.last_bytes AS "lastBytes", c.last_at AS "lastAt"
  FROM gateway.host_cleanup c;
GRANT SELECT ON gateway.host_cleanup_v TO sot_gateway;
