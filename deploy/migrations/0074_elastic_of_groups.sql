-- Elastic scaling: each group of an app may have rules of its own; then the app as a whole has none ('').
ALTER TABLE scheduler.elastic ADD COLUMN group_name text NOT NULL DEFAULT '';
UPDATE scheduler.elastic SET group_name = policy->>'group';
ALTER TABLE scheduler.elastic DROP CONSTRAINT elastic_pkey, ADD PRIMARY KEY (app_id, group_name);
ALTER TABLE scheduler.elastic_decision ADD COLUMN group_name text NOT NULL DEFAULT '';
UPDATE scheduler.elastic_decision d SET group_name = e.group_name FROM scheduler.elastic e WHERE e.app_id = d.app_id AND e.group_name <> '';

CREATE OR REPLACE VIEW scheduler.elastic_decision_v AS
  SELECT d.number, a.name AS app, d.at, d.outcome, d.hold, d.rule, d.count, d.wanted, d.to_count AS "to", d.load, d.target, d.reason,
         d.operation_id AS operation, d.group_name AS "group"
  FROM scheduler.elastic_decision d JOIN scheduler.app a ON a.id = d.app_id;
CREATE OR REPLACE VIEW scheduler.elastic_v AS
  SELECT a.name AS app, e.group_name AS "group", (e.policy->>'enabled')::bool AS enabled, (e.policy->>'dryRun')::bool AS "dryRun",
         (e.policy->>'min')::int AS min, (e.policy->>'max')::int AS max, (e.policy->>'upStep')::int AS "upStep",
         (e.policy->>'downStep')::int AS "downStep", (e.policy->>'upCooldownSeconds')::int AS "upCooldownSeconds",
         (e.policy->>'downCooldownSeconds')::int AS "downCooldownSeconds", (e.policy->>'stableSeconds')::int AS "stableSeconds",
         (e.policy->>'tolerancePercent')::int AS "tolerancePercent", e.policy->'rules' AS rules,
         (SELECT count(*) FROM scheduler.instance i LEFT JOIN scheduler.instance_group g ON g.id = i.group_id
          WHERE i.app_id = e.app_id AND i.desired <> 'retired' AND (e.group_name = '' OR g.name = e.group_name)) AS count,
         e.changed_at AS "changedAt", e.updated_at AS "updatedAt", e.updated_by AS "updatedBy",
         (SELECT row_to_json(d) FROM scheduler.elastic_decision_v d WHERE d.app = a.name AND d."group" = e.group_name
          ORDER BY d.number DESC LIMIT 1) AS decision
  FROM scheduler.elastic e JOIN scheduler.app a ON a.id = e.app_id;
CREATE OR REPLACE VIEW scheduler.group_v AS
  SELECT g.id, a.name AS app, g.name, g.environment, CASE WHEN g.version <> '' THEN g.version ELSE a.version END AS version,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.state = 'running' AND i.health = 'healthy') AS ready,
         (SELECT json_build_object('min', (e.policy->>'min')::int, 'max', (e.policy->>'max')::int, 'enabled', (e.policy->>'enabled')::bool,
                                   'dryRun', (e.policy->>'dryRun')::bool)
          FROM scheduler.elastic e WHERE e.app_id = a.id AND e.group_name = g.name) AS elastic
  FROM scheduler.instance_group g JOIN scheduler.app a ON a.id = g.app_id WHERE NOT g.deleted;
