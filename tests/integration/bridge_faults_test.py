#!/usr/bin/env python3
"""monitor-bridge and a CAT that misbehaves: routers that lie, servers that are slow, full, half gone, or killed with us.

    tests/pg.sh run python3 tests/integration/bridge_faults_test.py BRIDGE KEYGEN CATDUMP

What arrives is read by sotalia-catdump, which shares no code with the bridge's encoder.
"""
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bridge_world import World, emit, sql

BRIDGE, KEYGEN, CATDUMP = sys.argv[1:4]
TCP_REPAIR = 19  # linux/tcp.h: a socket that is closed under it says nothing to its peer


class Router:
    """CAT's web server: answers what the test wants."""

    def __init__(self):
        self.status, self.body = 200, b""
        router = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # the name is the base class's
                self.send_response(router.status)
                self.send_header("Content-Length", str(len(router.body)))
                self.end_headers()
                self.wfile.write(router.body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, body, status=200):
        self.status, self.body = status, body.encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Receiver:
    """A CAT server that reads only when it is told to; keeps all bytes of each connection."""

    def __init__(self, reads=True, buffer=None, port=0):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if buffer:
            self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.server.bind(("127.0.0.1", port))
        self.server.listen(16)
        self.port = self.server.getsockname()[1]
        self.reads, self.peers, self.lock = threading.Event(), [], threading.Lock()
        if reads:
            self.reads.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            entry = [peer, bytearray()]
            with self.lock:
                self.peers.append(entry)
            threading.Thread(target=self.read, args=(entry,), daemon=True).start()

    def read(self, entry):
        while True:
            self.reads.wait()
            try:
                piece = entry[0].recv(65536)
            except OSError:
                return
            if not piece:
                return
            with self.lock:
                entry[1] += piece

    def streams(self):
        with self.lock:
            return [bytes(data) for _, data in self.peers]

    def frames(self):
        return [frame for stream in self.streams() for frame in dump(stream)]

    def vanish(self):
        """Every connection ends here without a word to the other side."""
        with self.lock:
            for peer, _ in self.peers:
                peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                peer.close()

    def close(self):
        """To the other side too: a socket that a thread of ours waits for is not closed by close alone."""
        self.reads.set()
        with self.lock:
            for end in [self.server] + [peer for peer, _ in self.peers]:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed already
                end.close()


def dump(stream):
    """The frames of a stream; the last may be half there while it is still being sent."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(stream)
        file.flush()
        done = subprocess.run([CATDUMP, file.name], capture_output=True, check=False, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def noise(count, size):
    """Events with much text, in one go."""
    prepare_noise(count, size)
    tell_noise()


def prepare_noise(count, size):
    sql(f"SELECT core.emit(array_agg('scheduler.refused'::text), array_agg('noise' || k), array_agg(''::text), "
        f"array_agg(''::text), array_agg('system'::text), array_agg(NULL::uuid), "
        f"array_agg('{{\"reason\": \"' || repeat('x', {size}) || '\"}}')) FROM generate_series(1, {count}) AS k")


def tell_noise():
    while int(sql("SELECT count(*) FROM core.outbox_part WHERE last IS NULL")) > 0:
        sql("SELECT core.number_events()")


class Faults(unittest.TestCase):
    def setUp(self):
        self.world = World(BRIDGE, None, KEYGEN, listens=False)
        self.router = Router()
        self.receivers = []
        self.addCleanup(self.world.close)
        self.addCleanup(self.router.close)
        sql("DELETE FROM monitor.bridge; DELETE FROM monitor.cursor")

    def receiver(self, **options):
        made = Receiver(**options)
        self.receivers.append(made)
        self.addCleanup(made.close)
        return made

    def start(self, *options):
        w = self.world
        w.bridge = w.start_bridge("one", "10.1.1.1", f"--cat_router={self.router.url}", "--router_interval_ms=1000",
                                  "--climb_interval_ms=500", *options)
        w.wait_log(w.bridge, "event=share.joined", "number=")
        w.wait_log(w.bridge, "event=bridge.up", "reports=")
        # The cursor is placed by the first read; what comes later is told.
        self.until("a cursor", lambda: sql("SELECT count(*) FROM monitor.cursor") == "1", 30)

    def until(self, what, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            self.world.pump(0.1)
        raise AssertionError(f"{what}: not in {seconds} s\n{self.log()[-3000:]}")

    def log(self):
        return self.world.bridge.log_path.read_text(errors="replace")

    def arrives(self, receiver, name, seconds=60):
        """Emits an event until it has arrived: what was sent while nobody was there may be lost with a connection."""
        emit("host.state", name, {"changed": {"state": ["suspect", "agent_lost"]}}, host=name)
        return self.until(f"{name} at the receiver", lambda: [
            f for f in receiver.frames() if f.get("address") == name and "message" in f], seconds)

    def metric(self, name):
        with_label = [line for line in self.world.control("metrics").splitlines() if line.startswith(name)]
        return sum(int(line.split()[-1]) for line in with_label)

    def test_a_router_that_fails_or_lies_leaves_the_configured_servers_in_use(self):
        receiver = self.receiver()
        self.router.say("division by zero", 500)
        self.start(f"--cat_servers=127.0.0.1:{receiver.port}")
        self.arrives(receiver, "host-of-500")
        self.until("a complaint about 500", lambda: "status 500" in self.log())
        for body in ("{\"kvs\": {\"routers\": \"no address;\"}}", "<html>moved</html>", "{", ""):
            said = self.log().count("router.no_answer")
            self.router.say(body)
            # The question that is on its way may still have got the answer before.
            self.until(f"complaints about {body!r}", lambda said=said: self.log().count("router.no_answer") >= said + 2)
        self.arrives(receiver, "host-of-nonsense")

    def test_a_changed_list_moves_the_connection_and_block_stops_it(self):
        first, second = self.receiver(), self.receiver()
        self.router.say(f'{{"kvs":{{"routers":"127.0.0.1:{first.port};","sample":"1.0","block":"false"}}}}')
        self.start()
        self.arrives(first, "host-at-first")
        self.router.say(f'<property-config><property id="routers" value="127.0.0.1:{second.port};"/></property-config>')
        self.until("a move", lambda: second.peers)
        self.arrives(second, "host-at-second")
        self.router.say('{"kvs":{"block":"true"}}')
        self.until("a block", lambda: "block=1" in self.log())
        emit("host.state", "blocked", {"changed": {"state": ["suspect", "agent_lost"]}}, host="blocked")
        self.until("the event was taken", lambda: sql("SELECT events FROM monitor.lag_v") == "0")
        self.router.say(f"127.0.0.1:{second.port};")
        self.until("what waited", lambda: [f for f in second.frames() if f.get("address") == "blocked"])

    def test_the_next_server_takes_over_and_the_better_one_is_climbed_back_to(self):
        best, second = self.receiver(), self.receiver()
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{best.port};127.0.0.1:{second.port}")
        self.arrives(best, "host-at-best")
        self.assertEqual(second.peers, [])
        best.close()
        self.until("the next server", lambda: second.peers)
        self.arrives(second, "host-at-second")
        again = self.receiver(port=best.port)
        self.until("a climb", lambda: again.peers)
        self.arrives(again, "host-at-best-again")
        self.assertEqual([f for f in second.frames() if f.get("address") == "host-at-best-again"], [])

    def test_text_frames_bear_the_servers_time_in_any_zone(self):
        receiver = self.receiver()
        self.router.say("", 500)
        with unittest.mock.patch.dict(os.environ, TZ="America/New_York"):
            self.start(f"--cat_servers=127.0.0.1:{receiver.port}", "--cat_codec=pt1")
        before = time.time() * 1000
        told = self.arrives(receiver, "host-in-text")[0]
        self.assertEqual(told["codec"], "PT1")
        self.assertLess(abs(told["message"]["atUnixMs"] - before), 300_000)

    def test_a_router_of_4x_gets_metrics_as_bags(self):
        receiver = self.receiver()
        self.router.say(f"{{block=false, routers=127.0.0.1:{receiver.port};, sample=1.0, startTransactionTypes=Cache.}}")
        self.start()
        self.arrives(receiver, "host-of-4x")
        bags = self.until("a bag", lambda: [f for f in receiver.frames() if f["codec"] == "NM1"
                                           and f["metrics"][0]["name"] == "agent.lost"])
        self.assertEqual((bags[0]["metrics"][0]["kind"], bags[0]["metrics"][0]["count"]), ("COUNT", 1))
        self.assertEqual([f for f in receiver.frames() if f.get("message", {}).get("kind") == "metric"], [])

    def test_a_server_that_takes_no_bytes_is_given_up_for_the_next_and_not_climbed_back_to(self):
        full, good = self.receiver(reads=False, buffer=4096), self.receiver()
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{full.port};127.0.0.1:{good.port}", "--queue_bytes=2000000")
        self.until("a connection to the best", lambda: full.peers)
        noise(8000, 1500)
        self.until("dropped frames are counted",
                   lambda: self.metric('sot_bridge_dropped_total{reason="queue_full"}') > 0)
        self.until("the next server", lambda: good.peers, 90)
        self.assertIn("takes no bytes", self.log())
        self.arrives(good, "host-after-stall")
        connections = len(full.peers)
        self.arrives(good, "host-later")
        self.assertEqual(len(full.peers), connections, "it climbed back to a server that takes nothing")

    def test_a_slow_server_gets_everything(self):
        slow = self.receiver(reads=False, buffer=4096)
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{slow.port}")
        self.until("a connection", lambda: slow.peers)
        noise(300, 500)
        self.until("all taken from the database", lambda: sql("SELECT events FROM monitor.lag_v") == "0")
        slow.reads.set()
        self.until("all of it", lambda: len([f for f in slow.frames() if "noise" in json.dumps(f)
                                             or "SchedulerRefused" in json.dumps(f)]) == 300)
        self.assertEqual(len(slow.peers), 1)

    def test_a_bridge_that_was_held_up_keeps_the_connection_that_was_made_meanwhile(self):
        receiver = self.receiver()
        # The connection is begun in a turn of the loop that lasts twice as long as the server has to answer: the time-out comes first.
        self.router.say(f"127.0.0.1:{receiver.port};")
        with unittest.mock.patch.dict(os.environ, SOT_FAILPOINTS="bridge.cat.before_connect=delay:400"):
            self.start()
        self.arrives(receiver, "host-after-delay")
        self.assertEqual(len(receiver.peers), 1)
        self.assertNotIn("no answer in time", self.log())

    def test_a_bridge_that_was_held_up_does_not_blame_the_server(self):
        receiver = self.receiver(buffer=4096)
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{receiver.port}")
        self.until("a connection", lambda: receiver.peers)
        prepare_noise(5000, 1500)
        # From here on to the pause it is at fault itself, which it may be for 10 s.
        receiver.reads.clear()
        begun = time.monotonic()
        tell_noise()
        self.until("a socket that takes no more", lambda: self.metric("sot_bridge_queue_frames ") > 0)
        os.kill(self.world.bridge.pid, signal.SIGSTOP)
        receiver.reads.set()
        if time.monotonic() - begun > 8:
            os.kill(self.world.bridge.pid, signal.SIGCONT)
            self.skipTest("this machine took so long to fill a socket that the server was at fault by then")
        connections, said = len(receiver.peers), self.log().count("takes no bytes")
        self.world.pump(12)
        os.kill(self.world.bridge.pid, signal.SIGCONT)
        self.until("all of it", lambda: self.metric("sot_bridge_queue_frames ") == 0)
        self.assertEqual(len(receiver.peers), connections)
        self.assertEqual(self.log().count("takes no bytes"), said)

    def test_a_half_open_connection_is_noticed_and_made_anew(self):
        receiver = self.receiver()
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{receiver.port}")
        self.arrives(receiver, "host-before")
        try:
            receiver.vanish()
        except PermissionError:
            self.skipTest("closing a connection without a word needs CAP_NET_ADMIN")
        emit("host.state", "into-the-void", {"changed": {"state": ["suspect", "agent_lost"]}}, host="into-the-void")
        self.until("a new connection", lambda: len(receiver.peers) > 1)
        self.arrives(receiver, "host-after")

    def test_a_kill_in_the_middle_of_a_message_tears_only_that_one(self):
        receiver = self.receiver(reads=False, buffer=4096)
        self.router.say("", 500)
        self.start(f"--cat_servers=127.0.0.1:{receiver.port}")
        self.until("a connection", lambda: receiver.peers)
        noise(8000, 1500)
        self.until("a socket that takes no more", lambda: self.metric("sot_bridge_queue_frames ") > 1000)  # a few may stand there for a moment
        self.world.bridge.kill()
        self.world.bridge.wait(30)
        receiver.reads.set()
        self.start(f"--cat_servers=127.0.0.1:{receiver.port}")
        self.arrives(receiver, "host-after-kill")
        first, rest = dump(receiver.streams()[0]), receiver.streams()[1:]
        self.assertGreater(len(first), 10)
        self.assertTrue(all("error" not in f for f in first[:-1]), "a frame before the last is torn")
        frames = [f for f in first + [f for stream in rest for f in dump(stream)] if "messageId" in f]
        ids = [f["messageId"] for f in frames if f["messageId"]]
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[4:]])
