#!/usr/bin/env bash
# The end-to-end laboratory: the whole platform on real parts, with as many Docker hosts as wanted on one machine.
#
# It must run inside namespaces of its own (tests/e2e/run makes them): nothing can leave them, and everything vanishes
# when the last process ends.
#
#   lab namespace:  mgmt0 10.77.0.1/24 (control plane, registry)     tor0 10.66.0.1/24 (the VLAN's gateway)
#   host h<n>:      eth0  10.77.0.1<n>/24 on mgmt0                   eth1 -> sotbr0, on tor0
#
# usage: lab.sh up [HOSTS [KIND]] | down | FUNCTION ARGS...   (functions of deploy/local/*.sh and the lab_* ones below)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export SOT_LISTEN=10.77.0.1 SOT_HOST_NAME=h1 SOT_CAT_CLIENTS=10.77.0.1
SOT_SRC=$(cd "$here/../.." && pwd)
export SOT_SRC SOT_VAR=${SOT_VAR:-$SOT_SRC/build/lab} SOT_BUILD=${SOT_BUILD:-$SOT_SRC/build/release}
for part in lib docker postgres images services host demo; do
  # shellcheck source=/dev/null
  . "$SOT_SRC/deploy/local/$part.sh"
done
SOT_UID_api_gateway_2=$(service_uid api-gateway)
# shellcheck source=tests/e2e/trunk.sh
. "$here/trunk.sh"
SOT_IMAGES=${SOT_IMAGES:-$SOT_SRC/build/images} # where tests/e2e/images built and keeps them

lab_guard() { # refuses to work in the machine's own network
  [ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/1/ns/net)" ] || die "the laboratory must run in a network namespace of its own" "tests/e2e/run"
}
lab_claim() { # the state folder is emptied: only one that a laboratory made, or an empty one
  [ ! -e "$SOT_VAR" ] || [ -e "$SOT_VAR/.laboratory" ] || [ "$SOT_VAR" = "$SOT_SRC/build/lab" ] || rmdir "$SOT_VAR" 2>/dev/null ||
    die "$SOT_VAR holds something that is no laboratory's; a laboratory would delete it" "give SOT_VAR a new folder"
  rm -rf "$SOT_VAR" "$SOT_RUN"
  mkdir -p "$SOT_LOG" "$SOT_PID" "$SOT_RUN" "$SOT_VAR/images"
  chmod 755 "$SOT_RUN"
  : >"$SOT_VAR/.laboratory"
}
lab_bridge() { # lab_bridge NAME ADDRESS
  ip link add "$1" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  ip address add "$2" dev "$1"
  ip link set "$1" up
}
lab_host_net() { # lab_host_net N
  local n=$1 ns=h$1
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  ip link add "m$n" type veth peer name eth0 netns "$ns"
  ip link add "t$n" type veth peer name eth1 netns "$ns"
  ip link set "m$n" master mgmt0 up
  ip link set "t$n" master tor0 up
  ip -n "$ns" address add "10.77.0.1$n/24" dev eth0
  ip -n "$ns" link set eth0 up
  ip -n "$ns" link set eth1 up
}
lab_neighbour() { # lab_neighbour NETNS: one more machine on the hosts' switch of the plain laboratory; its link is eth0
  ip netns add "$1"
  ip link add "t$1" type veth peer name eth0 netns "$1"
  ip link set "t$1" master tor0 up
  ip -n "$1" link set eth0 up
}
lab_host_up() { # lab_host_up N
  engine_start "h$1" "/run/netns/h$1"
}
lab_host_join() { # lab_host_join N: registered and its agent running
  host_register "h$1" "az$((($1 - 1) % 2 + 1))" "rack$1"
  lab_agent_start "$1"
  wait_until 40 "host h$1 to be online" agent_online "h$1" || { log_tail "hostagent-h$1" 30; die "h$1 did not come online"; }
}
lab_agent_start() { agent_start "h$1" "/run/netns/h$1" "" eth1 "10.77.0.1$1" "$(cat "$SOT_VAR/vlan_uplink")"; }
lab_host_die() { # lab_host_die N: the machine loses its power: nothing of it runs, nothing of it answers
  local name pid link
  for link in eth0 eth1; do ip -n "h$1" link set "$link" down; done
  for name in hostagent dockerd containerd lxcfs; do
    pid=$(proc_pid "$name-h$1") && kill -KILL "$pid"
    rm -f "$SOT_PID/$name-h$1"
  done
  engine_kill_shims "h$1"
  engine_unmount "h$1"
  umount -l "$(lxcfs_dir "h$1")" 2>/dev/null || true
  rm -rf "$SOT_RUN/docker-h$1" "$SOT_RUN/containerd-h$1" # /run does not outlive a boot
}
lab_host_boot() { # lab_host_boot N: the machine has its power again: Docker, then the agent
  local link
  for link in eth0 eth1; do ip -n "h$1" link set "$link" up; done
  lab_host_up "$1"
  lab_agent_start "$1"
}
lab_host_crash() { # lab_host_crash N: as lab_host_die, and no link that is not a cable outlives it
  local link
  lab_host_die "$1"
  for link in $(ip -n "h$1" -o link show type bridge | awk -F': ' '{ print $2 }'); do ip -n "h$1" link delete "$link"; done
  for link in $(ip -n "h$1" -o link show | awk -F'[ @:]+' '$2 ~ /^sot[0-9a-f]+/ { print $2 }'); do ip -n "h$1" link delete "$link" || true; done
  nsenter --net="/run/netns/h$1" nft flush ruleset
}
lab_host_reboot() { # lab_host_reboot N: in the order of a boot: cables, bridges and guard, Docker, the agent
  local link
  for link in eth0 eth1; do ip -n "h$1" link set "$link" up; done
  logged "$SOT_LOG/netd-h$1.log" nsenter --net="/run/netns/h$1" "$SOT_BUILD/services/hostagent/sotalia-netd" --config="$SOT_VAR/hosts/h$1/hostagent.conf"
  lab_host_up "$1"
  lab_agent_start "$1"
}
lab_control() { # lab_control SERVICE|HOST LINE: one line to the control socket, and its answer
  printf '%s\n' "$2" | timeout 3 nc -N -U "$SOT_RUN/control-$1/socket"
}
lab_second_name() { # lab_second_name IMAGE NAME: the same image under a name that no engine has seen; prints the reference
  local from to=$SOT_REGISTRY/sotalia/$2:1
  from=$(image_reference "$1")
  engine_docker h2 pull -q "$from" >/dev/null
  engine_docker h2 tag "$from" "$to"
  engine_docker h2 push -q "$to" >/dev/null
  engine_docker h2 rmi "$to" >/dev/null
  printf '%s' "$to"
}
lab_second_gateway() { # another one beside the first: the same database, store and keys, ports of its own
  local s=api-gateway-2
  sed -e 's/:7443$/:7543/; s/:722\([123]\)$/:732\1/; s/control-api-gateway/control-api-gateway-2/' "$SOT_VAR/conf/api-gateway.conf" | config_write $s
  proc_pid $s >/dev/null || proc_start $s bash -c "$(declare -f confined); SOT_VAR='$SOT_VAR' SOT_SRC='$SOT_SRC' SOT_RUN='$SOT_RUN'
    confined $SOT_UID_api_gateway_2 '$SOT_RUN/src${SOT_BUILD#"$SOT_SRC"}/services/api-gateway/sotalia-api-gateway' --config='$SOT_RUN/var/conf/$s.conf'"
  service_wait $s
}
lab_env() {
  # shellcheck source=/dev/null
  . "$SOT_VAR/env"
}

lab_configs_write() {
  configs_write
  # The hosts of a laboratory are one machine with all its tests on it: its load says nothing about where there is room.
  echo 'load_limit_permille = 1001' >>"$SOT_VAR/conf/scheduler.conf"
}

# The links of a laboratory: lab_wire_KIND HOSTS. The plain one: every host on the management network and, untagged, on
# one switch.
lab_wire_plain() {
  local n
  lab_bridge mgmt0 10.77.0.1/24
  lab_bridge tor0 10.66.0.1/24
  for n in $(seq "$1"); do lab_host_net "$n"; done
}
lab_unwire() { # nothing of a laboratory's links is left
  local ns link
  switch_down
  for ns in $(ip netns list | awk '{ print $1 }'); do ip netns delete "$ns"; done
  for link in $(ip -o link show type bridge | awk -F': ' '{ print $2 }'); do ip link delete "$link"; done
}

lab_up() { # lab_up HOSTS KIND
  local n
  lab_guard
  [ "$(type -t "lab_wire_$2")" = function ] || die "there is no laboratory of kind '$2'" "write lab_wire_$2 in tests/e2e/lab.sh"
  lab_claim
  echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true
  ip link set lo up
  : >"$SOT_VAR/vlan_uplink" # a laboratory with trunks names the hosts' link here
  "lab_wire_$2" "$1"
  # The images were built outside (building needs the package mirror); here the registry serves the same store.
  find "$SOT_IMAGES/images" -maxdepth 1 -type f -exec cp -t "$SOT_VAR/images" {} +
  cp -a "$SOT_IMAGES/registry" "$SOT_VAR/registry"
  postgres_start
  postgres_schema
  registry_start
  keys_make
  tls_make
  lab_configs_write
  services_start
  access_make
  for n in $(seq "$1"); do lab_host_up "$n"; done
  lab_env
  for n in $(seq "$1"); do lab_host_join "$n"; done
  demo_vlan
  demo_images
}
lab_down() {
  local f name
  lab_guard
  for f in "$SOT_PID"/hostagent-*; do [ ! -e "$f" ] || proc_stop "$(basename "$f")" 5; done
  proc_stop api-gateway-2
  services_stop
  for f in "$SOT_PID"/dockerd-* "$SOT_PID"/containerd-*; do
    name=$(basename "$f")
    [ ! -e "$f" ] || engine_stop "${name#*-}"
  done
  proc_stop registry 5
  postgres_stop
  lab_unwire
  rm -rf "$SOT_RUN"
}

case ${1:-} in
  up) lab_up "${2:-2}" "${3:-plain}" ;;
  down) lab_down ;;
  '') die "usage: lab.sh up HOSTS | down | FUNCTION ARGS..." ;;
  *)
    lab_guard
    [ ! -r "$SOT_VAR/env" ] || lab_env
    "$@"
    ;;
esac
