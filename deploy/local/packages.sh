# shellcheck shell=bash
# Debian packages that ./run and ./test need. apt is touched only when something is missing.

SOT_RUN_PACKAGES="build-essential cmake ninja-build pkg-config python3 libzmq3-dev libczmq-dev libmsgpack-dev libpq-dev
  libcurl4-openssl-dev libuv1-dev libmicrohttpd-dev libwslay-dev libjansson-dev libnl-3-dev libnl-route-3-dev libnftables-dev libarchive-dev libyaml-dev scdoc
  libssl-dev libsodium-dev libcrypt-dev libcmocka-dev zlib1g-dev libgnutls28-dev netcat-openbsd postgresql-15 postgresql-client-15 docker.io containerd runc lxcfs tzdata docker-registry
  mmdebstrap iproute2 iputils-arping mount curl openssl ca-certificates util-linux procps redis-tools tomcat10-examples jq uidmap openssh-client"

packages_missing() {
  local p
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || printf '%s\n' "$p"
  done
}

# node_ok: a Node.js >= 18 that vite takes (18, 20 or >= 22) with npm.
node_ok() {
  command -v npm >/dev/null || return 1
  case $(node --version 2>/dev/null) in
    v18.* | v20.* | v2[2-9].* | v[3-9][0-9].*) return 0 ;;
  esac
  return 1
}

packages_install() { # packages_install PACKAGE...
  local missing policy=/usr/sbin/policy-rc.d
  missing=$(packages_missing "$@")
  node_ok || missing="$missing nodejs npm"
  [ -n "${missing//[[:space:]]/}" ] || return 0
  # Debian would start PostgreSQL, Docker and the registry at once; ours are private, so services stay down.
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    SOT_POLICY_MADE=1
  fi
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$SOT_LOG/apt.log" 2>&1; then
    packages_policy_undo
    tail -n 15 "$SOT_LOG/apt.log" | sed 's/^/    /' >&2
    die "apt-get could not install: ${missing//$'\n'/ }" "check the network and /etc/apt, then read $SOT_LOG/apt.log"
  fi
  packages_policy_undo
}
packages_policy_undo() {
  [ -z "${SOT_POLICY_MADE:-}" ] || rm -f /usr/sbin/policy-rc.d
  SOT_POLICY_MADE=
}
