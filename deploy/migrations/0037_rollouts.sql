-- Rollouts: how a change goes over the instances of an app, and how far it is. The steps of the operation say the rest: each
-- belongs to a batch.
CREATE TABLE scheduler.rollout (
  operation_id  uuid PRIMARY KEY,                  -- the scheduler is the only writer; purged with its operation
  strategy      jsonb NOT NULL,
  batch         integer NOT NULL,                  -- under way, or done last; 0: none yet
  batches       integer NOT NULL,
  batch_done_at timestamptz,                       -- all of that batch are healthy since
  passed        integer NOT NULL,                  -- the wait after this batch is over
  paused_by     text NOT NULL,
  goes_back     boolean NOT NULL,
  back_by       text NOT NULL,                     -- who asked for that; '': it had failed
  cause         text NOT NULL,
  phase         text NOT NULL CHECK (phase IN ('rolling', 'baking', 'paused', 'rolling_back'))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.rollout TO sot_scheduler;

CREATE OR REPLACE VIEW scheduler.operation_step AS
  SELECT t.operation_id, t.first + s.place::int - 1 AS ordinal, t.instance_id, s.step->>0 AS name, t.subject, s.step->>1 AS state,
         s.step->>2 AS detail, to_timestamp(nullif((s.step->>3)::bigint, 0) / 1000.0) AS started_at,
         to_timestamp(nullif((s.step->>4)::bigint, 0) / 1000.0) AS finished_at, coalesce((s.step->>5)::int, 0) AS batch
  FROM scheduler.operation_track t CROSS JOIN LATERAL json_array_elements(t.steps) WITH ORDINALITY AS s(step, place);
CREATE OR REPLACE VIEW scheduler.operation_step_v AS
  SELECT operation_id, ordinal, name, subject, state, detail, started_at AS "startedAt", finished_at AS "finishedAt",
         instance_id AS "instanceId", batch FROM scheduler.operation_step;
-- While the operation runs `phase` is what it does now; afterwards what it did last.
CREATE VIEW scheduler.rollout_v AS
  SELECT operation_id AS operation, phase, batch, batches, strategy, batch_done_at AS "batchDoneAt", paused_by AS "pausedBy",
         goes_back AS "goesBack", back_by AS "backBy", cause
  FROM scheduler.rollout;
GRANT SELECT ON scheduler.rollout_v TO sot_gateway;
