-- Files that the platform wrote into an instance and that somebody inside has changed (/etc/hosts and its like), as its agent tells.
CREATE TABLE gateway.instance_drift (
  instance_id uuid NOT NULL,
  path        text NOT NULL,
  instance    text NOT NULL,
  app         text NOT NULL,
  host        text NOT NULL,
  since       timestamptz NOT NULL,
  PRIMARY KEY (instance_id, path)
);
-- The file differs from p_at on, or is the platform's again. 1: that is new, with its event; 0: it is known; -1: the instance is
-- not that host's.
CREATE FUNCTION gateway.note_drift(p_host uuid, p_instance uuid, p_at timestamptz, p_path text, p_differs boolean)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE t record; details jsonb;
BEGIN
  SELECT i.name, a.name AS app, h.name AS host INTO t
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.host h ON h.id = i.host_id
  WHERE i.id = p_instance AND i.host_id = p_host;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  IF p_differs THEN
    INSERT INTO instance_drift VALUES (p_instance, p_path, t.name, t.app, t.host, p_at) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM instance_drift WHERE instance_id = p_instance AND path = p_path AND since <= p_at;
  END IF;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  details := jsonb_build_object('path', p_path, 'differs', p_differs, 'at', p_at);
  PERFORM core.emit(ARRAY['instance.drift'], ARRAY[t.name], ARRAY[t.app], ARRAY[t.host], ARRAY['host:' || p_host], ARRAY[NULL::uuid], ARRAY[details::text]);
  RETURN 1;
END $$;
REVOKE ALL ON FUNCTION gateway.note_drift(uuid, uuid, timestamptz, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.note_drift(uuid, uuid, timestamptz, text, boolean) TO sot_gateway;
CREATE VIEW gateway.instance_drift_v AS
  SELECT d.instance, d.app, d.host, d.path, d.since, d.instance_id AS "instanceId"
  FROM gateway.instance_drift d JOIN scheduler.instance i ON i.id = d.instance_id WHERE i.state <> 'retired';
GRANT SELECT ON gateway.instance_drift_v TO sot_gateway;
