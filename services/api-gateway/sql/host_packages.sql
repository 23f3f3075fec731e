-- name: host_packages
-- columns: item text
-- $1: what the host's agent saw (look_packages.h), a JSON object; each package is told as what it was uploaded.
-- A digest may be several versions, whose bytes are the same.
WITH seen AS (SELECT p, p ->> 'sha256' AS sha256 FROM jsonb_array_elements($1::jsonb -> 'packages') p),
known AS (
  SELECT v.sha256, 'app' AS kind, v.app AS name, v.version FROM scheduler.app_version_v v WHERE v.sha256 IN (SELECT s.sha256 FROM seen s)
  UNION ALL
  SELECT v.sha256, 'middleware', v.name, v.version FROM scheduler.middleware_version_v v WHERE v.sha256 IN (SELECT s.sha256 FROM seen s)),
named AS (
  SELECT k.sha256, jsonb_agg(jsonb_build_object('kind', k.kind, 'name', k.name, 'version', k.version) ORDER BY k.kind, k.name, k.version) AS versions
  FROM known k GROUP BY k.sha256)
SELECT jsonb_build_object(
    'items', coalesce((SELECT jsonb_agg(s.p || jsonb_build_object('versions', coalesce(n.versions, '[]')) ORDER BY s.p -> 'sizeBytes' DESC, s.sha256)
                       FROM seen s LEFT JOIN named n ON n.sha256 = s.sha256), '[]'),
    'total', $1::jsonb -> 'packagesTotal', 'cleanup', $1::jsonb -> 'cleanup')::text AS item
