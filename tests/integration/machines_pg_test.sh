#!/bin/bash
# Machines on their way into service, in the database (deploy/migrations/0044_machines.sql, 0056_machine_runs.sql), as the gateway asks of it.
# Run by tests/pg.sh.
# shellcheck disable=SC2088 # a tilde in front says: contained
set -euo pipefail
# shellcheck source=tests/integration/check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
sql() { psql -X -qAt -h "$SOT_PG_DIR" -U sot_gateway sotalia -c "$1"; }
root() { psql -X -qAt -h "$SOT_PG_DIR" -U sot_migrator sotalia -c "$1"; }
rows() { # rows FIRST LAST
	local i out=
	for ((i = $1; i <= $2; i++)); do
		out="$out,{\"line\":$((i + 1)),\"name\":\"m$i-x\",\"address\":\"10.1.$((i / 200)).$((i % 200 + 1))\",\"port\":22,\"user\":\"root\",\"az\":\"a$((i % 2))\",\"rack\":\"r$((i % 2))\",\"labels\":[\"ssd\"],\"oob\":\"\"}"
	done
	printf '[%s]' "${out#,}"
}
import() { sql "SELECT gateway.machine_import('user:li', '127.0.0.1', 'q', $1, '$2')"; }
key() { printf 'k%039d' "$1"; }
enrol() { sql "SELECT gateway.enrol('10.0.0.1', 'q', '$1', '$(key "$2")', '$3')"; }
state() { sql "SELECT state FROM gateway.machine_v WHERE name = '$1'"; }

all=$(rows 1 1000)
check "a dry run changes nothing" '{"changed": 0, "imported": 1000, "operation": null, "unchanged": 0}' "$(import true "$all")"
check "nothing is there" 0 "$(sql "SELECT count(*) FROM gateway.machine_v")"
check "a thousand machines come in by one call" '~"imported": 1000' "$(import false "$all")"
check "each is an operation with three steps, part of one" "1000 3000" "$(sql "SELECT (SELECT count(*) FROM scheduler.operation_v WHERE kind = 'host.install' AND parent IS NOT NULL) || ' ' || (SELECT count(*) FROM scheduler.operation_step_v)")"
check "again, nothing is new" '{"changed": 0, "imported": 0, "operation": null, "unchanged": 1000}' "$(import false "$all")"
other='[{"line":7,"name":"m1-x","address":"10.9.9.9","port":22,"user":"root","az":"a1","rack":"r1","labels":[],"oob":""},{"line":8,"name":"new","address":"10.1.0.3","port":22,"user":"root","az":"a9","rack":"r0","labels":[],"oob":""}]'
answer=$(import false "$other")
check "another address of a known name is told by line" '~/lines/7/name' "$answer"
check "an address of another machine is told by line" '~address 10.1.0.3 belongs to machine m2-x' "$answer"
check "a rack of another zone is told by line" '~rack r0 is in zone a0' "$answer"
key1="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
line='{"line":2,"name":"m9-x","address":"10.1.0.10","port":2222,"user":"ops","az":"a1","rack":"r1","labels":["ssd","big"],"oob":"ipmi://10.9.9.9","sshKey":"'$key1'"}'
check "a dry run tells what would change" '{"changed": 1, "imported": 0, "operation": null, "unchanged": 0}' "$(import true "[$line]")"
check "what a line says now of a known machine is taken" '{"changed": 1, "imported": 0, "operation": null, "unchanged": 0}' "$(import false "[$line]")"
check "port, account, labels, power switch, ssh key" "2222 ops {ssd,big} ipmi://10.9.9.9 $key1" "$(sql "SELECT concat_ws(' ', \"sshPort\", \"sshUser\", labels, oob, \"sshKey\") FROM gateway.machine_v WHERE name = 'm9-x'")"
check "a line without an ssh key keeps it" "$key1" "$(import false "[${line/$key1/}]" >/dev/null; sql "SELECT \"sshKey\" FROM gateway.machine_v WHERE name = 'm9-x'")"
check "and nothing of that file is imported" 1000 "$(sql "SELECT count(*) FROM gateway.machine_v")"

claim() { sql "SELECT gateway.machine_claim('token:runner', 'runner-1', ARRAY[$1]::text[], $2, 60)"; }
answer=$(claim "'m1-x','m2-x','m3-x'" 10)
run=$(jq -r .run <<<"$answer")
token1=$(jq -r '.machines[] | select(.name == "m1-x").enrolToken' <<<"$answer")
token2=$(jq -r '.machines[] | select(.name == "m2-x").enrolToken' <<<"$answer")
check "three were asked for, three are given" 3 "$(jq '.machines | length' <<<"$answer")"
check "nobody else gets them" '{"run": null, "machines": []}' "$(claim "'m1-x'" 10)"
tell() { sql "SELECT gateway.machine_tell('$run', 60, '[$1]')"; }
check "a line is new once" "1 0" "$(tell '{"counter":1,"machine":"m1-x","status":"changed","task":"packages"}') $(tell '{"counter":1,"machine":"m1-x","status":"changed","task":"packages"}')"
check "a line about a machine of nobody's run is none" 0 "$(tell '{"counter":2,"machine":"m9-x","status":"ok","task":"x"}')"
tell '{"counter":3,"machine":"m1-x","status":"ok","task":"look","phase":"preflight"}' >/dev/null
check "a preflight is a state" preflight "$(state m1-x)"
tell '{"counter":4,"machine":"m3-x","status":"failed","task":"disk","text":"no space left"}' >/dev/null
check "a failed task fails its machine alone" "failed preflight installing" "$(state m3-x) $(state m1-x) $(state m2-x)"
check "and says why" "disk: no space left" "$(sql "SELECT error FROM gateway.machine_v WHERE name = 'm3-x'")"
check "its operation has failed at the step" "failed cancelled cancelled" "$(sql "SELECT string_agg(s.state, ' ' ORDER BY ordinal) FROM scheduler.operation_step_v s JOIN gateway.machine_v m ON m.operation = s.operation_id WHERE m.name = 'm3-x'")"

m1=11111111111111111111111111111111 m2=22222222222222222222222222222222
check "a token and a key register a machine" '~"state": "active"' "$(enrol "$token1" 1 $m1)"
check "the same again is answered again" '~"name": "m1-x"' "$(enrol "$token1" 1 $m1)"
check "another key with that token is refused" '~good for one machine' "$(enrol "$token1" 2 $m1)"
check "an unknown token is refused" '~unknown or too old' "$(enrol "${token1//[0-9]/0}" 3 $m1)"
check "a key of another machine is refused" '~was its disk cloned' "$(enrol "$token2" 1 $m2)"
check "a machine-id of another machine is refused" '~this /etc/machine-id is that of machine m1-x' "$(enrol "$token2" 4 $m1)"
check "refusals are in the audit" 3 "$(sql "SELECT count(*) FROM gateway.audit_v WHERE action = 'host.enrol' AND result = 'refused'")"
by_hand=$(sql "SELECT gateway.enrolment_add('user:li', '', '', 'm2-x', 15, true)->>'token'")
check "by hand, a key waits" '~"state": "pending"' "$(enrol "$by_hand" 5 $m2)"
decide() { sql "SELECT gateway.host_key_decide('user:li', '', '', '$1', '$2', 'because')"; }
check "and is approved" '~"keys": 1' "$(decide m2-x approve)"
check "then it is good" '~"state": "active"' "$(enrol "$by_hand" 5 $m2)"

root "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'm1-x', 'a1', 'r1', '$(key 1)', 'online', now())"
keys() { sql "SELECT string_agg(public_key || ' ' || denied, ',' ORDER BY public_key) FROM scheduler.host_key_v"; }
check "an enrolled key is its host's" "$(key 1) false" "$(keys)"
again=$(sql "SELECT gateway.enrolment_add('user:li', '', '', 'm1-x', 15, false)->>'token'")
check "a new key of a host is registered under the one it has" "~\"publicKey\": \"$(key 1)\"" "$(enrol "$again" 6 $m1)"
check "both are good for a while" "$(key 1) false,$(key 6) false" "$(keys)"
root "UPDATE gateway.host_key SET ends_at = now() - interval '1 s' WHERE state = 'replaced'"
check "then only the new one" "$(key 1) true,$(key 6) false" "$(keys)"
decide m1-x revoke >/dev/null
check "a revoked host has no key" "$(key 1) true,$(key 6) true" "$(keys)"

check "a machine is online when its agent is, not when the playbook says so" '{"failed": 2, "online": 1}' "$(sql "SELECT gateway.machine_run_end('$run', '')")"
check "so it is" "online failed failed" "$(state m1-x) $(state m2-x) $(state m3-x)"
check "a run ends once" "" "$(sql "SELECT gateway.machine_run_end('$run', '')")"
check "only what failed is tried again" '~"retried": 2' "$(sql "SELECT gateway.machine_retry('user:li', '', '', '{}')")"
check "as a new operation that goes on with the old" "2 registered registered online" "$(sql "SELECT count(*) FROM scheduler.operation_v WHERE \"retryOf\" IS NOT NULL") $(state m2-x) $(state m3-x) $(state m1-x)"
check "a machine that has not failed is none to retry" '~not so: m1-x' "$(sql "SELECT gateway.machine_retry('user:li', '', '', ARRAY['m1-x'])")"
check "the bulk operation of the retry" "bulk.host.install running" "$(sql "SELECT kind || ' ' || state FROM scheduler.operation_v WHERE kind LIKE 'bulk%' ORDER BY id DESC LIMIT 1")"
run=$(claim "'m2-x'" 10 | jq -r .run)
root "UPDATE gateway.machine_run SET alive_until = now() - interval '1 s' WHERE id = '$run'"
check "a runner that is gone is noticed without another one" "1 failed" "$(sql "SELECT gateway.machine_sweep()") $(state m2-x)"
check "once" 0 "$(sql "SELECT gateway.machine_sweep()")"
check "a runner that is gone has failed" '~was not heard of any more' "$(sql "SELECT error FROM gateway.machine_v WHERE name = 'm2-x'")"
check "lines of a first attempt stay" '~no space left' "$(sql "SELECT string_agg(text, ' ') FROM gateway.machine_line_v WHERE machine = 'm3-x' AND attempt = 1")"
# Two operators ask for the same at once: the second one waits for the first, and finds nothing that failed.
for i in 1 2 3 4 5 6 7 8; do
	sql "SELECT gateway.machine_retry('user:li', '', '', '{}')" >"$SOT_PG_DIR/retry.$i" &
done
wait
check "of eight retries at once, one is taken" "1 7" "$(cat "$SOT_PG_DIR"/retry.* | grep -c '"retried": 1') $(cat "$SOT_PG_DIR"/retry.* | grep -c 'no machine has failed')"

# ---- the ssh key, and an operator's own Ansible ----
run=$(claim "'m2-x'" 10 | jq -r .run)
keys() { sql "SELECT gateway.machine_ssh_keys('$1', '[{\"machine\":\"$2\",\"key\":\"$3\"}]')"; }
check "the first ssh key of a machine is kept" '{"kept": 1, "refused": []}' "$(keys "$run" m2-x "$key1")"
check "the same one again says nothing" '{"kept": 0, "refused": []}' "$(keys "$run" m2-x "$key1")"
check "another one later is refused" '{"kept": 0, "refused": ["m2-x"]}' "$(keys "$run" m2-x "${key1/AAAAC3/AAAAC4}")"
check "and its machine has failed" failed "$(state m2-x)"
check "it says what to do" "~--new-ssh-key" "$(sql "SELECT error FROM gateway.machine_v WHERE name = 'm2-x'")"
own() { sql "SELECT gateway.machine_claim('user:li', 'laptop', ARRAY[$1]::text[], 50, 60, true)"; }
check "an own Ansible that names nothing gets nothing" '{"run": null, "machines": []}' "$(own "")"
answer=$(own "'m1-x','m2-x'")
run=$(jq -r .run <<<"$answer")
check "it gets what it names, without tokens" "m1-x,m2-x null" "$(jq -r '[.machines[].name] | sort | join(",")' <<<"$answer") $(jq -r '.machines[0].enrolToken' <<<"$answer")"
check "one that failed begins anew, one on line stays it" "online installing" "$(state m1-x) $(state m2-x)"
tell '{"counter":1,"machine":"m1-x","status":"failed","task":"a task","text":"no"}' >/dev/null
check "a failed task of one on line is a line, no more" "online 1" "$(state m1-x) $(sql "SELECT count(*) FROM gateway.machine_line_v WHERE machine = 'm1-x' AND task = 'a task'")"
sql "SELECT gateway.machine_run_end('$run', '')" >/dev/null
check "its end judges only what was under way" "online failed" "$(state m1-x) $(state m2-x)"
check "a new ssh key is taken when it is said" '' "$(sql "SELECT gateway.machine_retry('user:li', '', '', ARRAY['m2-x'], true)" >/dev/null; sql "SELECT \"sshKey\" FROM gateway.machine_v WHERE name = 'm2-x'")"
check "zone, rack and labels of a host are told by line" '~/lines/2/labels' "$(import true '[{"line":2,"name":"m1-x","address":"10.1.0.2","port":22,"user":"root","az":"a1","rack":"r1","labels":["hdd"],"oob":""}]')"
check "the gateway cannot write past the functions" '~permission denied' "$(sql "DELETE FROM gateway.machine_line" 2>&1 || true)"
# What people and playbooks are told of a window is what the scheduler decides by: the cases of services/scheduler/core/maintenance_test.c.
while IFS='|' read -r windows at expected; do
	check "window '$windows' at $at" "$expected" "$(sql "SELECT scheduler.window_is_open('$windows', '$at UTC')")"
done <<'CASES'
|2026-01-05 00:00|t
mon 02:00-04:00|2026-01-05 01:59:59.999|f
mon 02:00-04:00|2026-01-05 02:00|t
mon 02:00-04:00|2026-01-05 03:59:59.999|t
mon 02:00-04:00|2026-01-05 04:00|f
mon 02:00-04:00|2026-01-06 02:00|f
mon 02:00-04:00|2026-01-12 02:00|t
tue 01:00-02:00;daily 23:00-24:00|2026-01-05 23:00|t
sun 22:00-04:00|2026-01-05 03:00|t
sun 22:00-04:00|2026-01-05 23:00|f
mon 22:00-04:00|2026-01-05 03:00|f
mon 22:00-04:00|2026-01-06 03:00|t
CASES
exit "$failed"
