"""What the tests of monitor-bridge share: rows as the platform writes them, and the processes of one run."""
import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import time
import uuid

import cat_listener

SOCKET_DIR = os.environ["SOT_PG_DIR"]


def sql(text):
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", SOCKET_DIR, "-U", "postgres", "-d", "sotalia",
                           "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{text}\n{done.stderr}")
    return done.stdout.strip()


def emit(kind, subject, data, operation=None, host=""):
    literal = "NULL" if operation is None else f"'{operation}'"
    sql(f"SELECT core.emit(ARRAY['{kind}'], ARRAY['{subject}'], ARRAY['shop'], ARRAY['{host}'], ARRAY['user:test'], "
        f"ARRAY[{literal}]::uuid[], ARRAY['{json.dumps(data)}'])")
    sql("SELECT core.number_events()")


def operation_begun(seconds_ago):
    """A UUIDv7 of that time, as the scheduler makes them."""
    at = int((time.time() - seconds_ago) * 1000)
    return str(uuid.UUID(int=at << 80 | 0x7 << 76 | 0x2 << 62 | int.from_bytes(os.urandom(7), "big")))


def insert_operation(operation, steps):
    """Its rows as the scheduler leaves them: (name, state, seconds) for each step."""
    now = int(time.time() * 1000)
    track = [[name, state, "", now - int(seconds * 1000), now] for name, state, seconds in steps]
    sql("INSERT INTO scheduler.operation (id, kind, target, actor, idempotency_key, request_sha256, resource_id, spec, state, "
        f"created_at, updated_at, finished_at) VALUES ('{operation}', 'app.deploy', 'shop', 'user:test', '{operation}', '', "
        f"'{operation}', '{{\"version\": \"1.2\"}}', 'done', now(), now(), now())")
    sql("INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps) "
        f"VALUES ('{operation}', 0, '{uuid.uuid4()}', 'shop-default-01', '{json.dumps(track)}')")


def insert_host(host_id, name, key):
    sql("INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) "
        f"VALUES ('{host_id}', '{name}', 'a', 'r', $key${key}$key$, 'online', now())")


def all_messages(message):
    yield message
    for child in message.get("children", []):
        yield from all_messages(child)


class World:
    """Processes and files of one run."""

    def __init__(self, bridge, publisher, keygen, listens=True):
        self.programs = (bridge, publisher, keygen)
        self.folder = tempfile.TemporaryDirectory(prefix="sotalia-bridge.")
        self.dir = pathlib.Path(self.folder.name)
        self.children, self.received = [], []
        self.listener = cat_listener.Listener() if listens else None
        self.port = self.listener.port if listens else 0
        self.server_key = self.keygen("monitor-bridge.key")
        self.bridge = self.second = None

    def keygen(self, name):
        done = subprocess.run([self.programs[2], self.dir / name], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def spawn(self, *argv):
        with open(self.dir / f"log.{len(self.children)}", "wb") as log:
            child = subprocess.Popen([str(a) for a in argv], stderr=log, stdout=log)
        child.log_path = pathlib.Path(log.name)
        self.children.append(child)
        return child

    def start_bridge(self, name="one", address="10.1.1.1", *more, endpoint="tcp://127.0.0.1:*"):
        bridge = self.spawn(
            self.programs[0], f"--keys_dir={self.dir}", f"--state_dir={self.dir}/state-{name}", f"--reports_endpoint={endpoint}",
            f"--database=host={SOCKET_DIR} dbname=sotalia user=sot_bridge", *([f"--cat_servers=127.0.0.1:{self.port}"] if self.port else []),
            f"--bridge_name={name}", f"--address={address}", f"--control_socket={self.dir}/control-{name}",
            "--metrics_listen=127.0.0.1:0", "--share_interval_ms=500", "--lease_ms=5000", "--gauges_interval_ms=1000",
            "--events_interval_ms=100", "--keys_interval_ms=200", "--connect_timeout_ms=200", *more)
        bridge.endpoint = self.wait_log(bridge, "event=bridge.up", "reports=")
        bridge.number = self.wait_log(bridge, "event=share.joined", "number=")
        bridge.metrics_port = self.wait_log(bridge, "event=bridge.up", "metrics_port=")
        return bridge

    def wait_log(self, child, mark, field):
        """The value of `field` in the first line of the child's log that has `mark`."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in child.log_path.read_text(errors="replace").splitlines():
                if mark in line or mark.replace("event=", "") in line.split():
                    return next(w.removeprefix(field) for w in line.split() if w.startswith(field))
            if child.poll() is not None:
                break
            self.pump(0.05)
        raise AssertionError(f"no {mark} in\n{child.log_path.read_text(errors='replace')}")

    def control(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.dir / "control-one"))
            client.sendall(line.encode() + b"\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer.decode()

    def publish(self, endpoint, key, host_id, address, instances):
        return self.spawn(self.programs[1], endpoint, self.server_key, self.dir / key, host_id, address, instances, 300)

    def pump(self, seconds):
        if self.listener:
            self.received += self.listener.frames(seconds)
        else:
            # No listener on purpose: let others run until the time is over.
            select.select([], [], [], seconds)

    def until(self, what, holds, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := holds():
                return found
            self.pump(0.2)
        raise AssertionError(f"{what}: not in {seconds} s")

    def wait(self, what, found, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            hits = [(f, m) for f in self.received if "message" in f for m in all_messages(f["message"]) if found(f, m)]
            if hits:
                return hits
            self.pump(0.2)
        log = self.bridge.log_path.read_text(errors="replace")[-3000:]
        raise AssertionError(f"{what} did not arrive in {seconds} s; bridge log:\n{log}")

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            child.wait(20)
        if self.listener:
            self.listener.close()
        self.folder.cleanup()
