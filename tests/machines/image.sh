# shellcheck shell=bash
# A bare machine as a root file system: systemd, sshd, Python and Debian's packages that the roles ask for, so that bringing a machine
# on line needs no mirror. Made once for each list of packages. Sourced after deploy/local/lib.sh and images.sh.

MACHINE_PACKAGES="systemd systemd-sysv dbus openssh-server python3 python3-apt ca-certificates curl iproute2 procps kmod nftables logrotate chrony
  docker.io containerd runc lxcfs iputils-arping iptables less netcat-openbsd jq openssl adduser man-db
  libczmq4 libzmq5 libmsgpackc2 libpq5 libcurl4 libuv1 libmicrohttpd12 libwslay1 libjansson4 libnl-3-200 libnl-route-3-200 libnftables1
  libarchive13 libsodium23 libyaml-0-2 libcrypt1 postgresql-15 haproxy patroni python3-etcd etcd-server etcd-client keepalived psmisc pgbackrest"

# machine_tar: prints the file; SOT_MACHINE_DIR keeps it (default build/machines)
machine_tar() {
  local dir=${SOT_MACHINE_DIR:-$SOT_SRC/build/machines} mirror proxy file list
  # shellcheck disable=SC2086
  list=$(printf '%s\n' $MACHINE_PACKAGES | sort -u | paste -sd,)
  file=$dir/machine-$(printf %s "$list" | sha256sum | cut -c1-12).tar
  if [ ! -f "$file" ]; then
    mkdir -p "$dir" || return 1
    mirror=$(debian_mirror)
    mirror=${mirror:-http://deb.debian.org/debian}
    proxy=$(apt_proxy)
    logged "$SOT_LOG/machine.log" mmdebstrap --mode=root --format=tar --variant=minbase ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} --include="$list" \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-include=/usr/share/doc/sotalia*' --dpkgopt='path-include=/usr/share/man/*/sotalia*' \
      bookworm "$file.new" "deb $mirror bookworm main" "deb $mirror bookworm-updates main" "deb ${mirror%/debian}/debian-security bookworm-security main" >&2 || return 1
    mv "$file.new" "$file" || return 1
  fi
  printf '%s\n' "$file"
}
