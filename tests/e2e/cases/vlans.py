"""VLANs on tagged trunks of a real switch: reach within, not across; strangers; forgeries; exhaustion; a host that boots.

The laboratory is `trunk` (trunk.sh): hosts on trunk ports of Open vSwitch, a neighbour n<vid> in each VLAN.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import lab

ORDER = 30
LAB = "trunk"

VLANS = {"web": 100, "db": 200}
MARK = ("{ ip -4 -o address show dev eth0; ip route show default; cat /sys/class/net/eth0/address; } >>/data/applogs/boot.log 2>&1; "
        "exec redis-server --port 6379 --protected-mode no")


def have_vlans():
    known = {v["name"] for v in lab.cli_json("vlan", "list")["items"]}
    for name, vid in VLANS.items():
        if name not in known:
            lab.cli("vlan", "create", name, f"--id={vid}")
            lab.cli("subnet", "create", name, f"10.{vid}.0.0/24", f"--gateway=10.{vid}.0.1", f"--first=10.{vid}.0.50")


def inside(ns, *argv, check=True, timeout=60):
    return lab.command(["ip", "netns", "exec", ns, *argv], check=check, timeout=timeout)


def pings(ns, address):
    return inside(ns, "timeout", "5", "redis-cli", "-h", address, "ping", check=False).strip() == "PONG"


def inside_instance(instance, *argv, check=True):
    return lab.docker(instance["host"], "exec", "sot-" + instance["id"], *argv, check=check)


def reaches(source, address):
    return inside_instance(source, "timeout", "2", "redis-cli", "-h", address, "ping", check=False) == "PONG"


def pid_of(instance):
    return int(lab.docker(instance["host"], "inspect", "-f", "{{.State.Pid}}", "sot-" + instance["id"]))


def both():
    """Two instances in each VLAN, made at the same time."""
    have_vlans()
    ops = []
    for app, vlan in (("front", "web"), ("store", "db")):
        if lab.api("GET", f"/v1/apps/{app}").status == 404:
            ops.append(lab.post("/v1/apps", lab.app(app, vlan=vlan, count=2, command=MARK)))
    for op in ops:
        ended = lab.finished(op)
        assert ended["state"] == "done", ended
    return lab.instances("front"), lab.instances("store")


def all_are_back(seconds=90):
    """Hosts are online, and every instance runs and is healthy."""
    def look():
        away = [f"{h['name']} {h['state']}" for h in lab.api("GET", "/v1/hosts").json["items"] if h["state"] != "online"]
        away += [f"{i['name']} {i['state']} {i['health']}" for i in lab.instances() if (i["state"], i["health"]) != ("running", "healthy")]
        assert not away, away
        return True
    lab.until("all to be seen again", look, seconds)


@contextlib.contextmanager
def wire(*trunks):
    """What passes on these trunks of the switch, with its tags: a list of lines that is whole when the block ends."""
    seen, taps, readers = [], [], []
    for trunk in trunks:
        taps.append(subprocess.Popen(["ip", "netns", "exec", "tor", "timeout", "90", "tcpdump", "-e", "-n", "-l", "-i", trunk, "tcp", "or", "arp", "or", "vlan"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        next(line for line in taps[-1].stderr if "listening" in line)
        readers.append(threading.Thread(target=lambda tap=taps[-1]: seen.extend(tap.stdout), daemon=True))
        readers[-1].start()
    try:
        yield seen
    finally:
        for tap, reader in zip(taps, readers):
            tap.terminate()
            tap.wait(10)
            reader.join(10)


def test_01_vlans_reach_within_and_not_across_and_are_tagged_on_the_wire():
    """S4 S5: two VLANs over both hosts at the same time: reach within a VLAN across hosts, not across VLANs; tags on the trunk."""
    with wire("trunk1") as seen:
        front, store = both()
        for found, vid in ((front, 100), (store, 200)):
            assert sorted(i["host"] for i in found) == ["h1", "h2"], found
            assert all(i["address"].startswith(f"10.{vid}.0.") and i["vlanId"] == vid for i in found), found
            begin = time.monotonic()
            for i in found:
                assert pings(f"n{vid}", i["address"]), i
            print(f"    VLAN {vid}: {len(found)} instances answered a neighbour in {(time.monotonic() - begin) * 1000:.0f} ms")
            assert reaches(found[0], found[1]["address"]) and reaches(found[1], found[0]["address"])
        for a in front:
            for b in store:
                assert not reaches(a, b["address"]) and not reaches(b, a["address"]), (a, b)
    for vid, found in ((100, front), (200, store)):
        for i in found:
            wanted = re.compile(rf"vlan {vid}, .*{re.escape(i['address'])}")
            assert any(wanted.search(line) for line in seen), f"no frame of {i['address']} with tag {vid} among {len(seen)} frames"
        assert not any(f"10.{vid}.0." in line and "vlan " not in line for line in seen), "a frame of a VLAN without its tag"
    lab.invariants()


def test_02_an_instance_has_its_network_before_pid_1_every_time():
    """S3 S5: restarts and kills of PID 1 with the whole control plane down: address, MAC and default route are there before
    PID 1 runs, every time (SOT_E2E_SOAK: 100 times)."""
    front, store = both()
    found = front + store
    rounds = 25 if lab.SOAK else 3
    boots = {i["id"]: len(lab.docker(i["host"], "exec", "sot-" + i["id"], "cat", "/data/applogs/boot.log").splitlines()) // 3 for i in found}
    for name in ["hostagent-h1", "hostagent-h2", *lab.SERVICES]:
        lab.kill(name)
    lab.sh("postgres_stop")
    try:
        for n in range(rounds):
            for i in found:
                if n % 2:
                    os.kill(pid_of(i), signal.SIGKILL)
                else:
                    lab.docker(i["host"], "restart", "-t", "1", "sot-" + i["id"])
                boots[i["id"]] += 1
            for i in found:
                lines = lab.until(f"{i['name']} to have started {boots[i['id']]} times", lambda i=i: (
                    lambda t: t if len(t) >= 3 * boots[i["id"]] else None)(
                        lab.docker(i["host"], "exec", "sot-" + i["id"], "cat", "/data/applogs/boot.log").splitlines()), 60)
                assert len(lines) == 3 * boots[i["id"]], f"something was missing at a start: {lines}"
                assert all(f" {i['address']}/24" in line for line in lines[0::3]), lines
                assert all(line.startswith(f"default via 10.{i['vlanId']}.0.1 ") for line in lines[1::3]), lines
                assert all(line == i["mac"] for line in lines[2::3]), lines
                lab.until(f"{i['name']} to answer", lambda i=i: pings(f"n{i['vlanId']}", i["address"]), 30)
    finally:
        lab.sh("postgres_start")
        for s in lab.SERVICES:
            lab.start_service(s)
        for s in lab.SERVICES:
            lab.healthy(s)
        for n in ("1", "2"):
            lab.sh("lab_agent_start", n)
    all_are_back()
    assert sum(boots.values()) >= 4 * rounds
    lab.invariants()


def stranger(name, vid, address):
    """A machine nobody registered, with that address."""
    lab.sh("trunk_neighbour", name, str(vid))
    inside(name, "ip", "address", "add", address + "/24", "dev", "eth0")
    return json.loads(lab.command(["ip", "-j", "-n", name, "link", "show", "dev", "eth0"]))[0]["address"]


def events(kind, after):
    items = lab.api("GET", f"/v1/events?after={after}&limit=500").json["items"]
    return [e for e in items if e["type"] == f"cn.sotalia.{kind}.v1"]


def last_event():
    return lab.sql("SELECT last FROM core.outbox_counter")[0][0]


def test_03_a_stranger_on_the_next_address_is_found_before_it_is_given_out():
    """S3: somebody uses the next addresses already: found by a probe before the instance binds it, recorded with its MAC, the
    next address taken; a stranger that appears later is told within seconds."""
    have_vlans()
    taken = {a["address"] for a in lab.api("GET", "/v1/addresses?vlan=web&limit=500").json["items"]}
    number = 50 + max([int(a.split(".")[3]) - 50 for a in taken if int(a.split(".")[3]) >= 50] or [-1]) + 1
    macs = {f"10.100.0.{n}": stranger(f"s{n}", 100, f"10.100.0.{n}") for n in (number, number + 1)}
    since = last_event()
    try:
        with wire("trunk1", "trunk2") as seen:
            lab.create("careful", 2, vlan="web")
        found = lab.instances("careful")
        assert not {i["address"] for i in found} & set(macs), (found, macs)
        rows = {a["address"]: a for a in lab.api("GET", "/v1/addresses?vlan=web&state=conflict").json["items"]}
        hit = set(rows) & set(macs)
        assert hit, f"no stranger was met: {rows}"
        for address in hit:
            assert rows[address]["mac"] == macs[address], rows[address]
            asked = re.compile(rf"vlan 100, .*Request who-has {re.escape(address)} .*tell 0\.0\.0\.0")
            assert any(asked.search(line) for line in seen), f"R13: no question for {address} with tag 100 among {len(seen)} frames"
        told = {e["data"]["address"] for e in events("address.conflict", since)}
        assert hit <= told, told
        victim = found[0]
        since = last_event()
        mac = stranger("late", 100, victim["address"])
        begin = time.monotonic()  # a machine that comes up announces its address; arping stays a second longer than its frame
        with subprocess.Popen(["ip", "netns", "exec", "late", "timeout", "2", "arping", "-c", "1", "-U", "-I", "eth0", victim["address"]],
                              stdout=subprocess.DEVNULL):
            seen = lab.until("the late stranger to be told", lambda: [e for e in events("address.conflict", since) if e["data"]["mac"] == mac], 15)
            print(f"    told {(time.monotonic() - begin) * 1000:.0f} ms after it spoke")
        assert seen[0]["data"]["address"] == victim["address"] and seen[0]["data"]["sighting"] == "passive", seen
    finally:
        for name in (f"s{number}", f"s{number + 1}", "late"):
            lab.command(["ip", "netns", "delete", name], check=False)
        lab.scale("careful", 0)


FORGER = r"""
import socket, struct, sys
mac, ip, other = bytes.fromhex(sys.argv[1].replace(":", "")), socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
gateway = socket.inet_aton(sys.argv[4])
bad = b"\x02\xde\xad\xbe\xef\x01"
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
all1 = b"\xff" * 6
def arp(src, op, sha, spa, tpa): return all1 + src + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + sha + spa + b"\0" * 6 + tpa
def ip4(src, sip, sport, dport):
    udp = struct.pack("!HHHH", sport, dport, 12, 0) + b"evil"
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, sip, b"\xff" * 4)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack("!H", 0xffff - total) + head[12:]
    return all1 + src + b"\x08\x00" + head + udp
frames = {
    "address": ip4(mac, other, 4000, 4000), "mac": ip4(bad, ip, 4000, 4000), "arp address": arp(mac, 2, mac, other, gateway),
    "arp sender": arp(mac, 2, bad, ip, gateway), "probe with a forged mac": arp(bad, 1, bad, b"\0" * 4, other),
    "garp of another": arp(mac, 1, mac, other, other), "dhcp server": ip4(mac, ip, 67, 68),
    "tagged": all1 + mac + b"\x81\x00\x00\xc8" + b"\x08\x06" + arp(mac, 1, mac, ip, gateway)[14:],
    "bpdu": b"\x01\x80\xc2\x00\x00\x00" + mac + b"\x00\x26\x42\x42\x03" + b"\0" * 40,
    "ra": b"\x33\x33\x00\x00\x00\x01" + mac + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, 16, 58, 255)
          + socket.inet_pton(socket.AF_INET6, "fe80::1") + socket.inet_pton(socket.AF_INET6, "ff02::1") + b"\x86\0\0\0" + b"\0" * 12,
}
for f in frames.values():
    s.send(f)
s.send(arp(mac, 1, mac, ip, gateway))  # the truth, last: what comes after it has come
print(len(frames))
"""


def test_04_forgeries_from_inside_an_instance_do_not_leave_its_host():
    """S5: each forgery sent from an instance's own interface is dropped and counted; the truth passes."""
    front, _ = both()
    victim, liar = front
    tap = subprocess.Popen(["ip", "netns", "exec", "tor", "timeout", "30", "tcpdump", "-e", "-n", "-l", "-i", "trunk" + liar["host"][1],
                            "-Q", "in", "ether", "host", liar["mac"], "or", "ether", "host", "02:de:ad:be:ef:01"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tap.stderr.readline()
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(tap.stdout), daemon=True)
    reader.start()
    drops_before = guard_drops(liar)
    count = int(lab.command(["nsenter", f"--net=/proc/{pid_of(liar)}/ns/net", "python3", "-c", FORGER,
                             liar["mac"], liar["address"], victim["address"], "10.100.0.1"]))
    try:
        lab.until("the truth to arrive", lambda: any("Request who-has 10.100.0.1" in line and f"tell {liar['address']}" in line for line in seen), 10)
    finally:
        tap.terminate()
        tap.wait(10)
        reader.join(10)
    lies = [line for line in seen if line.strip() and not (f"tell {liar['address']}" in line or f"{liar['address']}.6379" in line)]
    assert not lies, lies
    assert guard_drops(liar) - drops_before >= count, (drops_before, guard_drops(liar), count)


def guard_drops(instance):
    """What the guard of the instance's host has dropped, by all its counters."""
    ruleset = json.loads(inside(instance["host"], "nft", "-j", "list", "table", "bridge", "sotalia"))["nftables"]
    named = sum(item["counter"]["packets"] for item in ruleset if "counter" in item)
    if named:
        return named
    return sum(e["counter"]["packets"] for item in ruleset for e in item.get("rule", {}).get("expr", []) if isinstance(e.get("counter"), dict))


def test_05_a_full_vlan_says_so_and_goes_on_when_there_is_room():
    """S3: the reason with counts reaches the user; the operation goes on by itself when the VLAN gets another subnet."""
    have_vlans()
    if "small" not in {v["name"] for v in lab.cli_json("vlan", "list")["items"]}:
        lab.cli("vlan", "create", "small", "--id=300")
        lab.cli("subnet", "create", "small", "10.101.0.0/29", "--gateway=10.101.0.1")
    op = lab.post("/v1/apps", lab.app("crowd", vlan="small", count=7))
    wanted = "no address left in the VLAN; VLAN small: 10.101.0.0/29 (5 addresses: 0 free, "  # the counts come with ipam's next word
    waits = lab.until("the operation to say why it waits", lambda: (lambda w: w if wanted in w else "")(lab.operation(op)["waitsFor"]), 30)
    print(f"    it waits for: {waits}")
    assert len([i for i in lab.instances("crowd") if i["address"]]) == 5, "five of a /29 with a gateway"
    lab.cli("subnet", "create", "small", "10.101.1.0/29", "--gateway=10.101.1.1")
    ended = lab.finished(op)
    assert ended["state"] == "done", ended
    lab.scale("crowd", 0)


BAD = [("subnet", "create", "web", "10.100.0.0/25", "overlap"), ("subnet", "create", "web", "10.102.0.1/24", "10.102.0.0/24"),
       ("subnet", "create", "web", "10.102.0.0/24", "--gateway=10.103.0.1", "gateway"), ("subnet", "create", "web", "10.102.0.0/31", "prefix"),
       ("vlan", "create", "web", "--id=300", "exists"), ("vlan", "create", "toobig", "--id=4095", "4094"), ("subnet", "create", "nope", "10.102.0.0/24", "nope")]


def test_06_wrong_plans_are_refused_precisely_and_change_nothing():
    """S4: overlap, host bits, a gateway outside, wrong masks, unknown and double names."""
    have_vlans()
    before = lab.sql("SELECT count(*), (SELECT count(*) FROM ipam.vlan) FROM ipam.subnet")
    for *argv, word in BAD:
        answer = lab.cli(*argv, check=False)
        assert answer.returncode != 0 and word in answer.stderr, (argv, answer.stderr)
    assert lab.sql("SELECT count(*), (SELECT count(*) FROM ipam.vlan) FROM ipam.subnet") == before


def test_07_an_instance_is_reached_as_soon_as_it_starts():
    """R9: a neighbour that pings all the time, and remembers the MAC of the process before, gets its answer again at once."""
    front, _ = both()
    waits = []
    for i in front * (10 if lab.SOAK else 3):
        with subprocess.Popen(["ip", "netns", "exec", "n100", "ping", "-n", "-D", "-i", "0.01", "-w", "20", i["address"]],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ping:
            try:
                ping.stdout.readline()
                lab.docker(i["host"], "restart", "-t", "1", "sot-" + i["id"])
                started = lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"])
                begin = float(lab.command(["date", "-d", started, "+%s.%N"]))
                answers = (float(m[1]) for m in (re.match(r"\[([0-9.]+)\] .*bytes from", line) for line in ping.stdout) if m)
                waits.append(next((t for t in answers if t > begin), None))
            finally:
                ping.terminate()
        assert waits[-1] is not None, f"{i['address']} did not answer within 20 s"
        waits[-1] -= begin
    waits.sort()
    print(f"    {len(waits)} restarts: first answer after the start of PID 1 in {waits[0] * 1000:.0f} to {waits[-1] * 1000:.0f} ms, "
          f"median {waits[len(waits) // 2] * 1000:.0f} ms")
