-- name: truth_hosts
-- columns: host uuid, generation int8, known_generation int8, leader_epoch int8, clock_unix_ms int8
-- $1 hosts. What the database believes of them: the desired set, and the highest epoch that was ever led or reported.
SELECT h.id AS host, coalesce(p.generation, 0) AS generation, coalesce(r.assignment_generation, 0) AS known_generation,
  greatest((SELECT max(epoch) FROM core.leader WHERE role = 'scheduler'), (SELECT max(epoch) FROM ipam.host_report), 0) AS leader_epoch,
  (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS clock_unix_ms
FROM unnest($1::uuid[]) AS h(id) LEFT JOIN scheduler.host_place_v p ON p.id = h.id LEFT JOIN ipam.host_report r ON r.host = h.id
