-- name: purge
-- columns: none
-- A bulk operation goes with its children (operation.parent_id), and each with its steps, its log and its decisions; but why a
-- live instance is where it is stays known: of what the operation was told first nothing but that is left.
WITH old AS (
  SELECT id FROM scheduler.operation WHERE parent_id IS NULL AND finished_at < now() - $1::bigint * interval '1 day'
), every AS (
  SELECT id FROM old UNION ALL SELECT id FROM scheduler.operation WHERE parent_id IN (SELECT id FROM old)
), starts AS (
  DELETE FROM scheduler.operation_start s
  WHERE (s.operation_id IN (SELECT id FROM every)
      OR (coalesce(s.decided_at, '-infinity') < now() - $1::bigint * interval '1 day'
        AND NOT EXISTS (SELECT FROM scheduler.operation o WHERE o.id = s.operation_id)))
    AND NOT EXISTS (SELECT FROM scheduler.instance i WHERE i.decision_id = s.operation_id AND i.state <> 'retired')
), kept AS (
  UPDATE scheduler.operation_start s SET steps = NULL, lines = NULL
  WHERE s.operation_id IN (SELECT id FROM every)
    AND EXISTS (SELECT FROM scheduler.instance i WHERE i.decision_id = s.operation_id AND i.state <> 'retired')
), steps AS (
  DELETE FROM scheduler.operation_track WHERE operation_id IN (SELECT id FROM every)
), rollouts AS (
  DELETE FROM scheduler.rollout WHERE operation_id IN (SELECT id FROM every)
), lines AS (
  DELETE FROM scheduler.operation_log_part WHERE operation_id IN (SELECT id FROM every)
), elastic_decisions AS (
  DELETE FROM scheduler.elastic_decision WHERE at < now() - $1::bigint * interval '1 day'
), decisions AS (
  DELETE FROM scheduler.decision d WHERE NOT d.open AND d.at < now() - $1::bigint * interval '1 day'
    AND NOT EXISTS (SELECT FROM scheduler.instance i WHERE i.decision_id = d.id AND i.state <> 'retired')
)
DELETE FROM scheduler.operation WHERE id IN (SELECT id FROM old)
