-- Retention of packages: a version that is not kept any more leaves its row behind, so that the same name never means other
-- content; the gateway sweeps its bytes.
ALTER TABLE scheduler.app_version ADD COLUMN removed boolean NOT NULL DEFAULT false;
CREATE OR REPLACE VIEW scheduler.app_version_v AS
  SELECT a.name AS app, v.version, encode(v.sha256, 'hex') AS sha256, v.size_bytes AS "sizeBytes", v.file_name AS "fileName",
         v.created_at AS "createdAt", v.created_by AS "createdBy",
         coalesce(v.origin ->> 'commit', '') AS commit, coalesce(v.origin ->> 'source', '') AS source,
         coalesce(v.origin ->> 'signedBy', '') AS "signedBy",
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = v.app_id AND i.version = v.version AND i.desired <> 'retired') AS instances,
         v.removed
  FROM scheduler.app_version v JOIN scheduler.app a ON a.id = v.app_id;
