#!/usr/bin/env python3
"""The real monitor-bridge between real agents' sockets, a real database, and a listener that decodes CAT's framing.

    tests/pg.sh run python3 tests/integration/bridge_cat_test.py BRIDGE PUBLISHER KEYGEN

Two bridges share the work; later one is killed and the other takes its part over. Takes up to five minutes: heartbeats
leave once in a wall-clock minute.
"""
import json
import pathlib
import shutil
import socket
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cat_listener
from bridge_world import World, all_messages, emit, insert_host, insert_operation, operation_begun, sql

BRIDGE, PUBLISHER, KEYGEN = sys.argv[1:4]
HOST_ID, STRANGER_ID = str(uuid.uuid4()), str(uuid.uuid4())
HOST_ADDRESS, STRANGER_ADDRESS = "10.9.8.7", "10.9.8.6"
INSTANCES = 24  # that one of two bridges owns all 24 has a chance of 2^-23
NAMES = [f"shop-default-{number:02}" for number in range(1, INSTANCES + 1)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class BridgeToCat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = w = World(BRIDGE, PUBLISHER, KEYGEN)
        insert_host(HOST_ID, "node-" + HOST_ADDRESS, w.keygen("host.key"))
        insert_host(STRANGER_ID, "node-" + STRANGER_ADDRESS, w.keygen("liar.key"))
        w.keygen("unknown.key")
        # What an operator adds without a new program.
        own = w.dir / "own.def"
        own.write_text("show host group=host.cpu id=site.load.halves from=load1_milli divide=500\n"
                       "event image.promoted on=controller type=Site name=Image.{subject} status=0 data=\"{reason}\"\n")
        cls.own = f"--definitions={own}"
        w.bridge = w.start_bridge("one", "10.1.1.1", cls.own)
        w.second = w.start_bridge("two", "10.1.1.2", cls.own)
        # An agent tells every bridge.
        cls.publishers = [w.publish(b.endpoint, "host.key", HOST_ID, HOST_ADDRESS, INSTANCES) for b in (w.bridge, w.second)]
        # A known key that speaks for another host, and a key that nobody knows.
        w.publish(w.bridge.endpoint, "liar.key", HOST_ID, "10.9.9.9", 1)
        w.publish(w.bridge.endpoint, "unknown.key", STRANGER_ID, STRANGER_ADDRESS, 1)

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def heartbeat(self, domain, address, seconds=130):
        return self.world.wait(f"heartbeat of {address}", lambda f, m: m["kind"] == "heartbeat"
                               and f["domain"] == domain and f["address"] == address, seconds)

    def senders(self, minute=None):
        """Which bridge (its number in the message id) sent the heartbeat of which machine."""
        found = {}
        for frame in self.world.received:
            for message in all_messages(frame.get("message", {})) if "message" in frame else []:
                if message["kind"] == "heartbeat" and minute in (None, message["atUnixMs"] // 60000):
                    copy = frame["messageId"].rsplit("-", 2)[0].rpartition("-")[2].partition(".")[2] or "0"
                    found.setdefault(frame["address"], set()).add(copy)
        return found

    def test_1_the_bridge_announces_itself(self):
        hits = self.world.wait("reboot", lambda f, m: (m["type"], m["name"], f["address"]) == ("System", "Reboot", "10.1.1.1"), 60)
        frame, _ = hits[0]
        self.assertEqual((frame["codec"], frame["domain"], frame["address"]), ("NT1", "sotalia-controller", "10.1.1.1"))
        self.assertRegex(frame["messageId"], r"^sotalia-controller-0a010101-\d+-\d+$")

    def test_2_an_operation_is_a_transaction_with_its_real_duration(self):
        operation = operation_begun(3.5)
        insert_operation(operation, [("place", "done", 3), ("start", "done", 2)])
        emit("operation.state", "shop", {"id": operation, "kind": "app.deploy", "changed": {"state": ["running", "done"]}},
             operation)
        hits = self.world.wait("operation", lambda f, m: m["type"] == "Sotalia.Op", 60)
        _, message = hits[0]
        self.assertEqual((message["name"], message["status"]), ("app.deploy", "0"))
        self.assertTrue(3_400_000 <= message["durationUs"] <= 30_000_000, message)
        self.assertIn(f"op={operation}", message["data"])
        self.assertEqual([c["name"] for c in message["children"]], ["place", "start"])
        self.assertTrue(1_900_000 <= message["children"][1]["durationUs"] <= 2_100_000, message)
        emit("image.promoted", "nodejs", {"reason": "tried"})
        self.world.wait("a rule of the operator's own", lambda f, m: (m["type"], m["name"], m.get("data")) == ("Site", "Image.nodejs", "tried"), 60)
        self.world.wait("deploy.ok", lambda f, m: (m["kind"], m["name"], m["status"]) == ("metric", "deploy.ok", "C"), 60)
        self.world.wait("deploy.seconds", lambda f, m: (m["kind"], m["name"], m["status"]) == ("metric", "deploy.seconds", "T"), 60)

    def test_3_frames_made_while_cat_is_away_arrive_when_it_is_back(self):
        w = self.world
        w.listener.close()
        w.listener = None
        for bridge in (w.bridge, w.second):
            w.wait_log(bridge, "event=cat.lost", "server=")
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
        self.assertEqual(host["details"]["site.load.halves"], 2.5)
        self.assertEqual(host["details"]["host.cpu.used.pct"], 25.0)
        self.assertEqual(host["details"]["host.mem.used.pct"], 75.0)
        self.assertEqual(host["details"]["containers.running"], INSTANCES)
        self.assertTrue({"System", "Disk", "host.cpu", "host.mem", "host.disk", "host.net", "host.docker", "host.clock"}
                        <= set(host["groups"]))
        for number, name in enumerate(NAMES, 1):
            frame, instance = self.heartbeat("sotalia-instance", name)[0]
            self.assertEqual(instance["details"]["c.cpu.used.pct"], 10.0 * number)
            self.assertEqual(instance["details"]["c.mem.used.pct"], 25.0)
            self.assertRegex(frame["messageId"], rf"^sotalia-instance-0a4200{number:02x}(\.1)?-\d+-\d+$")
        self.assertEqual(host["details"]["host.net.eth0.rx.kbps"], 1000.0)
        self.world.wait("health", lambda f, m: m["type"] == "Health" and m["name"] == "shop"
                        and m["data"].startswith("@"), 60)
        self.world.wait("a failed check", lambda f, m: (m["type"], m["name"], m["status"]) == ("Health", "shop", "timeout")
                        and m["durationUs"] == 5000000, 20)
        self.world.wait("calls to the Engine", lambda f, m: (m["type"], m["name"]) == ("Docker", "start")
                        and f["domain"] == "sotalia-agent" and m["data"].startswith("@"), 20)
        self.world.wait("the bridge's own statements", lambda f, m: (m["type"], m["name"]) == ("SQL", "monitor-bridge.renew")
                        and f["domain"] == "sotalia-controller", 130)
        self.world.wait("gauge", lambda f, m: (m["kind"], m["name"], m["status"]) == ("metric", "agents.alive", "T")
                        and m["data"] == "2.00", 70)

    def test_4b_both_bridges_send_a_part_and_no_machine_is_sent_by_two(self):
        for address in ("10.1.1.1", "10.1.1.2"):
            self.heartbeat("sotalia-controller", address)
        senders = self.senders()
        self.assertEqual({copy for name in NAMES for copy in senders[name]}, {"0", "1"})
        for address, copies in senders.items():
            self.assertEqual(len(copies), 1, f"{address} came from bridges {copies}")

    def test_4c_the_same_figures_are_openmetrics_text_each_once(self):
        lines = []
        for bridge in (self.world.bridge, self.world.second):
            with urllib.request.urlopen(f"http://127.0.0.1:{bridge.metrics_port}/metrics", timeout=20) as reply:
                self.assertIn("openmetrics-text", reply.headers["Content-Type"])
                text = reply.read().decode()
            self.assertTrue(text.endswith("# EOF\n") and text.count("# EOF") == 1)
            lines += [line for line in text.splitlines() if line.startswith("sotalia_")]
        cores = {line.split("{")[1].split("}")[0]: line.split()[-1] for line in lines
                 if line.startswith("sotalia_instance_cpu_used_cores{")}
        self.assertEqual(len(cores), INSTANCES)
        self.assertEqual(cores[f'app="shop",host="node-{HOST_ADDRESS}",name="shop-default-03"'], "0.3")
        self.assertEqual(len([line for line in lines if line.startswith("sotalia_host_load1{")]), 1)
        self.assertEqual(len([line for line in lines if line.startswith("sotalia_agents_alive ")]), 1)

    def test_4e_a_trace_finds_a_machine_among_very_many_frames(self):
        # More frames of others than a bridge keeps.
        sql("SELECT core.emit(array_agg('scheduler.refused'::text), array_agg('noise' || k), array_agg(''::text), array_agg(''::text), "
            "array_agg('system'::text), array_agg(NULL::uuid), array_agg('{}'::text)) FROM generate_series(1, 300) AS k")
        while int(sql("SELECT count(*) FROM core.outbox_part WHERE last IS NULL")) > 0:
            sql("SELECT core.number_events()")
        self.world.until("the noise was taken", lambda: sql("SELECT events FROM monitor.lag_v") == "0", 60)
        asked = {name: sql(f"SELECT monitor.ask('trace', '{name}')") for name in (NAMES[0], NAMES[-1], HOST_ADDRESS)}
        for name, request in asked.items():
            found = json.loads(self.world.until(f"the trace of {name}", lambda request=request: sql(
                f"SELECT answer FROM monitor.request WHERE id = '{request}'"), 80))
            self.assertEqual({f["address"] for f in found["frames"]}, {name})

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not here")
    def test_4d_prometheus_scrapes_both_bridges(self):
        w, port = self.world, free_port()
        targets = ",".join(f'"127.0.0.1:{b.metrics_port}"' for b in (w.bridge, w.second))
        (w.dir / "prometheus.yml").write_text("scrape_configs:\n  - job_name: sotalia-bridge\n    scrape_interval: 1s\n"
                                              f"    static_configs: [{{targets: [{targets}]}}]\n")
        w.spawn("prometheus", f"--config.file={w.dir}/prometheus.yml", f"--storage.tsdb.path={w.dir}/tsdb", f"--web.listen-address=127.0.0.1:{port}")

        def value(expression):
            query = urllib.parse.urlencode({"query": expression})
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=20) as reply:
                    found = json.load(reply)["data"]["result"]
            except urllib.error.URLError:
                return None
            return float(found[0]["value"][1]) if found else None
        w.until("both bridges", lambda: value("sum(up)") == 2, 60)
        self.assertEqual(value("count(sotalia_instance_cpu_used_cores)"), INSTANCES)
        self.assertEqual(value("count(sotalia_host_load1)"), 1)
        self.assertEqual(value("sum(sotalia_agents_alive)"), 2)

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

    def test_6_the_other_takes_over_what_a_killed_bridge_sent_in_the_very_next_minute(self):
        w = self.world
        # Its part of this minute is sent, and its lease of 5 s ends long before the next is decided at second 5. When a bridge that
        # dies at another time costs the next minute, too, is share_test's matter.
        w.until("the middle of a minute", lambda: 20 <= time.time() % 60 < 40, 90)
        minute = int(time.time() // 60)
        w.bridge.kill()
        w.bridge.wait(20)
        self.assertEqual(int(time.time() // 60), minute, "this machine took 20 s to end a process")
        w.pump(1)
        before = self.senders(minute)
        mine = [name for name in NAMES if before.get(name) == {w.bridge.number}]
        self.assertEqual(sorted(before.keys() & set(NAMES)), sorted(NAMES))
        self.assertTrue(mine)
        self.assertLess(len(mine), INSTANCES)
        w.until("the end of the next minute's heartbeats", lambda: time.time() >= 60 * (minute + 1) + 20, 70)
        w.pump(1)
        after = self.senders(minute + 1)
        self.assertEqual({name: after.get(name) for name in NAMES}, {name: {w.second.number} for name in NAMES})

    def test_6b_a_lost_agent_is_an_error_on_its_hosts_page_also_after_a_restart(self):
        w = self.world
        for publisher in self.publishers:
            publisher.terminate()
            publisher.wait(20)
        w.second.kill()
        w.second.wait(20)
        w.second = w.start_bridge("two", "10.1.1.2")
        emit("host.state", "node-" + HOST_ADDRESS,
             {"id": HOST_ID, "changed": {"state": ["suspect", "agent_lost"]}, "reason": "silent"},
             host="node-" + HOST_ADDRESS)
        hits = w.wait("AgentLost", lambda f, m: (m["type"], m["name"]) == ("Error", "AgentLost"), 60)
        frame, message = hits[0]
        self.assertEqual((frame["domain"], frame["address"], message["status"]), ("sotalia-agent", HOST_ADDRESS, "1"))

    def test_6c_nobody_runs_under_a_name_that_is_taken(self):
        w = self.world
        usurper = w.start_bridge("two-b", "10.1.1.2")
        usurper.terminate()
        usurper.wait(20)
        sql("UPDATE monitor.bridge SET life = gen_random_uuid() WHERE name = 'two'")
        w.wait_log(w.second, "event=share.replaced", "name=")

    def test_7_no_frame_was_bad_and_no_id_or_minute_was_doubled(self):
        frames = [f for f in self.world.received if "message" in f]
        # A killed bridge may leave half a frame behind; nothing else is ever bad.
        errors = [f for f in self.world.received if "error" in f and "ended inside a frame" not in f["error"]]
        self.assertEqual(errors, [])
        ids = [f["messageId"] for f in frames]
        self.assertEqual(len(ids), len(set(ids)))
        minutes = [(f["domain"], f["address"], m["atUnixMs"] // 60000) for f in frames
                   for m in all_messages(f["message"]) if m["kind"] == "heartbeat"]
        self.assertEqual(len(minutes), len(set(minutes)))
        seconds = [m["atUnixMs"] // 1000 % 60 for f in frames for m in all_messages(f["message"])
                   if m["kind"] == "heartbeat"]
        # On a machine that holds the bridge up they are late, which it says; only the killed ones cannot be asked.
        self.assertTrue(seconds and all(5 <= s <= 50 for s in seconds), seconds)
        late = [s for s in seconds if s > 15]
        self.assertLess(len(late), len(seconds) / 2)
        print(f"{len(seconds)} heartbeats, {len(late)} late")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
