"""A full cell in the database of a laboratory: 10,000 hosts and 100,000 instances beside the real ones. For tests of who reads:
the scheduler, which has not made them and reads its rows only when it begins, does not know them."""

import lab

ZONES, RACKS = 3, 84  # racks of a zone
HOST_ID = "('00000000-0000-7000-8000-0000' || lpad(to_hex({}), 8, '0'))::uuid"


class Crowd:
    def __init__(self, hosts=10000, apps=2000, each=50):
        self.hosts, self.apps, self.each = hosts, apps, each

    def __enter__(self):
        self.leave()
        lab.sql(f"""INSERT INTO scheduler.host (id, name, az, rack, public_key, state, hostname, kernel, docker_version, agent_version, cpu_milli, memory_bytes,
              disk_bytes, schedulable, created_at, seen_at)
            SELECT {HOST_ID.format("k")}, 'crowd-' || lpad(k::text, 5, '0'), 'crowd' || k % {ZONES} + 1, 'r' || lpad((k / {ZONES} % {RACKS} + 1)::text, 2, '0'),
              md5('host' || k) || '12345678', CASE WHEN k % 997 = 0 THEN 'agent_lost' WHEN k % 499 = 0 THEN 'maintenance' ELSE 'online' END,
              'crowd-' || k || '.example', '6.1.0-40-amd64', '24.0.7', CASE WHEN k % 251 = 0 THEN '0.0.9' ELSE '0.1.0' END, 64000, 274877906944,
              4398046511104, k % 333 <> 0, now(), now() FROM generate_series(1, {self.hosts}) k""")
        lab.sql(f"""INSERT INTO scheduler.app (id, name, image, plan, vlan, health, version, created_at, updated_at)
            SELECT md5('crowd-app' || k)::uuid, 'crowd' || k, 'redis', 'tiny', 'default', '{{"kind":"none","port":0,"path":"","intervalMs":1000,"timeoutMs":500,"healthyAfter":1,"unhealthyAfter":1,"startPeriodMs":0}}',
              '1.0', now(), now() FROM generate_series(1, {self.apps}) k""")
        lab.sql(f"""INSERT INTO scheduler.instance_group (id, app_id, name, next_number)
            SELECT md5('crowd-group' || k)::uuid, md5('crowd-app' || k)::uuid, 'default', {self.each + 1} FROM generate_series(1, {self.apps}) k""")
        lab.sql(f"""INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, desired, host_id, address, prefix, gateway, vlan_id, mac,
              address_generation, cpu_milli, memory_bytes, disk_bytes, image, version, observed_version, observed_generation, container_id, started_at, observed_at, created_at,
              updated_at, vlan, plan, net_settings)
            SELECT md5('crowd-instance' || k)::uuid, md5('crowd-app' || a)::uuid, md5('crowd-group' || a)::uuid, n, 'crowd' || a || '-default-' || lpad(n::text, 2, '0'),
              CASE WHEN k % 1999 = 0 THEN 'failed' ELSE 'running' END, CASE WHEN k % 1999 = 0 THEN 'unhealthy' ELSE 'healthy' END, 'running',
              {HOST_ID.format(f"k * 7 % {self.hosts} + 1")}, '10.128.0.0'::inet + k, 11, '10.128.0.1', 7, '02:00:00:00:00:01', 1, 500, 1073741824, 1073741824, 'redis:1', '1.0', '1.0',
              1, md5('c' || k) || md5('d' || k), now(), now(), now(), now(), 'default', 'tiny', (SELECT coalesce(max(net_settings), 0) FROM scheduler.instance)
            FROM (SELECT k, (k - 1) / {self.each} + 1 AS a, (k - 1) % {self.each} + 1 AS n FROM generate_series(1, {self.apps * self.each}) k) s""")
        lab.sql("""UPDATE scheduler.host h SET booked_cpu_milli = s.cpu * (1 + abs(hashtext(h.name)) % 9), booked_memory_bytes = s.memory * (1 + abs(hashtext(h.rack || h.name)) % 24),
              booked_disk_bytes = s.disk * 40, booked_instances = s.n
            FROM (SELECT host_id, sum(cpu_milli) AS cpu, sum(memory_bytes) AS memory, sum(disk_bytes) AS disk, count(*) AS n FROM scheduler.instance
              WHERE state <> 'retired' AND name LIKE 'crowd%' GROUP BY host_id) s WHERE s.host_id = h.id""")
        lab.sql("""INSERT INTO ipam.address (address, subnet, state, owner, host, mac) SELECT i.address, (SELECT id FROM ipam.subnet LIMIT 1), 'bound', i.id, i.host_id, i.mac
            FROM scheduler.instance i WHERE i.name LIKE 'crowd%' AND i.state <> 'retired'""")
        lab.sql("VACUUM ANALYZE")
        return self

    def __exit__(self, *_):
        self.leave()

    @staticmethod
    def leave():
        lab.sql("DELETE FROM ipam.address WHERE address >= '10.128.0.0' AND address < '10.160.0.0'")
        lab.sql("DELETE FROM scheduler.instance WHERE name LIKE 'crowd%'")
        lab.sql("DELETE FROM scheduler.instance_group WHERE app_id IN (SELECT id FROM scheduler.app WHERE name LIKE 'crowd%')")
        lab.sql("DELETE FROM scheduler.app WHERE name LIKE 'crowd%'")
        lab.sql("DELETE FROM scheduler.host WHERE az LIKE 'crowd%'")
