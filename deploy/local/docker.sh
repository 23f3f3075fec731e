# shellcheck shell=bash
# A private Docker Engine per host (containerd as its own process, live-restore) and Debian's docker-registry.
# A "host" is this machine, or in the laboratory a network namespace: engine_start NAME [NETNS].

SOT_REGISTRY_PORT=${SOT_REGISTRY_PORT:-7500}
SOT_REGISTRY=${SOT_LISTEN:-127.0.0.1}:$SOT_REGISTRY_PORT
SOT_UID_REGISTRY=64205

# The engine's socket: a given one (DOCKER_HOST of the user), else our own.
engine_socket() { printf '%s' "${SOT_DOCKER_SOCKET:-$SOT_RUN/docker-$1.sock}"; }
engine_docker() { # engine_docker NAME ARGS...: Debian's docker command against that engine
  local name=$1
  shift
  DOCKER_HOST="unix://$(engine_socket "$name")" DOCKER_BUILDKIT=0 /usr/bin/docker "$@"
}
engine_answers() { curl -sf -m 3 --unix-socket "$(engine_socket "$1")" http://docker/_ping; }
containerd_answers() { timeout 3 ctr -a "$SOT_RUN/containerd-$1.sock" version; }

in_netns() { # in_netns NETNS COMMAND... ("" = the present one)
  local netns=$1
  shift
  if [ -n "$netns" ]; then exec nsenter "--net=$netns" "$@"; else exec "$@"; fi
}

engine_config() { # engine_config NAME: the two configuration files
  local name=$1 root=$SOT_VAR/hosts/$1
  mkdir -p "$root/docker" "$root/containerd" "$root/agent"
  cat >"$root/containerd.toml" <<EOF
version = 2
root = "$root/containerd"
state = "$SOT_RUN/containerd-$name"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
address = "$SOT_RUN/containerd-$name.sock"
EOF
  cat >"$root/daemon.json" <<EOF
{
  "data-root": "$root/docker",
  "exec-root": "$SOT_RUN/docker-$name",
  "pidfile": "$SOT_RUN/docker-$name.pid",
  "hosts": ["unix://$(engine_socket "$name")"],
  "containerd": "$SOT_RUN/containerd-$name.sock",
  "storage-driver": "overlay2",
  "live-restore": true,
  "bridge": "none",
  "iptables": false,
  "ip-masq": false,
  "ip-forward": false,
  "userland-proxy": false,
  "log-driver": "json-file",
  "log-opts": { "max-size": "10m", "max-file": "3" },
  "insecure-registries": ["$SOT_REGISTRY"],
  "runtimes": {
    "sotalia": {
      "path": "$SOT_BUILD/services/hostagent/sotalia-runc",
      "runtimeArgs": ["--sotalia-state=$root/agent", "--sotalia-view=$(lxcfs_dir "$name")"]
    }
  }
}
EOF
}

# LXCFS of a host: instances see their own resources by it. With an engine of the user's it is the machine's.
lxcfs_dir() { if [ -n "${SOT_DOCKER_HOST:-}" ]; then printf /var/lib/lxcfs; else printf '%s/lxcfs-%s' "$SOT_RUN" "$1"; fi; }
lxcfs_answers() { timeout 3 cat "$(lxcfs_dir "$1")/proc/uptime"; }
lxcfs_start() { # lxcfs_start NAME: what a killed one left mounted goes first
  local name=$1 dir
  dir=$(lxcfs_dir "$name")
  proc_pid "lxcfs-$name" >/dev/null && return 0
  umount -l "$dir" 2>/dev/null || true
  mkdir -p "$dir"
  proc_start "lxcfs-$name" lxcfs -f -l --enable-cfs --enable-pidfd -p "$SOT_RUN/lxcfs-$name.pid" "$dir"
  wait_until 10 "LXCFS of $name" lxcfs_answers "$name" ||
    say "warning: LXCFS did not start on $dir (see $SOT_LOG/lxcfs-$name.log); instances will see the resources of the whole machine"
}
lxcfs_stop() {
  proc_stop "lxcfs-$1" 5
  umount -l "$(lxcfs_dir "$1")" 2>/dev/null || true
}

engine_start() { # engine_start NAME [NETNS]
  local name=$1 netns=${2:-} root=$SOT_VAR/hosts/$1
  mkdir -p "$SOT_RUN"
  lxcfs_start "$name"
  engine_config "$name"
  if ! proc_pid "containerd-$name" >/dev/null; then
    proc_start "containerd-$name" bash -c "$(declare -f in_netns); in_netns '$netns' containerd --config '$root/containerd.toml'"
    wait_until 20 "containerd of $name" containerd_answers "$name" ||
      { log_tail "containerd-$name"; die "containerd of host $name did not start" "read $SOT_LOG/containerd-$name.log"; }
  fi
  if ! proc_pid "dockerd-$name" >/dev/null; then
    # A pid file left by kill -9: dockerd refuses to start while that pid exists, even as another process.
    rm -f "$SOT_RUN/docker-$name.pid"
    proc_start "dockerd-$name" bash -c "$(declare -f in_netns); in_netns '$netns' dockerd --config-file '$root/daemon.json'"
  fi
  wait_until 60 "the Docker Engine of $name" engine_answers "$name" ||
    { log_tail "dockerd-$name"; die "the Docker Engine of host $name did not start" "read $SOT_LOG/dockerd-$name.log"; }
}

# Swarm refuses an engine with live-restore; the option is read anew at SIGHUP.
engine_live_restore() { # engine_live_restore NAME true|false
  local config=$SOT_VAR/hosts/$1/daemon.json
  sed -i "s/\"live-restore\": [a-z]*/\"live-restore\": $2/" "$config"
  kill -HUP "$(proc_pid "dockerd-$1")"
  wait_until 10 "the Docker Engine of $1 to take its configuration" engine_live_restore_is "$1" "$2"
}
engine_live_restore_is() {
  curl -sf -m 3 --unix-socket "$(engine_socket "$1")" http://docker/info | grep -q "\"LiveRestoreEnabled\":$2"
}

# Stops containers first: with live-restore they would outlive the engine.
engine_stop() {
  local name=$1 ids
  if proc_pid "dockerd-$name" >/dev/null && engine_answers "$name" >/dev/null; then
    ids=$(engine_docker "$name" ps -q)
    # shellcheck disable=SC2086
    [ -z "$ids" ] || timeout 60 env DOCKER_HOST="unix://$(engine_socket "$name")" /usr/bin/docker stop -t 5 $ids >/dev/null 2>&1
  fi
  proc_stop "dockerd-$name" 20
  engine_kill_shims "$name"
  proc_stop "containerd-$name" 10
  engine_unmount "$name"
  lxcfs_stop "$name"
}
# Shims and containers that outlived a killed engine: found by the address of their own containerd, never by name alone.
engine_kill_shims() {
  local pid cmd
  for pid in $(pgrep -f "containerd-shim-runc-v2 .*-address $SOT_RUN/containerd-$1.sock" 2>/dev/null); do
    cmd=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || continue
    case $cmd in *"-address $SOT_RUN/containerd-$1.sock"*) engine_kill_tree "$pid" ;; esac
  done
}
engine_kill_tree() {
  local child
  for child in $(pgrep -P "$1" 2>/dev/null); do engine_kill_tree "$child"; done
  kill -KILL "$1" 2>/dev/null || true
}
engine_unmount() {
  local m
  awk '{ print $2 }' /proc/self/mounts | { grep -E "^($SOT_VAR/hosts/$1|$SOT_RUN/(docker|containerd)-$1)(/|$)" || true; } | sort -r |
    while read -r m; do umount "$m" 2>/dev/null || umount -l "$m" 2>/dev/null || true; done
}

# Frees the bytes of manifests that were removed (sotalia image collect): nothing may be pushed meanwhile, so it is stopped.
registry_collect() {
  proc_stop registry
  logged "$SOT_LOG/registry-collect.log" docker-registry garbage-collect "$SOT_VAR/registry-collect.yml"
  chown -R $SOT_UID_REGISTRY:$SOT_UID_REGISTRY "$SOT_VAR/registry"
  registry_start
}
registry_bytes() { du -sb "$SOT_VAR/registry" | cut -f1; }
registry_answers() { curl -sf -m 3 "http://$SOT_REGISTRY/v2/"; }
registry_start() {
  proc_pid registry >/dev/null && return 0
  mkdir -p "$SOT_VAR/registry"
  chown $SOT_UID_REGISTRY:$SOT_UID_REGISTRY "$SOT_VAR/registry"
  cat >"$SOT_VAR/registry-collect.yml" <<EOF
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: $SOT_VAR/registry }
EOF
  cat >"$SOT_VAR/registry.yml" <<EOF
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: $SOT_RUN/var/registry }
  delete: { enabled: true }
http: { addr: "$SOT_REGISTRY" }
EOF
  proc_start registry bash -c "$(declare -f confined); SOT_VAR='$SOT_VAR' SOT_SRC='$SOT_SRC' SOT_RUN='$SOT_RUN'; confined $SOT_UID_REGISTRY docker-registry serve '$SOT_RUN/var/registry.yml'"
  wait_until 20 "the registry" registry_answers || { log_tail registry; die "docker-registry did not start on $SOT_REGISTRY" "read $SOT_LOG/registry.log"; }
}
