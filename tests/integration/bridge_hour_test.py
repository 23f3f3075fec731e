#!/usr/bin/env python3
"""A CAT that is away for an hour costs that hour's history, and bounded memory and disk.

    tests/pg.sh run python3 tests/integration/bridge_hour_test.py BRIDGE PUBLISHER KEYGEN CATDUMP [MINUTES]

A fleet of hosts reports to the real bridge; CAT, which is sotalia-catdump with the rules of CAT 3.1, goes away for MINUTES (62, so that
an hour's edge lies within) and comes back. MINUTES below 4 see all but an hour's edge.
"""
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bridge_world import World, all_messages, emit, sql

BRIDGE, PUBLISHER, KEYGEN, CATDUMP = sys.argv[1:5]
MINUTES = int(sys.argv[5]) if len(sys.argv) > 5 else 62
HOSTS, EACH = 40, 10
QUEUE_BYTES = 8 << 20  # less than the heartbeats of ten minutes: the queue overflows within the hour
SLACK_BYTES = 16 << 20
MACHINES = {str(ipaddress.IPv4Address("10.99.0.1") + n) for n in range(HOSTS)} | {f"shop-default-{n:02}" for n in range(1, HOSTS * EACH + 1)}


class Cat:
    """CAT's receiver, always on the same port; what one life of it has read."""

    def __init__(self, folder, port):
        self.path = folder / f"cat.{time.monotonic_ns()}"
        with open(self.path, "wb") as out:
            self.child = subprocess.Popen([CATDUMP, "--rules", f"--listen={port}"], stdout=out, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (found := re.search(r'"listening":(\d+)', self.path.read_text())):
            assert time.monotonic() < deadline and self.child.poll() is None, "catdump does not listen"
            time.sleep(0.05)
        self.port = int(found[1])

    def frames(self):
        return [json.loads(line) for line in self.path.read_text().split("\n")[:-1] if '"messageId"' in line]

    def end(self):
        self.child.terminate()
        self.child.wait(30)


def beats(frames):
    """{machine: minutes} of the heartbeats."""
    found = {}
    for frame in frames:
        for message in all_messages(frame["message"]):
            if message["kind"] == "heartbeat":
                found.setdefault(frame["address"], []).append(message["atUnixMs"] // 60000)
    return found


class Hour(unittest.TestCase):
    def setUp(self):
        self.world = w = World(BRIDGE, PUBLISHER, KEYGEN, listens=False)
        self.addCleanup(w.close)
        self.cat = Cat(w.dir, 0)
        self.addCleanup(lambda: self.cat.end())
        w.bridge = w.start_bridge("one", "10.1.1.1", f"--cat_servers=127.0.0.1:{self.cat.port}", f"--queue_bytes={QUEUE_BYTES}")
        fleet = w.spawn(PUBLISHER, w.bridge.endpoint, w.server_key, "fleet", HOSTS, "10.99.0.1", EACH, 10000)
        self.until("the keys of the fleet", lambda: fleet.log_path.read_text().count("\n") >= HOSTS, 120)
        rows = [line.split() for line in fleet.log_path.read_text().splitlines()[:HOSTS]]
        values = ",".join(f"('{row[0]}','sim-{row[1]}','a','r','{row[2]}','online',now())" for row in rows)
        sql(f"INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) VALUES {values}")

    def until(self, what, holds, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.5)
        raise AssertionError(f"{what}: not in {seconds} s\n{self.world.bridge.log_path.read_text()[-3000:]}")

    def metric(self, name):
        return sum(int(line.split()[-1]) for line in self.world.control("metrics").splitlines() if line.startswith(name))

    def cost(self):
        """(resident bytes, bytes on disk) of the bridge."""
        status = pathlib.Path(f"/proc/{self.world.bridge.pid}/status").read_text()
        disk = sum(f.stat().st_size for f in (self.world.dir / "state-one").rglob("*") if f.is_file())
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024, disk

    def tell(self, name):
        emit("host.state", name, {"changed": {"state": ["suspect", "agent_lost"]}}, host=name)

    def lost(self):
        return {reason: self.metric(f'sot_bridge_dropped_total{{reason="{reason}"}}') for reason in ("queue_full", "expired", "cut", "closed_hour")}

    def test_an_hour_without_cat(self):
        self.until("every machine's heartbeat", lambda: set(beats(self.cat.frames())) >= MACHINES, 300)
        before, disk_before = self.cost()
        lost_before = self.lost()
        first = self.cat
        went = time.time()
        first.end()
        most = disk_most = 0
        while time.time() < went + MINUTES * 60:
            self.tell(f"away-{int(time.time())}")
            time.sleep(min(30, max(0.1, went + MINUTES * 60 - time.time())))
            rss, disk = self.cost()
            most, disk_most = max(most, rss), max(disk_most, disk)
        self.tell("last-away")
        self.until("the last event to be taken", lambda: sql("SELECT events FROM monitor.lag_v") == "0", 60)
        lost = {reason: count - lost_before[reason] for reason, count in self.lost().items()}
        print(f"away {MINUTES} min: resident {before >> 20} -> {most >> 20} MiB at most, disk {disk_before} -> {disk_most} bytes, lost {lost}", flush=True)
        self.assertLess(most, before + QUEUE_BYTES + SLACK_BYTES)
        self.assertLess(disk_most, disk_before + 16384)
        if MINUTES >= 10:
            self.assertGreater(lost["queue_full"], 0, "the queue was to overflow")

        self.cat = Cat(self.world.dir, first.port)
        back = time.time()
        self.until("what was told last", lambda: [f for f in self.cat.frames() if f["address"] == "last-away"], 90)
        self.assertLess(time.time() - back, 60, "the back-off is 30 s at most")
        # From the next whole minute on nothing is missing.
        whole = int(back // 60) + 2
        self.until("three whole minutes", lambda: all({whole, whole + 1, whole + 2} <= set(m) for m in (
            lambda b: [b.get(machine, ()) for machine in MACHINES])(beats(self.cat.frames()))), 400)
        frames = self.cat.frames()
        self.assertEqual([f for f in frames if f["verdict"] != "accepted"][:3], [])
        ids = [f["messageId"] for f in first.frames() + frames]
        self.assertEqual(len(ids), len(set(ids)), "a message's number was used twice")
        oldest = min(f["message"]["atUnixMs"] for f in frames) / 1000
        hour = back // 3600 * 3600
        self.assertGreaterEqual(oldest, hour if back - hour > 180 else hour - 3600, "something of a closed hour was sent")
        print(f"back: {len(frames)} frames, the oldest {back - oldest:.0f} s older than CAT's return, none refused", flush=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
