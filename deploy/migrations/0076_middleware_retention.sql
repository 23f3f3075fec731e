-- Which versions of a middleware package are kept, as of an app's own (0050): the same in all rows of a name, as its kind is.
ALTER TABLE scheduler.middleware_version
  ADD COLUMN removed       boolean NOT NULL DEFAULT false,
  ADD COLUMN keep_versions integer NOT NULL DEFAULT 0,  -- 0: all
  ADD COLUMN keep_days     integer NOT NULL DEFAULT 0;
GRANT UPDATE (removed, keep_versions, keep_days) ON scheduler.middleware_version TO sot_scheduler;
CREATE OR REPLACE VIEW scheduler.middleware_version_v AS
  SELECT v.name, v.kind, v.version, encode(v.sha256, 'hex') AS sha256, v.size_bytes AS "sizeBytes", v.file_name AS "fileName",
         v.created_at AS "createdAt", v.created_by AS "createdBy", coalesce(v.origin ->> 'commit', '') AS commit,
         coalesce(v.origin ->> 'source', '') AS source, coalesce(v.origin ->> 'signedBy', '') AS "signedBy",
         (SELECT count(*) FROM scheduler.middleware_instance_v i WHERE i.middleware = v.name AND i.version = v.version) AS instances,
         v.removed
  FROM scheduler.middleware_version v;
CREATE OR REPLACE VIEW scheduler.middleware_v AS
  SELECT v.name, min(v.kind) AS kind, count(*) FILTER (WHERE NOT v.removed) AS versions,
         (array_agg(v.version ORDER BY v.removed, v.created_at DESC))[1] AS latest,
         (SELECT count(*) FROM scheduler.app a WHERE a.middleware ~ ('(^|,)' || v.name || '=')) AS apps,
         (SELECT count(*) FROM scheduler.middleware_instance_v i WHERE i.middleware = v.name) AS instances, max(v.created_at) AS "createdAt",
         max(v.keep_versions) AS "keepVersions", max(v.keep_days) AS "keepDays"
  FROM scheduler.middleware_version v GROUP BY v.name;
