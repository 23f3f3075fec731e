# shellcheck shell=bash
# The laboratory `trunk`: hosts on tagged trunks of a real switch (Open vSwitch in user space), VLANs 100 and 200 and a
# native one, a neighbour in each VLAN.
#
#   namespace tor:   the switch `rack`; ports trunk<n> (hosts: native 66, tagged 100 and 200), access ports for the rest
#   host h<n>:       eth0 10.77.0.1<n>/24 management; eth1 the trunk; eth1.100, eth1.200 stand in for 8021q devices
#   laboratory:      tor0 10.66.0.1/24 in the native VLAN
#   namespaces n100, n200:  a neighbour `eth0` 10.<vid>.0.1/24 (the VLAN's gateway) in each tagged VLAN

TRUNK_VIDS="100 200"
SWITCH_DIR=$SOT_RUN/ovs
# shellcheck source=tests/e2e/switch.sh
. "$here/switch.sh"
trunk_index() { ip -n "$1" -o link show dev "$2" | cut -d: -f1; }
trunk_tag() { # trunk_tag NETNS: the stand-ins eth1.<vid>
  local ns=$1 vid object=$SWITCH_DIR/$1.o
  for vid in $TRUNK_VIDS; do
    ip -n "$ns" link add "wire$vid" type veth peer name "eth1.$vid"
    ip -n "$ns" link set "wire$vid" up
    nsenter --net="/run/netns/$ns" ethtool -K "eth1.$vid" tx off >/dev/null
  done
  clang-14 -O2 -g -target bpf -I/usr/include/x86_64-linux-gnu -DUPLINK="$(trunk_index "$ns" eth1)" \
    -DVID_A=100 -DLINK_A="$(trunk_index "$ns" wire100)" -DVID_B=200 -DLINK_B="$(trunk_index "$ns" wire200)" \
    -c "$SOT_SRC/tests/e2e/vlan.bpf.c" -o "$object"
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
  switch_cable "trunk$1" "$ns" eth1 tag=66 vlan_mode=native-untagged trunks=66,100,200
  trunk_tag "$ns"
}
trunk_neighbour() { # trunk_neighbour NETNS VID: one more machine in that VLAN; its link is eth0
  ip netns add "$1"
  ip -n "$1" link set lo up
  switch_cable "$1" "$1" eth0 "tag=$2"
}
lab_wire_trunk() { # lab_wire_trunk HOSTS
  local n vid
  lab_bridge mgmt0 10.77.0.1/24
  switch_up
  for n in $(seq "$1"); do trunk_host_net "$n"; done
  for vid in $TRUNK_VIDS; do
    trunk_neighbour "n$vid" "$vid"
    ip -n "n$vid" address add "10.$vid.0.1/24" dev eth0
  done
  ip link add native netns tor type veth peer name tor0
  ip -n tor link set native up
  ip link set tor0 up
  ethtool -K tor0 tx off >/dev/null
  ip address add 10.66.0.1/24 dev tor0
  switch_ovs add-port rack native tag=66
}
