#!/usr/bin/env python3
"""The real monitor-bridge between real agents' sockets, a real database, and a listener that decodes CAT's framing.

    tests/pg.sh run python3 tests/integration/bridge_cat_test.py BRIDGE PUBLISHER KEYGEN

Takes up to 70 s: heartbeats leave once in a wall-clock minute.
"""
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cat_listener

BRIDGE, PUBLISHER, KEYGEN = sys.argv[1:4]
SOCKET_DIR = os.environ["SOT_PG_DIR"]
HOST_ID, STRANGER_ID = str(uuid.uuid4()), str(uuid.uuid4())
HOST_ADDRESS, STRANGER_ADDRESS = "10.9.8.7", "10.9.8.6"


def sql(text):
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", SOCKET_DIR, "-U", "postgres", "-d", "sotalia",
                           "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{text}\n{done.stderr}")
    return done.stdout.strip()


def emit(kind, subject, data, operation=None, host=""):
    literal = "NULL" if operation is None else f"'{operation}'"
    sql(f"SELECT core.emit(ARRAY['{kind}'], ARRAY['{subject}'], ARRAY['shop'], ARRAY['{host}'], ARRAY['user:test'], "
        f"ARRAY[{literal}]::uuid[], ARRAY['{json.dumps(data)}'])")
    sql("SELECT core.number_events()")


def operation_begun(seconds_ago):
    """A UUIDv7 of that time, as the scheduler makes them."""
    at = int((time.time() - seconds_ago) * 1000)
    return str(uuid.UUID(int=at << 80 | 0x7 << 76 | 0x2 << 62 | int.from_bytes(os.urandom(7), "big")))


def insert_host(host_id, name, key):
    sql("INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) "
        f"VALUES ('{host_id}', '{name}', 'a', 'r', $key${key}$key$, 'online', now())")


def all_messages(message):
    yield message
    for child in message.get("children", []):
        yield from all_messages(child)


class World:
    """Processes and files of one run."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sotalia-bridge.")
        self.dir = pathlib.Path(self.folder.name)
        self.children, self.received = [], []
        self.listener = cat_listener.Listener()
        self.port = self.listener.port
        self.server_key = self.keygen("monitor-bridge.key")
        self.bridge = None

    def keygen(self, name):
        done = subprocess.run([KEYGEN, self.dir / name], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def spawn(self, *argv):
        log = open(self.dir / f"log.{len(self.children)}", "wb")
        child = subprocess.Popen([str(a) for a in argv], stderr=log, stdout=log)
        child.log_path = pathlib.Path(log.name)
        self.children.append(child)
        return child

    def start_bridge(self):
        self.bridge = self.spawn(
            BRIDGE, f"--keys_dir={self.dir}", f"--state_dir={self.dir}/state", "--reports_endpoint=tcp://127.0.0.1:*",
            f"--database=host={SOCKET_DIR} dbname=sotalia user=sot_bridge", f"--cat_servers=127.0.0.1:{self.port}",
            "--address=10.1.1.1", f"--control_socket={self.dir}/control", "--events_interval_ms=100", "--keys_interval_ms=200", "--connect_timeout_ms=200")
        return self.wait_log(self.bridge, "event=bridge.up", "reports=")

    def wait_log(self, child, mark, field):
        """The value of `field` in the first line of the child's log that has `mark`."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for line in child.log_path.read_text(errors="replace").splitlines():
                if mark in line or mark.replace("event=", "") in line.split():
                    return next(w.removeprefix(field) for w in line.split() if w.startswith(field))
            if child.poll() is not None:
                break
            self.pump(0.05)
        raise AssertionError(f"no {mark} in\n{child.log_path.read_text(errors='replace')}")

    def control(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.dir / "control"))
            client.sendall(line.encode() + b"\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer.decode()

    def publish(self, endpoint, key, host_id, address, instances):
        return self.spawn(PUBLISHER, endpoint, self.server_key, self.dir / key, host_id, address, instances, 300)

    def pump(self, seconds):
        if self.listener:
            self.received += self.listener.frames(seconds)
        else:
            # No listener on purpose: let others run until the time is over.
            select.select([], [], [], seconds)

    def wait(self, what, found, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            hits = [(f, m) for f in self.received if "message" in f for m in all_messages(f["message"]) if found(f, m)]
            if hits:
                return hits
            self.pump(0.2)
        log = self.bridge.log_path.read_text(errors="replace")[-3000:]
        raise AssertionError(f"{what} did not arrive in {seconds} s; bridge log:\n{log}")

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            child.wait(20)
        if self.listener:
            self.listener.close()
        self.folder.cleanup()


class BridgeToCat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = w = World()
        insert_host(HOST_ID, "node-" + HOST_ADDRESS, w.keygen("host.key"))
        insert_host(STRANGER_ID, "node-" + STRANGER_ADDRESS, w.keygen("liar.key"))
        w.keygen("unknown.key")
        cls.endpoint = w.start_bridge()
        cls.publisher = w.publish(cls.endpoint, "host.key", HOST_ID, HOST_ADDRESS, 3)
        # A known key that speaks for another host, and a key that nobody knows.
        w.publish(cls.endpoint, "liar.key", HOST_ID, "10.9.9.9", 1)
        w.publish(cls.endpoint, "unknown.key", STRANGER_ID, STRANGER_ADDRESS, 1)

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def heartbeat(self, domain, address):
        return self.world.wait(f"heartbeat of {address}", lambda f, m: m["kind"] == "heartbeat"
                               and f["domain"] == domain and f["address"] == address, 75)

    def test_1_the_bridge_announces_itself(self):
        hits = self.world.wait("reboot", lambda f, m: (m["type"], m["name"]) == ("System", "Reboot"), 20)
        frame, _ = hits[0]
        self.assertEqual((frame["codec"], frame["domain"], frame["address"]), ("NT1", "sotalia-controller", "10.1.1.1"))
        self.assertRegex(frame["messageId"], r"^sotalia-controller-0a010101-\d+-\d+$")

    def test_2_an_operation_is_a_transaction_with_its_real_duration(self):
        operation = operation_begun(3.5)
        emit("instance.state", "shop-default-01", {"id": HOST_ID, "changed": {"state": ["creating", "running"]}}, operation)
        emit("operation.state", "shop", {"id": operation, "kind": "scale", "changed": {"state": ["running", "done"]}},
             operation)
        hits = self.world.wait("operation", lambda f, m: m["type"] == "Sotalia.Op", 20)
        _, message = hits[0]
        self.assertEqual((message["name"], message["status"]), ("scale", "0"))
        self.assertTrue(3_400_000 <= message["durationUs"] <= 30_000_000, message)
        self.assertIn(f"op={operation}", message["data"])
        self.assertEqual([c["name"] for c in message["children"]], ["creating"])

    def test_3_frames_made_while_cat_is_away_arrive_when_it_is_back(self):
        w = self.world
        w.listener.close()
        w.listener = None
        w.wait_log(w.bridge, "event=cat.lost", "server=")
        operation = operation_begun(1)
        emit("operation.state", "shop", {"id": operation, "kind": "restart",
                                         "changed": {"state": ["running", "failed"]}, "error": "no host"}, operation)
        w.listener = cat_listener.Listener(w.port)
        hits = w.wait("operation after the outage", lambda f, m: m["type"] == "Sotalia.Op" and m["name"] == "restart", 60)
        self.assertEqual(hits[0][1]["status"], "failed")
        self.assertEqual(len(hits), 1)

    def test_4_host_and_each_instance_have_their_heartbeat(self):
        _, host = self.heartbeat("sotalia-agent", HOST_ADDRESS)[0]
        self.assertEqual(host["details"]["LoadAverage"], 1.25)
        self.assertEqual(host["details"]["host.cpu.used.pct"], 25.0)
        self.assertEqual(host["details"]["host.mem.used.pct"], 75.0)
        self.assertEqual(host["details"]["containers.running"], 3)
        self.assertTrue({"System", "Disk", "host.cpu", "host.mem", "host.disk", "host.net", "host.docker"}
                        <= set(host["groups"]))
        for number in (1, 2, 3):
            frame, instance = self.heartbeat("sotalia-instance", f"shop-default-{number:02}")[0]
            self.assertEqual(instance["details"]["c.cpu.used.pct"], 10.0 * number)
            self.assertEqual(instance["details"]["c.mem.used.pct"], 25.0)
            self.assertRegex(frame["messageId"], rf"^sotalia-instance-0a42000{number}-\d+-\d+$")
        self.world.wait("health", lambda f, m: m["type"] == "Health" and m["name"] == "shop"
                        and m["data"].startswith("@"), 20)

    def test_5_nobody_reports_for_another_host_or_without_a_known_key(self):
        addresses = {f["address"] for f in self.world.received if "address" in f}
        self.assertIn(HOST_ADDRESS, addresses)
        self.assertNotIn("10.9.9.9", addresses)
        self.assertNotIn(STRANGER_ADDRESS, addresses)
        self.assertIn("reports.wrong_host", self.world.bridge.log_path.read_text())

    def test_5b_metrics_health_and_failpoints_are_on_the_control_socket(self):
        metrics = self.world.control("metrics")
        self.assertIn('sot_bridge_dropped_total{reason="queue_full"} 0', metrics)
        self.assertRegex(metrics, r"sot_bridge_reports_refused_total [1-9]")
        self.assertRegex(metrics, r"sot_bridge_heartbeats_total [1-9]")
        self.assertTrue(self.world.control("health").startswith("ok"))
        self.assertIn("bridge.cat.before_write", self.world.control("failpoint list"))

    def test_6_a_lost_agent_is_an_error_on_its_hosts_page_also_after_a_restart(self):
        w = self.world
        self.publisher.terminate()
        self.publisher.wait(20)
        w.bridge.kill()
        w.bridge.wait(20)
        w.start_bridge()
        emit("host.state", "node-" + HOST_ADDRESS,
             {"id": HOST_ID, "changed": {"state": ["suspect", "agent_lost"]}, "reason": "silent"},
             host="node-" + HOST_ADDRESS)
        hits = w.wait("AgentLost", lambda f, m: (m["type"], m["name"]) == ("Error", "AgentLost"), 20)
        frame, message = hits[0]
        self.assertEqual((frame["domain"], frame["address"], message["status"]), ("sotalia-agent", HOST_ADDRESS, "1"))

    def test_7_no_frame_was_bad_and_no_id_or_minute_was_doubled(self):
        frames = [f for f in self.world.received if "message" in f]
        errors = [f for f in self.world.received if "error" in f]
        self.assertEqual(errors, [])
        ids = [f["messageId"] for f in frames]
        self.assertEqual(len(ids), len(set(ids)))
        minutes = [(f["domain"], f["address"], m["atUnixMs"] // 60000) for f in frames
                   for m in all_messages(f["message"]) if m["kind"] == "heartbeat"]
        self.assertEqual(len(minutes), len(set(minutes)))
        seconds = [m["atUnixMs"] // 1000 % 60 for f in frames for m in all_messages(f["message"])
                   if m["kind"] == "heartbeat"]
        self.assertTrue(seconds and all(5 <= s <= 15 for s in seconds), seconds)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
