# shellcheck shell=bash
# The switch of a rack for tests: Open vSwitch in user space, bridge `rack`, in the network namespace `tor`. It enforces VLANs
# on access and trunk ports, as a real one does, and needs no kernel module.
#
#   SWITCH_DIR   its sockets, database and logs: a short path (unix sockets allow 107 bytes)

switch_ovs() { ovs-vsctl --db="unix:$SWITCH_DIR/db.sock" --timeout=20 "$@"; }
switch_up() {
  mkdir -p "$SWITCH_DIR"
  export OVS_RUNDIR=$SWITCH_DIR OVS_LOGDIR=$SWITCH_DIR OVS_DBDIR=$SWITCH_DIR OVS_SYSCONFDIR=$SWITCH_DIR
  ovsdb-tool create "$SWITCH_DIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  ip netns add tor
  ip -n tor link set lo up
  # 8: the caller's lock must not live on in a process of the background.
  nsenter --net=/run/netns/tor ovsdb-server "$SWITCH_DIR/conf.db" --remote="punix:$SWITCH_DIR/db.sock" --pidfile="$SWITCH_DIR/db.pid" \
    --detach --log-file="$SWITCH_DIR/ovsdb.log" >/dev/null 2>&1 8>&-
  switch_ovs --no-wait init
  nsenter --net=/run/netns/tor ovs-vswitchd "unix:$SWITCH_DIR/db.sock" --pidfile="$SWITCH_DIR/vs.pid" --detach --disable-system \
    --log-file="$SWITCH_DIR/ovs-vswitchd.log" >/dev/null 2>&1 8>&-
  switch_ovs add-br rack -- set bridge rack datapath_type=netdev
}
switch_down() {
  local f pid
  for f in "$SWITCH_DIR/vs.pid" "$SWITCH_DIR/db.pid"; do
    [ -r "$f" ] || continue
    pid=$(cat "$f")
    kill "$pid" 2>/dev/null || true
    timeout 10 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
  done
}
switch_cable() { # switch_cable PORT NETNS LINK SETTING...: a port of the switch and the link at its other end
  local port=$1 ns=$2 link=$3
  shift 3
  ip link add "$port" netns tor type veth peer name "$link" netns "$ns"
  ip -n tor link set "$port" up
  ip -n "$ns" link set "$link" up
  nsenter --net="/run/netns/$ns" ethtool -K "$link" tx off >/dev/null # the switch computes no checksums
  # A namespace that was deleted took its link along, but not the switch's memory of the port.
  switch_ovs --if-exists del-port rack "$port" -- add-port rack "$port" "$@"
}
