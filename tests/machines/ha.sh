#!/usr/bin/env bash
# tests/machines/run ha: three control nodes by the playbooks, from the packages: PostgreSQL under Patroni with etcd, a way to the primary on each, two standby
# schedulers, three gateways behind haproxy with one address of keepalived. Then the machine with the primary loses its power, and the machine with the
# address, and that whose ipam serves, while programs change the platform over that address. No operation that was acknowledged may be lost, none fail.
# Then the data of all members is lost, and restored from the archive of WAL (archive.sh). A host with instances is there all the while: none is touched.
#
# tests/machines/run three: one control node as most begin, with a host and instances, becomes three (playbooks/three.yml): nothing of it is lost, no
# instance is touched, no host enrols anew.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=tests/machines/archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"
ADDRESS=10.77.0.5
NODES="10 9 8"

three_nodes() {
  cat >"$SOT_VAR/control/inventory.yml" <<YAML
control:
  hosts:
    control-1: { ansible_host: 10.77.0.10, ansible_user: root }
    control-2: { ansible_host: 10.77.0.9, ansible_user: root }
    control-3: { ansible_host: 10.77.0.8, ansible_user: root }
database:
  children: { control: {} }
balancer:
  children: { control: {} }
YAML
  cat >>"$SOT_VAR/control/vars.yml" <<YAML
sotalia_balancer_address: $ADDRESS/24
sotalia_archive_is_shared: true
sotalia_archive_timeout: 10
YAML
  sed -i "s/^sotalia_tls_names: .*/sotalia_tls_names: [$ADDRESS]/" "$SOT_VAR/control/vars.yml"
}
play_balancer() { play balancer "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" "$@"; }
api_answers() { curl -sf -m 3 -o /dev/null --cacert "$SOT_VAR/control/secrets/ca.crt" "https://$ADDRESS/healthz"; }
api_url() { echo "${API:-https://$ADDRESS:443}"; }
member() { # member LAST_OF_ADDRESS PATH: what its Patroni says
  curl -s -m 2 "http://10.77.0.$1:8008/$2"
}
primary() { # the last of its address
  local n
  for n in $NODES; do curl -sf -m 2 -o /dev/null "http://10.77.0.$n:8008/primary" && echo "$n" && return 0; done
  return 1
}
holder() { # who has the address
  local n
  for n in $NODES; do inside "$(machine_name "$n")" ip -o address show dev eth0 2>/dev/null </dev/null | grep -q " $ADDRESS/" && echo "$n" && return 0; done
  return 1
}
serves() { # the last of the address of the ipam that serves: the others do not listen
  local n
  for n in $NODES; do inside "$(machine_name "$n")" sh -c 'ss -Hltn | grep -q ":7211 "' </dev/null && echo "$n" && return 0; done
  return 1
}
new_vlan() { # in the database, by ipam: each try another one, as an answer may be lost
  VLANS=$((${VLANS:-0} + 1))
  timeout 6 "$SOT_BUILD/cli/sotalia" vlan create "v$(date +%s%N | tail -c 12)-$VLANS" --id="$((RANDOM % 4000 + 2))"
}
three_members() {
  local n
  n=$(primary) || return 1
  [ "$(member "$n" cluster | jq -r '[.members[] | select(.state == "running" or .state == "streaming") | .role] | sort | join(",")')" = leader,replica,sync_standby ]
}
everything_runs() {
  local n service
  for n in $NODES; do
    for service in etcd patroni sotalia-database-proxy sotalia-ipam sotalia-scheduler sotalia-api-gateway sotalia-monitor-bridge haproxy keepalived; do
      [ "$(inside "$(machine_name "$n")" systemctl is-active "$service" </dev/null)" = active ] || { echo "$service on $(machine_name "$n")"; inside "$(machine_name "$n")" journalctl -u "$service" -n 20 --no-pager; return 1; }
    done
  done
  three_members && member "$(primary)" cluster | jq -c '.members[] | {name, role, state}' && echo "the address is on $(machine_name "$(holder)"), ipam on $(machine_name "$(serves)")"
}
alarms_ask_for_what_is_there() { # what the rules ask of Patroni and etcd, these show; a bridge knows who leads
  local name n=${NODES%% *} rules=$SOT_SRC/deploy/monitoring/prometheus-alerts.yml
  curl -sf -m 5 "http://10.77.0.$n:8008/metrics" >"$SOT_VAR/shown" && curl -sf -m 5 "http://10.77.0.$n:2379/metrics" >>"$SOT_VAR/shown" || return 1
  [ "$(grep -oE '\b(patroni|etcd)_[a-z0-9_]+' "$rules" | sort -u | wc -l)" -ge 9 ] || return 1
  for name in $(grep -oE '\b(patroni|etcd)_[a-z0-9_]+' "$rules" | sort -u); do grep -q "^${name}[{ ]" "$SOT_VAR/shown" || { echo "nobody shows $name"; return 1; }; done
}
load_start() {
  rm -f "$SOT_VAR/stop"
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt python3 "$SOT_SRC/tests/machines/load.py" --new "$SOT_VAR/stop" >"$SOT_VAR/load.out" 2>&1 &
  load=$!
}
another_primary() { local now; now=$(primary) && [ "$now" != "$1" ]; }
acknowledged() { cat "$SOT_VAR/load.acknowledged" 2>/dev/null | wc -l; }
more_than() { [ "$(acknowledged)" -gt "$1" ]; }
back() { member "$1" health | grep -q '"state": "running"' && three_members; } # its own Patroni says so
figure() { echo "$*" | tee -a "$SOT_VAR/figures"; }
lose() { # lose LAST_OF_ADDRESS: its power is cut under load; another takes over, and it comes back
  local n=$1 name code=0 load begin was had
  name=$(machine_name "$n") was=$(primary) had=$(serves)
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt
  export SOTALIA_URL SOTALIA_TOKEN SOTALIA_CA
  load_start
  wait_until 60 "ten operations" more_than $(($(acknowledged) + 10)) || code=1
  dock kill "$name" >/dev/null
  begin=$(now_ms)
  [ "$was" != "$n" ] || wait_until 90 "another primary than $name" another_primary "$n" || code=1
  figure "$name is lost (the primary was $(machine_name "$was")); the primary is $(machine_name "$(primary)") after $(seconds_since "$begin") s"
  wait_until 90 "a VLAN after it" new_vlan || code=1
  figure "  ipam was on $(machine_name "$had") and is on $(machine_name "$(serves)"), a VLAN is made after $(seconds_since "$begin") s"
  wait_until 90 "twenty operations after it" more_than $(($(acknowledged) + 20)) || code=1
  figure "  the address is on $(machine_name "$(holder)"), twenty operations more after $(seconds_since "$begin") s"
  dock start "$name" >/dev/null && machine_plug "$name" "$n" || code=1
  wait_until 240 "three members again" back "$n" || code=1
  wait_until 120 "the gateway of $name" healthy "$n" || code=1
  figure "  $name is a member again and its gateway healthy after $(seconds_since "$begin") s"
  : >"$SOT_VAR/stop"
  wait "$load" || code=1
  figure "  $(tail -n 1 "$SOT_VAR/load.out")"
  return "$code"
}
healthy() { curl -sf -m 3 -o /dev/null --cacert "$SOT_VAR/control/secrets/ca.crt" "https://10.77.0.$1:7443/healthz"; }
lose_primary() { lose "$(primary)"; }
lose_address() { lose "$(holder)"; }
lose_ipam() { lose "$(serves)"; }
nothing_is_lost() { # all that was acknowledged is there and done
  all_of "$SOT_VAR/load.acknowledged" && [ "$(cli operation list --state=failed -o json | jq '.items | length')" = 0 ]
}

begin() {
  check "network" network
  check "an engine for the machines" engine_start "$ENGINE"
  check "repository of the packages" repository
  check "registry with images" registry_of_images
  check "image of a machine" machine_image
  # shellcheck disable=SC2086
  check "four machines with systemd and sshd" machines_start $NODES 11
  check "collection" collections two
  three_nodes
  sed -i 's/^sotalia_settings: {/sotalia_settings: { monitor-bridge: { metrics_listen: "{{ ansible_host }}:7232" },/' "$SOT_VAR/control/vars.yml"
  sed -i 's/^sotalia_control_addresses: .*/sotalia_control_addresses: [10.77.0.10, 10.77.0.9, 10.77.0.8]/' "$SOT_VAR/hosts-vars.yml"
  check "three control nodes, PostgreSQL under Patroni, by the playbook" play_control
  check "three balancers with one address" play_balancer
  check "administrator and token" access
}
losses() {
  check "the API at the one address" wait_until 60 "the API" api_answers
  check "every service runs on every node" everything_runs
  check "the playbooks again change nothing" changes_nothing play_control
  check "that of the balancers neither" changes_nothing play_balancer
  check "the alarms ask for what Patroni and etcd show" alarms_ask_for_what_is_there
  runner_start
  check "a host" one_host
  check "two instances" two_instances
  containers >"$SOT_VAR/containers.before"
  host_keys >"$SOT_VAR/keys.before"
  check "the machine with the primary loses its power, under load" lose_primary
  check "the machine with the address loses its power, under load" lose_address
  check "the machine with the ipam that serves loses its power, under load" lose_ipam
  check "nothing that was acknowledged is lost" nothing_is_lost
  check "no instance was touched, no host enrolled anew" nothing_touched
  check "every service runs on every node, again" everything_runs
}
restores() {
  check "an archive that breaks says so, and catches up" archive_breaks_and_says_so
  check "written, backed up, written on" write_back_up_write_more
  check "all members lose their data" lose_all_members
  check "restored as far as the archive goes" as_far_as_the_archive
  check "a restore wants a moment" no_moment_is_refused
  check "restored as it was at a moment" as_it_was_at_the_moment
  check "it goes on, and archives" goes_on_after_a_restore
  check "the playbook after it changes nothing" changes_nothing play_control
}

# ---- from one to three ----
one_host() {
  printf 'name,address,az,rack\nnode-1,10.77.0.11,a,a-1\n' >"$SOT_VAR/machines.csv"
  cli host import "$SOT_VAR/machines.csv" && wait_until 600 "the host" host_is_online
}
host_is_online() { [ "$(cli host list -o json | jq -r '[.items[] | "\(.name) \(.state)"] | join(",")')" = "node-1 online" ]; }
two_instances() {
  cli vlan create web --id=0 && cli subnet create web 10.66.0.0/24 --gateway=10.66.0.1 && cli image register redis "$(image_reference redis)" &&
    cli app create cache --image=redis --vlan=web --health=tcp --port=6379 --count=2 --wait=300s
}
state_of_things() { # what must be the same afterwards, and what runs
  cli app list -o json | jq -Sc '[.items[] | {name, id}]'
  cli instance list -o json | jq -Sc '[.items[] | {name, id, address, host, state}] | sort_by(.name)'
  cli host-key list --machine=node-1 -o json | jq -Sc '[.items[] | {publicKey, state}]'
  cli operation list -o json --limit=500 | jq -Sc '[.items[].id] | sort'
  # shellcheck disable=SC2016 # for the shell there
  inside node-1 sh -c 'for c in $(docker ps -q --no-trunc --filter name=sot-); do docker inspect -f "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}" "$c"; done' </dev/null | sort
}
watch_api() { # until it is told to stop: the times at which the API could not be used
  while [ ! -e "$SOT_VAR/stop-watch" ]; do
    timeout 3 "$SOT_BUILD/cli/sotalia" app list >/dev/null 2>&1 || now_ms
    read -r -t 0.3 <> <(:) || true
  done
}
becomes_three() {
  local watch code=0
  state_of_things >"$SOT_VAR/things.before"
  grep -c . "$SOT_VAR/things.before" && grep -q running "$SOT_VAR/things.before" || return 1
  three_nodes
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt
  export SOTALIA_URL SOTALIA_TOKEN SOTALIA_CA
  watch_api >"$SOT_VAR/away" &
  watch=$!
  play_three || code=1
  wait_until 120 "the host" host_is_online || code=1
  : >"$SOT_VAR/stop-watch"
  wait "$watch"
  figure "from one to three: the API was away for $(($(tail -n 1 "$SOT_VAR/away") / 1000 - $(head -n 1 "$SOT_VAR/away") / 1000)) s"
  return "$code"
}
play_three() { play three "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml"; }
all_is_there() { state_of_things | diff "$SOT_VAR/things.before" -; }
three_run() { three_members && wait_until 60 "the gateways" three_gateways && serves; }
three_gateways() { local n; for n in $NODES; do healthy "$n" || return 1; done; }
it_works_on() {
  cli app scale cache 4 --wait=300s && [ "$(cli instance list --app=cache -o json | jq '[.items[] | select(.health == "healthy")] | length')" = 4 ] &&
    [ "$(cli instance list --app=cache -o json | jq -r '[.items[].address] | unique | length')" = 4 ]
}
one() {
  check "network" network
  check "an engine for the machines" engine_start "$ENGINE"
  check "repository of the packages" repository
  check "registry with images" registry_of_images
  check "image of a machine" machine_image
  # shellcheck disable=SC2086
  check "four machines with systemd and sshd" machines_start $NODES 11
  check "collection" collections
  check "one control node with its PostgreSQL" play_control
  check "administrator and token" access
}
to_three() {
  runner_start
  check "a host" one_host
  check "two instances" two_instances
  check "the one becomes three" becomes_three
  check "three members, three gateways, one ipam that serves" three_run
  check "all is there, no instance was touched, no host enrolled anew" all_is_there
  check "it works on" it_works_on
  check "the playbook again changes nothing" changes_nothing play_three
  cat "$SOT_VAR/figures"
}

if [ "${1:-}" = "do" ]; then
  shift
  "$@"
  exit
fi
lab_begin
if [ "${1:-}" = three ]; then
  API=https://10.77.0.10:7443
  one
  to_three
  verdict
  exit
fi
begin
[ "${1:-}" != up ] || lab_hold
losses
restores
cat "$SOT_VAR/figures"
verdict
