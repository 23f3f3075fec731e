-- A decision is written with every placement and read when somebody asks why: json, which is checked and not taken apart, and
-- the next best hosts as short lists like the chosen ones. What readers see is as before.
DROP VIEW scheduler.instance_why_v, scheduler.placement_v, scheduler.refusal_v;
ALTER TABLE scheduler.decision ALTER COLUMN data TYPE json USING data::json;
ALTER TABLE scheduler.decision ALTER COLUMN data SET STORAGE EXTERNAL;
-- One open operation is found by the index of the lists.
DROP INDEX scheduler.operation_open;

-- [instance, host, VLAN, of the app before in AZ, rack and host, open, load, fit, pressure, preference] as docs/explain.md shows it.
CREATE FUNCTION scheduler.parts_shown(item jsonb) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
  SELECT jsonb_build_object('host', item->>1, 'az', h.az, 'rack', h.rack,
    'crowding', jsonb_build_object('az', item->3, 'rack', item->4, 'host', item->5),
    'cost', jsonb_build_object('total', (item->>6)::numeric + (item->>7)::numeric + (item->>8)::numeric + (item->>9)::numeric
      + (item->>10)::numeric, 'open', item->6, 'load', item->7, 'fit', item->8, 'pressure', item->9, 'preference', item->10))
  FROM (SELECT 1) AS one LEFT JOIN scheduler.host h ON h.name = item->>1
$$;
REVOKE ALL ON FUNCTION scheduler.parts_shown(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduler.parts_shown(jsonb) TO sot_gateway;

-- A refusal with the times of its waiting, as the API tells it.
CREATE VIEW scheduler.refusal_v AS
  SELECT d.id, d.data::jsonb || jsonb_build_object('open', d.open, 'tries', d.tries, 'since', d.since, 'at', d.at, 'nextTry', d.next_at) AS refusal
  FROM scheduler.decision d WHERE d.refused;
-- Rows of earlier versions hold whole objects.
CREATE VIEW scheduler.placement_v AS
  SELECT d.id, d.operation_id AS "operationId", d.at, jsonb_set(d.data::jsonb, '{runnersUp}', (
    SELECT coalesce(jsonb_agg(CASE jsonb_typeof(x.item) WHEN 'object' THEN x.item ELSE scheduler.parts_shown(x.item) END ORDER BY x.place), '[]')
    FROM jsonb_array_elements(d.data::jsonb->'runnersUp') WITH ORDINALITY AS x(item, place))) AS data
  FROM scheduler.decision d WHERE NOT d.refused;
-- Of an instance that stands somewhere its own entry of the shared row; of one that waits the refusal of its operation.
CREATE VIEW scheduler.instance_why_v AS
  SELECT i.id, i.name AS instance, a.name AS app, i.state, h.name AS host, p.at AS "decidedAt", p."operationId",
         CASE WHEN e.item IS NOT NULL THEN scheduler.parts_shown(e.item) || jsonb_build_object('vlan', e.item->>2) END AS chosen,
         p.data->'hosts' AS hosts, p.data->'candidates' AS candidates, p.data->'refused' AS refused, p.data->'need' AS need,
         p.data->'runnersUp' AS "runnersUp", p.data->'placed'->0->>0 AS "runnersUpOf", jsonb_array_length(p.data->'placed') AS "placedTogether",
         CASE WHEN i.host_id IS NULL AND i.desired <> 'retired' THEN (
           SELECT r.refusal FROM scheduler.operation o JOIN scheduler.operation_step s ON s.operation_id = o.id
             JOIN scheduler.refusal_v r ON r.id = o.id
           WHERE o.app_id = i.app_id AND o.state IN ('queued', 'running') AND s.instance_id = i.id AND s.name = 'place' LIMIT 1) END AS refusal
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id
    LEFT JOIN scheduler.host h ON h.id = i.host_id
    LEFT JOIN scheduler.placement_v p ON p.id = i.decision_id
    LEFT JOIN LATERAL (SELECT x AS item FROM jsonb_array_elements(p.data->'placed') x WHERE x->>0 = i.name LIMIT 1) e ON true;
GRANT SELECT ON scheduler.refusal_v, scheduler.placement_v, scheduler.instance_why_v TO sot_gateway;
