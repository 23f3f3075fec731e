#!/bin/bash
# Instances see their own resources (LXCFS), real Docker: with it, without it, after it was killed, while it stands still; and the
# limits behind what they see hold.
# usage: view_test.sh BUILD_FOLDER (of services/hostagent). Needs root, dockerd, containerd, busybox-static, lxcfs.
set -uo pipefail

[ -x /usr/bin/lxcfs ] || { echo "needs lxcfs"; exit 77; }
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

inside() { local i=$1; shift; $docker exec "$(container "$i")" /bin/busybox "$@"; }
memory_kb() { inside "$1" awk '/^MemTotal/ { print $2 }' /proc/meminfo; }
sees() { [ "$(memory_kb "$1")" = $(($2 * 1024)) ]; }
metric() { printf 'metrics\n' | nc -N -U "$work/control" | awk -v m="$1" '$1 == m { print $2 }'; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }

start_agent
tell "set 1 0 0 64  - 0" push
wait_for 60 "instance 1 does not become healthy without LXCFS" told 1 "observed=3 health=2"
wait_for 10 "that LXCFS is away is not told" grep -q "view.down text=.*no LXCFS is mounted" "$work/agent.log"
sees 1 64 && fail "64 MB without LXCFS: this test sees nothing"
t1=$(started 1)
step "without LXCFS instances start, and it is told"

start_lxcfs
wait_for 10 "instance 1 does not get its view" sees 1 64
[ "$(started 1)" = "$t1" ] || fail "the view came with a restart"
step "LXCFS comes: an instance that runs gets its view, without a restart"

tell "set 2 0 0 96  - 0" push
wait_for 60 "instance 2 does not become healthy" told 2 "observed=3 health=2"
sees 2 96 || fail "instance 2 sees $(memory_kb 2) kB"
[ "$(inside 2 nproc)" = 1 ] || fail "nproc tells $(inside 2 nproc)"
[ "$(inside 2 grep -c ^processor /proc/cpuinfo)" = 1 ] || fail "/proc/cpuinfo tells other than 1"
[ "$(inside 2 grep -c '^cpu[0-9]' /proc/stat)" = 1 ] || fail "/proc/stat tells other than 1"
[ "$(inside 2 awk '/^SwapTotal/ { print $2 }' /proc/meminfo)" = 0 ] || fail "there is swap"
[ "$(inside 2 cat /sys/devices/system/cpu/online | tr -d '0-9')" = "" ] || fail "more than one processor is online"
up=$(inside 2 awk '{ print int($1) }' /proc/uptime)
[ "$up" -lt 60 ] || fail "uptime $up is the host's"
inside 2 sh -c 'echo 1 >/proc/uptime' 2>/dev/null && fail "the view can be written"
step "memory, swap, processors and uptime are the plan's; read-only"

set1=$($docker inspect -f '{{.HostConfig.CpusetCpus}}' "$(container 1)")
set2=$($docker inspect -f '{{.HostConfig.CpusetCpus}}' "$(container 2)")
[ "$(nproc)" = 1 ] || [ "$set1" != "$set2" ] || fail "both instances are bound to $set1"
step "two instances are bound to different processors ($set1, $set2)"

tell "set 2 0 0 128  - 0" push
wait_for 30 "limits are not changed" told 2 "observed=3 .*generation=2"
sees 2 128 || fail "after the change instance 2 sees $(memory_kb 2) kB"
step "a resize is seen at once"

kill -STOP "${pids[lxcfs]}"
wait_for 20 "that LXCFS stands still is not told" grep -q "view.down text=.*does not answer" "$work/agent.log"
tell "set 3 0 0 64  - 0" push
wait_for 60 "instance 3 does not start while LXCFS stands still" told 3 "observed=3 health=2"
kill -CONT "${pids[lxcfs]}"
wait_for 20 "instance 3 does not get its view" sees 3 64
step "LXCFS stands still: starts do not hang on it; afterwards the view comes"

end lxcfs KILL
inside 1 cat /proc/meminfo >/dev/null 2>&1 && fail "a dead LXCFS answers: this test sees nothing"
answers 1 || fail "instance 1 does not answer without LXCFS"
start_lxcfs
wait_for 20 "instance 1 does not get the view of the new LXCFS" sees 1 64
wait_for 20 "instance 2 does not get the view of the new LXCFS" sees 2 128
wait_for 20 "instance 3 does not get the view of the new LXCFS" sees 3 64
[ "$(started 1)" = "$t1" ] || fail "LXCFS's restart restarted an instance"
n=$(grep -c "fuse.lxcfs" "/proc/$(pid1 1)/mountinfo")
[ "$n" -ge 7 ] && [ "$n" -le 8 ] || fail "$n mounts of LXCFS in instance 1"
wait_for 10 "an instance is still said to lack its view" metric_is sot_hostagent_view_missing 0
step "LXCFS killed and started again: the view is back in all instances, nothing restarted"

end agent KILL
$docker restart -t 1 "$(container 1)" >/dev/null || fail "docker restart without the agent"
wait_for 10 "no view after docker restart without the agent" sees 1 64
start_agent
step "agent dead: docker restart gives the view"

inside 3 sh -c 'i=0; while [ $i -lt 400 ]; do busybox sleep 20 & i=$((i+1)); done' >/dev/null 2>&1
n=$(cat "/sys/fs/cgroup/pids/docker/$(container 3)/pids.current" 2>/dev/null || cat "/sys/fs/cgroup/system.slice/docker-$(container 3).scope/pids.current")
[ "$n" -le 100 ] || fail "$n processes where 100 are the limit"
answers 2 || fail "the neighbour of a fork bomb does not answer"
step "a fork bomb ends at the limit of its plan ($n of 100), its neighbour answers"

"$bin/sotalia-hostagent" --preflight -o json --config="$work/agent.conf" >"$work/findings"
for id in docker.away docker.runtime docker.live_restore storage.driver lxcfs.away module.overlay cgroup.pids; do
  grep -q "\"id\":\"$id\"" "$work/findings" && fail "preflight finds $id here: $(cat "$work/findings")"
done
kill -STOP "${pids[lxcfs]}"
"$bin/sotalia-hostagent" --preflight --config="$work/agent.conf" --docker_socket="$work/none" >"$work/findings" && fail "preflight is content without Docker"
kill -CONT "${pids[lxcfs]}"
grep -q "^error  docker.away" "$work/findings" && grep -q "^warning  lxcfs.away" "$work/findings" || fail "preflight finds: $(cat "$work/findings")"
step "preflight: nothing of Docker or LXCFS to complain about; without them it says so, and how to mend"

end agent TERM
grep -qE "AddressSanitizer|runtime error|LeakSanitizer" "$work/agent.log" && fail "the agent's sanitizers complain"
step "all"
