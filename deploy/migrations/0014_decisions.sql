-- Why an instance is where it is, and why an operation still waits: what the placer decided, as the object of docs/explain.md.
-- Instances that found their hosts in one turn share a row; a refusal has the id of its operation.
CREATE TABLE scheduler.decision (
  id           uuid PRIMARY KEY,
  operation_id uuid NOT NULL, -- no foreign key: it outlives the operation while an instance names it
  refused      boolean NOT NULL,
  open         boolean NOT NULL, -- a refusal that still waits
  tries        integer NOT NULL,
  since        timestamptz NOT NULL,
  at           timestamptz NOT NULL, -- of the last try
  next_at      timestamptz,          -- of the next one, unless what it lacks is freed before
  data         jsonb NOT NULL
);
CREATE INDEX decision_operation ON scheduler.decision (operation_id);
ALTER TABLE scheduler.instance ADD COLUMN decision_id uuid;
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.decision TO sot_scheduler;

-- A refusal with the times of its waiting, as the API tells it.
CREATE VIEW scheduler.refusal_v AS
  SELECT d.id, d.data || jsonb_build_object('open', d.open, 'tries', d.tries, 'since', d.since, 'at', d.at, 'nextTry', d.next_at) AS refusal
  FROM scheduler.decision d WHERE d.refused;
CREATE VIEW scheduler.placement_v AS
  SELECT d.id, d.operation_id AS "operationId", d.at, d.data FROM scheduler.decision d WHERE NOT d.refused;
-- Of an instance that stands somewhere its own entry of the shared row; of one that waits the refusal of its operation.
CREATE VIEW scheduler.instance_why_v AS
  SELECT i.id, i.name AS instance, a.name AS app, i.state, h.name AS host, p.at AS "decidedAt", p."operationId",
         CASE WHEN e.item IS NOT NULL THEN jsonb_build_object('host', e.item->>1, 'az', ch.az, 'rack', ch.rack, 'vlan', e.item->>2,
           'crowding', jsonb_build_object('az', e.item->3, 'rack', e.item->4, 'host', e.item->5),
           'cost', jsonb_build_object('total', (e.item->>6)::numeric + (e.item->>7)::numeric + (e.item->>8)::numeric
             + (e.item->>9)::numeric + (e.item->>10)::numeric, 'open', e.item->6, 'load', e.item->7, 'fit', e.item->8,
             'pressure', e.item->9, 'preference', e.item->10)) END AS chosen,
         p.data->'hosts' AS hosts, p.data->'candidates' AS candidates, p.data->'refused' AS refused, p.data->'need' AS need,
         p.data->'runnersUp' AS "runnersUp", p.data->'placed'->0->>0 AS "runnersUpOf", jsonb_array_length(p.data->'placed') AS "placedTogether",
         CASE WHEN i.host_id IS NULL AND i.desired <> 'retired' THEN (
           SELECT r.refusal FROM scheduler.operation o JOIN scheduler.operation_step s ON s.operation_id = o.id
             JOIN scheduler.refusal_v r ON r.id = o.id
           WHERE o.app_id = i.app_id AND o.state IN ('queued', 'running') AND s.instance_id = i.id AND s.name = 'place' LIMIT 1) END AS refusal
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id
    LEFT JOIN scheduler.host h ON h.id = i.host_id
    LEFT JOIN scheduler.placement_v p ON p.id = i.decision_id
    LEFT JOIN LATERAL (SELECT x AS item FROM jsonb_array_elements(p.data->'placed') x WHERE x->>0 = i.name LIMIT 1) e ON true
    LEFT JOIN scheduler.host ch ON ch.name = e.item->>1;
GRANT SELECT ON scheduler.refusal_v, scheduler.placement_v, scheduler.instance_why_v TO sot_gateway;
