"""Load on instances: redis-benchmark inside the limits of its plan; Tomcat and Node under wrk while their neighbours are restarted.

Prints p50, p99 and errors without and with restarts, and writes build/bench/load.json. SOT_LOAD_SECONDS: of each phase.
"""

import concurrent.futures
import json
import os
import re
import threading
import time

import lab

ORDER = 49
SECONDS = int(os.environ.get("SOT_LOAD_SECONDS", "6"))
UNITS = {"us": 0.001, "ms": 1, "s": 1000}
FIGURES = {}


def write_figures():
    out = os.path.join(lab.SRC, "build/bench")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "load.json"), "w", encoding="utf-8") as f:
        json.dump({"figures": {n: {"value": v, "unit": u, "goal": None, "peer": None, "ratio": None} for n, (v, u) in FIGURES.items()}}, f, indent=1)


def cgroup(instance, controller, name):
    full_id = lab.docker(instance["host"], "inspect", "-f", "{{.Id}}", "sot-" + instance["id"])
    with open(f"/sys/fs/cgroup/{controller}/docker/{full_id}/{name}", encoding="ascii") as f:
        return int(f.read().split()[-1])


def test_1_redis_is_benchmarked_inside_its_limits():
    """S22: as many requests as its plan's processor gives, never more than its memory, and nobody is killed for it."""
    lab.have("bench-redis", 1, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    i = lab.instances("bench-redis")[0]
    plan = next(p for p in lab.api("GET", "/v1/plans").json["items"] if p["name"] == "tiny")
    cpu, begin = cgroup(i, "cpuacct", "cpuacct.usage"), time.monotonic()
    told = lab.command(["redis-benchmark", "-h", i["address"], "-c", "20", "-n", str(2000 * SECONDS), "-d", "256", "-r", "10000", "-t", "set,get", "--csv"], timeout=300)
    used = (cgroup(i, "cpuacct", "cpuacct.usage") - cpu) / 1e9 / (time.monotonic() - begin)
    rows = [line.split(",") for line in told.replace('"', "").splitlines() if line.startswith(('"SET', '"GET', "SET", "GET"))]
    assert [r[0] for r in rows] == ["SET", "GET"], told
    for name, per_s, _, _, p50, _, p99, worst in rows:
        print(f"    redis {name}: {float(per_s):8.0f} requests/s, p50 {p50} ms, p99 {p99} ms, worst {worst} ms; {used * 1000:.0f} of {plan['cpuMilli']} mcores")
        FIGURES[f"load.redis_{name.lower()}_per_s"] = (float(per_s), "1/s")
        FIGURES[f"load.redis_{name.lower()}_p99_ms"] = (float(p99), "ms")
    write_figures()
    # The kernel hands a quota out in slices of 5 ms for each processor: a little more than the plan is within it.
    assert used * 1000 <= plan["cpuMilli"] * 1.25, f"{used:.3f} of a core, the plan has {plan['cpuMilli']} mcores"
    assert cgroup(i, "memory", "memory.max_usage_in_bytes") <= plan["memoryBytes"]
    assert cgroup(i, "memory", "memory.oom_control") == 0
    lab.scale("bench-redis", 0)


def wrk(instance, path):
    """{per_s, p50_ms, p99_ms, errors}: what wrk tells of SECONDS with 8 connections."""
    told = lab.command(["wrk", "-t1", "-c8", f"-d{SECONDS}s", "--timeout", "5s", "--latency", f"http://{instance['address']}:8080{path}"], timeout=SECONDS + 30)
    latency = dict(re.findall(r"^ +(\d+)% +([\d.]+\w+)$", told, re.M))
    ms = {k: float(n) * UNITS[u] for k, v in latency.items() for n, u in [re.fullmatch(r"([\d.]+)(\w+)", v).groups()]}
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    errors = (sum(map(int, sockets.groups())) if sockets else 0) + (int(refused[1]) if refused else 0)
    return {"per_s": float(re.search(r"Requests/sec: +([\d.]+)", told)[1]), "p50_ms": ms["50"], "p99_ms": ms["99"], "errors": errors}


def restart_until(over, neighbours):
    """Restarts the neighbours again and again, all at once; how often."""
    count = 0
    while not over.is_set():
        for ended in [lab.finished(lab.post(f"/v1/instances/{n['name']}/restart")) for n in neighbours]:
            assert ended["state"] == "done", ended
            count += 1
    return count


def under_wrk(kind, instance, path, neighbours):
    phases = {"calm": wrk(instance, path)}
    over = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        restarts = pool.submit(restart_until, over, neighbours)
        try:
            phases["restarts"] = wrk(instance, path)
        finally:
            over.set()
        count = restarts.result()
    for phase, f in phases.items():
        print(f"    {kind:6s} {phase:8s} {f['per_s']:8.0f} requests/s, p50 {f['p50_ms']:7.2f} ms, p99 {f['p99_ms']:8.2f} ms, {f['errors']} errors" +
              (f"; {count} restarts beside it" if phase == "restarts" else ""))
        FIGURES.update({f"load.{kind}_{phase}_{n}": (v, {"per_s": "1/s", "errors": "requests"}.get(n, "ms")) for n, v in f.items()})
    write_figures()
    assert count > 0 and all(f["errors"] == 0 and f["per_s"] > 0 for f in phases.values()), (count, phases)


def test_2_tomcat_and_node_answer_while_neighbours_restart():
    """S22, S2: not one request fails on an instance while all others of its host are restarted again and again."""
    lab.have("load-node", 0, image="nodejs", plan="small", health={"kind": "http", "port": 8080, "path": "/"})
    if not lab.api("GET", "/v1/apps/load-node").json["version"]:
        lab.cli("package", "upload", "load-node", "1.0", lab.package({"index.js": lab.NODE_SERVER % "1.0"}), "--wait")
        lab.cli("app", "deploy", "load-node", "1.0", "--wait")
    lab.scale("load-node", 3)
    under_wrk("node", lab.instances("load-node")[0], "/", lab.instances("load-node")[1:])
    lab.have("load-tomcat", 0, image="tomcat", plan="small", health={"kind": "http", "port": 8080, "path": "/index.html", "startPeriodMs": 120000})
    if not lab.api("GET", "/v1/apps/load-tomcat").json["version"]:
        lab.cli("package", "upload", "load-tomcat", "1.0", lab.sh("demo_package_tomcat").strip(), "--wait")
        lab.cli("app", "deploy", "load-tomcat", "1.0", "--wait")
    lab.scale("load-tomcat", 1, 180)
    under_wrk("tomcat", lab.instances("load-tomcat")[0], "/servlets/servlet/HelloWorldExample", lab.instances("load-node"))
    for name in ("load-node", "load-tomcat"):
        lab.scale(name, 0)
