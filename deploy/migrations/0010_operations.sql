-- Operations: who asked why, what goes on with what (retry), bulk operations with children, what stands after an end that
-- was no success.
ALTER TABLE scheduler.operation
  ADD COLUMN reason             text NOT NULL DEFAULT '',
  ADD COLUMN parent_id          uuid REFERENCES scheduler.operation (id) ON DELETE CASCADE,
  ADD COLUMN retry_of           uuid,                        -- may be purged before this one: no foreign key
  ADD COLUMN position           bigint NOT NULL DEFAULT 0,   -- counts what was accepted; queues are in this order
  ADD COLUMN targets            uuid[] NOT NULL DEFAULT '{}',
  ADD COLUMN parallel           integer NOT NULL DEFAULT 0,  -- of a bulk operation: children at a time
  ADD COLUMN failures_max       integer NOT NULL DEFAULT 0,  -- ... failures after which none begins any more, 0: no end
  ADD COLUMN children_total     integer NOT NULL DEFAULT 0,
  ADD COLUMN children_done      integer NOT NULL DEFAULT 0,
  ADD COLUMN children_failed    integer NOT NULL DEFAULT 0,
  ADD COLUMN children_cancelled integer NOT NULL DEFAULT 0,
  ADD COLUMN outcome            text NOT NULL DEFAULT '',    -- what stands after a failure or a cancellation
  ADD COLUMN cancelled_by       text NOT NULL DEFAULT '',
  ADD COLUMN started_at         timestamptz,
  ADD CONSTRAINT operation_children CHECK (children_done + children_failed + children_cancelled <= children_total);
CREATE INDEX operation_parent ON scheduler.operation (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX operation_retry ON scheduler.operation (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX operation_listing ON scheduler.operation ((state IN ('queued', 'running')) DESC, id DESC);
CREATE INDEX operation_app ON scheduler.operation (app_id, id DESC) WHERE app_id IS NOT NULL;

CREATE OR REPLACE VIEW scheduler.operation_v AS
  SELECT o.id, o.kind, o.target, coalesce(a.name, '') AS app, o.actor, o.state, o.waits_for AS "waitsFor", o.error,
         json_build_object('done', o.progress_done, 'total', o.progress_total) AS progress, o.spec, o.resource_id AS "resourceId",
         o.created_at AS "createdAt", o.updated_at AS "updatedAt", o.finished_at AS "finishedAt",
         o.reason, o.outcome, o.cancelled_by AS "cancelledBy", o.started_at AS "startedAt",
         (extract(epoch FROM coalesce(o.finished_at, clock_timestamp()) - coalesce(o.started_at, o.created_at)) * 1000)::bigint AS "durationMs",
         o.parent_id AS parent, o.retry_of AS "retryOf",
         (SELECT r.id FROM scheduler.operation r WHERE r.retry_of = o.id ORDER BY r.id DESC LIMIT 1) AS "retriedBy",
         CASE WHEN o.kind LIKE 'bulk.%' THEN json_build_object('total', o.children_total, 'done', o.children_done,
           'failed', o.children_failed, 'cancelled', o.children_cancelled, 'parallel', o.parallel, 'failuresMax', o.failures_max) END AS children
  FROM scheduler.operation o LEFT JOIN scheduler.app a ON a.id = o.app_id;
CREATE OR REPLACE VIEW scheduler.operation_step_v AS
  SELECT operation_id, ordinal, name, subject, state, detail, started_at AS "startedAt", finished_at AS "finishedAt",
         instance_id AS "instanceId" FROM scheduler.operation_step;
