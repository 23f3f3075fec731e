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


VICTIMS = {
    "scheduler": lambda: (lab.start_service("scheduler"), lab.healthy("scheduler")),
    "api-gateway": lambda: (lab.start_service("api-gateway"), lab.healthy("api-gateway")),
    "hostagent-h1": lambda: lab.sh("lab_agent_start", "1"),
    "dockerd-h1": lambda: lab.sh("lab_host_up", "1"),
    "postgres": lambda: lab.until("PostgreSQL to be back", lambda: (lab.sh("postgres_start"), True)[1], 60),
}
STEPS = ("rotate_out", "deploy", "healthy")


def running_step(operation_id, batch):
    rows = lab.sql(f"SELECT name FROM scheduler.operation_step WHERE operation_id = '{operation_id}' AND batch = {batch} AND state = 'running'")
    return rows[0][0] if rows else ""


def crash_in(version, victims):
    """One instance a batch; in batch k the k-th victim is killed at its step, and started again."""
    body = {"version": version, "strategy": {"batch": 1, "drainSeconds": 3}}
    operation_id = lab.post(f"/v1/apps/{APP}/deploy", body)
    for batch, (victim, step) in enumerate(victims, 1):
        lab.until(f"batch {batch} to be at {step}", lambda b=batch, s=step: running_step(operation_id, b) == s, 120)
        lab.kill(victim)
        VICTIMS[victim]()
        print(f"    {victim} killed at {step} of batch {batch}", flush=True)
    ended = lab.finished(operation_id, 300)
    assert ended["state"] == "done", ended
    found = lab.instances(APP)
    assert {i["version"] for i in found} == {version} and {lab.page(i["address"]) for i in found} == {version}, found
    for host in lab.HOSTS:  # what is there is whole
        folder = os.path.join(lab.VAR, "hosts", host, "agent/packages")
        for name in os.listdir(folder):
            assert not re.fullmatch("[0-9a-f]{64}", name) or os.listdir(os.path.join(folder, name)) == ["index.js"], (host, name)


def test_04_whatever_is_killed_at_whatever_step_a_rollout_ends_as_asked():
    """S12: kill -9 of scheduler, gateway, agent, Docker and PostgreSQL; all of them at each step with SOT_E2E_SOAK=1."""
    ready("2.0", len(VICTIMS))
    versions_in_turn = ["1.0", "2.0", "1.0"]
    for n, first in enumerate(STEPS if lab.SOAK else STEPS[:1]):
        at = STEPS.index(first)
        crash_in(versions_in_turn[n], [(v, STEPS[(at + k) % len(STEPS)]) for k, v in enumerate(VICTIMS)])
    lab.scale(APP, 0)
    lab.invariants()
