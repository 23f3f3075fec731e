-- name: import_vrfs_need
-- columns: none
INSERT INTO ipam.vrf (number, name)
SELECT (SELECT max(number) FROM ipam.vrf) + row_number() OVER (ORDER BY name), name
FROM (SELECT DISTINCT unnest($1::text[]) AS name) AS wanted
WHERE NOT EXISTS (SELECT FROM ipam.vrf r WHERE r.name = wanted.name)
