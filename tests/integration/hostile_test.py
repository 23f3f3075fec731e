#!/usr/bin/python3
"""Clients that trickle heads and bodies, that read slowly or not at all, that come too often or with too many connections: they are
cut off, and whoever comes from elsewhere is served meanwhile.

  tests/pg.sh run tests/integration/hostile_test.py GATEWAY KEYGEN SOURCE      SOT_HOSTILE=60
"""
import http.client
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from gateway_world import World

PROGRAMS = sys.argv[1:4]
EACH = int(os.environ.get("SOT_HOSTILE", "60"))
DEADLINE = time.monotonic() + 120
HOSTILE, GOOD = "127.0.0.66", "127.0.0.77"
ESTABLISHED, CLOSE_WAIT = "01", "08"


def until(what, condition):
    while not condition():
        if time.monotonic() > DEADLINE:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.05)  # a look, not a measure: the condition decides


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


class Slow:
    """One hostile connection: what it says first, what it says then by the byte, how many bytes a second it reads."""

    def __init__(self, listen, first, drops=b"", reads_per_s=0):
        host, port = listen.split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((HOSTILE, 0))
        self.socket.connect((host, int(port)))
        self.socket.sendall(first)
        self.socket.setblocking(False)
        self.drops, self.reads_per_s, self.read, self.closed, self.began = drops, reads_per_s, 0, False, time.monotonic()

    def step(self):
        if self.closed:
            return
        try:
            if self.drops:
                self.socket.send(self.drops)
            if may := 512 if self.drops else int((time.monotonic() - self.began) * self.reads_per_s) - self.read:
                got = self.socket.recv(may)
                self.read += len(got)
                self.closed = not got
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        if self.closed:
            self.socket.close()


def held(listen):
    """Connections of the hostile address that the gateway has not let go of. A client that does not read is not told of the end, so it
    cannot be asked; the kernel throws its bytes away by itself (tcp_orphan_retries)."""
    port, peer = int(listen.split(":")[1]), bytes(map(int, HOSTILE.split(".")))[::-1].hex().upper()
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(r[1].endswith(f":{port:04X}") and r[2].startswith(peer) and r[3] in (ESTABLISHED, CLOSE_WAIT) for r in rows)


class Person:
    """A well-behaved client from its own address, over a connection that is kept."""

    def __init__(self, listen, token, source=GOOD):
        host, port = listen.split(":")
        self.c = http.client.HTTPConnection(host, int(port), timeout=20, source_address=(source, 0))
        self.token = token

    def get(self, path):
        self.c.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = self.c.getresponse()
        return answer.status, answer.read()


def metric(person, name):
    status, text = person.get("/metrics")
    assert status == 200, text
    return int(re.search(rf"^{name} (\d+)", text.decode(), re.M).group(1))


def slow_ones_are_cut_off(w, token):
    listen, pid = w.listens[0], w.gateways[0].pid
    person = Person(listen, token)
    status, page = person.get("/v1/docs")  # it is made by the first who asks
    assert status == 200 and len(page) > 200000, len(page)
    before = rss_mib(pid)
    auth = f"Host: x\r\nAuthorization: Bearer {token}\r\n".encode()
    kinds = {
        "heads": (b"GET /v1/vlans HTTP/1.1\r\nX-Slow: ", b"a", 0),
        "bodies": (b"POST /v1/users HTTP/1.1\r\nContent-Length: 60000\r\n" + auth + b"\r\n", b" ", 0),
        "slow readers": (b"GET /v1/docs HTTP/1.1\r\n" + auth + b"\r\n", b"", 15000),
        "absent readers": (b"GET /v1/openapi.json HTTP/1.1\r\n" + auth + b"\r\n", b"", 0),
    }
    hostile = {kind: [Slow(listen, *how) for _ in range(EACH)] for kind, how in kinds.items()}
    served, most, began = 0, before, time.monotonic()

    def all_are_gone():
        nonlocal served, most
        for slow in hostile.values():
            for s in slow:
                s.step()
        status, text = person.get("/v1/vlans")
        assert status == 200, text
        served, most = served + 1, max(most, rss_mib(pid))
        return held(listen) == 0
    until("the slow ones are cut off", all_are_gone)
    assert all(s.read < len(page) for s in hostile["slow readers"])  # cut off, and not served to the end
    counts = {part: metric(person, f"sot_gateway_slow_{part}_total") for part in ("heads", "bodies", "answers")}
    print(f"{4 * EACH} slow clients gone after {time.monotonic() - began:.1f} s, {served} requests served meanwhile, {most - before:.1f} MiB at most more, {counts}",
          flush=True)
    assert all(count >= EACH for count in counts.values()), counts
    assert most - before < 4 * EACH * 0.1, (before, most)  # connections cost a little, answers no copy each
    assert served >= 3, served  # the first of them beside all the slow ones


def connections_of_one_address_are_limited(w, token, limit):
    listen = w.listens[1]
    crowd = [Slow(listen, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", reads_per_s=10**6) for _ in range(limit + 50)]

    def all_know():
        for s in crowd:
            s.step()
        return all(s.closed or s.read for s in crowd)
    until("each is answered or refused", all_know)
    assert sum(not s.read for s in crowd) == 50
    assert Person(listen, token).get("/v1/vlans")[0] == 200
    for s in crowd:
        s.socket.close()
    until("the crowd is gone", lambda: held(listen) == 0)  # or the next from its address is one too many


def calls_of_one_address_are_limited(w, token):
    often, seldom = Person(w.listens[1], token, HOSTILE), Person(w.listens[1], token)
    told = [often.get("/v1/vlans") for _ in range(60)]
    refused = [text for status, text in told if status == 429]
    assert len(refused) > 20 and all(b"address" in text for text in refused), (len(refused), refused[:1])
    assert seldom.get("/v1/vlans")[0] == 200  # the same person, from elsewhere
    assert often.get("/healthz")[0] == 200


def small_buffers():
    """In a network of its own, where the kernel takes no whole answer off the gateway's hands."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").write_text("4096 16384 32768")


def main(folder):
    limit = 5 * EACH
    tight = ["--head_deadline_ms=2000", "--body_idle_timeout_s=2", "--idle_timeout_s=3", "--pace_bytes_per_s=65536", "--calls_per_second=0",
             f"--connections_per_address_max={limit}", "--connections_max=2000"]
    w = World(folder, PROGRAMS, until, [*tight, "--address_calls_per_second=0"])
    try:
        w.admin("--add-account", "ada", "admin", text="correct horse battery\n")
        token = w.admin("--add-token", "ada")
        w.start(0)
        w.more = [*tight, "--address_calls_per_second=5", "--idle_timeout_s=60"]
        w.start(1)
        slow_ones_are_cut_off(w, token)
        connections_of_one_address_are_limited(w, token, limit)
        calls_of_one_address_are_limited(w, token)
    finally:
        w.end()


if "SOT_OWN_NETWORK" not in os.environ:
    os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], {**os.environ, "SOT_OWN_NETWORK": "1"})
small_buffers()
with tempfile.TemporaryDirectory(prefix="sotalia-hostile.") as made:
    main(made)
print("ok: slow and greedy clients harm nobody else")
