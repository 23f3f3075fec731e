-- name: platform
-- columns: agents_alive bigint, agents_lost bigint, hosts bigint, cpu_booked bigint, cpu_bookable bigint, memory_booked bigint, memory_bookable bigint, instances bigint, instances_running bigint, instances_bad bigint, operations_open bigint, scheduler_leads bigint, scheduler_epoch bigint, archive_age_s bigint, backup_age_s bigint
SELECT h.agents_alive, h.agents_lost, h.hosts, h.cpu_booked, h.cpu_bookable, h.memory_booked, h.memory_bookable,
  i.instances, i.instances_running, i.instances_bad, o.operations_open, l.scheduler_leads, l.scheduler_epoch, b.archive_age_s, b.backup_age_s
FROM (SELECT count(*) FILTER (WHERE state IN ('online', 'docker_sick', 'draining', 'maintenance')) AS agents_alive,
             count(*) FILTER (WHERE state IN ('agent_lost', 'host_lost')) AS agents_lost, count(*) AS hosts,
             coalesce(sum((booked->>'cpuMilli')::numeric), 0)::bigint AS cpu_booked,
             coalesce(sum((bookable->>'cpuMilli')::numeric), 0)::bigint AS cpu_bookable,
             coalesce(sum((booked->>'memoryBytes')::numeric), 0)::bigint AS memory_booked,
             coalesce(sum((bookable->>'memoryBytes')::numeric), 0)::bigint AS memory_bookable
      FROM scheduler.host_v WHERE state <> 'retired') h,
     (SELECT count(*) AS instances, count(*) FILTER (WHERE state = 'running' AND health <> 'unhealthy') AS instances_running,
             count(*) FILTER (WHERE state = 'failed' OR health = 'unhealthy') AS instances_bad
      FROM scheduler.instance_v WHERE state <> 'retired') i,
     (SELECT count(*) AS operations_open FROM scheduler.operation_v WHERE state IN ('queued', 'running')) o,
     (SELECT count(*) FILTER (WHERE lease_until > clock_timestamp()) AS scheduler_leads, coalesce(max(epoch), 0) AS scheduler_epoch
      FROM core.leader WHERE role = 'scheduler') l,
     core.backup_v b
