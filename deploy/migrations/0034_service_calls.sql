-- What the services tell the bridge to CAT of their calls: SQL statements, requests over HTTP. A row for each process and minute, until
-- the bridge that leads takes it; with no bridge at all none is kept for longer than ten minutes.
CREATE TABLE monitor.call_report (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  service text NOT NULL CHECK (length(service) BETWEEN 1 AND 30),
  address inet, -- where the process runs, as this server sees it; null for a local socket
  calls   text NOT NULL CHECK (length(calls) <= 400000)
);

-- calls: rows parted by RS of parts parted by US (services/monitor-bridge/README.md, "Calls of services").
CREATE FUNCTION monitor.report_calls(p_service text, p_calls text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
  DELETE FROM monitor.call_report r WHERE r.at < clock_timestamp() - interval '10 minutes';
  INSERT INTO monitor.call_report (service, address, calls) VALUES (p_service, inet_client_addr(), p_calls);
$$;
-- Each report is given out once.
CREATE FUNCTION monitor.take_calls(p_limit integer)
RETURNS TABLE (service text, address inet, calls text)
LANGUAGE sql SECURITY DEFINER SET search_path = monitor, pg_temp AS $$
  WITH taken AS (
    DELETE FROM monitor.call_report r WHERE r.id IN (
      SELECT o.id FROM monitor.call_report o ORDER BY o.id LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING r.id, r.service, r.address, r.calls)
  SELECT t.service, t.address, t.calls FROM taken t ORDER BY t.id
$$;

GRANT USAGE ON SCHEMA monitor TO sot_scheduler, sot_ipam;
REVOKE ALL ON FUNCTION monitor.report_calls(text, text), monitor.take_calls(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION monitor.report_calls(text, text) TO sot_scheduler, sot_ipam, sot_gateway, sot_bridge;
GRANT EXECUTE ON FUNCTION monitor.take_calls(integer) TO sot_bridge;
