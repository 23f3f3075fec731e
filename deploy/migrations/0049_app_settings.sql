-- Settings of an app: labels (0040 made the column), when middleware may be rolled over it by others, which versions of
-- its packages are kept; and what it had before, where "back" goes to.
ALTER TABLE scheduler.app
  ADD COLUMN windows           text    NOT NULL DEFAULT '', -- "sat,sun 22:00-04:00;daily 02:00-03:00", UTC
  ADD COLUMN opt_outs          text    NOT NULL DEFAULT '', -- "tomcat,jdk"; "*": all
  ADD COLUMN middleware_before text    NOT NULL DEFAULT '', -- a set as of `middleware`
  ADD COLUMN version_before    text    NOT NULL DEFAULT '',
  ADD COLUMN keep_versions     integer NOT NULL DEFAULT 0,  -- 0: all
  ADD COLUMN keep_days         integer NOT NULL DEFAULT 0;

CREATE FUNCTION scheduler.labels_text(labels jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(string_agg(key || '=' || value, ',' ORDER BY key COLLATE "C"), '') FROM jsonb_each_text(labels)
$$;
CREATE FUNCTION scheduler.labels_json(labels text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(split_part(one, '=', 1), split_part(one, '=', 2)), '{}') FROM unnest(string_to_array(nullif(labels, ''), ',')) AS one
$$;

CREATE VIEW scheduler.app_settings_v AS
  SELECT a.name AS app, a.id, a.labels, coalesce(string_to_array(nullif(a.windows, ''), ';'), '{}') AS windows,
         coalesce(string_to_array(nullif(a.opt_outs, ''), ','), '{}') AS "optOuts", a.keep_versions AS "keepVersions", a.keep_days AS "keepDays",
         a.version_before AS "versionBefore"
  FROM scheduler.app a;

-- The board of the middleware team: every app that has the package, or an instance of which has it.
CREATE FUNCTION scheduler.middleware_in(middleware text, package text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((SELECT split_part(one, '=', 2) FROM unnest(string_to_array(middleware, ',')) AS one WHERE split_part(one, '=', 1) = package), '')
$$;
CREATE VIEW scheduler.middleware_app_v AS
  SELECT m.name AS middleware, a.name AS app, coalesce(a.team, '') AS team, a.image, a.labels, scheduler.middleware_in(a.middleware, m.name) AS version,
         scheduler.middleware_in(a.middleware_before, m.name) AS before, coalesce(i.counts, '{}') AS "instancesByVersion", coalesce(i.total, 0) AS instances,
         coalesce(i.healthy, 0) AS healthy, coalesce(string_to_array(nullif(a.windows, ''), ';'), '{}') AS windows,
         m.name = ANY (string_to_array(a.opt_outs, ',')) OR '*' = ANY (string_to_array(a.opt_outs, ',')) AS "optedOut"
  FROM (SELECT DISTINCT name FROM scheduler.middleware_version) m CROSS JOIN scheduler.app a
       LEFT JOIN LATERAL (SELECT jsonb_object_agg(v.version, v.n) AS counts, sum(v.n) AS total, sum(v.healthy) AS healthy
         FROM (SELECT b.version, count(*) AS n, count(*) FILTER (WHERE b.state = 'running' AND b.health = 'healthy') AS healthy
               FROM scheduler.middleware_instance_v b WHERE b.app = a.name AND b.middleware = m.name GROUP BY b.version) v) i ON true
  WHERE scheduler.middleware_in(a.middleware, m.name) <> '' OR i.total > 0;
GRANT SELECT ON scheduler.app_settings_v, scheduler.middleware_app_v TO sot_gateway;
