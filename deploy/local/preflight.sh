# shellcheck shell=bash
# What must be true before anything is changed. Each refusal says what, where, and how to mend.

port_taken() { ss -Hltn "sport = :$1" 2>/dev/null | grep -q .; }

preflight() {
  local version
  [ "$(id -u)" = 0 ] || die "./run must be run as root (you are $(id -un)): it installs packages, starts a Docker Engine and makes network interfaces" \
    "sudo ./run"
  version=$( . /etc/os-release 2>/dev/null && printf '%s %s' "$ID" "${VERSION_ID:-}")
  [ "$version" = "debian 12" ] || say "warning: this is '$version', Sotalia is built and tested on Debian 12"
  [ "$(uname -m)" = x86_64 ] || die "the machine is $(uname -m); only x86_64 is supported"
  preflight_cgroups
  preflight_disk
  mkdir -p "$SOT_VAR" 2>/dev/null || die "cannot create $SOT_VAR" "make its parent folder writable, or set SOT_VAR to another folder"
  case $(stat -f -c %T "$SOT_VAR") in
    overlayfs | nfs | tmpfs | fuseblk | 9p) ! command -v mount >/dev/null || preflight_overlay ;;
  esac
  command -v apt-get >/dev/null || die "apt-get is missing" "run on Debian 12"
}

preflight_cgroups() {
  local missing='' c
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    for c in cpu memory pids; do
      grep -qw "$c" /sys/fs/cgroup/cgroup.controllers || missing="$missing $c"
    done
  else
    for c in cpu memory pids devices freezer; do
      mountpoint -q "/sys/fs/cgroup/$c" || grep -q " /sys/fs/cgroup/[^ ]*$c" /proc/mounts || missing="$missing $c"
    done
  fi
  [ -z "$missing" ] || die "these cgroup controllers are not mounted below /sys/fs/cgroup:$missing; containers cannot be limited without them" \
    "boot with the controllers on, or mount them: mount -t cgroup -o <controller> cgroup /sys/fs/cgroup/<controller>"
}

preflight_disk() {
  local parent free_mb need_mb=6000
  parent=$SOT_VAR
  while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
  [ ! -d "$SOT_VAR/docker" ] || need_mb=500
  free_mb=$(df -Pm "$parent" | awk 'NR == 2 { print $4 }')
  [ "$free_mb" -ge "$need_mb" ] || die "only $free_mb MB are free in $parent, $need_mb MB are needed (images, build, database)" \
    "free some space, or set SOT_VAR to a folder on a larger disk"
}

preflight_overlay() {
  local t=$SOT_VAR/.overlay-test
  mkdir -p "$t/l" "$t/u" "$t/w" "$t/m"
  if ! unshare --mount mount -t overlay overlay -o "lowerdir=$t/l,upperdir=$t/u,workdir=$t/w" "$t/m" 2>/dev/null; then
    rm -rf "$t"
    die "the file system of $SOT_VAR ($(stat -f -c %T "$SOT_VAR")) cannot hold Docker's overlay2 layers" \
      "set SOT_VAR to a folder on ext4 or xfs"
  fi
  rm -rf "$t"
}

# Ports are looked at only for parts of ours that do not run yet.
preflight_ports() {
  local name port owner
  while read -r name port; do
    proc_pid "$name" >/dev/null && continue
    port_taken "$port" || continue
    owner=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (pid \2)/p' | head -n 1)
    die "port $port on this machine, which $name needs, is taken by ${owner:-another process}" "stop it, or run Sotalia on another machine"
  done <<EOF
registry $SOT_REGISTRY_PORT
scheduler 7201
scheduler 7202
scheduler 7203
scheduler 7204
ipam 7211
ipam 7212
ipam 7213
api-gateway 7443
api-gateway 7221
api-gateway 7222
api-gateway 7223
monitor-bridge 7231
EOF
}
