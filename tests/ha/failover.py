"""Three machines (namespaces) with PostgreSQL, Patroni and etcd; two schedulers, ipam and a gateway that reach the primary through haproxy, as
deploy/ansible sets them up. Writers make applications over the API and remember what was acknowledged.

Patroni speaks the v2 API of etcd: Debian's 3.0.2 loses acknowledged commits with etcd3 (docs/production.md).
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

SRC = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SOT_BUILD", SRC / "build/release"))
VAR = pathlib.Path(os.environ["SOT_VAR"])
PG_BIN = "/usr/lib/postgresql/15/bin"
NODES = {f"db{i}": f"10.88.0.1{i}" for i in (1, 2, 3)}
HERE = "10.88.0.1"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
AWAY_S = 45  # a pause or a partition: longer than Patroni's ttl
processes = {}
checks = {"passed": 0, "failed": 0}


def sh(*words, **options):
    is_checked = options.pop("check", True)
    done = subprocess.run([str(w) for w in words], check=False, text=True, capture_output=True, **options)
    if is_checked and done.returncode != 0:
        raise AssertionError(f"{words[0]} {' '.join(map(str, words[1:]))[:200]}: {done.stderr.strip()[-600:]}")
    return done


def until(what, condition, seconds):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not in {seconds} s: {what}")
        time.sleep(0.1)  # a look, not a measure: the condition decides


def start(name, words, netns=None, user=None, env=None):
    words = [str(w) for w in words]
    if user:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words]
    if netns:
        words = ["nsenter", f"--net=/run/netns/{netns}", *words]
    log = open(VAR / f"{name}.log", "ab")
    processes[name] = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/", env={**os.environ, **(env or {})})
    log.close()


def answer(url, timeout=1.0):
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.read().decode()
    except (OSError, ValueError):
        return None


# ---- the machines of the database ----
def network():
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
    sh("ip", "address", "add", f"{HERE}/24", "dev", "br0")
    sh("ip", "link", "set", "br0", "up")
    for name, address in NODES.items():
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        sh("ip", "link", "set", f"v{name}", "master", "br0", "up")
        sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        # As the role sets them: pg_rewind waits for ever for a primary that was cut off while it copied.
        for key, value in (("time", 10), ("intvl", 5), ("probes", 3)):
            sh("nsenter", f"--net=/run/netns/{name}", "sysctl", "-qw", f"net.ipv4.tcp_keepalive_{key}={value}")


def etcd_start(name):
    address = NODES[name]
    start(f"etcd-{name}", ["etcd", "--enable-v2=true", f"--name={name}", f"--data-dir={VAR}/etcd-{name}", f"--listen-client-urls=http://{address}:2379",
                           f"--advertise-client-urls=http://{address}:2379", f"--listen-peer-urls=http://{address}:2380",
                           f"--initial-advertise-peer-urls=http://{address}:2380", "--initial-cluster=" + ",".join(f"{n}=http://{a}:2380" for n, a in NODES.items()),
                           "--initial-cluster-state=new"], netns=name)


def patroni_start(name):
    address = NODES[name]
    folder = VAR / name
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "postgres", "postgres")
    config = {
        "scope": "sotalia", "name": name, "restapi": {"listen": f"{address}:8008", "connect_address": f"{address}:8008"},
        "etcd": {"hosts": ",".join(f"{a}:2379" for a in NODES.values())},
        "bootstrap": {
            "dcs": {"ttl": 20, "loop_wait": 2, "retry_timeout": 3, "synchronous_mode": True, "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 150, "wal_keep_size": "256MB", "wal_log_hints": "on"}}},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            "pg_hba": ["local all all trust", "host all all 10.88.0.0/24 trust", "host replication all 10.88.0.0/24 trust"]},
        "postgresql": {
            "listen": f"{address}:5432", "connect_address": f"{address}:5432", "data_dir": f"{folder}/data", "bin_dir": PG_BIN, "pgpass": f"{folder}/pgpass",
            "authentication": {"superuser": {"username": "postgres", "password": "p"}, "replication": {"username": "replicator", "password": "r"},
                               "rewind": {"username": "postgres", "password": "p"}},
            "parameters": {"unix_socket_directories": str(folder), "shared_buffers": "64MB"}}}
    (folder / "patroni.json").write_text(json.dumps(config))  # JSON is YAML
    start(f"patroni-{name}", ["patroni", folder / "patroni.json"], netns=name, user="postgres")


def primary():
    found = [name for name, address in NODES.items() if answer(f"http://{address}:8008/primary") is not None]
    return found[0] if len(found) == 1 else None


def in_sync():
    """The primary, when it has a synchronous standby and another member beside, and these say themselves that they follow: what the cluster
    knows of one that stood still is old."""
    name = primary()
    if name is None:
        return None
    state = json.loads(answer(f"http://{NODES[name]}:8008/cluster") or "{}")
    roles = sorted(m["role"] for m in state.get("members", []) if m["state"] in ("running", "streaming"))
    follow = all(answer(f"http://{address}:8008/replica") is not None for n, address in NODES.items() if n != name)
    return name if follow and roles == ["leader", "replica", "sync_standby"] else None


def haproxy_start():
    servers = "\n".join(f"  server {n} {a}:5432 check port 8008" for n, a in NODES.items())
    (VAR / "haproxy.cfg").write_text(f"""defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 1s
listen database
  bind {HERE}:5000
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
""")
    start("haproxy", ["haproxy", "-f", VAR / "haproxy.cfg"])


def psql(text, user="postgres", database="sotalia", file=None, variables=()):
    words = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", HERE, "-p", "5000", "-U", user, "-d", database]
    for v in variables:
        words += ["-v", v]
    return sh(*words, *(["-f", file] if file else ["-c", text]), env={**os.environ, "PGCONNECT_TIMEOUT": "5"}).stdout.strip()


# ---- the platform ----
def services():
    keys = VAR / "keys"
    keys.mkdir()
    for name in ("ipam", "scheduler", "api-gateway", "monitor-bridge"):
        (keys / f"{name}.pub").write_text(sh(BUILD / "tools/keygen/sotalia-keygen", keys / f"{name}.key").stdout)
    (VAR / "blobs").mkdir()

    def database(role):
        return f"--database=host={HERE} port=5000 dbname=sotalia user=sot_{role} tcp_user_timeout=5000 keepalives_idle=5"
    start("ipam", [BUILD / "services/ipam/sotalia-ipam", f"--keys_dir={keys}", database("ipam"), f"--state_dir={VAR}"])
    for i in (1, 2):
        port = 7300 + 10 * i
        start(f"scheduler{i}", [BUILD / "services/scheduler/sotalia-scheduler", f"--keys_dir={keys}", database("scheduler"), f"--instance=s{i}",
                                f"--requests_endpoint=tcp://{HERE}:{port}", f"--agents_endpoint=tcp://{HERE}:{port + 1}", f"--reports_endpoint=tcp://{HERE}:{port + 2}",
                                f"--hints_endpoint=tcp://{HERE}:{port + 3}"])
    options = [f"--keys_dir={keys}", database("gateway"), f"--scheduler_requests=tcp://{HERE}:7310,tcp://{HERE}:7320", f"--scheduler_hints=tcp://{HERE}:7313,tcp://{HERE}:7323",
               f"--blobs_dir={VAR}/blobs", "--ui_dir=", f"--openapi_file={SRC}/services/api-gateway/openapi.json", "--listen=127.0.0.1:7443"]
    gateway = BUILD / "services/api-gateway/sotalia-api-gateway"
    sh(gateway, "--add-account", "ada", "admin", *options, input="secret-password")
    token = sh(gateway, "--add-token", "ada", *options).stdout.strip()
    start("gateway", [gateway, *options])
    until("the platform is healthy", lambda: answer("http://127.0.0.1:7443/healthz"), 60)
    return token


class Api:
    def __init__(self, token):
        self.token = token

    def call(self, method, path, body=None, key=None, timeout=2.5):
        request = urllib.request.Request("http://127.0.0.1:7443" + path, method=method,
                                         headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        if key:
            request.add_header("Idempotency-Key", key)
        if body is not None:
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return json.load(reply)


class Writers:
    """Each makes applications, one after another; what was not answered in 2.5 s is asked again with the same key."""

    def __init__(self, api, count=4):
        self.api, self.acknowledged, self.lock, self.stopping = api, [], threading.Lock(), threading.Event()
        self.refused, self.repeated = [], 0
        self.threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def _write(self, writer):
        number = 0
        while not self.stopping.is_set():
            number += 1
            name, key = f"w{writer}-{number}", str(uuid.uuid4())
            body = {"name": name, "image": "redis", "plan": "tiny", "vlan": "web", "command": "", "env": [], "version": "", "count": 0}
            while not self.stopping.is_set():
                try:
                    operation = self.api.call("POST", "/v1/apps", body, key)["operation"]["id"]
                    with self.lock:
                        self.acknowledged.append((time.monotonic(), operation, name))
                    break
                except urllib.error.HTTPError as error:
                    if error.code not in (429, 502, 503, 504):
                        self.refused.append(f"{name}: {error.code} {error.read().decode(errors='replace')[:300]}")
                        break
                except (OSError, ValueError):
                    pass
                self.repeated += 1
                self.stopping.wait(0.1)
            self.stopping.wait(0.02)

    def outage(self, begin):
        """The longest time without an acknowledgement since then."""
        with self.lock:
            times = [begin] + [t for t, _, _ in self.acknowledged if t >= begin]
        return max((b - a for a, b in zip(times, times[1:])), default=time.monotonic() - begin)

    def count_since(self, moment):
        with self.lock:
            return sum(t > moment for t, _, _ in self.acknowledged)


def tree(pid):
    found = [pid]
    for child in sh("pgrep", "-P", pid, check=False).stdout.split():
        found += tree(int(child))
    return found


def database_pids(name):
    """Patroni of that machine, and every process of its PostgreSQL."""
    found = tree(processes[f"patroni-{name}"].pid)
    pidfile = VAR / name / "data/postmaster.pid"
    if pidfile.exists():
        found += tree(int(pidfile.read_text().split()[0]))
    return sorted(set(found))


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def crash(name):
    """The machine loses its power: Patroni and PostgreSQL are gone at once, and come back after a while."""
    signal_all(database_pids(name), signal.SIGKILL)
    processes[f"patroni-{name}"].wait()
    yield
    patroni_start(name)


def pause(name):
    pids = database_pids(name)
    signal_all(pids, signal.SIGSTOP)
    yield
    signal_all(pids, signal.SIGCONT)


def partition(name):
    sh("ip", "link", "set", f"v{name}", "down")
    yield
    sh("ip", "link", "set", f"v{name}", "up")


def lose_primary(fault, writers):
    name = until("a primary with a synchronous standby", in_sync, 120)
    begin = time.monotonic()
    steps = fault(name)
    next(steps)
    successor = until("another primary", lambda: (lambda p: p if p not in (None, name) else None)(primary()), 60)
    until("acknowledgements by the new primary", lambda: writers.count_since(time.monotonic() - 0.5) > 0, 60)
    while time.monotonic() - begin < AWAY_S:
        time.sleep(0.2)  # the fault lasts longer than the lease of the old primary
    next(steps, None)
    until("three members again", in_sync, 150)
    return name, successor, writers.outage(begin)


def check(name, condition, words):
    checks["passed" if condition else "failed"] += 1
    print(f"{'ok     ' if condition else 'FAILED '} {name}: {words}", flush=True)


def nothing_lost(api, writers):
    states = dict(line.split("|") for line in psql("SELECT id, state FROM scheduler.operation").splitlines())
    found = sum(operation in states for _, operation, _ in writers.acknowledged)
    open_ones = sum(states.get(operation) != "done" for _, operation, _ in writers.acknowledged)
    names = set(psql("SELECT name FROM scheduler.app").split())
    missing = [name for _, _, name in writers.acknowledged if name not in names]
    doubled = psql("SELECT count(*) FROM (SELECT target FROM scheduler.operation WHERE kind = 'app.create' AND state = 'done' GROUP BY target HAVING count(*) > 1) d")
    check("0 acknowledged operations lost", found == len(writers.acknowledged) and not missing and open_ones == 0,
          f"{len(writers.acknowledged)} acknowledged, {found} found, {open_ones} not done, {len(missing)} applications missing")
    check("none was done twice", doubled == "0", f"{doubled} doubled, {writers.repeated} calls repeated")
    check("none was refused", not writers.refused, f"{len(writers.refused)} {writers.refused[:3]}")


def main():
    shutil.rmtree(VAR, ignore_errors=True)
    VAR.mkdir(parents=True)
    VAR.chmod(0o755)
    network()
    for name in NODES:
        etcd_start(name)
    until("etcd has a leader", lambda: all("true" in (answer(f"http://{a}:2379/health") or "") for a in NODES.values()), 60)
    for name in NODES:
        patroni_start(name)
    until("a primary with a synchronous standby", in_sync, 180)
    haproxy_start()
    # haproxy takes every server for one that is up until it has looked.
    until("haproxy reaches the primary, ten times in turn", lambda: all(sh(
        "psql", "-XqAt", "-h", HERE, "-p", "5000", "-U", "postgres", "-c", "SELECT NOT pg_is_in_recovery()", check=False).stdout.strip() == "t" for _ in range(10)), 60)
    psql("", database="postgres", file=SRC / "deploy/roles.sql", variables=[f"{r}_password={r[0]}" for r in ("migrator", "scheduler", "ipam", "gateway", "bridge")])
    sh(BUILD / "tools/migrate/sotalia-migrate", f"--dir={SRC}/deploy/migrations", f"--database=host={HERE} port=5000 dbname=sotalia user=sot_migrator")
    api = Api(services())
    cli = {**os.environ, "SOTALIA_URL": "http://127.0.0.1:7443", "SOTALIA_TOKEN": api.token}
    sh(BUILD / "cli/sotalia", "vlan", "create", "web", "--id=0", env=cli)
    sh(BUILD / "cli/sotalia", "image", "register", "redis", f"{HERE}:7500/redis@sha256:" + "a" * 64, env=cli)
    writers = Writers(api)
    until("the first acknowledgements", lambda: len(writers.acknowledged) > 20, 30)
    for _ in range(ROUNDS):
        for fault in (crash, pause, partition):
            before = len(writers.acknowledged)
            name, successor, outage = lose_primary(fault, writers)
            check(f"{fault.__name__} of the primary", outage <= 60, f"{name} -> {successor}, {outage:.1f} s without an acknowledgement, {len(writers.acknowledged) - before} acknowledged in all")
    writers.stopping.set()
    for thread in writers.threads:
        thread.join()
    until("all operations are over", lambda: psql("SELECT count(*) FROM scheduler.operation WHERE finished_at IS NULL") == "0", 60)
    nothing_lost(api, writers)


try:
    main()
except Exception as error:  # told as a failed check, so that the count is written
    check("the laboratory", False, repr(error))
finally:
    for process in processes.values():
        process.kill()
    if os.environ.get("SOT_COUNTS"):
        pathlib.Path(os.environ["SOT_COUNTS"]).write_text(f"{checks['passed']} {checks['failed']}\n")
    print(f"{checks['passed']} passed, {checks['failed']} failed")
sys.exit(checks["failed"] != 0)
