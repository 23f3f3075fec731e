#!/usr/bin/env python3
"""Three real bridges share the machines of a host while they are killed, paused and stopped: no minute of a machine has two senders, and
none is without one but where a bridge fell in the seconds in which that minute was its own.

    tests/pg.sh run python3 tests/integration/bridge_share_test.py BRIDGE PUBLISHER KEYGEN CATDUMP [MINUTES]

MINUTES: 10. SOT_SEED: the faults of an earlier run. CAT is sotalia-catdump with the rules of CAT 3.1.
"""
import os
import pathlib
import random
import signal
import socket
import sys
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bridge_hour_test import Cat, beats
from bridge_world import World, insert_host

BRIDGE, PUBLISHER, KEYGEN, CATDUMP = sys.argv[1:5]
MINUTES = int(sys.argv[5]) if len(sys.argv) > 5 else 10
SEED = int(os.environ.get("SOT_SEED", random.SystemRandom().randrange(1 << 31)))
INSTANCES = 60
HOST_ID, ADDRESS = str(uuid.uuid4()), "10.9.8.7"
MACHINES = {ADDRESS} | {f"shop-default-{n:02}" for n in range(1, INSTANCES + 1)}
NAMES = ("one", "two", "three")
LEASE_S = 5
# Who counts for a minute is decided at its second 5, by leases; heartbeats leave until second 15.
DECIDED_S, LAST_S = 5, 16


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Share(unittest.TestCase):
    def setUp(self):
        print(f"seed {SEED}", flush=True)
        self.random = random.Random(SEED)
        self.world = w = World(BRIDGE, PUBLISHER, KEYGEN, listens=False)
        self.addCleanup(w.close)
        self.cat = Cat(w.dir, 0)
        self.addCleanup(self.cat.end)
        self.ports = dict(zip(NAMES, free_ports(len(NAMES))))
        insert_host(HOST_ID, "node-" + ADDRESS, w.keygen("host.key"))
        self.bridges = {name: self.start(name) for name in NAMES}
        for port in self.ports.values():
            w.publish(f"tcp://127.0.0.1:{port}", "host.key", HOST_ID, ADDRESS, INSTANCES)

    def start(self, name):
        return self.world.start_bridge(name, f"10.1.1.{1 + NAMES.index(name)}", f"--cat_servers=127.0.0.1:{self.cat.port}",
                                       endpoint=f"tcp://127.0.0.1:{self.ports[name]}")

    def fault(self):
        """One bridge is out for a while; when that began."""
        name, kind = self.random.choice(NAMES), self.random.choice(("kill", "pause", "stop"))
        out_s = self.random.uniform(1, 75 if kind == "pause" else 20)
        bridge, began = self.bridges[name], time.time()
        print(f"{time.strftime('%H:%M:%S', time.gmtime(began))} {kind} {name} for {out_s:.0f} s", flush=True)
        bridge.send_signal({"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "stop": signal.SIGTERM}[kind])
        self.world.pump(out_s)
        if kind == "pause":
            bridge.send_signal(signal.SIGCONT)
        else:
            bridge.wait(30)
            self.bridges[name] = self.start(name)
        return began

    def test_faults_cost_only_the_minute_they_fall_into(self):
        self.world.until("every machine's heartbeat", lambda: set(beats(self.cat.frames())) >= MACHINES, 150)
        first = int(time.time() // 60) + 1
        self.world.pump(first * 60 - time.time())
        began = []
        while time.time() < (first + MINUTES) * 60:
            began.append(self.fault())
            self.world.pump(self.random.uniform(2, 30))
        last = int(time.time() // 60)
        self.world.pump((last + 1) * 60 + 20 - time.time())  # the last minute is whole, and told
        frames = self.cat.frames()
        self.assertEqual([f for f in frames if f["verdict"] != "accepted"][:3], [])
        found = beats(frames)
        doubled = {m: minutes for m, minutes in found.items() if len(minutes) != len(set(minutes))}
        self.assertEqual(doubled, {})
        holes = 0
        for minute in range(first, last + 1):
            missing = {m for m in MACHINES if minute not in found[m]}
            fell = any(minute * 60 + DECIDED_S - LEASE_S - 1 <= at <= minute * 60 + LAST_S for at in began)
            holes += len(missing)
            self.assertTrue(fell or not missing, f"minute {minute}: {len(missing)} machines without a sender, and nothing fell")
            self.assertLess(len(missing), len(MACHINES), "one bridge fell, and all were silent")
        print(f"{len(began)} faults in {last + 1 - first} minutes: {holes} of {(last + 1 - first) * len(MACHINES)} heartbeats were lost, none doubled", flush=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
