#!/usr/bin/python3
"""The front door beside nginx and raw ZeroMQ: reads, idle streams, how late events come, how fast missed ones are read again.

  tests/pg.sh run tests/bench/front/front.py GATEWAY KEYGEN SOURCE     SOT_IDLE=10000 SOT_READ_S=5 SOT_BENCH_DIR=build/bench
"""
import http.client
import json
import os
import pathlib
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import msgpack
import zmq
from zmq.auth import load_certificate

PROGRAMS = sys.argv[1:4]
sys.path.insert(0, str(pathlib.Path(PROGRAMS[2]) / "tests" / "integration"))
from gateway_world import World  # noqa: E402

SOCKET = os.environ["SOT_PG_DIR"]
IDLE = int(os.environ.get("SOT_IDLE", "10000"))
READ_S = int(os.environ.get("SOT_READ_S", "5"))
PER_S, SECONDS, REPLAYED = 1000, 10, 50000
figures = {}


def figure(name, value, unit, goal=None, peer=None):
    ratio = None if not peer else value / peer
    figures[name] = {"value": value, "unit": unit, "goal": goal, "peer": peer, "ratio": ratio}
    print(f"{name} {value:.6g} {unit} goal {goal or '-'} peer {'-' if peer is None else f'{peer:.6g}'}", flush=True)


def until(what, condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.05)  # a look, not a measure: the condition decides


def sql(text, user="postgres"):
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", SOCKET, "-U", user, "-d", "sotalia", "-v", "ON_ERROR_STOP=1", "-c", text],
                          check=True, capture_output=True, text=True).stdout.strip()


def rss_bytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- reads ----
def start_nginx(folder, body):
    (folder / "www").mkdir()
    (folder / "www" / "body.json").write_bytes(body)
    folder.chmod(0o755)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (folder / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}\n")
    child = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    until("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    return child, f"http://127.0.0.1:{port}/body.json"


def wrk(url, token, pid):
    """{requests a second, ms of the slowest hundredth, CPU µs of the server a request}"""
    before = cpu_s(pid)
    told = subprocess.run(["wrk", "-t1", "-c16", f"-d{READ_S}s", "--latency", "-H", f"Authorization: Bearer {token}", url], check=True,
                          capture_output=True, text=True).stdout
    assert "Non-2xx" not in told, told
    amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()
    calls = int(re.search(r"(\d+) requests in", told).group(1))
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", told).group(1)), float(amount) * {"us": 1e-3, "ms": 1, "s": 1000}[unit],
            (cpu_s(pid) - before) * 1e6 / calls)


def get(listen, path, token, more=""):
    host, port = listen.split(":")
    s = socket.create_connection((host, int(port)), timeout=30)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode())
    return s


def read_all(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    s.close()
    return b"".join(parts).split(b"\r\n\r\n", 1)


def stream_lines(listen, token, after):
    """The lines of a stream of events, as they come."""
    connection = http.client.HTTPConnection(listen, timeout=60)
    connection.request("GET", f"/v1/events/stream?after={after}", headers={"Authorization": f"Bearer {token}"})
    answer, rest = connection.getresponse(), b""
    assert answer.status == 200, answer.status
    while part := answer.read1(1 << 18):
        lines = (rest + part).split(b"\n")
        rest = lines.pop()
        yield from lines


def reads(w, token, folder):
    for name, path in (("list", "/v1/vlans?limit=100"), ("memory", "/v1/openapi.json")):
        head, body = read_all(get(w.listens[0], path, token, "Connection: close\r\n"))
        assert head.startswith(b"HTTP/1.1 200"), head
        (folder / name).mkdir()
        nginx, url = start_nginx(folder / name, body)
        peer = wrk(url, token, nginx.pid)
        nginx.terminate()
        nginx.wait()
        own = wrk(f"http://{w.listens[0]}{path}", token, w.gateways[0].pid)
        for i, (what, unit) in enumerate((("per_s", "/s"), ("p99_ms", "ms"), ("cpu_us", "us"))):
            figure(f"front.read_{name}_{len(body)}_bytes_{what}", own[i], unit, peer=peer[i])


# ---- idle streams ----
def idle_streams(w, token):
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(IDLE + 1000, 20000),) * 2)
    pid = w.gateways[0].pid
    alone, before = wrk(f"http://{w.listens[0]}/v1/vlans?limit=100", token, pid), rss_bytes(pid)
    streams, poller, open_count = {}, select.epoll(), 0
    began = time.monotonic()
    for i in range(IDLE):
        s = get(w.listens[0], "/v1/events/stream", token)
        s.setblocking(False)
        streams[s.fileno()] = s
        poller.register(s, select.EPOLLIN)
        while i - open_count > 400 or (i == IDLE - 1 and open_count < IDLE):
            for fd, _ in poller.poll(5):
                head = streams[fd].recv(65536)
                assert head.startswith(b"HTTP/1.1 200"), head[:200]
                poller.unregister(fd)
                open_count += 1
    figure(f"front.sse_{IDLE}_open_s", time.monotonic() - began, "s")
    figure(f"front.sse_{IDLE}_bytes_each", (rss_bytes(pid) - before) / IDLE, "bytes", "<= 13500")
    figure(f"front.sse_{IDLE}_rss_mib", rss_bytes(pid) / 2**20, "MiB")
    used = cpu_s(pid)
    time.sleep(10)
    figure(f"front.sse_{IDLE}_idle_cpu", (cpu_s(pid) - used) * 10, "%")
    served = wrk(f"http://{w.listens[0]}/v1/vlans?limit=100", token, pid)  # none of them is refused, or wrk() says so
    figure(f"front.sse_{IDLE}_others_per_s", served[0], "/s", peer=alone[0])
    figure(f"front.sse_{IDLE}_others_p99_ms", served[1], "ms", peer=alone[1])
    for s in streams.values():
        poller.register(s, select.EPOLLIN)
        try:
            while s.recv(65536):  # comments that keep it open
                pass
        except BlockingIOError:
            pass
    began, told = time.monotonic(), 0
    emit(1)
    while told < IDLE:
        for fd, _ in poller.poll(5):
            if b"data:" in streams[fd].recv(65536):
                told += 1
                poller.unregister(fd)
    figure(f"front.sse_{IDLE}_one_event_to_all_ms", (time.monotonic() - began) * 1000, "ms")
    for s in streams.values():
        s.close()


# ---- how late ----
EMIT = ("SELECT core.emit(ARRAY(SELECT 'instance.state' FROM generate_series(1, {0})), ARRAY(SELECT 'shop-' || k FROM generate_series(1, {0}) k), "
        "ARRAY(SELECT 'shop' FROM generate_series(1, {0})), ARRAY(SELECT '' FROM generate_series(1, {0})), ARRAY(SELECT '' FROM generate_series(1, {0})), "
        "ARRAY(SELECT NULL::uuid FROM generate_series(1, {0})), "
        "ARRAY(SELECT json_build_object('changed', json_build_object('state', ARRAY['starting', 'running']), 'at', extract(epoch FROM clock_timestamp()))::text "
        "FROM generate_series(1, {0})));")


HELLO = ("SELECT core.emit(ARRAY['instance.state'], ARRAY['x'], ARRAY[''], ARRAY[''], ARRAY[''], ARRAY[NULL::uuid], "
         "ARRAY['{\"hello\": true}'])")


def emit(count):
    sql(EMIT.format(count), "sot_gateway")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Hints(threading.Thread):
    """As the scheduler does after each commit: tells the gateways to look. A line "ok" of psql is a commit."""

    def __init__(self, w):
        super().__init__(daemon=True)
        self.socket, self.told, self.lines = zmq.Context.instance().socket(zmq.PUB), 0, []
        self.socket.curve_publickey, self.socket.curve_secretkey = load_certificate(str(w.dir / "scheduler.key_secret"))
        self.socket.curve_server = True
        self.socket.bind(f"ipc://{w.dir}/sh")

    def run(self):
        for line in self.lines:
            if line == "ok\n":
                self.told += 1
                self.socket.send_multipart([b"outbox", struct.pack(">QQ", 1, self.told), msgpack.packb([1, 5, int(time.time() * 1000)])])


class Sse(threading.Thread):
    """Takes the events after `after`; of each the time that it took."""

    def __init__(self, listen, token, after, count):
        super().__init__(daemon=True)
        self.late, self.count, self.lines = [], count, stream_lines(listen, token, after)

    def run(self):
        for line in self.lines:
            if line.startswith(b"data: {"):
                now, data = time.time(), json.loads(line[6:])["data"]
                if "hello" in data:
                    continue
                self.late.append((now - data.get("at", now)) * 1000)
                if len(self.late) == self.count:
                    break


class Sub(threading.Thread):
    def __init__(self, w, keys, count):
        super().__init__(daemon=True)
        self.late, self.count, self.here = [], count, threading.Event()
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.curve_publickey, self.socket.curve_secretkey = keys
        self.socket.curve_serverkey = w.keys["api-gateway"].encode()
        self.socket.rcvhwm = 100000
        self.socket.subscribe(b"")
        self.socket.connect(f"ipc://{w.dir}/events0")

    def run(self):
        self.socket.rcvtimeo = 5000
        while len(self.late) < self.count:
            try:
                frame = msgpack.unpackb(self.socket.recv_multipart()[2])
            except zmq.Again:
                if not self.here.is_set():
                    continue  # the first event may wait for the slow look of an idle gateway
                break  # PUB loses what nobody was there for; what is missing is not counted
            now, data = time.time(), json.loads(frame[-1])
            if "hello" in data:
                self.here.set()
                continue
            self.late.append((now - data.get("at", now)) * 1000)
        self.socket.close(0)


def how_late(w, token, keys, hints):
    count = PER_S * SECONDS
    sub = Sub(w, keys, count)
    sub.start()
    # A PUB does not say who has subscribed: the first event that comes does. These are not counted.
    until("the subscription", lambda: (sql(HELLO, "sot_gateway"), sub.here.wait(0.2))[1])
    last = sql("SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c")
    sse = Sse(w.listens[0], token, last, count)
    sse.start()
    writer = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-h", SOCKET, "-U", "sot_gateway", "-d", "sotalia"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    hints.lines = writer.stdout
    hints.start()
    began, text = time.monotonic(), EMIT.format(10) + "\n\\echo ok\n"
    for i in range(count // 10):
        time.sleep(max(0, began + i * 10 / PER_S - time.monotonic()))
        writer.stdin.write(text)
        writer.stdin.flush()
    writer.stdin.close()
    assert writer.wait() == 0
    figure("front.events_written_per_s", count / (time.monotonic() - began), "/s", f">= {PER_S * 0.95:.0f}")
    sse.join(30)
    sub.join(30)
    raw = raw_latency()
    assert len(sse.late) == count, len(sse.late)
    figure("front.sse_late_p50_ms", percentile(sse.late, 0.5), "ms", peer=percentile(raw, 0.5))
    figure("front.sse_late_p99_ms", percentile(sse.late, 0.99), "ms", "<= 200", percentile(raw, 0.99))
    figure("front.zmq_late_p50_ms", percentile(sub.late, 0.5), "ms", peer=percentile(raw, 0.5))
    figure("front.zmq_late_p99_ms", percentile(sub.late, 0.99), "ms", "<= 200", percentile(raw, 0.99))
    figure("front.zmq_received", len(sub.late), "events", f">= {count}")


# ---- raw ZeroMQ: the same size of message without a database ----
def raw_pair():
    pub, sub = zmq.Context.instance().socket(zmq.PUB), zmq.Context.instance().socket(zmq.SUB)
    pub.sndhwm = sub.rcvhwm = 10**6
    port = pub.bind_to_random_port("tcp://127.0.0.1")
    sub.subscribe(b"")
    sub.connect(f"tcp://127.0.0.1:{port}")
    until("the raw subscription", lambda: (pub.send(b"?"), sub.poll(50))[1])
    while sub.poll(200):
        sub.recv()
    return pub, sub


def raw_latency():
    pub, sub = raw_pair()
    late, count = [], PER_S * 3

    def receive():
        while len(late) < count:
            late.append((time.time() - float(sub.recv().split()[0])) * 1000)
    reader = threading.Thread(target=receive, daemon=True)
    reader.start()
    began = time.monotonic()
    for i in range(count // 10):
        time.sleep(max(0, began + i * 10 / PER_S - time.monotonic()))
        for _ in range(10):
            pub.send(f"{time.time()} ".encode().ljust(300))
    reader.join(30)
    return late


def raw_rate(count, size):
    pub, sub = raw_pair()
    message = bytes(size)

    def send():
        for _ in range(count):
            pub.send(message)
    began = time.monotonic()
    writer = threading.Thread(target=send)
    writer.start()
    for _ in range(count):
        sub.recv()
    writer.join()
    return count / (time.monotonic() - began)


# ---- replay ----
def replay(w, token, keys):
    first = int(sql("SELECT last FROM core.outbox_counter"))
    stream = sql("SELECT stream FROM core.platform")
    for _ in range(REPLAYED // 1000):
        emit(1000)
    until("all have numbers", lambda: int(sql("SELECT last FROM core.outbox_counter")) == first + REPLAYED)
    peer = raw_rate(REPLAYED, 300)
    began = time.monotonic()
    seen = received = 0
    for line in stream_lines(w.listens[0], token, f"{stream}.{first}"):
        received += len(line) + 1
        seen += line.startswith(b"id: ")
        if seen == REPLAYED:
            break
    took = time.monotonic() - began
    figure("front.replay_sse_per_s", REPLAYED / took, "/s", peer=peer)
    figure("front.replay_sse_mib_per_s", received / took / 2**20, "MiB/s")
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.curve_publickey, dealer.curve_secretkey = keys
    dealer.curve_serverkey = w.keys["api-gateway"].encode()
    dealer.connect(f"ipc://{w.dir}/replay0")
    began, last = time.monotonic(), first
    while last < first + REPLAYED:
        dealer.send(msgpack.packb([1, 501, 1, bytes(16), last, 500]))
        last = msgpack.unpackb(msgpack.unpackb(dealer.recv_multipart()[-1])[6][-1])[3]
    figure("front.replay_zmq_per_s", REPLAYED / (time.monotonic() - began), "/s", peer=peer)
    dealer.close(0)


def main(folder):
    limits = [f"--connections_max={IDLE + 1000}", f"--connections_per_address_max={IDLE + 1000}", "--calls_per_second=0",
              "--address_calls_per_second=0"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(IDLE + 2000, 20000),) * 2)
    w = World(folder, PROGRAMS, until, limits)
    try:
        w.admin("--add-account", "ada", "admin", text="correct horse battery\n")
        token = w.admin("--add-token", "ada")
        keys = load_certificate(str(w.dir / "billing.key_secret"))
        sql("INSERT INTO ipam.vlan (id, name, vlan_id) SELECT gen_random_uuid(), 'vlan-' || n, n FROM generate_series(1, 100) n", "sot_ipam")
        hints = Hints(w)
        w.start(0)
        until("ready", lambda: read_all(get(w.listens[0], "/v1/events/stream?after=bad", token, "Connection: close\r\n"))[0].startswith(b"HTTP/1.1 400"))
        how_late(w, token, keys, hints)
        replay(w, token, keys)
        reads(w, token, w.dir)
        idle_streams(w, token)
    finally:
        w.end()
    out = pathlib.Path(os.environ.get("SOT_BENCH_DIR", "build/bench"))
    out.mkdir(parents=True, exist_ok=True)
    (out / "front.json").write_text(json.dumps({"figures": figures}, indent=1) + "\n")


with tempfile.TemporaryDirectory(prefix="sotalia-front.") as made:
    main(made)
