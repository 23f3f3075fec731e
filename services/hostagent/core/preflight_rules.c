/* The rules. One line of each: what is seen; why it hurts; how to mend it. */
#include "preflight.h"

#define NOTE PREFLIGHT_NOTE
#define WARNING PREFLIGHT_WARNING
#define ERROR PREFLIGHT_ERROR
#define ALONE                                                                                      \
	{                                                                                              \
		NULL, PREFLIGHT_IS, NULL                                                                   \
	}

const preflight_rule preflight_rules[] = {
    {"docker.away", ERROR, "docker.answers", PREFLIGHT_IS, "no",
        "the Docker Engine does not answer", "no instance can be made, started or stopped",
        "systemctl start docker; journalctl -u docker", ALONE},
    {"docker.old", ERROR, "docker.version", PREFLIGHT_OLDER, "20.10",
        "the Docker Engine is older than 20.10",
        "limits of processes cannot be changed under a running instance, and live-restore loses "
        "containers",
        "install Debian's docker.io (20.10) or newer", ALONE},
    {"docker.clone3", ERROR, "docker.version", PREFLIGHT_OLDER, "20.10.10",
        "the Docker Engine is older than 20.10.10",
        "its seccomp profile refuses clone3 with EPERM: programs of glibc 2.34 and newer, so those "
        "of Debian 12's images, cannot make threads (moby 42680)",
        "install Debian's docker.io (20.10.24) or newer", ALONE},
    {"docker.live_restore", ERROR, "docker.live_restore", PREFLIGHT_IS, "false",
        "dockerd runs without live-restore",
        "every restart or upgrade of dockerd stops all instances",
        "\"live-restore\": true in /etc/docker/daemon.json, then systemctl reload docker", ALONE},
    {"docker.runtime", ERROR, "docker.runtime_sotalia", PREFLIGHT_IS, "no",
        "dockerd has no runtime 'sotalia'",
        "instances get their address, packages and view from it; none would start",
        "add runtime sotalia with path /usr/libexec/sotalia/sotalia-runc to "
        "/etc/docker/daemon.json",
        ALONE},
    {"docker.logs", WARNING, "docker.log_driver", PREFLIGHT_IS_NOT, "json-file",
        "dockerd's default log driver is not json-file",
        "containers that are not instances may log without a bound; instances name theirs "
        "themselves",
        "\"log-driver\": \"json-file\" with max-size and max-file in /etc/docker/daemon.json",
        ALONE},
    {"storage.devicemapper_loop", ERROR, "docker.loop_file", PREFLIGHT_IS, "yes",
        "the storage driver is devicemapper on loop files",
        "writes go through two file systems; under load it corrupts, stalls, and never gives space "
        "back",
        "use overlay2 on ext4 or xfs (d_type); a thin pool on a raw device (direct-lvm) at the "
        "least",
        ALONE},
    {"storage.devicemapper", WARNING, "docker.driver", PREFLIGHT_IS, "devicemapper",
        "the storage driver is devicemapper",
        "with discards on, removing a container blocks the whole pool for seconds; a full pool "
        "turns file systems read-only",
        "use overlay2; else set dm.blkdiscard=false and dm.mountopt=nodiscard, watch data% and "
        "metadata% of the pool, and let lvm extend it (thin_pool_autoextend_threshold)",
        ALONE},
    {"storage.driver", WARNING, "docker.driver", PREFLIGHT_IS_NOT, "overlay2",
        "the storage driver is not overlay2",
        "it is the one that is tested here; disk use of instances is measured in its upper folders",
        "\"storage-driver\": \"overlay2\" in /etc/docker/daemon.json, on an empty /var/lib/docker",
        ALONE},
    {"storage.d_type", ERROR, "docker.d_type", PREFLIGHT_IS, "false",
        "overlay2 lies on a file system without d_type",
        "removed files come back, and images cannot be unpacked rightly",
        "make the file system anew: mkfs.xfs -n ftype=1, or ext4 with filetype", ALONE},
    {"storage.backing", WARNING, "docker.backing", PREFLIGHT_NOT_AMONG, "extfs,xfs",
        "overlay2 lies neither on ext4 nor on xfs",
        "whiteouts, d_type and what the disk use of an instance is measured by are tested on these "
        "two",
        "put /var/lib/docker on ext4, or on xfs made with ftype=1",
        {"docker.driver", PREFLIGHT_IS, "overlay2"}},
    {"storage.native_diff", WARNING, "docker.native_diff", PREFLIGHT_IS, "false",
        "overlay2 cannot use the kernel's own differences (redirect_dir or metacopy is on)",
        "images are built by comparing whole trees, and layers that others made may be read "
        "wrongly",
        "options overlay redirect_dir=off metacopy=off in /etc/modprobe.d/overlay.conf, then "
        "reboot",
        {"docker.driver", PREFLIGHT_IS, "overlay2"}},
    {"kernel.ext4_corrupts", ERROR, "kernel.version", PREFLIGHT_AMONG, "6.1.64,6.1.65",
        "this kernel writes wrongly to ext4",
        "direct writes land in wrong places of files: databases break (Debian bug 1057843)",
        "install kernel 6.1.66 (Debian 6.1.0-15) or newer and reboot; check the databases",
        {"docker.backing", PREFLIGHT_IS, "extfs"}},
    {"kernel.xfs_corrupts", ERROR, "kernel.version", PREFLIGHT_AMONG,
        "6.3,6.3.0,6.3.1,6.3.2,6.3.3,6.3.4", "this kernel damages the metadata of xfs",
        "file systems go off line under load, and need xfs_repair",
        "install kernel 6.3.5 or newer and reboot", {"docker.backing", PREFLIGHT_IS, "xfs"}},
    {"kernel.old", ERROR, "kernel.release", PREFLIGHT_OLDER, "5.12",
        "the kernel is older than 5.12",
        "LXCFS's files cannot be bound again in running instances (mount_setattr)",
        "run Debian 12's kernel (6.1) or newer", ALONE},
    {"cgroup.controllers", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "memory",
        "no memory controller", "one instance can take all memory of the machine",
        "boot without cgroup_disable=memory, and with cgroup_enable=memory where the kernel needs "
        "it",
        ALONE},
    {"cgroup.pids", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "pids", "no pids controller",
        "a fork bomb in one instance takes the machine down", "a kernel with CONFIG_CGROUP_PIDS",
        ALONE},
    {"cgroup.cpu", ERROR, "cgroup.controllers", PREFLIGHT_LACKS, "cpu", "no cpu controller",
        "processor time cannot be limited", "a kernel with CONFIG_CFS_BANDWIDTH", ALONE},
    {"cgroup.cpuset", WARNING, "cgroup.controllers", PREFLIGHT_LACKS, "cpuset",
        "no cpuset controller",
        "plans with cpuPinned cannot be kept: nproc tells the machine's processors",
        "a kernel with CONFIG_CPUSETS", ALONE},
    {"cgroup.managers", WARNING, "docker.cgroup_manager", PREFLIGHT_IS, "cgroupfs beside systemd",
        "dockerd makes cgroups beside systemd",
        "on cgroup v2 one tree has two managers: systemd may take controllers, and so limits, away "
        "from instances",
        "\"exec-opts\": [\"native.cgroupdriver=systemd\"] in /etc/docker/daemon.json, with no "
        "container running",
        {"docker.cgroup_version", PREFLIGHT_IS, "2"}},
    {"cgroup.swap", WARNING, "memory.swap_accounting", PREFLIGHT_IS, "no",
        "swap is not accounted to cgroups",
        "an instance at its memory limit swaps instead of being told; all its neighbours wait for "
        "the disk",
        "boot with swapaccount=1, or run the host without swap", ALONE},
    {"network.bridge_nf", WARNING, "bridge_nf.iptables", PREFLIGHT_IS, "1",
        "bridged frames pass iptables (bridge-nf-call-iptables)",
        "rules made for routing drop frames between instances; each frame costs more",
        "sysctl net.bridge.bridge-nf-call-iptables=0 (the agent sets it; something sets it back)",
        ALONE},
    {"clock.unsynchronised", WARNING, "clock.synchronised", PREFLIGHT_IS, "no",
        "nothing disciplines the clock",
        "logs of hosts do not line up, certificates seem not yet valid or expired, and CAT draws "
        "gaps",
        "apt-get install chrony (or systemd-timesyncd), and see chronyc tracking", ALONE},
    {"disk.full", ERROR, "disk.free_permille", PREFLIGHT_BELOW, "30",
        "less than 3 % of the disk of instances is free",
        "writes of instances and of Docker fail; databases inside stop",
        "free some room (docker system df; sotalia-hostagent cleans by policy), or add a disk",
        ALONE},
    {"disk.low", WARNING, "disk.free_permille", PREFLIGHT_BELOW, "150",
        "less than 15 % of the disk of instances is free",
        "overlay2 has no quota: one instance that writes can fill it for all",
        "move instances away, or add a disk", ALONE},
    {"inodes.low", WARNING, "inode.free_permille", PREFLIGHT_BELOW, "100",
        "less than 10 % of the inodes are free", "no file can be made though there is room",
        "remove small files; make the file system with more inodes", ALONE},
    {"lxcfs.away", WARNING, "lxcfs.answers", PREFLIGHT_IS, "no", "LXCFS does not answer",
        "instances see the processors, memory and load of the whole machine",
        "apt-get install lxcfs; systemctl restart lxcfs", ALONE},
    {"module.overlay", ERROR, "module.overlay", PREFLIGHT_IS, "no",
        "the kernel has no overlay file system", "overlay2 cannot be used",
        "modprobe overlay; add it to /etc/modules", ALONE},
};
const size_t preflight_rule_count = sizeof(preflight_rules) / sizeof(preflight_rules[0]);
