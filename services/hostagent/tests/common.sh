# shellcheck shell=bash
# What the agent's integration tests share: a network namespace with containerd, dockerd, the test's scheduler and ipam, and an image.
# Sourced with the build folder of services/hostagent as $1. `start_agent` reads $work/agent.conf, to which a test may add lines.

bin=$(cd "$1" && pwd)
[ "$(id -u)" = 0 ] && [ -x /usr/sbin/dockerd ] && [ -x /bin/busybox ] || { echo "needs root, docker.io and busybox-static"; exit 77; }
work=$(mktemp -d /tmp/hostagent-test.XXXXXX)
ns=sotagent$$
sock=$work/docker.sock
export DOCKER_HOST=unix://$sock
unset SOT_FAILPOINTS
docker=/usr/bin/docker
declare -A pids

spawn() { # spawn NAME COMMAND... : in the namespace, output to $work/NAME.log
  local name=$1; shift
  nsenter --net="/run/netns/$ns" "$@" >>"$work/$name.log" 2>&1 &
  pids[$name]=$!
}
end() { # end NAME SIGNAL
  [ -n "${pids[$1]:-}" ] || return 0
  kill "-$2" "${pids[$1]}" 2>/dev/null
  wait "${pids[$1]}" 2>/dev/null
  unset "pids[$1]"
}
cleanup() {
  local c m
  exec 9>&- 8>&-
  end agent TERM; end www TERM
  for c in $(timeout 10 $docker ps -aq 2>/dev/null); do timeout 20 $docker rm -f "$c" >/dev/null 2>&1; done
  end dockerd TERM; end containerd TERM; end scheduler TERM; end ipam TERM; end lxcfs TERM
  awk -v w="$work/" 'index($2, w) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r m; do umount -l "$m"; done
  ip netns del "$ns" 2>/dev/null
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "FAILED: $*"
  tail -n 25 "$work/agent.log"; tail -n 12 "$work/told"; tail -n 8 "$work/reported"; tail -n 8 "$work/dockerd.log"
  exit 1
}
step() { printf '%s\n' "ok: $*"; }
# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local until=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$until" ] || fail "$what"
    read -rt 0.1 <>"$work/never"
  done
}
tell() { printf '%s\n' "$@" >&9; }
tell_ipam() { printf '%s\n' "$@" >&8; }
# The newest status of an instance holds this text.
told() { grep "^status $1 " "$work/told" | tail -n 1 | grep -q -- "$2"; }
answers() { nsenter --net="/run/netns/$ns" curl -s -m 2 -o /dev/null "http://10.66.0.$((10 + $1)):8080/"; }
container() { $docker ps -aq --no-trunc --filter "label=sot.name=web-default-0$1"; }
started() { $docker inspect -f '{{.State.StartedAt}}' "$(container "$1")"; }
pid1() { $docker inspect -f '{{.State.Pid}}' "$(container "$1")"; }
address_in() { nsenter --net="/proc/$(pid1 "$1")/ns/net" ip -4 -o addr show eth0 | grep -q "10.66.0.$((10 + $1))/24"; }

start_dockerd() {
  rm -f "$work/docker.pid"
  spawn dockerd /usr/sbin/dockerd --data-root "$work/docker" --exec-root "$work/exec" --pidfile "$work/docker.pid" -H "$DOCKER_HOST" \
    --containerd "$work/containerd.sock" --bridge=none --iptables=false --ip-forward=false --ip-masq=false --live-restore --storage-driver "$driver" \
    --add-runtime sotalia="$work/sotalia-runtime"
  wait_for 40 "dockerd did not start" $docker version
}
start_lxcfs() { # beside this host's own, if any; what an LXCFS that was killed left mounted goes first
  umount -l "$work/lxcfs" 2>/dev/null
  spawn lxcfs lxcfs -f -l --enable-cfs -p "$work/lxcfs.pid" "$work/lxcfs"
  wait_for 10 "lxcfs did not start" test -e "$work/lxcfs/proc/uptime"
}
start_agent() { spawn agent "$bin/sotalia-hostagent" --config="$work/agent.conf"; }

mkfifo "$work/never" "$work/commands" "$work/ipam-commands"
mkdir -p "$work/lxcfs" "$work/keys" "$work/state" "$work/image/sbin" "$work/image/bin" "$work/image/etc"
ip netns add "$ns" && nsenter --net="/run/netns/$ns" ip link set lo up || fail "no network namespace"

# dockerd --add-runtime takes no arguments: the wrapper's own option is put in by a script.
printf '#!/bin/sh\nexec %s/sotalia-runc --sotalia-state=%s/state --sotalia-view=%s/lxcfs "$@"\n' "$bin" "$work" "$work" >"$work/sotalia-runtime"
chmod +x "$work/sotalia-runtime"
driver=overlay2
cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd"
state = "$work/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/containerd.sock"
TOML
spawn containerd containerd --config "$work/containerd.toml"
wait_for 20 "containerd did not start" test -S "$work/containerd.sock"
start_dockerd

cp "$bin/sotalia-init" "$work/image/sbin/"; cp /bin/busybox "$work/image/bin/"; ln -s busybox "$work/image/bin/sh"
printf 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/data/appdatas:/bin/sh\n' >"$work/image/etc/passwd"
mkdir -p "$work/image/data/webapps"
tar -C "$work/image" -c . | $docker import -c 'ENTRYPOINT ["/sbin/sotalia-init"]' - test/web:1 >/dev/null || fail "no image"

"$bin/sotalia-hostagent" --keygen="$work/keys/scheduler.key" >"$work/keys/scheduler.pub" || fail keygen
"$bin/sotalia-hostagent" --keygen="$work/keys/ipam.key" >"$work/keys/ipam.pub" || fail keygen
"$bin/sotalia-hostagent" --keygen="$work/state/agent.key" >"$work/agent.pub" || fail keygen
echo 0192f3c0-0000-7000-8000-0000000000fe >"$work/state/host.id"
cat >"$work/agent.conf" <<CONF
state_dir = $work/state
host_name = test
scheduler_endpoints = tcp://127.0.0.1:7202
scheduler_reports_endpoints =
bridge_reports_endpoints =
gateway_endpoints =
keys_dir = $work/keys
docker_socket = $sock
gateway_url = http://127.0.0.1:7443
bridge_address = 10.66.0.1/24
lxcfs_dir = $work/lxcfs
view_check_ms = 500
heartbeat_ms = 500
list_interval_ms = 1000
stop_grace_s = 2
control_socket = $work/control
CONF
nsenter --net="/run/netns/$ns" "$bin/hostagent_test_scheduler" "$work/keys/scheduler.key" tcp://127.0.0.1:7202 "$(cat "$work/agent.pub")" \
  test/web:1 5 <"$work/commands" >"$work/told" 2>"$work/scheduler.log" &
pids[scheduler]=$!
exec 9>"$work/commands"
nsenter --net="/run/netns/$ns" "$bin/hostagent_test_ipam" "$work/keys/ipam.key" tcp://127.0.0.1:7213 "$(cat "$work/agent.pub")" \
  <"$work/ipam-commands" >"$work/reported" 2>"$work/ipam.log" &
pids[ipam]=$!
exec 8>"$work/ipam-commands"

