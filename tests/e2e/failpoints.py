"""Failpoints from outside: which there are, how a service is made to die at one, and for each the exercise that passes it.

An exercise is what users do: `prepare` while all is well, `pass_by` while the service may die at any moment, and, when it
is back, `settle`: everything is asked again under the same Idempotency-Keys, must end, and must be what was asked for.
"""

import fnmatch
import hashlib
import http.client
import http.server
import os
import re
import shutil
import signal
import tempfile
import threading
import urllib.request

import lab


class Killed(Exception):
    """The armed service has died at its failpoint."""


# What only a starting service passes: it is armed by its environment. Everything else is armed in the running service, so
# that it dies at work.
AT_START = ("gateway.http.before_listen", "gateway.start.before_loop", "gateway.stream.*", "scheduler.take_over.*",
            "scheduler.leadership.won", "hostagent.bridge.*", "hostagent.vlans.*", "bridge.router.*",
            "bridge.cat.before_connect", "ipam.leaks.*")
# What a service does once in minutes is done once in a second while its point is armed.
OFTEN = {"ipam.leaks.*": {"SOT_IPAM_LEAK_INTERVAL_S": "1"}}
# What no exercise here can make happen, and which test does.
ELSEWHERE = {"ipam.quarantine.*": "only a database that was restored: ipam_restore_pg_test"}


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, p) for p in patterns)


def all_points():
    """[(service, failpoint)] of all that can be passed, the agent of h1 for all agents."""
    found = []
    for service in [*lab.SERVICES, "hostagent"]:
        binary = os.path.join(lab.BUILD, f"services/{service}/sotalia-{service}")
        found += [("hostagent-h1" if service == "hostagent" else service, name)
                  for name in lab.command([binary, "--list-failpoints"]).split() if not matches(name, ELSEWHERE)]
    return found


def start(service, failpoints="", settings=None):
    env = {**(settings or {}), "SOT_FAILPOINTS": failpoints}
    if service.startswith("hostagent"):
        lab.sh("lab_agent_start", service[-1], env=env)
    else:
        lab.sh("service_start", service, env=env)


def revive(service):
    start(service)
    if service.startswith("hostagent"):
        lab.until(f"{service} to be well", lambda: lab.control(service, "health").startswith("ok"), 30)
    else:
        lab.healthy(service)


class Armed:
    """A service that dies at one failpoint."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        self.crashes = self.crashes_logged()
        if matches(name, AT_START):
            lab.kill(service, "TERM")
            start(service, f"{name}=crash", next((v for p, v in OFTEN.items() if matches(name, (p,))), None))
            self.process = self.look(lab.pid(service))
        else:
            self.process = self.look(lab.pid(service))
            answer = lab.control(service, f"failpoint set {name} crash")
            assert "error" not in answer, answer

    @staticmethod
    def look(pid):
        """(pid, start time) of a living process, else None."""
        if not pid:
            return None
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else (pid, fields[19])

    def crashes_logged(self):
        """How often this service has written that it dies at this failpoint."""
        with open(os.path.join(lab.VAR, "log", f"{self.service}.log"), encoding="utf-8", errors="replace") as f:
            return f.read().count(f"failpoint {self.name}: crash\n")

    def is_dead(self):
        return self.process is None or self.look(self.process[0]) != self.process

    def until(self, what, condition, seconds=90):
        """As lab.until; raises Killed when the service dies meanwhile."""
        def look():
            if self.is_dead():
                raise Killed
            try:
                return condition()
            except (AssertionError, OSError, KeyError, TypeError, ValueError, IndexError, http.client.HTTPException):
                if self.is_dead():
                    raise Killed from None
                raise
        return lab.until(what, look, seconds)

    def end(self):
        """The service runs and has no failpoint armed. True when it had died there."""
        died = self.is_dead()
        if died:
            lab.kill(self.service, "KILL")
            revive(self.service)
        else:
            answer = lab.control(self.service, f"failpoint set {self.name} off")
            assert answer.startswith("ok") or self.is_dead(), answer
            died = self.is_dead()
            revive(self.service)
        crashed = self.crashes_logged() - self.crashes
        assert crashed == int(died), f"{self.service} died {'elsewhere than' if died else 'unseen'} at {self.name}"
        return died


class Ask:
    """One change with one Idempotency-Key, asked until it is accepted: what a good client does while services die."""

    def __init__(self, method, path, body=None, raw=None):
        self.method, self.path, self.body, self.raw = method, path, body, raw
        self.key = lab.key()

    def once(self, timeout_s):
        """The operation's id; None: ask again."""
        answer = lab.api(self.method, self.path, self.body, self.key, raw=self.raw, timeout=timeout_s)
        assert answer.status in (202, 429, 502, 503, 504), f"{self.method} {self.path}: {answer.status} {answer.body[:400]}"
        return answer.json["operation"]["id"] if answer.status == 202 else None

    def pass_by(self, armed):
        operation = armed.until(f"{self.path} to be accepted", lambda: self.once(3), 30)
        armed.until(f"{self.path} to end", lambda: lab.operation(operation)["state"] in ("done", "failed", "cancelled"), 120)

    def settle(self):
        ended = lab.finished(lab.until(f"{self.path} to be accepted", lambda: self.once(15), 60), 180)
        assert ended["state"] == "done", ended


class Upload(Ask):
    """A version whose bytes come by an upload that is gone on with after every cut, asked until it is accepted."""

    def __init__(self, app, version, data):
        super().__init__("POST", f"/v1/apps/{app}/versions")
        self.data, self.upload = data, None
        self.body = {"version": version, "fileName": "web.tar.gz", "sha256": hashlib.sha256(data).hexdigest()}

    def once(self, timeout_s):
        if not self.upload:
            answer = lab.api("POST", "/v1/uploads", headers={"Upload-Length": str(len(self.data))}, raw=b"", timeout=timeout_s)
            if answer.status != 201:
                return None
            self.upload = answer.json["id"]
            self.body["upload"] = self.upload
        found = lab.api("GET", f"/v1/uploads/{self.upload}", timeout=timeout_s)
        if found.status != 200:
            return None
        offset = found.json["offsetBytes"]
        if offset < len(self.data):
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            if lab.api("PATCH", f"/v1/uploads/{self.upload}", headers=headers, raw=self.data[offset:], timeout=timeout_s).status != 204:
                return None
        return super().once(timeout_s)


def scale(app, count):
    return Ask("POST", f"/v1/apps/{app}/scale", {"count": count})


class Exercise:
    """The usual one: asks, one after the other; then an operation shows that the platform works."""
    CHECK = ("chaos", 3, 2)

    def prepare(self):
        self.asks = []

    def pass_by(self, armed):
        for ask in self.asks:
            ask.pass_by(armed)

    def settle(self):
        for ask in self.asks:
            ask.settle()
        app, *counts = self.CHECK
        for count in counts:
            scale(app, count).settle()
            assert len(lab.instances(app)) == count


class Scale(Exercise):
    """2 -> 6 -> 1"""
    CHECK = ("chaos", 2)

    def prepare(self):
        lab.have("chaos", 2)
        self.asks = [scale("chaos", 6), scale("chaos", 1)]


class Lifecycle(Exercise):
    """Every instance is restarted, stopped, started."""
    VERBS = ("restart", "stop", "start")

    def prepare(self):
        names = [i["name"] for i in lab.instances("chaos")]
        self.asks = [Ask("POST", f"/v1/instances/{name}/{verb}") for verb in self.VERBS for name in names]

    def settle(self):
        super().settle()
        assert all(i["state"] == "running" and i["health"] == "healthy" for i in lab.instances("chaos"))


class Freeze(Lifecycle):
    """Every instance is held still and let go."""
    VERBS = ("freeze", "unfreeze")


class Deploy(Exercise):
    """Two versions are uploaded and deployed, one after the other."""
    count = 0
    APP = "chaosweb"

    def version(self, name):
        """The asks for one version of this exercise's own content, and how to look at its blob."""
        text = f"{name} {lab.key()['Idempotency-Key']}"
        with open(lab.package({"index.js": lab.NODE_SERVER % text}), "rb") as f:
            data = f.read()
        upload = Ask("PUT", f"/v1/apps/{self.APP}/versions/{name}?file=web.tar.gz", raw=data)
        return text, data, upload, Ask("POST", f"/v1/apps/{self.APP}/deploy", {"version": name})

    def prepare(self):
        if lab.api("GET", f"/v1/apps/{self.APP}").status == 404:
            lab.create(self.APP, image="nodejs", health={**lab.REDIS["health"], "kind": "http", "port": 8080, "path": "/"})
            _, _, upload, deploy = self.version("0")
            upload.settle()
            deploy.settle()
            scale(self.APP, 2).settle()
        Deploy.count += 1
        self.versions = [self.version(f"{Deploy.count}.{n}") for n in (1, 2)]
        self.asks = [ask for _, _, upload, deploy in self.versions for ask in (upload, deploy)]

    def settle(self):
        for _, data, upload, _ in self.versions:
            answer = self.blob(data)
            assert answer.status == 404 or answer.body == data, f"half a package is offered: {answer.status}, {len(answer.body)} bytes"
            upload.settle()
            assert self.blob(data).body == data
        super().settle()
        shown = [lab.page(i["address"]) for i in lab.instances(self.APP)]
        assert shown == [self.versions[-1][0]] * 2, shown
        known = [v["version"] for v in lab.api("GET", f"/v1/apps/{self.APP}/versions?limit=500").json["items"]]
        assert len(known) == len(set(known)) == 1 + 2 * Deploy.count, known

    @staticmethod
    def blob(data):
        return lab.api("GET", f"/v1/blobs/{hashlib.sha256(data).hexdigest()}")


class Register(Deploy):
    """As Deploy, by uploads that can be gone on with."""

    def version(self, name):
        text, data, _, deploy = super().version(name)
        return text, data, Upload(self.APP, name, data), deploy


class Pull(Exercise):
    """An app of an image that no host has."""
    count = 0

    def prepare(self):
        Pull.count += 1
        self.app = f"chaospull-{Pull.count}"
        reference = lab.sh("lab_second_name", "redis", self.app)
        self.asks = [Ask("POST", "/v1/images", {"name": self.app, "reference": reference}),
                     Ask("POST", "/v1/apps", lab.app(self.app, image=self.app, count=2))]

    def settle(self):
        super().settle()
        assert {i["host"] for i in lab.instances(self.app)} == set(lab.HOSTS)
        Ask("DELETE", f"/v1/apps/{self.app}").settle()


class Limits(Exercise):
    """Somebody gives a container other limits: the agent brings the plan's back."""

    def limits(self):
        return lab.docker("h1", "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", self.container)

    def prepare(self):
        super().prepare()
        self.container = "sot-" + next(i["id"] for i in lab.instances("chaos") if i["host"] == "h1")
        self.before = self.limits()

    def pass_by(self, armed):
        memory = str(int(self.before.split()[0]) // 2)
        lab.docker("h1", "update", "--memory", memory, "--memory-swap", memory, self.container)
        armed.until("the plan's limits", lambda: self.limits() == self.before, 30)

    def settle(self):
        lab.until("the plan's limits", lambda: self.limits() == self.before, 30)
        super().settle()


class Strangers(Exercise):
    """A machine nobody registered has every address that h1's next instance could get."""
    NAME = "squatter"

    def prepare(self):
        lab.have("chaos", 2)
        self.asks = [scale("chaos", 3)]

    def pass_by(self, armed):
        held = {a["address"] for a in lab.api("GET", "/v1/addresses?vlan=default&limit=500").json["items"] if a["state"] in ("reserved", "bound")}
        lab.sh("lab_neighbour", self.NAME)
        try:
            free = [a for a in (f"10.66.0.{n}" for n in range(2, 255)) if a not in held]
            lab.command(["ip", "-n", self.NAME, "-batch", "-"], input_text="".join(f"address add {a}/24 dev eth0\n" for a in free))
            lab.cli("host", "cordon", "h2")
            super().pass_by(armed)
        finally:
            lab.command(["ip", "netns", "delete", self.NAME])
            lab.cli("host", "uncordon", "h2")

    def settle(self):
        super().settle()
        for row in lab.api("GET", "/v1/addresses?vlan=default&state=conflict&limit=500").json["items"]:
            lab.cli("address", "free", row["address"], "--reason=the squatter is gone", "--yes")


class Login(Exercise):
    @staticmethod
    def log_in():
        body = {"name": "admin", "password": lab.sh("secret", "admin-password")}
        return lab.api("POST", "/v1/sessions", body).status == 201

    def pass_by(self, armed):
        armed.until("a log-in", self.log_in, 30)

    def settle(self):
        assert self.log_in()
        super().settle()


class Kept(Exercise):
    """A webhook is made once, and its secret shown again to whoever asks under the same key."""
    count = 0

    def prepare(self):
        super().prepare()
        Kept.count += 1
        self.key, self.name = lab.key(), f"kept-{Kept.count}"

    def ask(self):
        answer = lab.api("POST", "/v1/webhooks", {"name": self.name, "url": "http://127.0.0.1:9/"}, self.key)
        assert answer.status in (201, 409, 429, 502, 503, 504), answer.body[:400]
        return answer.json["secret"] if answer.status == 201 else None

    def pass_by(self, armed):
        armed.until("a webhook", self.ask, 30)

    def settle(self):
        first = lab.until("a webhook", self.ask, 90)
        assert self.ask() == first
        assert lab.sql(f"select count(*) from gateway.webhook where name = '{self.name}'") == [["1"]]
        assert lab.api("DELETE", f"/v1/webhooks/{self.name}").status in (200, 204)
        super().settle()


class Told(Scale):
    """Somebody is told by HTTP of what happens."""

    def prepare(self):
        super().prepare()
        told = self.told = []

        class Listener(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = self.server.server_address[1]
        self.name = f"told-{port}"
        answer = lab.api("POST", "/v1/webhooks", {"name": self.name, "url": f"http://127.0.0.1:{port}/"})
        assert answer.status == 201, answer.json

    def pass_by(self, armed):
        before = len(self.told)
        super().pass_by(armed)
        armed.until("the word of it", lambda: len(self.told) > before)

    def settle(self):
        try:
            before = len(self.told)
            super().settle()
            lab.until("the word of it", lambda: len(self.told) > before, 60)
            assert lab.api("DELETE", f"/v1/webhooks/{self.name}").status in (200, 204)
        finally:
            self.server.shutdown()
            self.server.server_close()


class Waits(Exercise):
    """What a service does of its own accord."""

    def pass_by(self, armed):
        armed.until("it to come by", armed.is_dead)


class Certificate(Exercise):
    """A person asks for a certificate to log in with."""

    def prepare(self):
        super().prepare()
        self.folder = tempfile.mkdtemp(prefix="sotalia-key-")
        key = os.path.join(self.folder, "key")
        lab.command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
        with open(key + ".pub", encoding="ascii") as f:
            self.public = f.read()

    def is_given(self):
        return lab.api("POST", "/v1/ssh/certificates", {"account": "readonly", "app": "chaos", "publicKey": self.public}).status == 201

    def pass_by(self, armed):
        armed.until("a certificate", self.is_given, 30)

    def settle(self):
        shutil.rmtree(self.folder)
        assert self.is_given()
        super().settle()


class Enter(Exercise):
    """A command inside an instance of h1."""

    def prepare(self):
        super().prepare()
        self.name = next(i["name"] for i in lab.instances("chaos") if i["host"] == "h1")

    def has_run(self):
        return lab.cli("exec", self.name, "--", "true", check=False).returncode == 0

    def pass_by(self, armed):
        armed.until("a command inside", self.has_run)

    def settle(self):
        lab.until("a command inside", self.has_run, 60)
        super().settle()


class Reads(Exercise):
    def pass_by(self, armed):
        for path in ("/v1/apps", "/v1/hosts", "/v1/instances", "/v1/operations"):
            armed.until(path, lambda p=path: lab.api("GET", p).status == 200, 30)


class Stream(Exercise):
    """A reader of events comes back after a long time."""

    @staticmethod
    def first_number(after):
        """The number of the first event that the stream gives."""
        values = lab.env()
        request = urllib.request.Request(f"{values['SOTALIA_URL']}/v1/events/stream?after={after}",
                                         headers={"Authorization": "Bearer " + values["SOTALIA_TOKEN"]})
        context = lab.ssl.create_default_context(cafile=values["SOTALIA_CA"])
        with urllib.request.urlopen(request, context=context, timeout=20) as reply:
            for line in reply:
                found = re.match(rb"id: [^.]+\.(\d+)", line)
                if found:
                    return int(found[1])
        return None

    def pass_by(self, armed):
        armed.until("the second event", lambda: self.first_number(1) == 2, 30)

    def settle(self):
        super().settle()
        assert self.first_number(1) == 2


class RegisterHost(Exercise):
    """A machine is registered, and moved to another rack."""
    count = 0
    public_key = None

    def prepare(self):
        if not RegisterHost.public_key:
            RegisterHost.public_key = lab.command([os.path.join(lab.BUILD, "services/hostagent/sotalia-hostagent"),
                                                   f"--keygen={lab.VAR}/spare.key"]).strip()
        RegisterHost.count += 1
        racks = [f"r{RegisterHost.count}a", f"r{RegisterHost.count}b"]
        self.last = racks[-1]
        self.asks = [Ask("POST", "/v1/hosts", {"name": "spare", "az": "az1", "rack": rack, "publicKey": RegisterHost.public_key})
                     for rack in racks]

    def settle(self):
        super().settle()
        assert lab.api("GET", "/v1/hosts/spare").json["rack"] == self.last


class LostLease(Exercise):
    """The scheduler stands still until its lease has run out, then goes on."""

    @staticmethod
    def leader(column):
        return lab.sql(f"select {column} from core.leader where role = 'scheduler'")[0][0]

    def pass_by(self, armed):
        epoch = self.leader("epoch")
        number = int(armed.process[0])
        os.kill(number, signal.SIGSTOP)
        try:
            lab.until("the lease to run out", lambda: self.leader("lease_until < clock_timestamp()") == "t", 20)
        finally:
            os.kill(number, signal.SIGCONT)
        armed.until("a new epoch", lambda: self.leader("epoch") != epoch, 30)


class Monitored(Scale):
    """CAT gets what happens; no message's number is ever used twice."""

    def prepare(self):
        super().prepare()
        self.cat = lab.Cat().__enter__()
        self.reports_before = self.reports()

    def pass_by(self, armed):
        before = len(self.cat.frames())
        super().pass_by(armed)
        armed.until("a message to CAT", lambda: len(self.cat.frames()) > before, 75)
        armed.until("a report of an agent", lambda: self.reports() > self.reports_before, 30)

    @staticmethod
    def reports():
        """How many have come; they come every ten seconds, and the hosts' keys are read meanwhile."""
        found = re.search(r"^sot_bridge_reports_total(?:\{\})? (\d+)", lab.control("monitor-bridge", "metrics"), re.M)
        return int(found[1]) if found else 0  # a bridge that has just started shows no figures yet

    def settle(self):
        try:
            before = len(self.cat.frames())
            super().settle()
            lab.until("a message to CAT", lambda: len(self.cat.frames()) > before, 75)
            numbers = [f["messageId"] for f in self.cat.frames()]
            twice = {n for n in numbers if numbers.count(n) > 1}
            assert not twice, f"numbers of messages used twice: {twice}"
        finally:
            self.cat.__exit__()


class Minute(Monitored):
    """What the bridge writes down once a minute, before it sends more."""

    def pass_by(self, armed):
        armed.until("the minute to end", armed.is_dead)


EXERCISES = (
    (Register, ("gateway.upload.after_piece", "gateway.register.*")),
    (Deploy, ("gateway.upload.*", "hostagent.fetch.*", "hostagent.unpack.*")),
    (Lifecycle, ("hostagent.restart.*", "hostagent.stop.*")),
    (Freeze, ("hostagent.freeze.*",)),
    (Limits, ("hostagent.update.*",)),
    (Strangers, ("hostagent.taken.*",)),
    (Pull, ("hostagent.image.*",)),
    (Login, ("gateway.login.*",)),
    (Kept, ("gateway.kept.*",)),
    (Told, ("gateway.webhook.*",)),
    (Certificate, ("gateway.ssh.*",)),
    (Enter, ("gateway.exec.*", "hostagent.exec.*")),
    (Waits, ("ipam.leaks.*",)),
    (Reads, ("gateway.read.*", "gateway.auth.*")),
    (Stream, ("gateway.stream.*",)),
    (RegisterHost, ("scheduler.effects.before_allow",)),
    (LostLease, ("scheduler.leadership.before_lose",)),
    (Minute, ("bridge.state.*",)),
    (Monitored, ("bridge.*",)),
    (Scale, ("*",)),
)


def exercise_of(name):
    return next(exercise for exercise, patterns in EXERCISES if matches(name, patterns))()


def walk(service, name):
    """Kills `service` at the failpoint `name` and sees everything well again. True when it died there."""
    exercise = exercise_of(name)
    exercise.prepare()
    others = {s: lab.pid(s) for s in [*lab.SERVICES, *(f"hostagent-{h}" for h in lab.HOSTS)] if s != service}
    armed = Armed(service, name)
    try:
        exercise.pass_by(armed)
    except Killed:
        pass
    died = armed.end()
    assert others == {s: lab.pid(s) for s in others}, f"others than {service} died: {others}"
    exercise.settle()
    lab.invariants(90)
    return died
