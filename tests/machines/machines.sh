#!/usr/bin/env bash
# Inside the namespaces of tests/machines/run.
#
#   lab: mgmt0 10.77.0.1/24 (ssh, control plane, registry, package repository)    tor0 10.66.0.1/24 (the VLAN's gateway)
#   machine N: eth0 10.77.0.1N on mgmt0, eth1 -> sotbr0 on tor0; 10 is the control plane, 11 to 13 are hosts
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOT_SRC=$(cd "$here/../.." && pwd)
export SOT_SRC SOT_BUILD=${SOT_BUILD:-$SOT_SRC/build/release} SOT_LISTEN=10.77.0.1
for part in deploy/local/lib deploy/local/docker deploy/local/images tests/machines/image; do
  # shellcheck source=/dev/null
  . "$SOT_SRC/$part.sh"
done
SOT_IMAGES=${SOT_IMAGES:-$SOT_SRC/build/images}
PASSED=0 FAILED=0
ENGINE=outer

check() { # check NAME COMMAND...
  local name=$1 log=$SOT_LOG/check.log begin
  begin=$(now_ms)
  shift
  if ("$@") >"$log" 2>&1; then
    PASSED=$((PASSED + 1))
    echo "ok      $name ($(seconds_since "$begin") s)"
  else
    FAILED=$((FAILED + 1))
    echo "FAILED  $name ($(seconds_since "$begin") s)"
    tail -n 40 "$log" | sed 's/^/    /'
  fi
}
dock() { engine_docker $ENGINE "$@"; }
inside() { dock exec "$@"; } # inside MACHINE COMMAND...
key() { printf '%s' "$SOT_VAR/ssh/id"; }

network() {
  ip link set lo up
  local name
  for name in mgmt0 tor0; do ip link add $name type bridge stp_state 0 forward_delay 0 mcast_snooping 0; done
  ip address add 10.77.0.1/24 dev mgmt0
  ip address add 10.66.0.1/24 dev tor0
  ip link set mgmt0 up
  ip link set tor0 up
}
repository() { # the packages, and nothing else: everything of Debian is in the image of a machine
  mkdir -p "$SOT_VAR/repository"
  cp "$SOT_BUILD"/packages/*.deb "$SOT_VAR/repository/"
  (cd "$SOT_VAR/repository" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null && gzip -kf Packages)
  proc_start repository python3 -m http.server --bind 10.77.0.1 --directory "$SOT_VAR/repository" 7600
  wait_until 20 "the repository" curl -sf -o /dev/null http://10.77.0.1:7600/Packages
}
machine_image() {
  dock image inspect sotalia/machine >/dev/null 2>&1 && return 0
  local tar
  tar=$(machine_tar)
  dock import -c 'CMD ["/sbin/init"]' "$tar" sotalia/machine >/dev/null
}
# A machine as a provider hands it over: systemd, sshd with the operator's key. Not one file of Sotalia.
machine_start() { # machine_start NAME LAST_OF_ADDRESS
  local name=$1 n=$2 pid
  dock run -d --name "$name" --hostname "$name" --network none --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined \
    --security-opt apparmor=unconfined --security-opt systempaths=unconfined --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run --tmpfs /tmp -v /var/lib/docker \
    --device /dev/fuse --stop-signal SIGRTMIN+3 -e container=docker sotalia/machine >/dev/null
  pid=$(dock inspect -f '{{.State.Pid}}' "$name")
  ln -sf "/proc/$pid/ns/net" "/run/netns/$name" 2>/dev/null || true
  ip link add "m$n" type veth peer name e0 && ip link set e0 netns "$pid" && ip link set "m$n" master mgmt0 up
  ip link add "t$n" type veth peer name e1 && ip link set e1 netns "$pid" && ip link set "t$n" master tor0 up
  nsenter -t "$pid" -n sh -c "ip link set lo up; ip link set e0 name eth0; ip link set e1 name eth1; ip address add 10.77.0.$n/24 dev eth0; ip link set eth0 up; ip link set eth1 up; ip route add default via 10.77.0.1"
  wait_until 60 "systemd of $name" inside "$name" sh -c 'systemctl is-system-running | grep -Eq "running|degraded"'
  inside "$name" sh -c 'mkdir -p -m 700 /root/.ssh; cat >/root/.ssh/authorized_keys; rm -f /etc/machine-id; systemd-machine-id-setup >/dev/null; systemctl restart systemd-journald; ssh-keygen -A >/dev/null; systemctl mask --now apt-daily.timer apt-daily-upgrade.timer 2>/dev/null; rm -f /etc/apt/sources.list; : >/etc/resolv.conf; systemctl restart ssh' <"$(key).pub"
  wait_until 60 "sshd of $name" ssh_to "$n" true
}
ssh_to() { # ssh_to LAST_OF_ADDRESS COMMAND...
  local n=$1
  shift
  ssh -i "$(key)" -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile="$SOT_VAR/ssh/known" -o ConnectTimeout=5 "root@10.77.0.$n" "$@"
}
machines_start() {
  mkdir -p "$SOT_VAR/ssh"
  [ -s "$(key)" ] || ssh-keygen -q -t ed25519 -N '' -f "$(key)"
  local n
  for n in 10 11 12 13; do
    # docker exec has no standard input without -i
    machine_start "$(machine_name $n)" $n
  done
}
machine_name() { case $1 in 10) echo control-1 ;; *) echo "node-$(($1 - 10))" ;; esac; }
inside() {
  local name=$1
  shift
  dock exec -i "$name" "$@"
}

collections() { # as the package lays it out
  mkdir -p "$SOT_VAR/collections/ansible_collections/sotalia"
  rm -rf "$SOT_VAR/collections/ansible_collections/sotalia/cloud"
  cp -r "$SOT_SRC/deploy/ansible" "$SOT_VAR/collections/ansible_collections/sotalia/cloud"
  mkdir -p "$SOT_VAR/control"
  cat >"$SOT_VAR/control/inventory.yml" <<YAML
control:
  hosts:
    control-1: { ansible_host: 10.77.0.10, ansible_user: root }
YAML
  cat >"$SOT_VAR/control/vars.yml" <<YAML
sotalia_apt_source: "deb [trusted=yes] http://10.77.0.1:7600 ./"
YAML
  cat >"$SOT_VAR/hosts-vars.yml" <<YAML
sotalia_apt_source: "deb [trusted=yes] http://10.77.0.1:7600 ./"
sotalia_control_addresses: [10.77.0.10]
sotalia_gateway_url: https://10.77.0.10:7443
sotalia_ca: $SOT_VAR/control/secrets/ca.crt
sotalia_insecure_registries: ["$SOT_REGISTRY"]
sotalia_bridge_uplink: eth1
sotalia_agent_settings: { cleanup: "off" }
YAML
}
play() { # play PLAYBOOK INVENTORY VARS [ARGS]
  local book=$1 inventory=$2 vars=$3
  shift 3
  ANSIBLE_COLLECTIONS_PATH=$SOT_VAR/collections ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=1 ANSIBLE_LOCAL_TEMP=$SOT_VAR/ansible-tmp \
    ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=$SOT_VAR/ssh/known" \
    ansible-playbook -i "$inventory" "$SOT_VAR/collections/ansible_collections/sotalia/cloud/playbooks/$book.yml" -e "@$vars" --private-key "$(key)" "$@"
}
play_control() { play control "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" "$@"; }
changes_nothing() { # changes_nothing COMMAND...: and says so
  "$@" | tee "$SOT_LOG/second.log"
  ! grep -E 'changed=[1-9]|failed=[1-9]|unreachable=[1-9]' "$SOT_LOG/second.log" && grep -q 'changed=0' "$SOT_LOG/second.log"
}
control_is_healthy() {
  local service
  for service in ipam scheduler api-gateway monitor-bridge; do
    [ "$(inside control-1 systemctl is-active "sotalia-$service")" = active ] || { inside control-1 journalctl -u "sotalia-$service" -n 20 --no-pager; return 1; }
  done
  wait_until 30 "the gateway" curl -sf --cacert "$SOT_VAR/control/secrets/ca.crt" https://10.77.0.10:7443/healthz
}
access() {
  local admin="setpriv --reuid=sotalia-api-gateway --regid=sotalia-api-gateway --clear-groups sotalia-api-gateway --config=/etc/sotalia/api-gateway.conf"
  inside control-1 sh -c "$admin --make-ssh-ca; echo secret-password | $admin --add-account admin admin"
  inside control-1 sh -c "$admin --add-token admin" >"$SOT_VAR/token"
  [ -s "$SOT_VAR/token" ]
}
cli() {
  SOTALIA_URL=https://10.77.0.10:7443 SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt "$SOT_BUILD/cli/sotalia" "$@"
}
runner_start() {
  proc_start runner env SOTALIA_URL=https://10.77.0.10:7443 SOTALIA_TOKEN="$(cat "$SOT_VAR/token")" SOTALIA_CA="$SOT_VAR/control/secrets/ca.crt" \
    PYTHONDONTWRITEBYTECODE=1 "$SOT_SRC/deploy/ansible/runner/sotalia-runner" --collections="$SOT_VAR/collections" --vars="$SOT_VAR/hosts-vars.yml" --ssh-key="$(key)" \
    --known-hosts= --name=lab-runner
}
write_list() {
  cat >"$SOT_VAR/machines.csv" <<'CSV'
name,address,az,rack,labels,oob
node-1,10.77.0.11,a,a-1,ssd,ipmi://10.78.0.11
node-2,10.77.0.12,a,a-2,"ssd;big",ipmi://10.78.0.12
node-3,10.77.0.13,b,b-1,,ipmi://10.78.0.13
CSV
}
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
  wait_until 900 "the end of the first run" states_are 'node-1 online, node-2 failed, node-3 online'
}
states_are() { [ "$(cli machine list -o json | jq -r '[.items[] | "\(.name) \(.state)"] | join(", ")')" = "$1" ]; }
the_failure_says_why() {
  cli machine show node-2
  cli machine show node-2 -o json | jq -r .error | grep -qi 'docker' && [ "$(cli operation list --parent=any --kind=host.install -o json | jq '[.items[] | select(.state == "failed")] | length')" = 1 ]
}
the_log_was_live_and_whole() {
  local lines
  lines=$(grep -c . "$SOT_VAR/node-1.live")
  echo "$lines lines followed"
  head -n 5 "$SOT_VAR/node-1.live"
  [ "$lines" -gt 20 ] && cli machine log node-1 | diff - "$SOT_VAR/node-1.live"
}
retry_alone() {
  local before
  before=$(cli machine show node-1 -o json | jq .attempt)
  mend_fault
  cli host retry --failed
  wait_until 600 "node-2 to be online" states_are 'node-1 online, node-2 online, node-3 online'
  [ "$(cli machine show node-1 -o json | jq .attempt)" = "$before" ] && [ "$(cli machine show node-2 -o json | jq .attempt)" = 2 ] && cli host list
}
second_run() {
  cat >"$SOT_VAR/sotalia.yml" <<'YAML'
plugin: sotalia.cloud.machines
YAML
  SOTALIA_URL=https://10.77.0.10:7443 SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt \
    changes_nothing play hosts "$SOT_VAR/sotalia.yml" "$SOT_VAR/hosts-vars.yml" "$@"
}
clone_is_refused() { # the disk of node-1 in node-3: its key and its machine-id
  local token
  token=$(cli host enrolment node-3 -o json | jq -r .token)
  inside node-3 sh -c "mkdir -p /tmp/clone && cat >/tmp/clone/token" <<<"$token"
  inside node-1 sh -c 'cat /var/lib/sotalia/agent.key' | inside node-3 sh -c 'cat >/tmp/clone/agent.key'
  inside node-1 sh -c 'cat /var/lib/sotalia/agent.key_secret' | inside node-3 sh -c 'umask 077; cat >/tmp/clone/agent.key_secret'
  inside node-3 sh -c 'sotalia-hostagent --enrol=https://10.77.0.10:7443 --token=/tmp/clone/token --ca=/etc/sotalia/ca.crt --config=/etc/sotalia/hostagent.conf --state_dir=/tmp/clone --keys_dir=/tmp/clone/keys' 2>&1 | tee /dev/stderr | grep -q 'cloned'
}
key_is_exchanged() {
  local old token
  old=$(cli host-key list --machine=node-3 -o json | jq -r '.items[] | select(.state == "active").publicKey')
  token=$(cli host enrolment node-3 -o json | jq -r .token)
  inside node-3 sh -c 'umask 077; cat >/run/token; sotalia-hostagent --new-key --enrol=https://10.77.0.10:7443 --token=/run/token --config=/etc/sotalia/hostagent.conf && systemctl restart sotalia-hostagent' <<<"$token"
  wait_until 40 "node-3 to be online with its new key" host_seen_with_new_key node-3 "$old"
  cli host-key list --machine=node-3
}
host_seen_with_new_key() {
  [ "$(cli host-key list --machine="$1" --state=active -o json | jq -r '.items[0].publicKey')" != "$2" ] && [ "$(cli host show "$1" -o json | jq -r .state)" = online ] &&
    inside "$1" sh -c 'printf "metrics\n" | nc -N -U /run/sotalia-hostagent/socket' | grep -q .
}
apps_run_on_all() {
  cli vlan create web --id=0 2>/dev/null || true
  cli subnet create web 10.66.0.0/24 --gateway=10.66.0.1 2>/dev/null || true
  cli image register redis "$(image_reference redis)"
  cli app create cache --image=redis --vlan=web --health=tcp --port=6379 --count=3 --spread=host:count=1 --wait=300s
  cli instance list
  [ "$(cli instance list --app=cache -o json | jq -r '[.items[] | select(.state == "running" and .health == "healthy") | .host] | unique | length')" = 3 ] || return 1
  local address
  for address in $(cli instance list --app=cache -o json | jq -r '.items[].address'); do redis-cli -h "$address" ping | grep -q PONG || return 1; done
}
registry_of_images() { # the images that tests/e2e/images made
  mkdir -p "$SOT_VAR/registry" "$SOT_VAR/images"
  cp -a "$SOT_IMAGES/registry/." "$SOT_VAR/registry/"
  cp -a "$SOT_IMAGES/images/." "$SOT_VAR/images/"
  registry_start
}
down() {
  proc_stop runner 5
  proc_stop repository 5
  proc_stop registry 5
  # shellcheck disable=SC2046
  dock rm -f $(dock ps -aq) >/dev/null 2>&1 || true
  engine_stop $ENGINE || true
}

rm -rf "$SOT_VAR"
mkdir -p "$SOT_LOG" "$SOT_PID" "$SOT_RUN"
trap down EXIT
check "network" network
check "an engine for the machines" engine_start $ENGINE
check "repository of the packages" repository
check "registry with images" registry_of_images
check "image of a machine" machine_image
check "four machines with systemd and sshd" machines_start
check "collection" collections
check "control plane from packages, by the role" play_control
check "every service is active under systemd" control_is_healthy
check "the role again changes nothing" changes_nothing play_control
check "administrator and token" access
check "wrong lines are named, nothing is imported" wrong_lines_are_named
write_list
check "a fault in node-2" plant_fault
runner_start
check "one import: two on line, one fails" import_with_one_failure
check "the failed one says why" the_failure_says_why
check "its log was live and is whole" the_log_was_live_and_whole
check "tried again alone" retry_alone
check "instances on all three" apps_run_on_all
check "the playbook again, by an operator: 0 changed" second_run
check "in check mode too" second_run --check
check "a cloned disk is refused" clone_is_refused
check "a host's key is exchanged" key_is_exchanged
[ -z "${SOT_COUNTS:-}" ] || printf '%s %s\n' "$PASSED" "$FAILED" >"$SOT_COUNTS"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
