/* The rules. One line of each: what is seen; why it hurts; how to mend it. */
#include "preflight.h"

#define NOTE PREFLIGHT_NOTE
#define WARNING PREFLIGHT_WARNING
#define ERROR PREFLIGHT_ERROR

const preflight_rule preflight_rules[] = {
    {"docker.away", ERROR, "docker.answers", PREFLIGHT_IS, "no",
        "the Docker Engine does not answer", "no instance can be made, started or stopped",
        "systemctl start docker; journalctl -u docker"},
    {"docker.old", ERROR, "docker.version", PREFLIGHT_OLDER, "20.10",
        "the Docker Engine is older than 20.10",
        "limits of processes cannot be changed under a running instance, and live-restore loses "
        "containers",
        "install Debian's docker.io (20.10) or newer"},
    {"docker.live_restore", ERROR, "docker.live_restore", PREFLIGHT_IS, "false",
        "dockerd runs without live-restore",
        "every restart or upgrade of dockerd stops all instances",
        "\"live-restore\": true in /etc/docker/daemon.json, then systemctl reload docker"},
    {"docker.runtime", ERROR, "docker.runtime_sotalia", PREFLIGHT_IS, "no",
        "dockerd has no runtime 'sotalia'",
        "instances get their address, packages and view from it; none would start",
        "add runtime sotalia with path /usr/libexec/sotalia/sotalia-runc to "
        "/etc/docker/daemon.json"},
    {"docker.logs", WARNING, "docker.log_driver", PREFLIGHT_IS_NOT, "json-file",
        "dockerd's default log driver is not json-file",
        "containers that are not instances may log without a bound; instances name theirs "
        "themselves",
        "\"log-driver\": \"json-file\" with max-size and max-file in /etc/docker/daemon.json"},
    {"storage.devicemapper_loop", ERROR, "docker.loop_file", PREFLIGHT_IS, "yes",
        "the storage driver is devicemapper on loop files",
        "writes go through two file systems; under load it corrupts, stalls, and never gives space "
        "back",
        "use overlay2 on ext4 or xfs (d_type); a thin pool on a raw device (direct-lvm) at the "
        "least"},
    {"storage.devicemapper", WARNING, "docker.driver", PREFLIGHT_IS, "devicemapper",
        "the storage driver is devicemapper",
        "with discards on, removing a container blocks the whole pool for seconds; a full pool "
        "turns file systems read-only",
        "use overlay2; else set dm.blkdiscard=false and dm.mountopt=nodiscard, watch data% and "
        "metadata% of the pool, and let lvm extend it (thin_pool_autoextend_threshold)"},
    {"storage.driver", WARNING, "docker.driver", PREFLIGHT_IS_NOT, "overlay2",
        "the storage driver is not overlay2",
        "it is the one that is tested here; disk use of instances is measured in its upper folders",
        "\"storage-driver\": \"overlay2\" in /etc/docker/daemon.json, on an empty /var/lib/docker"},
    {"storage.d_type", ERROR, "docker.d_type", PREFLIGHT_IS, "false",
        "overlay2 lies on a file system without d_type",
        "removed files come back, and images cannot be unpacked rightly",
        "make the file system anew: mkfs.xfs -n ftype=1, or ext4 with filetype"},
    {"kernel.old", ERROR, "kernel.release", PREFLIGHT_OLDER, "5.12",
        "the kernel is older than 5.12",
        "LXCFS's files cannot be bound again in running instances (mount_setattr)",
        "run Debian 12's kernel (6.1) or newer"},
    {"cgroup.controllers", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "memory",
        "no memory controller", "one instance can take all memory of the machine",
        "boot without cgroup_disable=memory, and with cgroup_enable=memory where the kernel needs "
        "it"},
    {"cgroup.pids", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "pids", "no pids controller",
        "a fork bomb in one instance takes the machine down", "a kernel with CONFIG_CGROUP_PIDS"},
    {"cgroup.cpu", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "cpu", "no cpu controller",
        "processor time cannot be limited", "a kernel with CONFIG_CFS_BANDWIDTH"},
    {"cgroup.cpuset", WARNING, "cgroup.controllers", PREFLIGHT_LACKS, "cpuset",
        "no cpuset controller",
        "plans with cpuPinned cannot be kept: nproc tells the machine's processors",
        "a kernel with CONFIG_CPUSETS"},
    {"cgroup.swap", WARNING, "memory.swap_accounting", PREFLIGHT_IS, "no",
        "swap is not accounted to cgroups",
        "an instance at its memory limit swaps instead of being told; all its neighbours wait for "
        "the disk",
        "boot with swapaccount=1, or run the host without swap"},
    {"network.bridge_nf", WARNING, "bridge_nf.iptables", PREFLIGHT_IS, "1",
        "bridged frames pass iptables (bridge-nf-call-iptables)",
        "rules made for routing drop frames between instances; each frame costs more",
        "sysctl net.bridge.bridge-nf-call-iptables=0 (the agent sets it; something sets it back)"},
    {"clock.unsynchronised", WARNING, "clock.synchronised", PREFLIGHT_IS, "no",
        "nothing disciplines the clock",
        "logs of hosts do not line up, certificates seem not yet valid or expired, and CAT draws "
        "gaps",
        "apt-get install chrony (or systemd-timesyncd), and see chronyc tracking"},
    {"disk.full", ERROR, "disk.free_permille", PREFLIGHT_BELOW, "30",
        "less than 3 % of the disk of instances is free",
        "writes of instances and of Docker fail; databases inside stop",
        "free some room (docker system df; sotalia-hostagent cleans by policy), or add a disk"},
    {"disk.low", WARNING, "disk.free_permille", PREFLIGHT_BELOW, "150",
        "less than 15 % of the disk of instances is free",
        "overlay2 has no quota: one instance that writes can fill it for all",
        "move instances away, or add a disk"},
    {"inodes.low", WARNING, "inode.free_permille", PREFLIGHT_BELOW, "100",
        "less than 10 % of the inodes are free", "no file can be made though there is room",
        "remove small files; make the file system with more inodes"},
    {"lxcfs.away", WARNING, "lxcfs.answers", PREFLIGHT_IS, "no", "LXCFS does not answer",
        "instances see the processors, memory and load of the whole machine",
        "apt-get install lxcfs; systemctl restart lxcfs"},
    {"module.overlay", ERROR, "module.overlay", PREFLIGHT_IS, "no",
        "the kernel has no overlay file system", "overlay2 cannot be used",
        "modprobe overlay; add it to /etc/modules"},
};
const size_t preflight_rule_count = sizeof(preflight_rules) / sizeof(preflight_rules[0]);
