-- When machines may be maintained: of one host, or of a rack; what is said of the rack stands with each of its hosts.
ALTER TABLE scheduler.host
  ADD COLUMN windows      text NOT NULL DEFAULT '', -- "sat,sun 22:00-04:00;daily 02:00-03:00", UTC
  ADD COLUMN rack_windows text NOT NULL DEFAULT '';

-- As maintenance_is_open of services/scheduler/core/maintenance.c, which decides for drains; this one tells people and playbooks. The cases of
-- maintenance_test.c are those of tests/integration/machines_pg_test.sh, too.
CREATE FUNCTION scheduler.window_is_open(windows text, at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  WITH now AS (SELECT at AT TIME ZONE 'UTC' AS t),
  one AS (SELECT string_to_array(CASE split_part(w, ' ', 1) WHEN 'daily' THEN 'mon,tue,wed,thu,fri,sat,sun' ELSE split_part(w, ' ', 1) END, ',') AS days,
                 split_part(split_part(w, ' ', 2), '-', 1) AS begins, split_part(split_part(w, ' ', 2), '-', 2) AS ends
          FROM unnest(string_to_array(windows, ';')) AS w)
  SELECT windows = '' OR EXISTS (
    SELECT FROM one, now,
      LATERAL (SELECT to_char(t, 'HH24:MI') COLLATE "C" AS minute, lower(to_char(t, 'Dy')) AS today, lower(to_char(t - interval '1 day', 'Dy')) AS yesterday) n
    WHERE (today = ANY (days) AND minute >= begins COLLATE "C" AND (ends COLLATE "C" <= begins OR minute < ends))
       OR (yesterday = ANY (days) AND ends COLLATE "C" <= begins AND minute < ends))
$$;

CREATE OR REPLACE VIEW scheduler.host_v AS
  SELECT h.id, h.name, h.az, h.rack, h.tags, h.state, h.schedulable, h.hostname, h.kernel, h.docker_version AS "dockerVersion",
         h.agent_version AS "agentVersion", h.boot_id AS "bootId", h.generation, h.unknown_containers AS "unknownContainers",
         json_build_object('cpuMilli', h.cpu_milli, 'memoryBytes', h.memory_bytes, 'diskBytes', h.disk_bytes) AS capacity,
         json_build_object('cpuMilli', h.booked_cpu_milli, 'memoryBytes', h.booked_memory_bytes, 'diskBytes', h.booked_disk_bytes) AS booked,
         (SELECT count(*) FROM scheduler.instance i WHERE i.host_id = h.id AND i.state <> 'retired') AS instances,
         h.created_at AS "createdAt", h.seen_at AS "seenAt", h.class, h.repels,
         json_build_object('cpuMilli', greatest(h.cpu_milli - h.reserve_cpu_milli, 0)::bigint * h.cpu_overcommit_permille / 1000,
                           'memoryBytes', trunc(greatest(h.memory_bytes - h.reserve_memory_bytes, 0)::numeric * h.memory_overcommit_permille / 1000),
                           'diskBytes', trunc(greatest(h.disk_bytes - h.reserve_disk_bytes, 0)::numeric * h.disk_overcommit_permille / 1000)) AS bookable,
         h.duty, h.reason, host(h.address) AS address, h.lost_by AS "lostBy", h.lost_at AS "lostAt",
         (SELECT coalesce(json_agg(json_build_object('instance', d.name, 'app', d.app, 'desired', d.desired, 'createdAt', d.created_at)
                                   ORDER BY d.name), '[]'::json) FROM scheduler.departure d WHERE d.host_id = h.id) AS departures,
         coalesce(string_to_array(nullif(h.windows, ''), ';'), '{}') AS windows, coalesce(string_to_array(nullif(h.rack_windows, ''), ';'), '{}') AS "rackWindows",
         scheduler.window_is_open(coalesce(nullif(h.windows, ''), h.rack_windows), now()) AS "windowOpen"
  FROM scheduler.host h;
GRANT EXECUTE ON FUNCTION scheduler.window_is_open(text, timestamptz) TO sot_gateway, sot_bridge;
