# shellcheck shell=bash
# The laboratory `trunk`: hosts on tagged trunks of a real switch (Open vSwitch in user space): VLANs 100 to 500 tagged, 66 native.
#
#   namespace tor:   the switch `rack`; ports trunk<n> (hosts: native 66, the others tagged), access ports for the rest
#   host h<n>:       eth0 10.77.0.1<n>/24 management; eth1 the trunk; eth1.100 to eth1.500 stand in for 8021q devices
#   laboratory:      tor0 10.66.0.1/24 in the native VLAN
#   namespaces n100, n200:  a neighbour `eth0` 10.<vid>.0.1/24 and fd00:<vid>::1/64, the VLAN's gateway

TRUNK_VIDS="100 200 300 400 500"
SWITCH_DIR=$SOT_RUN/ovs
# shellcheck source=tests/e2e/switch.sh
. "$SOT_SRC/tests/e2e/switch.sh"
trunk_index() { ip -n "$1" -o link show dev "$2" | cut -d: -f1; }
trunk_tag() { # trunk_tag NETNS: the stand-ins eth1.<vid>
  local ns=$1 vid link link_of="" vid_of="" object=$SWITCH_DIR/$1.o
  for vid in $TRUNK_VIDS; do
    ip -n "$ns" link add "wire$vid" type veth peer name "eth1.$vid"
    ip -n "$ns" link set "wire$vid" up
    nsenter --net="/run/netns/$ns" ethtool -K "eth1.$vid" tx off >/dev/null
    link=$(trunk_index "$ns" "wire$vid")
    link_of="$link_of (v) == $vid ? $link :" vid_of="$vid_of (l) == $link ? $vid :"
  done
  clang-14 -O2 -g -target bpf -I/usr/include/x86_64-linux-gnu -DUPLINK="$(trunk_index "$ns" eth1)" \
    -D"LINK_OF(v)=($link_of 0)" -D"VID_OF(l)=($vid_of 0)" -c "$SOT_SRC/tests/e2e/vlan.bpf.c" -o "$object"
  tc -n "$ns" qdisc add dev eth1 clsact
  tc -n "$ns" filter add dev eth1 ingress bpf da obj "$object" sec tc_untag
  for vid in $TRUNK_VIDS; do
    tc -n "$ns" qdisc add dev "wire$vid" clsact
    tc -n "$ns" filter add dev "wire$vid" ingress bpf da obj "$object" sec tc_tag
  done
}
trunk_host_net() { # trunk_host_net N
  local ns=h$1
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  ip link add "m$1" type veth peer name eth0 netns "$ns"
  ip link set "m$1" master mgmt0 up
  ip -n "$ns" address add "10.77.0.1$1/24" dev eth0
  ip -n "$ns" link set eth0 up
  switch_cable "trunk$1" "$ns" eth1 tag=66 vlan_mode=native-untagged trunks="66,${TRUNK_VIDS// /,}"
  trunk_tag "$ns"
}
# A crash of host N: all its processes at once, and every link of its namespace but the cables.
trunk_host_crash() {
  local name=h$1 pid link vid
  # First what could start something anew; a container's processes go with their shim's tree.
  for pid in "$(proc_pid "dockerd-$name")" "$(proc_pid "containerd-$name")"; do [ -z "$pid" ] || kill -KILL "$pid"; done
  engine_kill_shims "$name"
  wait_until 10 "the processes of $name to be gone" eval "! proc_pid dockerd-$name && ! proc_pid containerd-$name"
  engine_unmount "$name"
  rm -rf "$SOT_RUN/docker-$name" "$SOT_RUN/containerd-$name"
  for link in $(ip -n "$name" -o link show type bridge | awk -F': ' '{ print $2 }'); do ip -n "$name" link delete "$link"; done
  for link in $(ip -n "$name" -o link show | awk -F'[ @:]+' '$2 ~ /^sot[0-9a-f]+/ { print $2 }'); do ip -n "$name" link delete "$link" || true; done
  for vid in $TRUNK_VIDS; do ip -n "$name" link delete "wire$vid"; done
  tc -n "$name" qdisc delete dev eth1 clsact
  nsenter --net="/run/netns/$name" nft flush ruleset
}
trunk_host_boot() { # trunk_host_boot N: in the order of a boot; the stand-ins are there as a driver's devices would be
  trunk_tag "h$1"
  logged "$SOT_LOG/netd-h$1.log" nsenter --net="/run/netns/h$1" "$SOT_BUILD/services/hostagent/sotalia-netd" --config="$SOT_VAR/hosts/h$1/hostagent.conf"
  lab_host_up "$1"
}
trunk_neighbour() { # trunk_neighbour NETNS VID: one more machine in that VLAN; its link is eth0
  ip netns add "$1"
  ip -n "$1" link set lo up
  switch_cable "$1" "$1" eth0 "tag=$2"
}
lab_wire_trunk() { # lab_wire_trunk HOSTS
  local n vid
  echo eth1 >"$SOT_VAR/vlan_uplink"
  lab_bridge mgmt0 10.77.0.1/24
  switch_up
  for n in $(seq "$1"); do trunk_host_net "$n"; done
  for vid in 100 200; do
    trunk_neighbour "n$vid" "$vid"
    ip -n "n$vid" address add "10.$vid.0.1/24" dev eth0
    ip -n "n$vid" address add "fd00:$vid::1/64" dev eth0 nodad
  done
  ip link add native netns tor type veth peer name tor0
  ip -n tor link set native up
  ip link set tor0 up
  ethtool -K tor0 tx off >/dev/null
  ip address add 10.66.0.1/24 dev tor0
  switch_ovs add-port rack native tag=66
}
