"""Benches that need the whole platform: 0 -> 50 instances and +1 beside a bare client of the Docker API and beside Docker
Swarm, in the same run on the same engine; memory and start time of each service. Figures as design section "numbers": one
line each, and build/bench/scale.json.

Ours is counted from the request to healthy on an address of its own; the bare client to a started container without network, Swarm to
tasks that run, with an address on a bridge of its own; both without a health check.
"""

import glob
import json
import os
import statistics
import time
import urllib.parse

import engine
import lab

COUNT = int(os.environ.get("SOT_BENCH_INSTANCES", "50"))
SINGLES = 10


def bare(path, image, count, parallel):
    """Seconds to create and start `count` containers, and to remove them again (not counted)."""
    before = cpu_s()

    def started(took):
        if count > 1:
            print_cpu(f"bare client, {parallel} at once, {took:.2f} s", before, cpu_s(), count)
    return engine.bare(path, image, count, parallel, started)


def sotalia(count):
    """Seconds from the request to the last instance healthy on its own address."""
    begin = time.monotonic()
    ended = lab.finished(lab.post("/v1/apps/load/scale", {"count": count}), 600)
    took = time.monotonic() - begin
    assert ended["state"] == "done", ended
    return took, ended


class Swarm:
    """Docker Swarm on the engine of h1, as one manager that is its own worker, with a bridge network. An engine with
    live-restore refuses Swarm: that is switched off meanwhile, by a reload."""

    def __init__(self, path, image):
        self.path = path
        self.image = image
        self.spec = None
        self.id = None

    def __enter__(self):
        self.live_restore("false")
        try:
            self.call("POST", "/swarm/init", {"ListenAddr": "10.77.0.11:2377", "AdvertiseAddr": "10.77.0.11", "ForceNewCluster": False})
        except BaseException:
            self.live_restore("true")
            raise
        return self

    def __exit__(self, *_):
        self.call("POST", "/swarm/leave?force=true")
        self.live_restore("true")

    @staticmethod
    def live_restore(on):
        lab.sh("engine_live_restore", "h1", on)

    def call(self, method, path, body=None):
        docker = engine.Docker(self.path)
        try:
            return docker.call(method, path, body)
        finally:
            docker.close()

    def running(self):
        wanted = json.dumps({"service": [self.spec["Name"]], "desired-state": ["running"]})
        return sum(t["Status"]["State"] == "running" for t in self.call("GET", "/tasks?filters=" + urllib.parse.quote(wanted)))

    def create(self):
        self.call("POST", "/networks/create", {"Name": "load", "Driver": "bridge", "Scope": "swarm", "CheckDuplicate": True,
                                               "IPAM": {"Config": [{"Subnet": "10.88.0.0/16"}]}})
        self.spec = {"Name": "load", "TaskTemplate": {
            "ContainerSpec": {"Image": self.image}, "Networks": [{"Target": "load"}],
            "Resources": {"Limits": {"NanoCPUs": 100000000, "MemoryBytes": 134217728}}, "RestartPolicy": {"Condition": "any"}},
            "Mode": {"Replicated": {"Replicas": 0}}}
        self.id = self.call("POST", "/services/create", self.spec)["ID"]

    def scale(self, count):
        """Seconds from the request to `count` tasks that run."""
        begin = time.monotonic()
        version = self.call("GET", f"/services/{self.id}")["Version"]["Index"]
        self.spec["Mode"]["Replicated"]["Replicas"] = count
        self.call("POST", f"/services/{self.id}/update?version={version}", self.spec)
        lab.until(f"{count} tasks of Swarm", lambda: self.running() == count, 300)
        return time.monotonic() - begin


def where_the_time_goes(ended):
    """For each kind of step: seconds from the acceptance to the first and the last that ended, and what a step took."""
    accepted = parse(ended["createdAt"])
    kinds = {}
    for step in ended["steps"]:
        if step["finishedAt"] and step["startedAt"]:
            kinds.setdefault(step["name"], []).append((parse(step["startedAt"]), parse(step["finishedAt"])))
    return {k: (min(e for _, e in v) - accepted, max(e for _, e in v) - accepted,
                statistics.median(e - b for b, e in v), max(e - b for b, e in v)) for k, v in kinds.items()}


def print_steps(ended, took):
    print(f"    accepted to begun {parse(ended['startedAt']) - parse(ended['createdAt']):6.3f} s, to ended "
          f"{parse(ended['finishedAt']) - parse(ended['createdAt']):6.3f} s; seen by the caller {took:6.3f} s after asking")
    for kind, (first, last, median, worst) in where_the_time_goes(ended).items():
        print(f"    step {kind:10s} first done {first:7.3f} s   all done {last:7.3f} s   a step: median {median:6.3f} s, worst {worst:6.3f} s")


GROUPS = ("dockerd", "containerd", "containerd-shim", "sotalia-hostage", "sotalia-schedul", "sotalia-api-gat", "sotalia-ipam",
          "sotalia-monitor", "postgres", "lxcfs")


def cpu_s():
    """CPU seconds so far by program of this laboratory, ended children (runc, hooks) with their parents; of the containers together."""
    own = os.readlink("/proc/self/ns/mnt")
    tick = os.sysconf("SC_CLK_TCK")
    found = dict.fromkeys(GROUPS, 0.0)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                head, _, rest = f.read().rpartition(")")
            name = head.partition("(")[2]
            if name in found and os.readlink(f"/proc/{pid}/ns/mnt") == own:
                found[name] += sum(map(int, rest.split()[11:15])) / tick
        except OSError:
            pass  # it has ended meanwhile
    found["containers"] = 0.0
    for usage in glob.glob("/sys/fs/cgroup/cpuacct/docker/*/cpuacct.usage"):
        with open(usage, encoding="ascii") as f:
            found["containers"] += int(f.read()) / 1e9
    return found


def print_cpu(what, before, after, count):
    used = {k: (after[k] - before[k]) * 1000 / count for k in after}
    print(f"    {what}: {sum(used.values()):.0f} ms of CPU an instance: " +
          ", ".join(f"{k} {v:.0f}" for k, v in sorted(used.items(), key=lambda u: -u[1]) if v >= 0.5))


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
        "health": {"kind": "tcp", "port": 6379, "path": "", "intervalMs": 2000, "timeoutMs": 500, "healthyAfter": 1, "unhealthyAfter": 3,
                   "startPeriodMs": 60000}}), 120)
    lab.scale("load", 0)
    bare_s = min(bare(path, image, COUNT, p) for p in engine.PARALLEL)
    before = cpu_s()
    ours_s, ended = sotalia(COUNT)
    print_cpu(f"Sotalia, {ours_s:.2f} s", before, cpu_s(), COUNT)
    figures["scale.fifty_s"] = (ours_s, "s", None, bare_s)
    figures["scale.fifty_ratio"] = (ours_s / bare_s, "ratio", 1.15, bare_s)
    print_steps(ended, ours_s)
    figures["agent.rss_mb"] = (memory_mb("hostagent-h1", "Rss"), "MB", 16, None)
    lab.scale("load", 0, 300)
    ours, single = [], []
    for n in range(SINGLES):
        single.append(bare(path, image, 1, 1))
        took, ended = sotalia(n + 1)
        ours.append(took)
    print_steps(ended, took)
    figures["scale.one_p95_s"] = (p95(ours), "s", None, p95(single))
    figures["scale.one_p95_ratio"] = (p95(ours) / p95(single), "ratio", 1.2, p95(single))
    lab.scale("load", 0, 300)
    with Swarm(path, image) as swarm:
        swarm.create()
        before = cpu_s()
        swarm_s = swarm.scale(COUNT)
        print_cpu(f"Swarm, {swarm_s:.2f} s", before, cpu_s(), COUNT)
        swarm.scale(0)
        swarm_one = [swarm.scale(n + 1) for n in range(SINGLES)]
        swarm.scale(0)
    figures["scale.fifty_swarm_ratio"] = (ours_s / swarm_s, "ratio", 1, swarm_s)
    figures["scale.one_swarm_ratio"] = (p95(ours) / p95(swarm_one), "ratio", 1, p95(swarm_one))


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
