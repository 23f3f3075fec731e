"""Noisy neighbours (S22), as a picture: one instance burns, hogs memory, forks, floods its log and fills its disk, one after the other,
while another on the same host is asked a hundred times a second. Runs only by name:

    tests/e2e/run neighbours        figures, build/bench/neighbours.json and build/bench/neighbours.svg
"""

import json
import os
import socket
import statistics
import threading
import time

import lab

BY_NAME_ONLY = True
HOSTS = 1
SECONDS = 8
PHASES = [  # what the noisy one does, for SECONDS each
    ("quiet", ""),
    ("cpu burn", "for n in 1 2 3 4; do (while :; do :; done) & done"),
    ("memory hog", "while :; do dd if=/dev/zero of=/dev/null bs=300M count=1; done"),
    ("fork bomb", "while :; do sleep 5 & done"),
    ("log flood", "yes 0123456789012345678901234567890123456789 >/proc/1/fd/1"),
    ("disk fill", "while :; do dd if=/dev/zero of=/data/appdatas/fill bs=1M count=200 conv=fsync; done"),
]


class Prober(threading.Thread):
    """PING over one connection, every 10 ms; a lost answer counts as the deadline."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.samples, self.failed = address, [], 0
        self.ended = threading.Event()

    def connect(self):
        return socket.create_connection((self.address, 6379), timeout=2)

    def run(self):
        peer = self.connect()
        while not self.ended.wait(0.01):
            begin = time.monotonic()
            try:
                peer.sendall(b"PING\r\n")
                if peer.recv(64) != b"+PONG\r\n":
                    raise OSError("no PONG")
            except OSError:
                self.failed += 1
                peer.close()
                try:
                    peer = self.connect()
                except OSError:
                    continue
            self.samples.append((begin, (time.monotonic() - begin) * 1000))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def make_noise(instance, script):
    """Runs the script in the instance for SECONDS; what it left running is ended with its own restart afterwards."""
    command = f"timeout -s KILL {SECONDS} /bin/sh -c '{script}'"
    lab.docker(instance["host"], "exec", "-d", "sot-" + instance["id"], "setsid", "/bin/sh", "-c", command)


def draw(samples, phases, path):
    """The median and the worst of each quarter of a second, on a logarithmic scale from 0.01 ms to 1000 ms."""
    import math
    width, height, left, top = 960, 300, 60, 30
    start, end = phases[0][1], phases[-1][2]

    def x(t):
        return left + (t - start) / (end - start) * (width - left - 10)

    def y(ms):
        return top + (3 - math.log10(min(max(ms, 0.01), 1000))) / 5 * (height - top - 30)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for n, (name, begin, until) in enumerate(phases):
        fill = "#f3f3f3" if n % 2 else "#e6eef7"
        parts.append(f'<rect x="{x(begin):.1f}" y="{top}" width="{x(until) - x(begin):.1f}" height="{height - top - 30}" fill="{fill}"/>')
        parts.append(f'<text x="{x(begin) + 4:.1f}" y="{top + 14}">{name}</text>')
    for ms in (0.01, 0.1, 1, 10, 100, 1000):
        parts.append(f'<line x1="{left}" x2="{width - 10}" y1="{y(ms):.1f}" y2="{y(ms):.1f}" stroke="#bbb" stroke-width="0.5"/>')
        parts.append(f'<text x="{left - 6}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms:g} ms</text>')
    buckets = {}
    for t, ms in samples:
        if start <= t <= end:
            buckets.setdefault(int((t - start) * 4), []).append(ms)
    for pick, colour, label in ((statistics.median, "#1f6fb4", "median"), (max, "#c0392b", "worst")):
        line = " ".join(f"{x(start + (b + 0.5) / 4):.1f},{y(pick(v)):.1f}" for b, v in sorted(buckets.items()))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.3"><title>{label}</title></polyline>')
    parts.append(f'<text x="{left}" y="18">PING of a neighbour on the same host, each quarter of a second: '
                 '<tspan fill="#1f6fb4">median</tspan>, <tspan fill="#c0392b">worst</tspan></text>')
    for s in range(0, int(end - start) + 1, 8):
        parts.append(f'<text x="{x(start + s):.1f}" y="{height - 12}" text-anchor="middle">{s} s</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(parts) + "\n</svg>\n")


def test_1_a_neighbour_is_answered_while_another_misbehaves():
    """S22: every noise is held to its instance's limits; the neighbour answers all the time."""
    lab.have("noise", 2, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    bad, good = lab.instances("noise")
    prober = Prober(good["address"])
    prober.start()
    phases, figures = [], {}
    for name, script in PHASES:
        begin = time.monotonic()
        if script:
            make_noise(bad, script)
        prober.ended.wait(SECONDS)
        phases.append((name, begin, time.monotonic()))
        if name == "fork bomb":  # what it left sleeps on
            lab.finished(lab.post(f"/v1/instances/{bad['name']}/restart"))
    prober.ended.set()
    prober.join()
    for name, begin, until in phases:
        values = [ms for t, ms in prober.samples if begin <= t < until]
        assert values, f"no answer at all during: {name}"
        key = "neighbours." + name.replace(" ", "_")
        figures[key + "_p50_ms"] = statistics.median(values)
        figures[key + "_p99_ms"] = percentile(values, 0.99)
        print(f"    {name:12s} {len(values):5d} answers: median {statistics.median(values):7.3f} ms, p99 {percentile(values, 0.99):8.3f} ms, worst {max(values):8.3f} ms")
    figures["neighbours.failed"] = prober.failed
    assert prober.failed == 0, prober.failed
    out = os.path.join(lab.SRC, "build/bench")
    os.makedirs(out, exist_ok=True)
    draw(prober.samples, phases, os.path.join(out, "neighbours.svg"))
    unit = {"failed": "questions"}
    with open(os.path.join(out, "neighbours.json"), "w", encoding="utf-8") as f:
        json.dump({"figures": {n: {"value": v, "unit": unit.get(n.split(".")[1], "ms"), "goal": None, "peer": None, "ratio": None}
                               for n, v in figures.items()}}, f, indent=1)
    bench = lab.docker(good["host"], "exec", "sot-" + good["id"], "redis-benchmark", "-q", "-n", "5000", "-c", "10", "-t", "ping_inline,set,get")
    for line in bench.replace("\r", "\n").splitlines():
        if "requests per second" in line:
            print("    redis-benchmark inside its limits (0.1 of a core): " + line.strip())
    lab.scale("noise", 0)
    lab.invariants()
