# shellcheck shell=bash
# What the tests of tests/machines share, inside the namespaces of tests/machines/run: the network, the machines, the playbooks, the command line.
#
#   lab: mgmt0 10.77.0.1/24 (ssh, control plane, registry, package repository)    tor0 10.66.0.1/24 (the VLAN's gateway)
#   machine N: eth0 10.77.0.N on mgmt0, eth1 -> sotbr0 on tor0; 10 is the control plane (9 and 8 its other nodes, in the tests of the upgrade and of
#   the loss of a node), 11 to 13 are hosts
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
  repository_take "$SOT_BUILD/packages"
  proc_start repository python3 -m http.server --bind 10.77.0.1 --directory "$SOT_VAR/repository" 7600
  wait_until 20 "the repository" curl -sf -o /dev/null http://10.77.0.1:7600/Packages
}
repository_take() { # repository_take FOLDER
  cp "$1"/*.deb "$SOT_VAR/repository/"
  (cd "$SOT_VAR/repository" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null && gzip -kf Packages)
}
machine_image() {
  dock image inspect sotalia/machine >/dev/null 2>&1 && return 0
  local tar
  tar=$(machine_tar)
  dock import -c 'CMD ["/sbin/init"]' "$tar" sotalia/machine >/dev/null
}
# Its cables: again after each start of the machine.
machine_plug() { # machine_plug NAME LAST_OF_ADDRESS
  local name=$1 n=$2 pid
  pid=$(dock inspect -f '{{.State.Pid}}' "$name")
  ln -sf "/proc/$pid/ns/net" "/run/netns/$name" 2>/dev/null || true
  ip link add "m$n" type veth peer name e0 && ip link set e0 netns "$pid" && ip link set "m$n" master mgmt0 up
  ip link add "t$n" type veth peer name e1 && ip link set e1 netns "$pid" && ip link set "t$n" master tor0 up
  nsenter -t "$pid" -n sh -c "ip link set lo up; ip link set e0 name eth0; ip link set e1 name eth1; ip address add 10.77.0.$n/24 dev eth0; ip link set eth0 up; ip link set eth1 up; ip route add default via 10.77.0.1"
}
# A machine as a provider hands it over: systemd, sshd with the operator's key. Not one file of Sotalia.
machine_start() { # machine_start NAME LAST_OF_ADDRESS
  local name=$1 n=$2 shared=()
  case $name in control-*) shared=(-v "$SOT_VAR/blobs:/var/lib/sotalia/blobs" -v "$SOT_VAR/archive:/var/lib/pgbackrest") ;; esac # as a file server would give it
  dock run -d --name "$name" --hostname "$name" --network none --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined \
    --security-opt apparmor=unconfined --security-opt systempaths=unconfined --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run --tmpfs /tmp -v /var/lib/docker "${shared[@]}" \
    --device /dev/fuse --stop-signal SIGRTMIN+3 -e container=docker sotalia/machine >/dev/null
  machine_plug "$name" "$n"
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
  mkdir -p "$SOT_VAR/blobs" "$SOT_VAR/archive"
  for n in "$@"; do
    machine_start "$(machine_name "$n")" "$n"
  done
}
machine_name() { case $1 in 8) echo control-3 ;; 9) echo control-2 ;; 10) echo control-1 ;; *) echo "node-$(($1 - 10))" ;; esac; }
inside() { # inside MACHINE COMMAND...; docker exec has no standard input without -i
  local name=$1
  shift
  dock exec -i "$name" "$@"
}

collection_take() { # collection_take FOLDER: as the package lays it out
  mkdir -p "$SOT_VAR/collections/ansible_collections/sotalia"
  rm -rf "$SOT_VAR/collections/ansible_collections/sotalia/cloud"
  cp -r "$1" "$SOT_VAR/collections/ansible_collections/sotalia/cloud"
}
collections() { # collections [two]: an inventory of one control node, or two and a balancer
  collection_take "$SOT_SRC/deploy/ansible"
  mkdir -p "$SOT_VAR/control"
  cat >"$SOT_VAR/control/inventory.yml" <<YAML
control:
  hosts:
    control-1: { ansible_host: 10.77.0.10, ansible_user: root }
YAML
  [ $# = 0 ] || cat >>"$SOT_VAR/control/inventory.yml" <<YAML
    control-2: { ansible_host: 10.77.0.9, ansible_user: root }
balancer:
  hosts:
    control-2:
YAML
  cat >"$SOT_VAR/control/vars.yml" <<YAML
sotalia_apt_source: "deb [trusted=yes] http://10.77.0.1:7600 ./"
# The hosts are one machine with all its tests on it: its load says nothing about where there is room.
sotalia_settings: { scheduler: { load_limit_permille: 1001 } }
sotalia_blobs_are_shared: true
sotalia_tls_names: [10.77.0.9]
YAML
  cat >"$SOT_VAR/hosts-vars.yml" <<YAML
sotalia_apt_source: "deb [trusted=yes] http://10.77.0.1:7600 ./"
sotalia_control_addresses: [10.77.0.10${1:+, 10.77.0.9}]
sotalia_gateway_url: $(api_url)
sotalia_ca: $SOT_VAR/control/secrets/ca.crt
sotalia_insecure_registries: ["$SOT_REGISTRY"]
sotalia_bridge_uplink: eth1
sotalia_agent_settings: { cleanup: "off" }
YAML
}
play() { # play PLAYBOOK INVENTORY VARS [ARGS]
  local book=$1 inventory=$2 vars=$3
  shift 3
  # A folder of its own for ssh's connections: another laboratory has the same addresses.
  ANSIBLE_SSH_CONTROL_PATH_DIR=$SOT_VAR/cp ANSIBLE_COLLECTIONS_PATH=$SOT_VAR/collections ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=1 ANSIBLE_LOCAL_TEMP=$SOT_VAR/ansible-tmp \
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
  wait_until 30 "the gateway" curl -sf --cacert "$SOT_VAR/control/secrets/ca.crt" https://10.77.0.10:7443/healthz || return 1
  curl -sf --cacert "$SOT_VAR/control/secrets/ca.crt" https://10.77.0.10:7443/ | grep -qi '<html' || { echo "the web UI is not served"; return 1; }
}
access() {
  local admin="setpriv --reuid=sotalia-api-gateway --regid=sotalia-api-gateway --clear-groups sotalia-api-gateway --config=/etc/sotalia/api-gateway.conf"
  inside control-1 sh -c "echo secret-password | $admin --add-account admin admin"
  inside control-1 sh -c "$admin --add-token admin" >"$SOT_VAR/token"
  [ -s "$SOT_VAR/token" ]
}
api_url() { if grep -qs balancer "$SOT_VAR/control/inventory.yml"; then echo https://10.77.0.9:443; else echo https://10.77.0.10:7443; fi; }
cli() {
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt "$SOT_BUILD/cli/sotalia" "$@"
}
runner_start() {
  proc_start runner env SOTALIA_URL="$(api_url)" SOTALIA_TOKEN="$(cat "$SOT_VAR/token")" SOTALIA_CA="$SOT_VAR/control/secrets/ca.crt" \
    ANSIBLE_SSH_CONTROL_PATH_DIR="$SOT_VAR/cp" PYTHONDONTWRITEBYTECODE=1 "$SOT_SRC/deploy/ansible/runner/sotalia-runner" --collections="$SOT_VAR/collections" --vars="$SOT_VAR/hosts-vars.yml" --ssh-key="$(key)" \
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


lab_begin() {
  rm -rf "$SOT_VAR"
  mkdir -p "$SOT_LOG" "$SOT_PID" "$SOT_RUN"
  trap down EXIT
}
# lab_hold: until it is killed
lab_hold() {
  trap 'exit 0' TERM
  echo "held: tests/machines/run do FUNCTION [ARGUMENT]...; end it with: kill $(cat "$SOT_VAR.pid")"
  while :; do read -r -t 3600 <> <(:) || true; done
}
verdict() {
  [ -z "${SOT_COUNTS:-}" ] || printf '%s %s\n' "$PASSED" "$FAILED" >"$SOT_COUNTS"
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ]
}
