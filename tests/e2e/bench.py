"""Benches that need the whole platform: 0 -> 50 instances and +1 beside a bare client of the Docker API in the same run
on the same engine; memory and start time of each service. Figures as design section "numbers": one line each, and
build/bench/scale.json.
"""

import concurrent.futures
import http.client
import json
import os
import socket
import statistics
import time

import lab

COUNT = int(os.environ.get("SOT_BENCH_INSTANCES", "50"))
SINGLES = 10
BARE_PARALLEL = (2, 4, 8)  # the bare client is given its best parallelism


class Docker(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        self.request(method, "/v1.41" + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        reply = self.getresponse()
        data = reply.read()
        if reply.status >= 400:
            raise AssertionError(f"{method} {path}: {reply.status} {data[:300]}")
        return json.loads(data) if data else None


def bare_one(path, image, name):
    engine = Docker(path)
    made = engine.call("POST", f"/containers/create?name={name}", {
        "Image": image, "HostConfig": {"NetworkMode": "none", "Memory": 134217728, "MemorySwap": 134217728, "NanoCpus": 100000000,
                                       "PidsLimit": 512, "RestartPolicy": {"Name": "unless-stopped"}}})
    engine.call("POST", f"/containers/{made['Id']}/start")
    engine.close()


def bare_remove(path, name):
    engine = Docker(path)
    engine.call("DELETE", f"/containers/{name}?force=true")
    engine.close()


def bare(path, image, count, parallel):
    """Seconds to create and start `count` containers, and to remove them again (not counted)."""
    names = [f"bare-{parallel}-{n}" for n in range(count)]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        begin = time.monotonic()
        list(pool.map(lambda n: bare_one(path, image, n), names))
        took = time.monotonic() - begin
        list(pool.map(lambda n: bare_remove(path, n), names))
    return took


def sotalia(count):
    """Seconds from the request to the last instance healthy on its own address."""
    begin = time.monotonic()
    ended = lab.finished(lab.post("/v1/apps/load/scale", {"count": count}), 600)
    took = time.monotonic() - begin
    assert ended["state"] == "done", ended
    return took, ended


def where_the_time_goes(ended):
    kinds = {}
    for step in ended["steps"]:
        if step["finishedAt"] and step["startedAt"]:
            kinds.setdefault(step["name"], []).append(parse(step["finishedAt"]) - parse(step["startedAt"]))
    return {k: (statistics.median(v), max(v)) for k, v in kinds.items()}


def parse(text):
    from datetime import datetime
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def p95(values):
    return sorted(values)[max(0, int(len(values) * 0.95 + 0.999) - 1)]


def memory_mb(name, field):
    """Rss counts the pages of shared libraries in every process, Pss divides them among those that share them."""
    with open(f"/proc/{lab.pid(name)}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise AssertionError(f"{name}: no {field} in smaps_rollup")


def start_ms(service):
    """From exec to a healthy answer on the control socket."""
    lab.kill(service, "TERM")
    begin = time.monotonic()
    lab.start_service(service)
    lab.healthy(service)
    return (time.monotonic() - begin) * 1000


def main(figures):
    services = lab.SERVICES
    idle = {s: memory_mb(s, "Rss") for s in services}
    figures["controlplane.idle_rss_mb"] = (sum(idle.values()), "MB", 40, None)
    figures["controlplane.idle_pss_mb"] = (sum(memory_mb(s, "Pss") for s in services), "MB", None, None)
    for s in services:
        figures[f"{s}.idle_rss_mb"] = (idle[s], "MB", None, None)
        figures[f"{s}.start_ms"] = (start_ms(s), "ms", None, None)
    lab.until("h1 online again", lambda: lab.api("GET", "/v1/hosts/h1").json["state"] == "online", 60)
    path = lab.sh("engine_socket", "h1").strip()
    image = [i["reference"] for i in lab.api("GET", "/v1/images").json["items"] if i["name"] == "redis"][0]
    lab.finished(lab.post("/v1/apps", {
        "name": "load", "image": "redis", "plan": "tiny", "vlan": "default", "command": "", "env": [], "version": "", "count": 1,
        "health": {"kind": "tcp", "port": 6379, "path": "", "intervalMs": 200, "timeoutMs": 200, "healthyAfter": 1, "unhealthyAfter": 3,
                   "startPeriodMs": 60000}}), 120)
    lab.scale("load", 0)
    bare_s = min(bare(path, image, COUNT, p) for p in BARE_PARALLEL)
    ours_s, ended = sotalia(COUNT)
    figures["scale.fifty_s"] = (ours_s, "s", None, bare_s)
    figures["scale.fifty_ratio"] = (ours_s / bare_s, "ratio", 1.15, bare_s)
    for kind, (median, worst) in where_the_time_goes(ended).items():
        print(f"    step {kind:10s} median {median:6.2f} s   worst {worst:6.2f} s")
    figures["agent.rss_mb"] = (memory_mb("hostagent-h1", "Rss"), "MB", 16, None)
    lab.scale("load", 0, 300)
    ours, single = [], []
    for n in range(SINGLES):
        single.append(bare(path, image, 1, 1))
        ours.append(sotalia(n + 1)[0])
    figures["scale.one_p95_s"] = (p95(ours), "s", None, p95(single))
    figures["scale.one_p95_ratio"] = (p95(ours) / p95(single), "ratio", 1.2, p95(single))
    lab.scale("load", 0, 300)


def run():
    figures = {}
    lab.up(hosts=1)
    try:
        main(figures)
    finally:
        out = os.path.join(lab.SRC, "build/bench")
        os.makedirs(out, exist_ok=True)
        for name, (value, unit, goal, peer) in figures.items():
            print(f"{name} {value:.2f} {unit}" + (f"  goal {goal}" if goal is not None else "") + (f"  peer {peer:.2f}" if peer is not None else ""))
        with open(os.path.join(out, "scale.json"), "w", encoding="utf-8") as f:
            json.dump({"figures": {n: {"value": v, "unit": u, "goal": g, "peer": p, "ratio": v / p if p else None}
                                   for n, (v, u, g, p) in figures.items()}}, f, indent=1)
    return 0
