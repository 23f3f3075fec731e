#!/bin/bash
# Services read the hosts' keys only when their stamp is another one (deploy/migrations/0078_host_key_stamp.sql): each change that
# scheduler.host_key_v can show gives another one, and what happens all the time gives none. Run by tests/pg.sh.
set -euo pipefail
# shellcheck source=tests/integration/check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
root() { psql -X -qAt -h "$SOT_PG_DIR" -U postgres sotalia -c "$1"; }
stamp() { psql -X -qAt -h "$SOT_PG_DIR" -U "$1" sotalia -c "SELECT scheduler.host_key_stamp()"; }
key() { printf 'k%039d' "$1"; }
another() { # another TEXT SQL: a change, and so another stamp
	local before
	before=$(stamp sot_bridge)
	root "$2" >/dev/null
	check "$1" another "$([ "$before" = "$(stamp sot_bridge)" ] && echo "the same" || echo another)"
}
same() {
	local before
	before=$(stamp sot_bridge)
	root "$2" >/dev/null
	check "$1" "$before" "$(stamp sot_bridge)"
}
host() { # host NUMBER...
	local n out=
	for n in "$@"; do
		out="$out,('00000000-0000-7000-8000-$(printf '%012d' "$n")','h$n','a','r','$(key "$n")','online',1000,1000,1000,now(),now())"
	done
	echo "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, cpu_milli, memory_bytes, disk_bytes, created_at, seen_at) VALUES ${out#,}"
}

for role in sot_scheduler sot_ipam sot_gateway sot_bridge; do
	check "$role may ask" "$(stamp sot_bridge)" "$(stamp $role)"
done
another "hosts are registered" "$(host 1 2 3)"
same "a host is heard of, and more is booked on it" "UPDATE scheduler.host SET seen_at = now(), state = 'suspect', booked_cpu_milli = 5, booked_instances = 1, generation = 7"
same "as the scheduler writes it" "$(host 1) ON CONFLICT (id) DO UPDATE SET state = excluded.state, revoked = excluded.revoked, seen_at = excluded.seen_at"
another "one is revoked" "UPDATE scheduler.host SET revoked = true WHERE name = 'h1'"
another "and not any more" "UPDATE scheduler.host SET revoked = false WHERE name = 'h1'"
another "one is retired" "UPDATE scheduler.host SET state = 'retired' WHERE name = 'h2'"
another "one has another key" "UPDATE scheduler.host SET public_key = '$(key 9)' WHERE name = 'h3'"
another "all of them at once" "UPDATE scheduler.host SET revoked = NOT revoked"
another "a machine has shown a key" "INSERT INTO gateway.host_key (public_key, name, machine_id, state) VALUES ('$(key 9)', 'h3', 'm', 'active')"
another "it is replaced" "UPDATE gateway.host_key SET state = 'replaced', ends_at = now() + interval '1 hour'"
same "its hour goes by" "SELECT 1"
another "its hour is over" "SET session_replication_role = replica; UPDATE gateway.host_key SET ends_at = now() - interval '1 second'" # as time does, with no trigger
another "it is gone" "DELETE FROM gateway.host_key"
another "a host is gone" "DELETE FROM scheduler.host WHERE name = 'h2'"
another "the data are restored" "UPDATE core.platform SET stream = gen_random_uuid()"
same "a change that is taken back" "BEGIN; UPDATE scheduler.host SET revoked = NOT revoked; ROLLBACK"
check "who knows the stamp reads nothing" 0 "$(root "WITH s AS MATERIALIZED (SELECT scheduler.host_key_stamp() AS stamp) SELECT count(*) FROM s CROSS JOIN scheduler.host_key_v k WHERE s.stamp <> '$(stamp sot_bridge)'")"
exit $failed
