-- Whether an app has a hard rule is found out when its row is written. Most have none, and say so in the same words: these are compared
-- first, before six paths are looked for in them (docs/adr/0060). The column is a generated one as before: the database does not take
-- the scheduler's word for it.
ALTER TABLE scheduler.app DROP COLUMN guarded;
ALTER TABLE scheduler.app ADD COLUMN guarded boolean NOT NULL GENERATED ALWAYS AS (
  placement <> '{"workload": "service", "priority": 0, "preemptable": false, "maxUnavailable": 1, "exclusive": "none",
    "spread": {"az": {"prefer": true, "maxSkew": 0, "maxCount": 0}, "rack": {"prefer": true, "maxSkew": 0, "maxCount": 0},
               "host": {"prefer": true, "maxSkew": 0, "maxCount": 0}},
    "tags": {"required": [], "forbidden": [], "preferred": [], "tolerated": []}, "zones": [], "relations": []}'
  AND (
    placement->>'exclusive' <> 'none' OR placement->'relations' @> '[{"kind": "apart"}]'
    OR (placement->'spread'->'az'->>'maxSkew')::int > 0 OR (placement->'spread'->'az'->>'maxCount')::int > 0
    OR (placement->'spread'->'rack'->>'maxSkew')::int > 0 OR (placement->'spread'->'rack'->>'maxCount')::int > 0
    OR (placement->'spread'->'host'->>'maxSkew')::int > 0 OR (placement->'spread'->'host'->>'maxCount')::int > 0)) STORED;
CREATE INDEX app_guarded ON scheduler.app (id) WHERE guarded;
