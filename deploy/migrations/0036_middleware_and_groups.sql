-- Middleware packages: a catalogue of versions that never change, which of them an app has, which an instance shall have
-- (they differ while a rollout is under way). A set is one text: "jdk=17,tomcat=10.1", by name.
CREATE TABLE scheduler.middleware_version (
  name       text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,29}$'),
  kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9-]{0,29}$'), -- of all versions of the name: the scheduler sees to it
  version    text NOT NULL,
  sha256     bytea NOT NULL CHECK (length(sha256) = 32),
  size_bytes bigint NOT NULL,
  file_name  text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  origin     jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (name, version)
);
ALTER TABLE scheduler.app ADD COLUMN middleware text NOT NULL DEFAULT '';
ALTER TABLE scheduler.instance ADD COLUMN middleware text NOT NULL DEFAULT '';
GRANT SELECT, INSERT ON scheduler.middleware_version TO sot_scheduler;

-- Who shall run what, one row an instance and package; `app_version` is what its app has: another one means a rollout that is
-- under way, or that stopped.
CREATE VIEW scheduler.middleware_instance_v AS
  SELECT i.name AS instance, i.id, a.name AS app, h.name AS host, split_part(p.one, '=', 1) AS middleware, split_part(p.one, '=', 2) AS version,
         i.state, i.health, coalesce(split_part((SELECT o FROM unnest(string_to_array(a.middleware, ',')) o
           WHERE split_part(o, '=', 1) = split_part(p.one, '=', 1)), '=', 2), '') AS "appVersion"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id LEFT JOIN scheduler.host h ON h.id = i.host_id
       CROSS JOIN LATERAL unnest(string_to_array(i.middleware, ',')) AS p(one)
  WHERE i.middleware <> '' AND i.desired <> 'retired';
CREATE VIEW scheduler.middleware_version_v AS
  SELECT v.name, v.kind, v.version, encode(v.sha256, 'hex') AS sha256, v.size_bytes AS "sizeBytes", v.file_name AS "fileName",
         v.created_at AS "createdAt", v.created_by AS "createdBy", coalesce(v.origin ->> 'commit', '') AS commit,
         coalesce(v.origin ->> 'source', '') AS source, coalesce(v.origin ->> 'signedBy', '') AS "signedBy",
         (SELECT count(*) FROM scheduler.middleware_instance_v i WHERE i.middleware = v.name AND i.version = v.version) AS instances
  FROM scheduler.middleware_version v;
CREATE VIEW scheduler.middleware_v AS
  SELECT v.name, min(v.kind) AS kind, count(*) AS versions, (array_agg(v.version ORDER BY v.created_at DESC))[1] AS latest,
         (SELECT count(*) FROM scheduler.app a WHERE a.middleware ~ ('(^|,)' || v.name || '=')) AS apps,
         (SELECT count(*) FROM scheduler.middleware_instance_v i WHERE i.middleware = v.name) AS instances, max(v.created_at) AS "createdAt"
  FROM scheduler.middleware_version v GROUP BY v.name;
GRANT SELECT ON scheduler.middleware_instance_v, scheduler.middleware_version_v, scheduler.middleware_v TO sot_gateway;

-- Groups: an environment, a version of their own when a rollout was over one of them alone. A deleted one is kept: its
-- numbers, and with them names of instances, are never used twice.
ALTER TABLE scheduler.instance_group
  ADD COLUMN version     text NOT NULL DEFAULT '',
  ADD COLUMN environment text NOT NULL DEFAULT '',
  ADD COLUMN deleted     boolean NOT NULL DEFAULT false;
CREATE VIEW scheduler.group_v AS
  SELECT g.id, a.name AS app, g.name, g.environment, CASE WHEN g.version <> '' THEN g.version ELSE a.version END AS version,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.state = 'running' AND i.health = 'healthy') AS ready
  FROM scheduler.instance_group g JOIN scheduler.app a ON a.id = g.app_id WHERE NOT g.deleted;
GRANT SELECT ON scheduler.group_v TO sot_gateway;
