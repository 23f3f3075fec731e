#!/bin/bash
# Two VLANs with a wire each (a veth whose far end lies in a namespace of strangers), real Docker: instances come up on their VLAN,
# an address that somebody else uses is found before it is bound, and told of when somebody takes it later; ipam hears what is wired.
# usage: network_test.sh BUILD_FOLDER (of services/hostagent). Needs root, dockerd, containerd, busybox-static, arping.
set -uo pipefail

# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
[ -x /usr/bin/arping ] || { echo "needs iputils-arping"; exit 77; }

has() { grep -- "$1" >/dev/null; } # reads all: with -q the writer would die of SIGPIPE now and then

# ---- the wires ----
in_ns() { nsenter --net="/run/netns/$ns" "$@"; }
stranger() { local vlan=$1; shift; nsenter --net="/run/netns/$ns-$vlan" "$@"; }
mac_of_stranger() { stranger "$1" ip -o link show eth0 | sed 's|.*link/ether \([0-9a-f:]*\).*|\1|'; }
cleanup_wires() { for vlan in 100 200; do ip netns del "$ns-$vlan" 2>/dev/null; done; cleanup; }
trap cleanup_wires EXIT
for vlan in 100 200; do
  ip netns add "$ns-$vlan"
  ip link add "up$vlan" netns "$ns" type veth peer name eth0 netns "$ns-$vlan" || fail "no wire"
  stranger $vlan ip link set lo up
  stranger $vlan ip link set eth0 mtu 1450 up
  in_ns ip link set "up$vlan" mtu 1450
  stranger $vlan ip address add "10.$vlan.0.50/24" dev eth0
done
stranger 100 ip address add 2001:db8:100::50/64 dev eth0 nodad
cat >>"$work/agent.conf" <<CONF
vlan_links = 100=up100,200=up200
network_check_ms = 2000
report_interval_ms = 500
CONF

record() { cat "$work/state/net/$(container "$1").json"; }
inside() { local i=$1; shift; nsenter --net="/proc/$(pid1 "$i")/ns/net" "$@"; }
port_of() { in_ns ip -o link show "$1" | has "master $2 .*state UP"; }
reported() { tail -n 40 "$work/reported" | has "$1"; }
# The newest report; an agent that was started anew counts from 1 again.
last_report() { tac "$work/reported" | sed '/^report/q' | grep '^used'; }
uses() { last_report | has "$1"; }

# ---- two VLANs ----
start_agent
tell "net 1 vlan=100 address=10.100.0.11 prefix=24 gateway=10.100.0.50 address6=2001:db8:100::11 prefix6=64 dns=10.100.0.53 search=shop.example generation=7"
tell "net 2 vlan=200 address=10.200.0.12 prefix=24 gateway=0.0.0.0 generation=8 kbit=50000"
tell "set 1 0 0 64  - 0" "set 2 0 0 64  - 0" push
for i in 1 2; do wait_for 20 "instance $i does not become healthy" told $i "observed=3 health=2"; done
port_of sot0a64000b br100 && port_of sot0ac8000c br200 || fail "a link is not a port of its VLAN's bridge"
inside 1 ip -o addr show eth0 | has 10.100.0.11/24 || fail "address of instance 1"
inside 1 ip -6 -o addr show eth0 | has 2001:db8:100::11/64 || fail "IPv6 address of instance 1"
inside 1 ip -o link show eth0 | has "mtu 1450 " || fail "the MTU is not the uplink's"
stranger 100 ping -c 1 -W 2 10.100.0.11 >/dev/null || fail "the wire of VLAN 100 does not reach its instance"
stranger 100 ping -c 1 -W 2 2001:db8:100::11 >/dev/null || fail "nor by IPv6"
stranger 200 arping -c 2 -w 2 -I eth0 10.100.0.11 >/dev/null && fail "VLAN 200 reaches an instance of VLAN 100"
grep -qx '{"version":1,"vlans":\[100,200\]}' "$work/state/net/vlans.json" || fail "vlans.json: $(cat "$work/state/net/vlans.json")"
record 1 | has '"bridge":"br100","vlan":100,' && record 2 | has '"bandwidth_kbit":50000' || fail "records"
step "two VLANs: reach within, not across; IPv4 and IPv6, MTU of the uplink, vlans.json for the next boot"

resolv() { timeout 10 $docker exec "$(container 1)" /bin/busybox cat /etc/resolv.conf; }
[ "$(resolv)" = $'search shop.example\nnameserver 10.100.0.53' ] || fail "resolv.conf: $(resolv)"
t1=$(started 1)
tell "net 1 dns=10.100.0.54" "set 1 0 0 64  - 0" push
wait_for 20 "new resolvers are not taken" told 1 "observed=3 health=2 generation=2"
[ "$(resolv)" = $'search shop.example\nnameserver 10.100.0.54' ] && [ "$(started 1)" = "$t1" ] || fail "resolvers: $(resolv)"
step "resolvers of its own, changed without a restart"

wait_for 10 "ipam does not hear of instance 1" uses "10.100.0.11 vlan=100 mac=02:0a:0a:64:00:0b instance=1 generation=7 running=1"
uses "2001:db8:100::11 vlan=100 mac=02:0a:0a:64:00:0b instance=1 generation=7 running=1" || fail "IPv6 is not reported"
uses "10.200.0.12 vlan=200 .* instance=2 generation=8 running=1" || fail "instance 2 is not reported"
[ "$(last_report | wc -l)" = 3 ] || fail "more is reported than is wired: $(last_report)"
step "ipam hears what is wired"

# ---- somebody has it already ----
stranger 100 ip address add 10.100.0.13/24 dev eth0
tell "net 3 vlan=100 address=10.100.0.13 prefix=24 gateway=0.0.0.0" "set 3 0 0 64  - 0" push
rogue=$(mac_of_stranger 100)
wait_for 20 "the conflict is not told" told 3 "observed=7 .*conflict=10.100.0.13,$rogue error=10.100.0.13 is used on VLAN 100 by $rogue"
wait_for 5 "ipam does not hear of the stranger" reported "stranger 10.100.0.13 vlan=100 mac=$rogue how=0"
wait_for 10 "no container was prepared" test -n "$(container 3)"
[ "$(pid1 3)" = 0 ] && [ ! -e "$work/state/net/$(container 3).json" ] || fail "it was bound in spite of the conflict"
# The stranger is silent, the agent another one, and its order the one of before: the address is not its own for that.
end agent KILL
stranger 100 ip address del 10.100.0.13/24 dev eth0
before=$(grep -c "^status 3 " "$work/told")
start_agent
told_anew() { [ "$(grep -c "^status 3 " "$work/told")" -gt "$before" ]; }
wait_for 20 "the conflict is not told by the next agent" told_anew
tell "net 7 vlan=200 address=10.200.0.17 prefix=24 gateway=0.0.0.0" "set 7 0 0 64  - 0" push
wait_for 20 "instance 7 does not run" told 7 "observed=3" # asked for later, and made: instance 3 had all the time that it needs
told 3 "observed=7 .*conflict=10.100.0.13,$rogue" || fail "the next agent does not know of the conflict"
[ "$(pid1 3)" = 0 ] && [ ! -e "$work/state/net/$(container 3).json" ] || fail "the next agent bound it in spite of the conflict"
step "an address that was found in use stays so when the agent begins anew and nobody answers any more"
tell "net 3 address=10.100.0.14" "set 3 0 0 64  - 0" push
wait_for 20 "the next address is not taken" told 3 "observed=3 health=2 generation=2 .*conflict=,00:00:00:00:00:00 error=$"
inside 3 ip -o addr show eth0 | has 10.100.0.14/24 || fail "address of instance 3"
step "an address in use is found before it is bound, with who has it; the next one is taken"

stranger 100 ip address add 2001:db8:100::15/64 dev eth0 nodad
tell "net 4 vlan=100 address=10.100.0.15 prefix=24 gateway=0.0.0.0 address6=2001:db8:100::15 prefix6=64" "set 4 0 0 64  - 0" push
wait_for 20 "the conflict of IPv6 is not told" told 4 "observed=7 .*conflict=2001:db8:100::15,$rogue"
tell "net 4 address6=2001:db8:100::16" "set 4 0 0 64  - 0" push
wait_for 20 "the next IPv6 address is not taken" told 4 "observed=3 health=2 generation=2"
step "the same for IPv6"

# ---- somebody takes it later ----
stranger 100 ip address add 10.100.0.11/32 dev eth0
stranger 100 arping -q -c 1 -w 1 -U -I eth0 -s 10.100.0.11 10.100.0.11
wait_for 5 "the stranger on the address of instance 1 is not reported" reported "stranger 10.100.0.11 vlan=100 mac=$rogue how=1"
line=$(grep 'stranger 10.100.0.11 ' "$work/reported" | head -n 1)
late=$(awk '{ for (i = 1; i <= NF; i++) { if (sub(/^at=/, "", $i)) at = $i; if (sub(/^told=/, "", $i)) told = $i } print told - at }' <<<"$line")
[ "$late" -le 1000 ] || fail "the stranger was reported after $late ms"
told 1 "observed=3 health=2" || fail "the stranger disturbed the instance"
stranger 100 ip address del 10.100.0.11/32 dev eth0
step "a stranger that appears later is told within a second ($late ms)"

# ---- probes that ipam orders ----
tell_ipam "next 1000" "probe 100 10.100.0.50" "probe 100 10.100.0.99" "probe 200 10.200.0.12" "probe 300 10.3.0.1" "probe 100 2001:db8:100::50"
tell "net 5 vlan=0 address=10.66.0.15 prefix=24 gateway=0.0.0.0" "set 5 0 0 64  - 0" push # a change: a report, and its answer orders
wait_for 20 "the probe of a user is not told" reported "probed 10.100.0.50 vlan=100 done=1 mac=$rogue"
wait_for 5 "the probe of a free address is not told" reported "probed 10.100.0.99 vlan=100 done=1 mac=00:00:00:00:00:00"
wait_for 5 "the probe of an own address is not told" reported "probed 10.200.0.12 vlan=200 done=1 mac=02:0a:0a:c8:00:0c"
wait_for 5 "a probe that is impossible is not told" reported "probed 10.3.0.1 vlan=300 done=0"
wait_for 5 "the probe by IPv6 is not told" reported "probed 2001:db8:100::50 vlan=100 done=1 mac=$rogue"
[ "$(grep -c 'probed 10.100.0.99 ' "$work/reported")" = 1 ] || fail "a result is told again after it was acknowledged"
step "probes that ipam orders: a user, silence, our own, a VLAN that is not here, IPv6"

# ---- a VLAN that cannot be built ----
tell "net 6 vlan=300 address=10.30.0.16 prefix=24 gateway=0.0.0.0" "set 6 0 0 64  - 0" push
wait_for 20 "why VLAN 300 is not there is not told" told 6 "observed=7 .*error=.*300"
wait_for 20 "instance 5 does not become healthy" told 5 "observed=3 health=2"
tell "set 6 2 0 64  - 0" push
wait_for 20 "an instance without its VLAN is not retired" told 6 "observed=6"
step "a VLAN that cannot be built fails its own instances only, and says why: $(grep '^status 6 observed=7' "$work/told" | tail -n 1 | sed 's/.*error=//')"

# ---- an instance that forges ----
metrics() { python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b"metrics\n")
while piece := s.recv(65536): sys.stdout.buffer.write(piece)' "$work/control"; }
counted() { metrics | has "$1"; }
counted 'guard_drops_total{reason="forged_arp"} 0' || fail "drops of the guard before any forgery: $(metrics | grep guard_drops)"
inside 1 ip address add 10.100.0.99/32 dev eth0
inside 1 arping -q -c 1 -w 1 -U -I eth0 -s 10.100.0.99 10.100.0.99
wait_for 5 "forged frames are not counted" counted 'guard_drops_total{reason="forged_arp"} [1-9]'
wait_for 5 "an address that was never given is not reported" uses "10.100.0.99 vlan=100 .* instance=1 generation=0 running=1"
inside 1 ip address del 10.100.0.99/32 dev eth0
step "what an instance forges is dropped, counted by its reason, and told to ipam"

# ---- drift, the agent's death ----
in_ns ip link set br100 type bridge stp_state 1
in_ns ip link set sot0a64000b nomaster
port_is_back() { port_of sot0a64000b br100 && in_ns ip -o -d link show br100 | has " stp_state 0 "; }
wait_for 15 "drift is not repaired" port_is_back
grep -q 'network.deed.*deed=repaired' "$work/agent.log" || fail "a repair is not logged"
stranger 100 ping -c 1 -W 2 10.100.0.11 >/dev/null || fail "no reach after the repair"
step "drift is seen and repaired"

t1=$(started 1); t3=$(started 3)
end agent KILL
start_agent
next_report_1() { [ "$(grep -c '^report 1 ' "$work/reported")" = 3 ]; }
wait_for 30 "the agent does not report again" next_report_1
wait_for 20 "the report is not whole" uses "10.100.0.14 vlan=100 .* instance=3 .* running=1"
wait_for 20 "instances are not told again" told 3 "observed=3 health=2"
[ "$(started 1)" = "$t1" ] && [ "$(started 3)" = "$t3" ] || fail "the agent's restart restarted an instance"
step "kill -9 of the agent: all is kept, nothing is probed away, the report is whole"

tell "set 2 1 0 64  - 0" push
wait_for 20 "instance 2 does not stop" told 2 "observed=4"
wait_for 10 "a stopped instance's address is not reported as held" uses "10.200.0.12 vlan=200 .* instance=2 .* running=0"
tell_ipam refuse
tell "set 2 0 0 64  - 0" push
wait_for 20 "instance 2 does not start again" told 2 "observed=3 health=2"
wait_for 10 "no report was refused" grep -q '^refused' "$work/reported"
tell_ipam accept
wait_for 20 "a refused report is not told again" uses "10.200.0.12 vlan=200 .* instance=2 .* running=1"
tell "set 2 2 0 64  - 0" push
wait_for 20 "instance 2 is not retired" told 2 "observed=6"
no_more() { ! uses 10.200.0.12; }
wait_for 10 "a retired instance's address is still reported" no_more
step "stopped: held; refused: told again; retired: gone from the report"

# ---- the first start after a boot ----
# As after a reboot while nobody leads: the agent is away, Docker starts what it had, and the last start was in another boot.
end agent TERM
of_another_boot() { sed -i 's/"boot_id":"[^"]*"/"boot_id":"another"/' "$work/state/net/$(container 1).used.json"; }
this_boot() { has "\"boot_id\":\"$(cat /proc/sys/kernel/random/boot_id)\"" <"$work/state/net/$(container 1).used.json"; }
this_boot || fail "the start is not noted: $(cat "$work/state/net/$(container 1).used.json")"
timeout 60 $docker stop -t 1 "$(container 1)" >/dev/null || fail "instance 1 does not stop"
link_is_gone() { ! in_ns ip link show sot0a64000b; }
wait_for 60 "the link of instance 1 outlives it" link_is_gone # the kernel takes a namespace down later, and until then it answers
stranger 100 ip address add 10.100.0.11/32 dev eth0
of_another_boot
for try in first second; do
  refusal=$(timeout 60 $docker start "$(container 1)" 2>&1) && fail "the $try start after a boot does not ask"
  has "10.100.0.11 is in use on VLAN 100 by $rogue" <<<"$refusal" || fail "refused without a reason: $refusal"
done
stranger 100 ip address del 10.100.0.11/32 dev eth0
timeout 60 $docker start "$(container 1)" >/dev/null || fail "it does not start when nobody has its address"
this_boot || fail "the start after a boot is not noted"
step "the first start after a boot: refused while somebody answers for the address, with who it is"

grep -qE "AddressSanitizer|runtime error|LeakSanitizer" "$work/agent.log" "$work/ipam.log" "$work/scheduler.log" && fail "the sanitizers complain"
grep -c "^error" "$work/reported" "$work/told" | grep -v ':0$' && fail "a peer was told nonsense"
step "all"
