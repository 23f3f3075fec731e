#!/usr/bin/env bash
# The checks of tests/machines/run: all of them, or `up` (only what they begin with, then it waits), or `do FUNCTION`.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

wrong_lines_are_named() {
  local out
  printf 'name,address,az,rack\nnode-1,10.77.0.11,a,a-1\nnode-1,10.77.0.300,b,a-1\n' >"$SOT_VAR/wrong.csv"
  out=$(cli host import "$SOT_VAR/wrong.csv" 2>&1) && return 1
  echo "$out"
  grep -q 'line 3, column name: ' <<<"$out" && grep -q 'line 3, column address: ' <<<"$out" && grep -q 'line 3, column rack: ' <<<"$out" && [ "$(cli machine list -o json | jq .total)" = 0 ]
}
# What makes node-2 fail half-way: its Docker Engine may not start.
plant_fault() { inside node-2 sh -c 'systemctl mask docker.service' && echo planted; }
mend_fault() { inside node-2 sh -c 'systemctl unmask docker.service'; }
import_with_one_failure() {
  cli host import "$SOT_VAR/machines.csv" | tee "$SOT_VAR/import.out"
  # The log of a machine can be followed while the playbook runs.
  cli machine log node-1 --follow >"$SOT_VAR/node-1.live" 2>&1 &
  echo $! >"$SOT_VAR/node-1.follower"
  settled 900 && states_are 'node-1 online, node-2 failed, node-3 online'
}
# settled SECONDS: no machine is under way any more
settled() { wait_until "$1" "the end of the run" none_under_way; }
none_under_way() { [ "$(cli machine list -o json | jq '[.items[] | select(.state != "online" and .state != "failed")] | length')" = 0 ]; }
states_are() { [ "$(cli machine list -o json | jq -r '[.items[] | "\(.name) \(.state)"] | join(", ")')" = "$1" ]; }
the_failure_says_why() {
  cli machine show node-2
  cli machine show node-2 -o json | jq -r .error | grep -qi 'docker' && [ "$(cli operation list --parent=any --kind=host.install -o json | jq '[.items[] | select(.state == "failed")] | length')" = 1 ]
}
follower_has_ended() { ! kill -0 "$(cat "$SOT_VAR/node-1.follower")" 2>/dev/null; }
the_log_was_live_and_whole() { # who follows ends by itself when the machine is on line
  local lines
  wait_until 30 "the end of who follows" follower_has_ended || return 1
  lines=$(grep -c . "$SOT_VAR/node-1.live")
  echo "$lines lines followed"
  head -n 5 "$SOT_VAR/node-1.live"
  [ "$lines" -gt 20 ] && cli machine log node-1 | diff - "$SOT_VAR/node-1.live"
}
keys_are_kept() {
  local name
  for name in node-1 node-3; do
    [ "$(cli machine show "$name" -o json | jq -r .sshKey)" = "$(inside "$name" cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub </dev/null)" ] || return 1
  done
}
# Somebody else answers at the address of node-2.
another_key_is_refused() {
  inside node-2 sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh' </dev/null
  ssh-keygen -q -R 10.77.0.12 -f "$SOT_VAR/ssh/known"
  cli host retry node-2
  settled 300 && states_are 'node-1 online, node-2 failed, node-3 online' || return 1
  cli machine show node-2 -o json | jq -r .error | tee /dev/stderr | grep -q 'its ssh key is not the one that is kept of it'
}
retry_alone() {
  local before
  before=$(cli machine show node-1 -o json | jq .attempt)
  mend_fault
  cli host retry node-2 --new-ssh-key
  settled 600 && states_are 'node-1 online, node-2 online, node-3 online' && [ "$(cli machine show node-1 -o json | jq .attempt)" = "$before" ] && [ "$(cli machine show node-2 -o json | jq .attempt)" = 3 ] && cli host list
}
# An operator's own Ansible, which streams its lines as the runner's does.
second_run() {
  local before lines
  before=$(cli machine show node-1 -o json | jq .lines)
  SOTALIA_URL=https://10.77.0.10:7443 SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt \
    ANSIBLE_CALLBACKS_ENABLED=sotalia.cloud.stream changes_nothing play hosts "$SOT_VAR/sotalia.yml" "$SOT_VAR/hosts-vars.yml" "$@" || return 1
  lines=$(cli machine show node-1 -o json | jq .lines)
  echo "$((lines - before)) lines of node-1 were streamed"
  [ $((lines - before)) -gt 20 ] && states_are 'node-1 online, node-2 online, node-3 online'
}
enrol_refused() { # enrol_refused FOLDER WORDS: node-3 enrols with what lies in FOLDER, and is told WORDS
  local out token
  token=$(cli host enrolment node-3 -o json | jq -r .token)
  inside node-3 sh -c "umask 077; cat >$1/token" <<<"$token"
  out=$(inside node-3 sotalia-hostagent --enrol=https://10.77.0.10:7443 --token="$1/token" --ca=/etc/sotalia/ca.crt --config=/etc/sotalia/hostagent.conf --state_dir="$1" --keys_dir="$1/keys" 2>&1) && return 1
  echo "$out"
  grep -q "$2" <<<"$out"
}
clone_is_refused() { # the disk of node-1 in node-3: its key, then its machine-id alone
  local id file
  inside node-3 mkdir -p /tmp/clone /tmp/other
  for file in agent.key agent.key_secret; do inside node-1 cat "/var/lib/sotalia/$file" | inside node-3 sh -c "umask 077; cat >/tmp/clone/$file"; done
  enrol_refused /tmp/clone 'this key belongs to machine node-1: was its disk cloned' || return 1
  id=$(inside node-3 cat /etc/machine-id)
  inside node-1 cat /etc/machine-id | inside node-3 sh -c 'cat >/etc/machine-id'
  enrol_refused /tmp/other 'machine-id is that of machine node-1: was its disk cloned'
  file=$?
  inside node-3 sh -c 'cat >/etc/machine-id' <<<"$id"
  [ "$file" = 0 ] && [ "$(cli audit list --action=host.enrol -o json | jq '[.items[] | select(.result == "refused")] | length')" -ge 2 ]
}
new_key() { # new_key NAME: a token for it, and it enrols with a key made anew
  local token
  token=$(cli host enrolment "$1" -o json | jq -r .token)
  inside "$1" sh -c 'umask 077; cat >/run/token; sotalia-hostagent --new-key --enrol=https://10.77.0.10:7443 --token=/run/token --config=/etc/sotalia/hostagent.conf && systemctl restart sotalia-hostagent' <<<"$token"
}
is_not_online() { [ "$(cli host show "$1" -o json | jq -r .state)" != online ]; }
key_is_revoked() { # the machine is cut off, its instances run on; a new enrolment brings it back
  local before
  before=$(containers)
  cli host-key revoke node-3 --reason='a test' && wait_until 90 "node-3 to be cut off" is_not_online node-3 || return 1
  new_key node-3 && wait_until 60 "node-3 to be back" hosts_online && [ "$(containers)" = "$before" ]
}
key_is_exchanged() {
  local old
  old=$(cli host-key list --machine=node-3 -o json | jq -r '.items[] | select(.state == "active").publicKey')
  new_key node-3
  wait_until 40 "node-3 to be online with its new key" host_seen_with_new_key node-3 "$old"
  cli host-key list --machine=node-3
}
host_seen_with_new_key() {
  [ "$(cli host-key list --machine="$1" --state=active -o json | jq -r '.items[0].publicKey')" != "$2" ] && [ "$(cli host show "$1" -o json | jq -r .state)" = online ] &&
    inside "$1" sh -c 'printf "metrics\n" | nc -N -U /run/sotalia-hostagent/socket' | grep -q .
}
first_things() { cli vlan create web --id=0 && cli subnet create web 10.66.0.0/24 --gateway=10.66.0.1 && cli image register redis "$(image_reference redis)"; }
apps_run_on_all() {
  cli app create cache --image=redis --vlan=web --health=tcp --port=6379 --count=3 --spread=host:count=1 --wait=300s
  cli instance list
  [ "$(cli instance list --app=cache -o json | jq -r '[.items[] | select(.state == "running" and .health == "healthy") | .host] | unique | length')" = 3 ] || return 1
  local address
  for address in $(cli instance list --app=cache -o json | jq -r '.items[].address'); do redis-cli -h "$address" ping | grep -q PONG || return 1; done
}
# ---- maintenance windows ----
closed_window() { printf '%s 00:00-00:01' "$(LC_ALL=C date -u -d '3 days' +%a | tr '[:upper:]' '[:lower:]')"; }
mover_on() { [ "$(cli instance list --app=mover -o json | jq -r '.items[0] | "\(.host) \(.state) \(.health)"')" = "$1 running healthy" ]; }
windows_hold() { # outside of its window the playbook leaves a machine alone, and a drain moves nothing; it goes on when the window opens
  local host
  cli app create mover --image=redis --vlan=web --health=tcp --port=6379 --count=1 --wait=300s || return 1
  host=$(cli instance list --app=mover -o json | jq -r '.items[0].host')
  cli host maintenance "$host" --window="$(closed_window)" && [ "$(cli host show "$host" -o json | jq .windowOpen)" = false ] || return 1
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt \
    play hosts "$SOT_VAR/sotalia.yml" "$SOT_VAR/hosts-vars.yml" --limit="$host" | tee "$SOT_LOG/window.log"
  grep -q "$host is left alone: its maintenance window is $(closed_window) UTC" "$SOT_LOG/window.log" && ! grep -q 'TASK \[sotalia.cloud.host : Debian packages\]' "$SOT_LOG/window.log" || return 1
  cli host drain "$host" --include-pinned || return 1
  wait_until 30 "the move to say what it waits for" waits_for_window "$host" && mover_on "$host" || return 1
  cli host maintenance "$host" # none of its own, and its rack has none
  wait_until 180 "the drain to end" is_drained "$host" || return 1
  ! mover_on "$host" && cli host uncordon "$host" && cli app delete mover --wait=120s
}
waits_for_window() { cli operation list --parent=any --kind=instance.move -o json | jq -r '.items[].waitsFor' | grep -q "the maintenance window of $1: $(closed_window) UTC"; }
is_drained() { [ "$(cli host show "$1" -o json | jq -r .state) $(cli operation list --kind=host.drain -o json | jq -r '.items[0].state')" = "maintenance done" ]; }
# ---- the database is lost and comes back from a backup ----
containers() { # what runs on the hosts: "HOST ID NAME STARTED"
  local name
  # shellcheck disable=SC2016 # for the shell there
  for name in node-1 node-2 node-3; do inside "$name" sh -c 'for c in $(docker ps -q --no-trunc --filter name=sot-); do docker inspect -f "{{.Id}} {{.Name}} {{.State.StartedAt}}" "$c"; done' | sed "s/^/$name /"; done | sort
}
stream_of() { inside control-1 runuser -u postgres -- psql -XqAt -d sotalia -c 'SELECT stream FROM core.platform' </dev/null; }
backup() { inside control-1 sotalia-backup take /var/backups/sotalia; }
change_after_the_backup() { cli app create later --image=redis --vlan=web --health=tcp --port=6379 --count=2 --wait=300s; }
hosts_online() { [ "$(cli host list -o json | jq '[.items[] | select(.state == "online")] | length')" = 3 ]; }
lose_and_restore() {
  local begin before
  before=$(stream_of)
  containers >"$SOT_VAR/before"
  cli instance list --app=later -o json | jq -r '.items[].address' | sort >"$SOT_VAR/later"
  [ "$(wc -l <"$SOT_VAR/before")" = 5 ] && [ "$(wc -l <"$SOT_VAR/later")" = 2 ] || return 1
  inside control-1 sh -c 'sotalia-backup restore /var/backups/sotalia/*' && return 1 # the services run
  inside control-1 sh -c 'systemctl stop sotalia-ipam sotalia-scheduler sotalia-api-gateway sotalia-monitor-bridge postgresql@15-main'
  inside control-1 sh -c 'sotalia-backup restore /var/backups/sotalia/*' && return 1 # the cluster is not empty
  inside control-1 sh -c 'rm -rf /var/lib/postgresql/15/main /var/lib/sotalia/ssh /var/lib/sotalia/blobs'
  begin=$(now_ms)
  inside control-1 sh -c 'sotalia-backup restore /var/backups/sotalia/*' || return 1
  inside control-1 systemctl start sotalia-ipam sotalia-scheduler sotalia-api-gateway sotalia-monitor-bridge || return 1
  wait_until 120 "the hosts to come back" hosts_online || return 1
  echo "restored and three hosts online in $(seconds_since "$begin") s"
  [ "$(stream_of)" != "$before" ]
}
nothing_deleted_or_doubled() {
  cli app create fresh --image=redis --vlan=web --health=tcp --port=6379 --count=3 --wait=300s || return 1
  cli app restart cache --wait=300s 2>/dev/null || cli instance restart cache-default-01 --wait=120s || return 1
  containers >"$SOT_VAR/after"
  # All that ran is there still, by the id of its container; what the backup does not know was left alone.
  cut -d' ' -f1-3 "$SOT_VAR/before" | while read -r line; do grep -qF "$line" "$SOT_VAR/after" || { echo "gone: $line"; return 1; }; done || return 1
  [ "$(wc -l <"$SOT_VAR/after")" = 8 ] || { cat "$SOT_VAR/after"; return 1; }
  cli instance list
  cli instance list -o json | jq -r '.items[].address' | sort | comm -12 - "$SOT_VAR/later" | { ! grep .; } || return 1
  local address
  for address in $(cat "$SOT_VAR/later") $(cli instance list -o json | jq -r '.items[].address'); do redis-cli -h "$address" ping | grep -q PONG || return 1; done
}

begin() {
  check "network" network
  check "an engine for the machines" engine_start "$ENGINE"
  check "repository of the packages" repository
  check "registry with images" registry_of_images
  check "image of a machine" machine_image
  check "four machines with systemd and sshd" machines_start 10 11 12 13
  check "collection" collections
  check "control plane from packages, by the role" play_control
  check "every service is active under systemd" control_is_healthy
  check "administrator and token" access
}
onboarding() {
  check "the role again changes nothing" changes_nothing play_control
  check "wrong lines are named, nothing is imported" wrong_lines_are_named
  write_list
  printf 'plugin: sotalia.cloud.machines\n' >"$SOT_VAR/sotalia.yml"
  check "a fault in node-2" plant_fault
  runner_start
  check "one import: two on line, one fails" import_with_one_failure
  check "the failed one says why" the_failure_says_why
  check "its log was live and is whole" the_log_was_live_and_whole
  check "the ssh keys of the others are kept" keys_are_kept
  check "a machine that shows another ssh key is refused" another_key_is_refused
  check "tried again alone" retry_alone
  check "a network and an image" first_things
  check "outside of its maintenance window a machine is left alone, a drain waits" windows_hold
  check "instances on all three" apps_run_on_all
  check "the playbook again, by an operator: 0 changed" second_run
  check "in check mode too" second_run --check
  check "a cloned disk is refused" clone_is_refused
  check "a host's key is exchanged" key_is_exchanged
  check "a host's key is revoked" key_is_revoked
}
restoring() {
  check "a backup while everything runs" backup
  check "a change after it" change_after_the_backup
  check "the database is lost; restored into an empty cluster, hosts come back by themselves" lose_and_restore
  check "nothing is deleted or doubled, and the platform works on" nothing_deleted_or_doubled
}

if [ "${1:-}" = "do" ]; then
  shift
  "$@"
  exit
fi
lab_begin
begin
[ "${1:-}" != up ] || lab_hold
onboarding
restoring
verdict
