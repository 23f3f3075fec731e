-- When the database was last backed up, and how old the newest change in its archive of WAL is: for alarms. Whoever takes a backup says so
-- afterwards, as the database's administrator: SELECT core.backed_up('archive').
CREATE TABLE core.backup (
  kind        text PRIMARY KEY CHECK (length(kind) BETWEEN 1 AND 63),
  finished_at timestamptz NOT NULL
);
CREATE FUNCTION core.backed_up(p_kind text) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO core.backup (kind, finished_at) VALUES (p_kind, clock_timestamp())
  ON CONFLICT (kind) DO UPDATE SET finished_at = excluded.finished_at
$$;
REVOKE ALL ON FUNCTION core.backed_up(text) FROM PUBLIC;
-- A primary that archived nothing so far counts from its start; one that is to archive nothing has no age. The schedulers renew their lease
-- all the time and archive_timeout ends a segment, so that an archive that works is never much older than that.
CREATE VIEW core.backup_v AS
SELECT CASE WHEN current_setting('archive_mode') = 'off' THEN 0
            ELSE extract(epoch FROM clock_timestamp() - greatest(a.last_archived_time, pg_postmaster_start_time()))::bigint END AS archive_age_s,
       extract(epoch FROM clock_timestamp() - coalesce((SELECT max(finished_at) FROM core.backup), pg_postmaster_start_time()))::bigint AS backup_age_s
FROM pg_stat_archiver a;
GRANT SELECT ON core.backup_v TO sot_bridge;
