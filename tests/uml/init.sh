#!/bin/bash
# PID 1 of a guest in user-mode Linux: what an operating system does before its services start, then guest.py, then off.
#
# The root file system is the machine's own, read-only. From the kernel's command line: H (1 or 2), SRC (the checkout), BUILD (the
# programs), CACHE (with the kernel's modules below m/), SHARE (a folder of the machine, written by both guests).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mkdir -p /run/netns /run/share /run/etc/upper /run/etc/work
mount -t hostfs none /run/share -o "$SHARE"
# The kernel asks for modules itself, as anywhere; only they lie elsewhere.
printf '#!/bin/sh\nexec /sbin/modprobe -d %s "$@"\n' "$CACHE/m" >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
# dockerd and runc load none: they look for what is there.
for module in overlay bridge br_netfilter veth; do modprobe -d "$CACHE/m" $module; done
mount -t overlay overlay /etc -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work
if [ "$H" = 2 ]; then # one host of each kind
  mount -t cgroup2 cgroup /sys/fs/cgroup
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control; done
else
  mount -t tmpfs -o mode=755 cg /sys/fs/cgroup
  for controller in cpu cpuacct memory devices freezer pids blkio; do
    mkdir -p "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" "$controller" "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
  done
fi
ip link set lo up
echo 1 >/proc/sys/net/ipv6/conf/vec0/disable_ipv6 # the card has no address of its own in this test
timeout --kill-after=5 "$LIMIT_S" python3 -u "$SRC/tests/uml/guest.py" >>"/run/share/results.h$H" 2>>"/run/share/errors.h$H"
echo "END $?" >>"/run/share/results.h$H"
poweroff -f
