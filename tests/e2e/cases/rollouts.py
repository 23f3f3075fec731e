"""Rollouts of an app behind a real nginx that follows the event stream, under load."""

import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time

import lab

ORDER = 12
APP, INSTANCES = "roll", 12
NGINX = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
worker_processes 2;
worker_shutdown_timeout 20s;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/upstream.conf;
  server {{
    listen 10.77.0.1:8089 backlog=1024;
    location / {{ proxy_pass http://{app}; proxy_next_upstream off; }}
  }}
}}
"""
SERVER = """const http = require('http');
http.createServer((q, r) => setTimeout(() => r.end('%s'), 20)).listen(8080);
process.on('SIGTERM', () => process.exit(0));
"""


class Front:
    """nginx before an app, and docs/examples/nginx beside it; `path` tells the version."""

    def __init__(self, app=APP, path="/"):
        self.app, self.path = app, path

    def __enter__(self):
        self.folder = os.path.join(lab.VAR, "nginx")
        os.makedirs(self.folder, exist_ok=True)
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(NGINX.format(folder=self.folder, app=self.app))
        upstream = os.path.join(self.folder, "upstream.conf")
        if os.path.exists(upstream):
            os.remove(upstream)
        nginx = ["nginx", "-p", self.folder, "-c", config]
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        self.follower = subprocess.Popen(
            [os.path.join(lab.SRC, "docs/examples/nginx/sotalia-nginx-upstream"), self.app, "8080", upstream, "--", *nginx, "-s", "reload"],
            env={**os.environ, **lab.env()}, stdout=self.log, stderr=self.log)
        lab.until("the upstream to be written", lambda: os.path.exists(upstream), 30)
        self.nginx = subprocess.Popen(nginx, stdout=self.log, stderr=self.log)
        lab.until("nginx to answer", lambda: self.page() != "", 30)
        return self

    def __exit__(self, *_):
        self.follower.terminate()
        self.nginx.send_signal(signal.SIGQUIT)
        self.follower.wait(10)
        self.nginx.wait(40)
        self.log.close()

    def page(self):
        return lab.command(["curl", "-sf", "--max-time", "5", "http://10.77.0.1:8089" + self.path], check=False)


class Load:
    """wrk until the with-block ends; a connection for each request, since a reload of nginx ends kept ones."""

    def __init__(self, path="/", connections=8):
        self.path, self.connections = path, connections

    def __enter__(self):
        self.wrk = subprocess.Popen(["wrk", "-t1", f"-c{self.connections}", "-d600s", "--timeout", "20s", "-H", "Connection: close",
                                     "http://10.77.0.1:8089" + self.path],
                                    stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self.wrk.send_signal(signal.SIGINT)
        self.text = self.wrk.communicate(timeout=40)[0]
        print(self.text, flush=True)

    def latency(self):
        return re.search(r"Latency +(\S+) +(\S+) +(\S+)", self.text).groups()

    def requests(self):
        return int(re.search(r"(\d+) requests in", self.text)[1])

    def failed(self):
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", self.text)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", self.text)
        return (int(bad[1]) if bad else 0) + (sum(int(n) for n in errors.groups()) if errors else 0)


def versions():
    return sorted(i["version"] for i in lab.instances(APP))


def ready(version, count=INSTANCES):
    """The app runs that version, whichever tests ran before; 3.0 ends at once."""
    if lab.api("GET", f"/v1/apps/{APP}").status == 404:
        lab.cli("app", "create", APP, "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
        for name, server in (("1.0", SERVER % "1.0"), ("2.0", SERVER % "2.0"), ("3.0", "process.exit(1)")):
            lab.cli("package", "upload", APP, name, lab.package({"index.js": server}), "--wait")
    if lab.api("GET", f"/v1/apps/{APP}").json["version"] != version:
        lab.cli("app", "deploy", APP, version, "--batch=50%", "--wait", timeout=400)
    if len(lab.instances(APP)) != count:
        lab.scale(APP, count, seconds=600)


def test_01_twelve_instances_are_upgraded_under_load_and_no_request_fails():
    """S12: over two hosts, behind nginx that follows the events, a canary first; what is printed is what wrk saw."""
    ready("1.0")
    plan = lab.cli("app", "deploy", APP, "2.0", "--canary=1", "--batch=4", "--plan")
    assert "batch 1 (canary)" in plan and plan.count("'1.0' -> '2.0'") == INSTANCES + 1, plan
    with Front() as front:
        begun = time.monotonic()
        with Load() as load:
            lab.cli("app", "deploy", APP, "2.0", "--canary=1", "--batch=4", "--drain-seconds=8", "--bake-seconds=2", "--on-failure=roll_back",
                    "--wait", timeout=580)
            took = time.monotonic() - begun
        assert versions() == ["2.0"] * INSTANCES
        lab.until("nginx to serve the new version only", lambda: {front.page() for _ in range(24)} == {"2.0"}, 30)
    print(f"rollout of {INSTANCES} instances: {took:.1f} s, {load.requests()} requests, {load.failed()} failed", flush=True)
    assert load.requests() > 100 and load.failed() == 0, load.text


def test_02_a_bad_canary_goes_back_by_itself_and_nobody_else_is_touched():
    """S12: its health decides; the old version is untouched elsewhere."""
    ready("2.0")
    before = {i["name"]: (i["containerId"], i["startedAt"]) for i in lab.instances(APP)}
    assert versions() == ["2.0"] * INSTANCES
    bad = lab.cli("app", "deploy", APP, "3.0", "--canary=1", "--batch=4", "--on-failure=roll_back", "--wait", check=False, timeout=400)
    assert bad.returncode == 1 and "rolled back: 1 of the 1" in bad.stderr, bad.stderr
    assert versions() == ["2.0"] * INSTANCES
    touched = [n for n, was in before.items() if was != {i["name"]: (i["containerId"], i["startedAt"]) for i in lab.instances(APP)}[n]]
    assert len(touched) == 1, touched
    lab.until("all to be healthy", lambda: all(i["health"] == "healthy" for i in lab.instances(APP)), 60)


def test_03_somebody_pauses_the_leader_dies_somebody_else_takes_it_back():
    """S12: kill -9 of the scheduler in a paused rollout: it is where it was; taken back, everybody runs what they ran."""
    ready("2.0")
    lab.cli("app", "deploy", APP, "1.0", "--canary=2", "--batch=4", "--pause=canary")
    found = lab.until("the rollout to be paused", lambda: [o for o in lab.api("GET", f"/v1/operations?app={APP}&state=running").json["items"]
                                                           if "paused by its strategy" in o["waitsFor"]], 120)[0]
    lab.kill("scheduler")
    lab.start_service("scheduler")
    lab.healthy("scheduler")
    assert versions() == ["1.0"] * 2 + ["2.0"] * (INSTANCES - 2)
    lab.until("the rollout to be taken back", lambda: lab.cli("rollout", "back", found["id"], check=False).returncode == 0, 60)
    ended = lab.finished(found["id"], 200)
    assert ended["state"] == "cancelled" and ended["rollout"]["goesBack"], ended
    assert versions() == ["2.0"] * INSTANCES


class Listener:
    """Takes webhooks on this machine, and keeps their events with what ran when they came."""

    def __enter__(self):
        seen = self.seen = []

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    now = {i["name"]: (i["version"], i["health"]) for i in lab.instances(APP)}
                    seen.append((event["subject"], event["data"]["rotation"], *now[event["subject"]]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()


def test_05_an_http_call_says_out_before_an_instance_is_changed_and_in_when_it_is_well():
    """S12: the hook of a load balancer that is told over HTTP: a webhook on instance.rotation."""
    ready("1.0", 2)
    with Listener() as hook:
        made = lab.api("POST", "/v1/webhooks", {"name": "balancer", "url": f"http://127.0.0.1:{hook.server.server_address[1]}/hook",
                                                "kinds": ["instance.rotation"], "app": APP}, lab.key())
        assert made.status in (200, 201), made.body
        try:
            lab.cli("app", "deploy", APP, "2.0", "--drain-seconds=5", "--wait", timeout=200)
            lab.until("four calls", lambda: len(hook.seen) == 4, 30)
        finally:
            lab.api("DELETE", "/v1/webhooks/balancer", headers=lab.key())
    assert [s[1:] for s in hook.seen] == [("out", "1.0", "healthy"), ("in", "2.0", "healthy")] * 2, hook.seen
    assert [s[0] for s in hook.seen[::2]] == [s[0] for s in hook.seen[1::2]] and len({s[0] for s in hook.seen}) == 2, hook.seen


def test_06_a_command_in_the_instance_is_run_before_it_is_changed_and_when_it_is_well():
    """S12: what takes an instance out of rotation may be a command in it; one that fails is a failure, and nobody else is touched."""
    ready("1.0", 2)
    told = "f() { echo $1 $(id -un) >> /data/appdatas/rotation; }; f"
    lab.cli("app", "deploy", APP, "2.0", f"--rotation-command={told}", "--wait", timeout=200)
    assert versions() == ["2.0"] * 2
    for instance in lab.instances(APP):
        assert lab.cli("exec", instance["name"], "--", "cat", "/data/appdatas/rotation").splitlines() == ["out app", "in app"]
    refuses = "f() { echo no balancer takes $1; exit 3; }; f"
    bad = lab.cli("app", "deploy", APP, "1.0", f"--rotation-command={refuses}", "--on-failure=roll_back", "--wait", check=False, timeout=200)
    assert bad.returncode == 1 and "the command ended with 3: no balancer takes out" in bad.stderr, bad.stderr
    assert versions() == ["2.0"] * 2


# How each is started again; agent and Docker of the host whose turn it is.
VICTIMS = {
    "scheduler": lambda _: (lab.start_service("scheduler"), lab.healthy("scheduler")),
    "api-gateway": lambda _: (lab.start_service("api-gateway"), lab.healthy("api-gateway")),
    "hostagent": lambda n: lab.sh("lab_agent_start", n),
    "dockerd": lambda n: lab.sh("lab_host_up", n),
    "postgres": lambda _: lab.until("PostgreSQL to be back", lambda: (lab.sh("postgres_start"), True)[1], 60),
}
STEPS = ("rotate_out", "deploy", "healthy", "rotate_in")
STEPS_BACK = ("rotate_out", "roll_back", "healthy", "rotate_in")
# The k-th command in an instance waits at the pipe gate-k, when there is one: something dies meanwhile. The instance with `refuses` is never taken back into rotation.
ROTATION = ("f() { cd /data/appdatas; read -r _ <gate-$(($(cat rotated 2>/dev/null | wc -l) + 1)) 2>/dev/null; echo $1 >>rotated; "
            "[ $1 = out ] || [ ! -e refuses ]; }; f")



def units(operation_id, back):
    """[(instance, {step: state})] of each instance's part, in order: of the way there, or of the way back."""
    found = {}
    for batch, instance, name, state in lab.sql("SELECT batch, instance_id, name, state FROM scheduler.operation_step "
                                                f"WHERE operation_id = '{operation_id}' ORDER BY ordinal"):
        found.setdefault((batch, instance), {})[name] = state
    return [(of[1], steps) for of, steps in found.items() if ("roll_back" in steps) == back]


def inside(instance, script):
    lab.docker(instance["host"], "exec", "-w", "/data/appdatas", "sot-" + instance["id"], "sh", "-c", script)


def gates(numbers):
    """The commands with these numbers wait in each instance; none has run before."""
    for i in lab.instances(APP):
        inside(i, "rm -f rotated gate-* && mkfifo " + " ".join(f"gate-{n}" for n in numbers))


def open_gate(instance, number):
    """Whoever waits there goes on, and nobody waits there again: opened for both, a pipe lets readers in and blocks no writer."""
    inside(instance, f"mv gate-{number} open && : <>open && rm open")


def kill_at(operation_id, victims, numbers, back=False):
    """While the k-th instance is at its step the k-th victim is killed, and started again. `numbers`: of the gates of rotate_out and rotate_in."""
    found = {i["id"]: i for i in lab.instances(APP)}
    number_of = dict(zip(("rotate_out", "rotate_in"), numbers))
    where = " on the way back" if back else ""
    for k, (victim, step) in enumerate(victims):
        lab.until(f"instance {k + 1} to begin{where}", lambda n=k: len(units(operation_id, back)) > n, 180, lambda: units(operation_id, back))
        instance = found[units(operation_id, back)[k][0]]
        steps = STEPS_BACK if back else STEPS
        before = [number for name, number in number_of.items() if steps.index(name) < steps.index(step)]
        for number in before:
            open_gate(instance, number)
        # The command behind it waits, so one that takes no time is seen, too. Who is away goes back out of turn and is not asked (docs/rollouts.md): it may be past all.
        lab.until(f"instance {k + 1} to be at {step}{where}", lambda n=k, s=step: units(operation_id, back)[n][1].get(s) in ("running", "done"), 180,
                  lambda: units(operation_id, back))
        host = instance["host"]
        process = f"{victim}-{host}" if victim in ("hostagent", "dockerd") else victim
        lab.kill(process)
        VICTIMS[victim](host[1:])
        for number in number_of.values():
            if number not in before:
                open_gate(instance, number)
        print(f"    {process} killed at {step} of instance {k + 1}{where}", flush=True)
    lab.leads()  # the operation may have ended before the last one died


def in_turn(steps, first):
    """Each victim at a step, beginning with `first`."""
    at = steps.index(first)
    return [(v, steps[(at + k) % len(steps)]) for k, v in enumerate(VICTIMS)]


def everything_is(version):
    """No other version anywhere, and what is unpacked is whole."""
    found = lab.until("all to be healthy", lambda: (lambda all_of: all(i["health"] == "healthy" for i in all_of) and all_of)(lab.instances(APP)), 60)
    assert {i["version"] for i in found} == {version} and {lab.page(i["address"]) for i in found} == {version}, found
    for host in lab.HOSTS:
        folder = os.path.join(lab.VAR, "hosts", host, "agent/packages")
        for name in os.listdir(folder):
            assert not re.fullmatch("[0-9a-f]{64}", name) or os.listdir(os.path.join(folder, name)) == ["index.js"], (host, name)


def rotations():
    return {i["name"]: lab.cli("exec", i["name"], "--", "cat", "/data/appdatas/rotated").split() for i in lab.instances(APP)}


def test_04_whatever_is_killed_at_whatever_step_a_rollout_ends_as_asked():
    """S12: kill -9 of scheduler, gateway, agent, Docker and PostgreSQL, also while a command takes the instance out of rotation or back; all of them at each step with
    SOT_E2E_SOAK=1."""
    ready("2.0", len(VICTIMS))
    versions_in_turn = ["1.0", "2.0"] * 2
    for n, first in enumerate(STEPS if lab.SOAK else STEPS[:1]):
        gates((1, 2))
        operation_id = lab.post(f"/v1/apps/{APP}/deploy", {"version": versions_in_turn[n], "strategy": {"batch": 1, "drainSeconds": 3, "rotationCommand": ROTATION}})
        kill_at(operation_id, in_turn(STEPS, first), (1, 2))
        ended = lab.finished(operation_id, 300)
        assert ended["state"] == "done", ended
        everything_is(versions_in_turn[n])
        assert all(words[-1] == "in" for words in rotations().values()), rotations()
    lab.scale(APP, 0)
    lab.invariants()


def test_07_whatever_is_killed_on_the_way_back_all_run_again_what_they_ran():
    """S12: the last instance is not taken back into rotation, so all of them go back by themselves; on that way scheduler, gateway, agent, Docker and PostgreSQL are killed, also
    while the commands of rotation run; all of them at each step with SOT_E2E_SOAK=1."""
    for n, first in enumerate(STEPS_BACK if lab.SOAK else STEPS_BACK[:1]):
        ready("2.0", len(VICTIMS))
        plan = lab.api("POST", f"/v1/apps/{APP}/deploy", {"version": "1.0", "dryRun": True, "strategy": {"batch": 1}}, lab.key()).json
        last = plan["batches"][-1]["instances"][0]["name"]
        refuser = next(i for i in lab.instances(APP) if i["name"] == last)
        gates((3, 4))
        inside(refuser, "touch refuses")
        operation_id = lab.post(f"/v1/apps/{APP}/deploy", {"version": "1.0", "strategy": {
            "batch": 1, "drainSeconds": 3, "rotationCommand": ROTATION, "onFailure": "roll_back"}})
        kill_at(operation_id, in_turn(STEPS_BACK, first), (3, 4), back=True)
        ended = lab.finished(operation_id, 300)
        assert ended["state"] == "failed" and ended["rollout"]["goesBack"] and f"{last}: rotate_in: the command ended with 1" in ended["error"], ended
        assert ended["outcome"] == f"rolled back: {len(VICTIMS)} of the {len(VICTIMS)} that were changed run 2.0 again", ended
        everything_is("2.0")
        assert all(words[-1] == "in" for words in rotations().values()), rotations()
        inside(refuser, "rm refuses")
        print(f"    way back {n + 1}: ended as {ended['state']}, {ended['outcome']}", flush=True)
    lab.scale(APP, 0)
    lab.invariants()


def test_08_group_by_group_in_the_order_of_their_names():
    """S12: the order `group`: no batch reaches over two groups, and a group begins when the one before it is over."""
    app, groups = "ordered", {"alpha": 2, "default": 3, "zeta": 2}
    if lab.api("GET", f"/v1/apps/{app}").status == 404:
        lab.cli("app", "create", app, "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
        for name in ("1.0", "2.0"):
            lab.cli("package", "upload", app, name, lab.package({"index.js": SERVER % name}), "--wait")
        lab.cli("app", "deploy", app, "1.0", "--wait")
    for group in ("zeta", "alpha", "default"):  # not in the order of their names
        lab.cli("group", "set", app, group, "--wait")
        lab.cli("app", "scale", app, str(groups[group]), f"--group={group}", "--wait", timeout=300)
    body = {"version": "2.0", "strategy": {"batch": 2, "order": "group"}}
    of = {i["id"]: (i["name"], i["group"]) for i in lab.instances(app)}
    plan = lab.api("POST", f"/v1/apps/{app}/deploy", {**body, "dryRun": True}, lab.key()).json
    planned = [sorted(i["name"] for i in b["instances"]) for b in plan["batches"]]
    assert [len(b) for b in planned] == [2, 2, 1, 2], plan
    ended = lab.finished(lab.post(f"/v1/apps/{app}/deploy", body), 300)
    assert ended["state"] == "done", ended
    batches = {}
    for step in ended["steps"]:
        name, group = of[step["instanceId"]]
        batch = batches.setdefault(step["batch"], {"names": set(), "groups": set(), "from": step["startedAt"], "to": step["finishedAt"]})
        batch["names"].add(name)
        batch["groups"].add(group)
        batch["from"], batch["to"] = min(batch["from"], step["startedAt"]), max(batch["to"], step["finishedAt"])
    done = [batches[n] for n in sorted(batches)]
    print("".join(f"    {b['from'][11:23]} - {b['to'][11:23]} {', '.join(sorted(b['groups']))}: {', '.join(sorted(b['names']))}\n" for b in done), end="")
    assert [sorted(b["names"]) for b in done] == planned, (done, planned)
    assert [b["groups"] for b in done] == [{"alpha"}, {"default"}, {"default"}, {"zeta"}], done
    assert all(a["to"] <= b["from"] for a, b in zip(done, done[1:])), done
    lab.scale(app, 0)
