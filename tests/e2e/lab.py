"""The laboratory from Python: commands, API, Docker Engines, database. Standard library only."""

import http.client
import http.server
import ipaddress
import json
import os
import random
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.dirname(os.path.dirname(HERE))
VAR = os.environ.get("SOT_VAR", os.path.join(SRC, "build/lab"))
BUILD = os.environ.get("SOT_BUILD", os.path.join(SRC, "build/release"))
SERVICES = ["ipam", "scheduler", "api-gateway", "monitor-bridge"]
SEED = int(os.environ.get("SOT_SEED", random.SystemRandom().randrange(1 << 31)))
SOAK = bool(os.environ.get("SOT_E2E_SOAK"))
HOSTS = []  # names of the hosts that are up


def up(kind="plain", hosts=2):
    """A laboratory of that kind (lab_wire_KIND in lab.sh): the control plane, `hosts` Docker hosts, network and images."""
    sh("up", str(hosts), kind, timeout=400)
    HOSTS[:] = [f"h{n}" for n in range(1, hosts + 1)]


def down():
    HOSTS.clear()
    sh("down", timeout=200)


def sh(*args, check=True, timeout=300, env=None, input_text=None):
    """A function of lab.sh or deploy/local/*.sh; returns its standard output."""
    return command([os.path.join(HERE, "lab.sh"), *args], check, timeout, env, input_text).strip()


def command(argv, check=True, timeout=120, env=None, input_text=None):
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=input_text,
                            env={**os.environ, **(env or {})}, check=False)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} ended with {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result.stdout


def until(what, condition, seconds=60, shows=None):
    """Polls `condition` until it gives something true, and returns that. `shows`: what a failure says beside its time."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except (AssertionError, OSError, KeyError, IndexError, http.client.HTTPException) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for: {what}" + (f" ({last})" if last else "") + (f"; it is {shows()}" if shows else ""))


def env():
    values = {}
    with open(os.path.join(VAR, "env"), encoding="utf-8") as f:
        for line in f:
            match = re.match(r"export (\w+)='([^']*)'", line)
            if match and match[1] != "PATH":  # the tests name programs of the build by their paths
                values[match[1]] = match[2]
    return values


def cli(*args, check=True, timeout=180):
    argv = [os.path.join(BUILD, "cli/sotalia"), *args]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, env={**os.environ, **env()}, check=False)
    if check and result.returncode != 0:
        raise AssertionError(f"sotalia {' '.join(args)} ended with {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result if not check else result.stdout


def cli_json(*args):
    return json.loads(cli(*args, "-o", "json"))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def api(method, path, body=None, headers=None, token=None, raw=None, timeout=30):
    values = env()
    data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
    request = urllib.request.Request(values["SOTALIA_URL"] + path, data=data, method=method)
    request.add_header("Authorization", "Bearer " + (token or values["SOTALIA_TOKEN"]))
    if data is not None:
        request.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    context = ssl.create_default_context(cafile=values["SOTALIA_CA"])
    try:
        with urllib.request.urlopen(request, context=context, timeout=timeout) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def docker(host, *args, check=True):
    return command(["/usr/bin/docker", *args], check=check, env={"DOCKER_HOST": "unix://" + sh("engine_socket", host).strip()}).strip()


def instances(app=None, live=True):
    items = api("GET", "/v1/instances?limit=500" + (f"&app={app}" if app else "")).json["items"]
    return [i for i in items if not live or i["state"] != "retired"]


def operation(operation_id):
    return api("GET", f"/v1/operations/{operation_id}").json


def finished(operation_id, seconds=120):
    """Waits for the end of an operation and returns it."""
    def ended():
        answer = api("GET", f"/v1/operations/{operation_id}?wait=5s", timeout=20)
        if answer.status != 200:
            return None
        found = answer.json
        return found if found["state"] in ("done", "failed", "cancelled") else None
    return until(f"operation {operation_id} to end", ended, seconds)


def post(path, body=None, headers=None):
    """POSTs, expects it to be accepted, and returns the operation's id."""
    answer = api("POST", path, body if body is not None else {}, headers or key())
    assert answer.status == 202, f"POST {path}: {answer.status} {answer.body[:600]}"
    return answer.json["operation"]["id"]


def leads():
    """Waits until a scheduler leads: after a crash of PostgreSQL its lease is won anew."""
    until("a change to be committed", lambda: api("POST", "/v1/hosts/h1/uncordon").status == 202, 60)


def scale(app, count, seconds=120):
    ended = finished(post(f"/v1/apps/{app}/scale", {"count": count}), seconds)
    assert ended["state"] == "done", ended
    return ended


def pid(name):
    return sh("proc_pid", name, check=False).strip()


def kill(name, signal="KILL"):
    """Ends a process of ours by its pid, and waits until it is gone."""
    number = pid(name)
    if number:
        subprocess.run(["kill", f"-{signal}", number], check=False)
        until(f"{name} to die", lambda: not pid(name), 20)


def start_service(name):
    sh("service_start", name, env={"SOT_FAILPOINTS": ""})


def healthy(name):
    sh("service_wait", name)


class Agent:
    """The agent of a host with other settings for a while."""

    def __init__(self, host, **settings):
        self.host = host
        self.env = {f"SOT_HOSTAGENT_{k.upper()}": v for k, v in settings.items()}

    def __enter__(self):
        self.start(self.env)
        return self

    def __exit__(self, *_):
        self.start({})

    def start(self, env):
        kill("hostagent-" + self.host)
        sh("lab_agent_start", self.host[1:], env=env)
        until(f"{self.host} to be online", lambda: api("GET", "/v1/hosts/" + self.host).json["state"] == "online", 60)


def control(name, line):
    """One line to the control socket of a service or agent; its answer, "" when it did not live to give one."""
    return sh("lab_control", name.removeprefix("hostagent-"), line, check=False)


class Cat:
    """A CAT server, and the web server that tells clients about it; monitor-bridge is told to use them."""

    def __enter__(self):
        self.path = os.path.join(VAR, "cat.jsonl")
        self.at, self.read, self.flat = 0, [], []
        self.names = {}  # of a heartbeat's figures: a few sets, in thousands of heartbeats
        CatRouter.asked.clear()
        with open(self.path, "w", encoding="utf-8") as f:
            self.listener = subprocess.Popen([os.path.join(BUILD, "tools/catdump/sotalia-catdump"), "--rules", "--listen=2280"], stdout=f, stderr=subprocess.DEVNULL)
        self.router = http.server.HTTPServer(("127.0.0.1", 2281), CatRouter)
        threading.Thread(target=self.router.serve_forever, daemon=True).start()
        self.use({"SOT_CAT_SERVERS": "127.0.0.1:2280", "SOT_CAT_ROUTER": "http://127.0.0.1:2281"})
        return self

    def __exit__(self, *_):
        self.use({})
        self.router.shutdown()
        self.router.server_close()
        self.listener.terminate()
        self.listener.wait(10)

    @staticmethod
    def use(configuration):
        kill("monitor-bridge", "TERM")
        sh("lab_configs_write", env=configuration)
        start_service("monitor-bridge")
        healthy("monitor-bridge")

    def take(self):
        """Reads on: the file grows by gigabytes."""
        with open(self.path, "rb") as f:
            f.seek(self.at)
            new = f.read()
        whole = new.rfind(b"\n") + 1  # the last line may be half written
        self.at += whole
        for line in new[:whole].split(b"\n"):
            if b'"messageId"' not in line:
                continue
            frame = json.loads(line)
            self.read.append(frame)
            for message in self.walk(frame.get("message")):
                if "details" in message:
                    names = frozenset(message["details"])
                    message["details"] = self.names.setdefault(names, names)
                self.flat.append((frame, message))

    @classmethod
    def walk(cls, message):
        if message:
            yield message
            for child in message.get("children", []):
                yield from cls.walk(child)

    def frames(self):
        """What has arrived, as sotalia-catdump tells it, with what CAT would do with it; of a heartbeat's figures (details) their names.
        The list grows with each call."""
        self.take()
        return self.read

    def messages(self):
        """(frame, message) of all that has arrived, children too; the list grows with each call."""
        self.take()
        return self.flat

    def heartbeats(self):
        """Names and addresses of the machines whose heartbeat has arrived."""
        found = [f for f, m in self.messages() if m["kind"] == "heartbeat"]
        return {f["hostName"] for f in found} | {f["address"] for f in found}


class CatRouter(http.server.BaseHTTPRequestHandler):
    asked = []  # paths, the newest last

    def do_GET(self):  # the name is the base class's
        self.asked.append(self.path)
        body = json.dumps({"kvs": {"routers": "127.0.0.1:2280;", "sample": "1.0", "block": "false"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Fleet:
    """Simulated hosts with `each` instances that report to the bridge, with rows and keys of their own; for tests of who listens.
    The scheduler, which has not made them, does not know them."""

    def __init__(self, hosts, each):
        self.names = [str(ipaddress.IPv4Address("10.99.0.1") + n) for n in range(hosts)]
        self.instances = [f"shop-default-{n:02}" for n in range(1, hosts * each + 1)]
        with open(os.path.join(VAR, "keys/monitor-bridge.pub"), encoding="utf-8") as f:
            key_of_bridge = f.read().strip()
        with open(os.path.join(VAR, "conf/monitor-bridge.conf"), encoding="utf-8") as f:
            endpoint = re.search(r"reports_endpoint = (\S+)", f.read())[1]
        self.argv = [os.path.join(BUILD, "services/monitor-bridge/report_publisher"), endpoint, key_of_bridge, "fleet", str(hosts), "10.99.0.1", str(each),
                     "10000"]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True)
        rows = [self.process.stdout.readline().split() for _ in self.names]
        values = ",".join(f"('{row[0]}','sim-{row[1]}','sim','sim','{row[2]}','maintenance',now())" for row in rows)
        sql(f"INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) VALUES {values}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        sql("DELETE FROM scheduler.host WHERE az = 'sim'")


def sql(statement):
    out = sh("pg_admin", "-d", "sotalia", "-At", "-F", "\t", input_text=statement)
    return [line.split("\t") for line in out.splitlines()]


# ---- applications ----

REDIS = {"image": "redis", "plan": "tiny", "vlan": "default", "command": "", "env": [], "version": "",
         "health": {"kind": "tcp", "port": 6379, "path": "", "intervalMs": 500, "timeoutMs": 500, "healthyAfter": 1,
                    "unhealthyAfter": 3, "startPeriodMs": 20000}}
NODE_SERVER = """const http = require('http');
http.createServer((q, r) => r.end('%s')).listen(8080);
process.on('SIGTERM', () => process.exit(0));
"""


def app(name, **changes):
    """The body of a request for an application: Redis of the smallest plan, with changes."""
    return {**REDIS, "name": name, "count": 0, **changes}


def create(name, count=0, **changes):
    ended = finished(post("/v1/apps", app(name, count=count, **changes)))
    assert ended["state"] == "done", ended


def have(name, count, **changes):
    """The application exists with so many instances, whichever tests ran before."""
    if api("GET", f"/v1/apps/{name}").status == 404:
        create(name, count, **changes)
    elif len(instances(name)) != count:
        scale(name, count)


def package(files):
    """A .tar.gz of {name: text}, in the laboratory's folder."""
    folder = os.path.join(VAR, "packages")
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as content:
        for name, text in files.items():
            with open(os.path.join(content, name), "w", encoding="utf-8") as f:
                f.write(text)
        archive = content + ".tar.gz"
        command(["tar", "-C", content, "-czf", archive, "."])
    return archive


def page(address):
    """What an instance answers over HTTP."""
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=5) as reply:
        return reply.read().decode()


def redis_pings(address):
    return command(["timeout", "5", "redis-cli", "-h", address, "ping"], check=False).strip() == "PONG"


def invariants(wait_s=60):
    """Database, containers, namespaces and the agents' folders agree (tests/invariants)."""
    argv = [os.path.join(SRC, "tests/invariants"), "--wait", str(wait_s), "--database", sh("conninfo", "migrator")]
    for h in HOSTS:
        argv += ["--docker", f"{h}={sh('engine_socket', h)}", "--state", f"{h}={VAR}/hosts/{h}/agent"]
    command(argv, timeout=wait_s + 60)
