"""A host in user-mode Linux, seen from inside: 802.1Q devices of a real kernel, sotalia-netd, dockerd with sotalia-runc.

Both guests run this at the same time (H is 1 or 2) and meet at barriers. The first has the cgroups of version 1, the second of version 2. Prints a line `ok` or `FAILED` per check; each
stands on what the ones before it have made, so after the first failure the rest has failed too. Standard library only.
"""

import json
import os
import re
import signal
import subprocess
import time
import traceback
import uuid

H = int(os.environ["H"])
OTHER = 3 - H
BUILD = os.environ["BUILD"]
PROGRAMS = os.path.join(BUILD, "services/hostagent")
SHARE = "/run/share"
STATE = "/run/state"
CONFIG = "/run/hostagent.conf"
HOST_ID = f"00000000-0000-4000-8000-00000000{H:02x}{H:02x}"
VLANS = (100, 200)
os.environ["DOCKER_HOST"] = "unix:///run/docker/socket"
# What an instance sees first, each time: PID 1 writes it down before anything else.
FIRST = "ip -o address show dev eth0; ip route show default; ip -6 route show default; cat /sys/class/net/eth0/address; echo started; exec sleep 100000"


class Instance:
    """The one instance of a VLAN on a host; the same arithmetic on both hosts tells each where the other's is."""

    def __init__(self, host, vlan):
        self.host, self.vlan = host, vlan
        self.address, self.address6 = f"10.{vlan}.0.1{host}", f"fd00:{vlan}::1{host}"
        self.mac = f"02:0a:0a:{vlan:02x}:00:{10 + host:02x}"
        self.link = f"sot0a{vlan:02x}00{10 + host:02x}"
        self.name = f"h{host}-v{vlan}"
        self.id = ""
        self.started_pid = 0

    def record(self):
        return {"version": 2, "restart_seq": 0, "package_version": "", "instance": str(uuid.uuid5(uuid.NAMESPACE_DNS, self.name)), "name": self.name,
                "bridge": f"br{self.vlan}", "vlan": self.vlan, "vrf": 0, "address": self.address, "prefix": 24, "gateway": f"10.{self.vlan}.0.1",
                "address6": self.address6, "prefix6": 64, "gateway6": f"fd00:{self.vlan}::1", "mac": self.mac, "host_link": self.link,
                "mtu": 1500, "isolated": False, "bandwidth_kbit": 0, "guard": True, "mounts": []}

    def pid(self):
        """Of PID 1; asked for anew when the one of the last time has ended (asking takes the command line half a second here)."""
        if not os.path.exists(f"/proc/{self.started_pid}/ns/net"):
            self.started_pid = int(run("docker", "inspect", "-f", "{{.State.Pid}}", self.name))
        return self.started_pid

    def boots(self):
        """What PID 1 saw at each of its starts."""
        return [b.strip().splitlines() for b in run("docker", "logs", self.name).split("started\n")[:-1]]

    def inside(self, *argv, check=True):
        """A program of the host in the instance's network: it has the rights of root there, the instance has not."""
        return run("nsenter", f"--net=/proc/{self.pid()}/ns/net", *argv, check=check)


def run(*argv, check=True, timeout=90):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
    return done.stdout if check else done


def is_alive(pid):
    """A process that is no corpse; it may go while it is asked for."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read() != b""
    except OSError:
        return False


def until(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def meet(place):
    """Both guests are there."""
    with open(f"{SHARE}/{place}.h{H}", "w", encoding="utf-8"):
        pass
    there, failed = f"{SHARE}/{place}.h{OTHER}", f"{SHARE}/failed.h{OTHER}"
    until(f"h{OTHER} at '{place}'", lambda: os.path.exists(there) or os.path.exists(failed), 60)
    assert os.path.exists(there), f"h{OTHER} failed before '{place}'"


def write(path, value):
    with open(path, "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


def netd():
    """Runs sotalia-netd; its exit status and what it says it did, a line each."""
    done = run(f"{PROGRAMS}/sotalia-netd", f"--config={CONFIG}", check=False)
    return done.returncode, done.stderr.splitlines()


def link(name):
    return json.loads(run("ip", "-d", "-j", "link", "show", "dev", name))[0]


def network():
    """Links, addresses and rules of this host, without what counts."""
    lines = []
    for one in json.loads(run("ip", "-d", "-j", "address", "show")):
        data = one.get("linkinfo", {}).get("info_data", {})
        lines += [f"{one['ifname']} {k}={v}" for k, v in [*one.items(), *data.items()] if k != "linkinfo" and not k.endswith("_timer")]
    return lines + run("nft", "-s", "list", "ruleset").splitlines()


def guard_drops():
    rules = json.loads(run("nft", "-j", "list", "counters", "table", "bridge", "sotalia"))["nftables"]
    return {r["counter"]["name"]: r["counter"]["packets"] for r in rules if "counter" in r}


def answers(instance, address, count=1):
    """Whether an address answers all of so many pings from the instance's network."""
    return instance.inside("ping", "-n", "-c", str(count), "-i", "0.1", "-W", "1", address, check=False).returncode == 0


def pings_by_itself(instance, address):
    """The instance's own ping, without any privilege."""
    return run("docker", "exec", instance.name, "/usr/bin/ping", "-n", "-c", "1", "-W", "2", address)


MINE = {v: Instance(H, v) for v in VLANS}
THEIRS = {v: Instance(OTHER, v) for v in VLANS}


def netd_makes_the_vlans():
    os.makedirs(f"{STATE}/net")
    write(f"{STATE}/host.id", HOST_ID + "\n")
    write(f"{STATE}/net/vlans.json", {"version": 1, "vlans": list(VLANS)})
    write(CONFIG, f"state_dir = {STATE}\nhost_name = h{H}\nvlan_uplink = vec0\n")
    code, said = netd()
    assert code == 0, said
    for v in VLANS:
        port, bridge = link(f"vec0.{v}"), link(f"br{v}")
        assert port["linkinfo"]["info_kind"] == "vlan" and port["linkinfo"]["info_data"]["protocol"] == "802.1Q", port
        assert port["linkinfo"]["info_data"]["id"] == v and port["link"] == "vec0" and port["master"] == f"br{v}" and "UP" in port["flags"], port
        data = bridge["linkinfo"]["info_data"]
        assert bridge["address"] == f"02:fe:{H:02x}:{H:02x}:00:{v:02x}" and "UP" in bridge["flags"], bridge
        assert (data["stp_state"], data["forward_delay"], data["mcast_snooping"]) == (0, 0, 0), data
        assert bridge["mtu"] == port["mtu"] == link("vec0")["mtu"] == 1500, (bridge, port)
        addresses = [a for dev in (f"br{v}", f"vec0.{v}") for a in json.loads(run("ip", "-j", "address", "show", "dev", dev))[0]["addr_info"]]
        assert addresses == [], f"the host takes part in VLAN {v}: {addresses}"
    assert "table bridge sotalia" in run("nft", "list", "tables")
    for name in ("iptables", "ip6tables", "arptables"):
        with open(f"/proc/sys/net/bridge/bridge-nf-call-{name}", encoding="utf-8") as f:
            assert f.read().strip() == "0", name


def netd_again_changes_nothing():
    for v in VLANS:  # the kernel tells carriers a moment after links
        until(f"br{v} and its uplink to be up", lambda v=v: link(f"br{v}")["operstate"] == link(f"vec0.{v}")["operstate"] == "UP")
    before = network()
    code, said = netd()
    assert (code, said) == (0, []), (code, said)
    after = network()
    assert after == before, [pair for pair in zip(before, after) if pair[0] != pair[1]]


def netd_mends_what_drifted():
    run("ip", "link", "set", "br100", "type", "bridge", "stp_state", "1")
    run("ip", "link", "set", "vec0.200", "nomaster")
    code, said = netd()
    assert code == 0 and any("br100" in s and "STP" in s for s in said) and any("br200" in s and "vec0.200" in s for s in said), (code, said)
    netd_again_changes_nothing()


def docker_starts():
    os.makedirs("/run/docker")
    write("/run/daemon.json", {
        "data-root": "/run/docker/data", "exec-root": "/run/docker/exec", "pidfile": "/run/docker/pid", "hosts": [os.environ["DOCKER_HOST"]],
        "storage-driver": "vfs", "bridge": "none", "iptables": False, "ip-masq": False, "ip-forward": False,
        "runtimes": {"sotalia": {"path": f"{PROGRAMS}/sotalia-runc", "runtimeArgs": [f"--sotalia-state={STATE}"]}}})
    start_docker()
    root = "/run/image"
    os.makedirs(f"{root}/bin")
    run("cp", "/bin/busybox", f"{root}/bin/busybox")
    for name in ("sh", "ip", "cat", "sleep", "echo", "true", "tail"):
        os.symlink("busybox", f"{root}/bin/{name}")
    # busybox's ping asks for a raw socket, which an instance does not get; that of Debian does without.
    libraries = re.findall(r"(/\S+) \(0x", run("ldd", "/usr/bin/ping"))
    for file in ["/usr/bin/ping", *libraries]:
        run("install", "-D", file, root + file)
    run("sh", "-c", f"tar -C {root} -c . | docker import - sotalia/busybox:1")


def start_docker():
    with open("/run/docker.log", "a", encoding="utf-8") as log:
        subprocess.Popen(["dockerd", "--config-file", "/run/daemon.json"], stdout=log, stderr=log, start_new_session=True)
    try:
        until("dockerd to answer", lambda: run("docker", "version", check=False).returncode == 0, 60)
    except AssertionError as error:
        with open("/run/docker.log", encoding="utf-8") as log:
            raise AssertionError(f"{error}\n{log.read()[-2500:]}") from error


def no_record_no_start():
    done = run("docker", "run", "--rm", "--network", "none", "--runtime", "sotalia", "sotalia/busybox:1", "/bin/true", check=False)
    assert done.returncode != 0 and "net/" in done.stderr, done


def instances_start():
    for i in MINE.values():
        i.id = run("docker", "create", "--name", i.name, "--network", "none", "--runtime", "sotalia", "--restart", "always", "--cap-drop", "NET_RAW",
                   "--cap-drop", "NET_ADMIN", "sotalia/busybox:1", "/bin/sh", "-c", FIRST).strip()
        write(f"{STATE}/net/{i.id}.json", i.record())
        begin = time.monotonic()
        run("docker", "start", i.name)
        print(f"        {i.name} started in {time.monotonic() - begin:.1f} s", flush=True)
    for i in MINE.values():
        until(f"{i.name} to write down what it sees", lambda i=i: len(i.boots()) == 1)
        saw_its_network(i, 1)
        port = link(i.link)
        assert port["master"] == f"br{i.vlan}" and port["mtu"] == 1500, port


def figures(i):
    """What the agent would report of it."""
    return json.loads(run(f"{PROGRAMS}/figures_show", str(i.pid())))


def limits_hold_and_figures_are_true():
    """A running instance gets other limits; what it does shows in the figures, whatever the version of the cgroups."""
    assert os.path.exists("/sys/fs/cgroup/cgroup.controllers") == (H == 2)
    i = MINE[100]
    run("docker", "update", "--memory", "48m", "--memory-swap", "48m", "--cpus", "0.5", "--pids-limit", "20", i.name)
    before = figures(i)
    assert 1 <= before["pids"] <= 3 and before["memory_working_set"] > 0 and before["oom_kills"] == 0, before
    run("docker", "exec", i.name, "/bin/sh", "-c", "n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done")
    burnt = figures(i)
    assert burnt["cpu_ns"] - before["cpu_ns"] > 20_000_000, (before, burnt)
    assert burnt["periods"] > before["periods"] and burnt["throttled"] > before["throttled"], (before, burnt)
    hog = run("docker", "exec", i.name, "/bin/tail", "/dev/zero", check=False)  # looks for the end of a line that never ends
    assert hog.returncode == 137, hog
    forks = run("docker", "exec", i.name, "/bin/sh", "-c", "n=0; while [ $n -lt 40 ]; do sleep 3 & n=$((n + 1)); done", check=False)
    assert forks.returncode != 0, forks
    after = figures(i)
    assert after["oom_kills"] >= 1 and 10 <= after["pids"] <= 20, after
    run("docker", "update", "--pids-limit", "100", i.name)  # its PID 1 takes no leave of the dead


def saw_its_network(i, times):
    """At each of its starts the instance had its addresses, routes and MAC before PID 1 ran."""
    boots = i.boots()
    assert len(boots) == times, boots
    for saw in boots:
        text = "\n".join(saw)
        for wanted in (f" {i.address}/24 ", f" {i.address6}/64 ", f"default via 10.{i.vlan}.0.1 ", f"default via fd00:{i.vlan}::1 ", i.mac):
            assert wanted in text, f"{wanted} is not in what it saw: {saw}"


def reach_within_a_vlan():
    meet("started")
    for v in VLANS:
        begin = time.monotonic()
        until(f"{MINE[v].name} to reach {THEIRS[v].address}", lambda v=v: answers(MINE[v], THEIRS[v].address), 15)
        until(f"{MINE[v].name} to reach {THEIRS[v].address6}", lambda v=v: answers(MINE[v], THEIRS[v].address6), 15)
        print(f"        VLAN {v}: IPv4 and IPv6 answered after {time.monotonic() - begin:.1f} s", flush=True)
        for address in (THEIRS[v].address, THEIRS[v].address6):
            until(f"ten pings in turn to be answered by {address}", lambda v=v, to=address: answers(MINE[v], to, count=10), 30)
    pings_by_itself(MINE[100], THEIRS[100].address)
    pings_by_itself(MINE[200], THEIRS[200].address6)
    meet("reached")


def no_reach_across_vlans():
    """Not even with a route and the neighbour's MAC: what the host's root puts into the instance's network."""
    a = MINE[100]
    for b in (MINE[200], THEIRS[200]):
        a.inside("ip", "route", "replace", f"{b.address}/32", "dev", "eth0")
        a.inside("ip", "neighbour", "replace", b.address, "lladdr", b.mac, "dev", "eth0")
        a.inside("ip", "-6", "route", "replace", f"{b.address6}/128", "dev", "eth0")
        a.inside("ip", "neighbour", "replace", b.address6, "lladdr", b.mac, "dev", "eth0")
        assert not answers(a, b.address) and not answers(a, b.address6), f"{a.name} reached {b.name}"
        a.inside("ip", "route", "delete", f"{b.address}/32", "dev", "eth0")
        a.inside("ip", "-6", "route", "delete", f"{b.address6}/128", "dev", "eth0")
        a.inside("ip", "neighbour", "flush", "dev", "eth0")
    until("the way within the VLAN to be there all the same", lambda: answers(a, THEIRS[100].address), 15)
    meet("apart")


def full_frames_pass():
    """1,500 bytes of IP, and the tag besides; one more is refused by the instance's own link."""
    for v in VLANS:
        big = MINE[v].inside("ping", "-M", "do", "-s", "1472", "-c", "3", "-i", "0.2", "-W", "2", THEIRS[v].address, check=False)
        assert big.returncode == 0, big
        bigger = MINE[v].inside("ping", "-M", "do", "-s", "1473", "-c", "1", "-W", "1", THEIRS[v].address, check=False)
        assert bigger.returncode != 0 and "mtu=1500" in bigger.stdout + bigger.stderr, bigger
    meet("full")


# Sent from inside the instance's network: what an instance with NET_RAW could send. The last frame is true, so that
# whoever listens knows that all before it had their chance. ADDRESS and MAC of the lies are looked for on the wire.
FORGER = """
import socket, struct, sys
mac = bytes.fromhex(sys.argv[1].replace(":", "")); ip, peer = (socket.inet_aton(a) for a in sys.argv[2:4]); net = ip[:3]
ip6 = socket.inet_pton(socket.AF_INET6, sys.argv[4]); lie, lie6, bad = net + b"\\x42", ip6[:15] + b"\\x42", b"\\x02\\xde\\xad\\xbe\\xef\\x01"
all1 = b"\\xff" * 6
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
def udp(src, a, port):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 32, 1, 0, 64, 17, 0, a, peer)
    total = sum(struct.unpack("!10H", head)); total = (total & 0xffff) + (total >> 16)
    return all1 + src + b"\\x08\\0" + head[:10] + struct.pack("!H", 0xffff - total) + head[12:] + struct.pack("!HHHH", 4000, port, 12, 0) + b"word"
def arp(src, sender, a): return all1 + src + b"\\x08\\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + sender + a + b"\\0" * 6 + peer
def udp6(src, a): return all1 + src + b"\\x86\\xdd" + struct.pack("!IHBB", 0x60000000, 12, 17, 64) + a + ip6 + struct.pack("!HHHH", 4000, 4000, 12, 0) + b"word"
lies = [udp(mac, lie, 4000), udp(bad, ip, 4000), arp(mac, mac, lie), arp(mac, bad, ip), udp6(mac, lie6), udp6(bad, ip6),
        all1 + mac + b"\\x81\\0\\0\\xc8" + udp(mac, lie, 4000)[12:]]
for f in lies: s.send(f)
s.send(udp(mac, ip, 4242))
print(len(lies))
"""


def forgeries_are_dropped():
    for v in VLANS:
        before = guard_drops()
        i = MINE[v]
        count = int(i.inside("python3", "-c", FORGER, i.mac, i.address, THEIRS[v].address, i.address6))
        after = guard_drops()
        rose = {name: after[name] - before[name] for name in after if after[name] != before[name]}
        assert sum(rose.values()) >= count, (count, rose)
        assert {"forged_address", "forged_mac", "forged_arp", "tagged"} <= set(rose), rose


def restarts_keep_the_network():
    run("docker", "restart", "-t", "0", MINE[100].name)
    os.kill(MINE[200].pid(), signal.SIGKILL)
    for i in MINE.values():
        until(f"{i.name} to start a second time", lambda i=i: len(i.boots()) == 2)
        saw_its_network(i, 2)
    meet("restarted")
    for v in VLANS:
        until(f"{THEIRS[v].address} to be reached", lambda v=v: answers(MINE[v], THEIRS[v].address), 15)
        until(f"{THEIRS[v].address6} to be reached", lambda v=v: answers(MINE[v], THEIRS[v].address6), 15)
    meet("reached again")


def a_reboot_needs_nobody():
    """dockerd, containers, links and rules are gone at once; netd, then dockerd, and every instance is wired again."""
    if H == 2:  # one host reboots, the other one goes on
        meet("rebooted")
        return
    with open("/run/docker/pid", encoding="utf-8") as f:
        engine = int(f.read())
    victims = [engine, *[int(p) for p in run("pgrep", "-x", "containerd|containerd-shim.*|containerd-shim").split()], *[i.pid() for i in MINE.values()]]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    until("all of them to be gone", lambda: not [p for p in victims if is_alive(p)])
    run("nft", "flush", "ruleset")
    for v in VLANS:
        run("ip", "link", "delete", f"br{v}")
        run("ip", "link", "delete", f"vec0.{v}")
        run("ip", "link", "delete", MINE[v].link, check=False)
    run("sh", "-c", "rm -rf /run/docker/exec /run/docker/pid /run/docker/socket; for m in $(awk '/ \\/run\\/docker\\// { print $2 }' /proc/mounts); do umount -l $m; done")
    begin = time.monotonic()
    code, said = netd()
    assert code == 0, said
    start_docker()
    for i in MINE.values():
        until(f"{i.name} to start a third time", lambda i=i: len(i.boots()) == 3, 40)
        saw_its_network(i, 3)
    for v in VLANS:
        until(f"{THEIRS[v].address} to be reached", lambda v=v: answers(MINE[v], THEIRS[v].address), 15)
    print(f"        from netd to the last answer {time.monotonic() - begin:.1f} s", flush=True)
    assert netd() == (0, [])
    meet("rebooted")


CHECKS = [netd_makes_the_vlans, netd_again_changes_nothing, netd_mends_what_drifted, docker_starts, no_record_no_start, instances_start,
          limits_hold_and_figures_are_true, reach_within_a_vlan, no_reach_across_vlans, full_frames_pass, forgeries_are_dropped, restarts_keep_the_network, a_reboot_needs_nobody]


def main():
    for at, check in enumerate(CHECKS):
        begin = time.monotonic()
        try:
            check()
        except Exception:  # whatever it stumbles over is its failure
            print("".join("        " + line for line in traceback.format_exc().splitlines(keepends=True)), end="", flush=True)
            write(f"{SHARE}/failed.h{H}", "")
            for failed in CHECKS[at:]:
                print(f"FAILED  h{H} {failed.__name__.replace('_', ' ')}{'' if failed is check else ' (not reached)'}", flush=True)
            return
        print(f"ok      h{H} {check.__name__.replace('_', ' ')} ({time.monotonic() - begin:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
