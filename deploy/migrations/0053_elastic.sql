-- Elastic scaling: the rules of an app, what must outlast the leader, and what was decided.
CREATE TABLE scheduler.elastic (
  app_id     uuid PRIMARY KEY REFERENCES scheduler.app (id) ON DELETE CASCADE,
  policy     jsonb NOT NULL,             -- as the API shows it
  count      integer NOT NULL,           -- instances at the last look; 0: there was none
  changed_at timestamptz,                -- when that changed last: cool-downs begin
  low_at     timestamptz,                -- the rules want fewer since then
  low_most   integer NOT NULL,           -- the most that they wanted since then
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.elastic TO sot_scheduler;

-- A row when a decision changes, and one a minute while it does not. Kept as long as operations; of those that only say that all is
-- as it was, two days. The writer of new rows takes the old ones of the same app away.
CREATE TABLE scheduler.elastic_decision (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app_id       uuid NOT NULL,
  at           timestamptz NOT NULL,
  outcome      text NOT NULL CHECK (outcome IN ('steady', 'held', 'scaled')),
  hold         text NOT NULL CHECK (hold IN ('', 'unknown', 'empty', 'stabilising', 'cool_down', 'operation', 'dry_run', 'quota', 'capacity', 'off')),
  rule         text NOT NULL,
  count        integer NOT NULL,
  wanted       integer NOT NULL,
  to_count     integer NOT NULL,
  load         double precision,         -- of that rule; NULL: not known, or a schedule
  target       double precision,
  reason       text NOT NULL,
  operation_id uuid
);
CREATE INDEX elastic_decision_of_app ON scheduler.elastic_decision (app_id, number DESC);
GRANT SELECT, INSERT, DELETE ON scheduler.elastic_decision TO sot_scheduler;

CREATE VIEW scheduler.elastic_decision_v AS
  SELECT d.number, a.name AS app, d.at, d.outcome, d.hold, d.rule, d.count, d.wanted, d.to_count AS "to", d.load, d.target, d.reason,
         d.operation_id AS operation
  FROM scheduler.elastic_decision d JOIN scheduler.app a ON a.id = d.app_id;
GRANT SELECT ON scheduler.elastic_decision_v TO sot_gateway;

CREATE VIEW scheduler.elastic_v AS
  SELECT a.name AS app, e.policy->>'group' AS "group", (e.policy->>'enabled')::bool AS enabled, (e.policy->>'dryRun')::bool AS "dryRun",
         (e.policy->>'min')::int AS min, (e.policy->>'max')::int AS max, (e.policy->>'upStep')::int AS "upStep",
         (e.policy->>'downStep')::int AS "downStep", (e.policy->>'upCooldownSeconds')::int AS "upCooldownSeconds",
         (e.policy->>'downCooldownSeconds')::int AS "downCooldownSeconds", (e.policy->>'stableSeconds')::int AS "stableSeconds",
         (e.policy->>'tolerancePercent')::int AS "tolerancePercent", e.policy->'rules' AS rules,
         (SELECT count(*) FROM scheduler.instance i LEFT JOIN scheduler.instance_group g ON g.id = i.group_id
          WHERE i.app_id = e.app_id AND i.desired <> 'retired' AND (e.policy->>'group' = '' OR g.name = e.policy->>'group')) AS count,
         e.changed_at AS "changedAt", e.updated_at AS "updatedAt", e.updated_by AS "updatedBy",
         (SELECT row_to_json(d) FROM scheduler.elastic_decision_v d WHERE d.app = a.name ORDER BY d.number DESC LIMIT 1) AS decision
  FROM scheduler.elastic e JOIN scheduler.app a ON a.id = e.app_id;
GRANT SELECT ON scheduler.elastic_v TO sot_gateway;
