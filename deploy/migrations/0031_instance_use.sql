-- When an instance was used last: what the report of idle ones goes by. A row is written a few times a day, and when an idle one wakes.
CREATE TABLE scheduler.instance_use (
  instance_id uuid PRIMARY KEY REFERENCES scheduler.instance (id) ON DELETE CASCADE,
  used_at     timestamptz NOT NULL,
  reported_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.instance_use TO sot_scheduler;

-- Of instances that run and whose agents tell of them: silence is no idleness.
CREATE VIEW scheduler.idle_v AS
  SELECT i.id, i.name AS instance, a.name AS app, a.team, h.name AS host, i.plan, u.used_at AS "usedAt", u.reported_at AS "reportedAt",
         floor(extract(epoch FROM clock_timestamp() - u.used_at) / 86400)::int AS "idleDays",
         json_build_object('cpuMilli', i.cpu_milli, 'memoryBytes', i.memory_bytes, 'diskBytes', i.disk_bytes) AS booked
  FROM scheduler.instance_use u JOIN scheduler.instance i ON i.id = u.instance_id JOIN scheduler.app a ON a.id = i.app_id
    LEFT JOIN scheduler.host h ON h.id = i.host_id
  WHERE i.state = 'running' AND u.reported_at > clock_timestamp() - interval '1 day';
GRANT SELECT ON scheduler.idle_v TO sot_gateway;
