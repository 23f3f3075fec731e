#!/usr/bin/python3
"""Two gateways are restarted in turn under load: behind the balancer's own haproxy, and behind nginx as an HTTP proxy. No request fails.

  tests/pg.sh run tests/integration/rolling_test.py GATEWAY KEYGEN SOURCE      SOT_ROUNDS=1
"""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import jinja2

from gateway_world import World

PROGRAMS = sys.argv[1:4]
SOURCE = pathlib.Path(PROGRAMS[2])
ROUNDS = int(os.environ.get("SOT_ROUNDS", "1"))
NOTICE_MS = 2000
DEADLINE = time.monotonic() + 200
# Of this run only: tests run beside each other.
HOSTS = [f"127.{1 + (os.getpid() >> 8) % 250}.{os.getpid() % 256}.{i + 1}" for i in range(2)]


def until(what, condition):
    while not condition():
        if time.monotonic() > DEADLINE:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.05)  # a look, not a measure: the condition decides


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def trusting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Haproxy:
    """Of the template that playbooks/balancer.yml writes; only the port and a socket to ask it are the test's."""
    kept = True

    def __init__(self, folder, port):
        text = jinja2.Template((SOURCE / "deploy/ansible/roles/balancer/templates/haproxy.cfg.j2").read_text()).render(
            ansible_managed="test", sotalia_balancer_port=f"{port}", sotalia_gateway_hosts=["a", "b"],
            hostvars={name: {"ansible_host": host} for name, host in zip("ab", HOSTS)})
        self.socket = folder / "haproxy.sock"
        text = text.replace("global\n", f"global\n  stats socket {self.socket}\n", 1)
        (folder / "haproxy.cfg").write_text(text)
        self.child = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("haproxy answers", self.socket.exists)

    def sends_to(self, i):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(b"show stat\n")
            text = b""
            while part := s.recv(65536):
                text += part
        return re.search(rf"^gateways,{'ab'[i]},(?:[^,]*,){{15}}UP", text.decode(), re.M) is not None


class Nginx:
    """As an HTTP proxy that keeps connections; it has no checks of its own, and learns from what it is answered."""
    kept = False

    def __init__(self, folder, port):
        servers = " ".join(f"server {host}:7443 max_fails=0;" for host in HOSTS)
        (folder / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f" fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
            f" upstream gateways {{ {servers} keepalive 8; keepalive_timeout 1s; }}\n"  # below NOTICE_MS: docs/production.md
            f" server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;\n"
            f" location / {{ proxy_pass https://gateways; proxy_http_version 1.1; proxy_set_header Connection ''; }} }} }}\n")
        self.child = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
        until("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

    def sends_to(self, i):
        return socket.socket().connect_ex((HOSTS[i], 7443)) == 0


class Reader:
    """wrk, as long as it is wanted."""

    def __init__(self, port, token):
        self.requests, self.faults, self.wanted = 0, [], True
        self.command = ["wrk", "-t1", "-c8", "-d3s", "--timeout", "20s", "-H", f"Authorization: Bearer {token}", f"https://127.0.0.1:{port}/v1/vlans"]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.wanted:
            told = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
            self.requests += int(re.search(r"(\d+) requests in", told).group(1))
            self.faults += re.findall(r"Socket errors.*|Non-2xx.*", told)

    def end(self):
        self.wanted = False
        self.thread.join()


class Writer(Reader):
    """Changes one after the other over a connection that it keeps as long as it may, with pauses longer than a request."""

    def __init__(self, port, token, kind):
        self.port, self.kind, self.waits = port, kind, threading.Event()
        super().__init__(port, token)
        self.command = None

    def run(self):
        token = self.command[-2].split()[-1]
        connection = None
        while self.wanted:
            if connection is None:
                connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trusting())
            name = f"{self.kind}-{self.requests}"
            try:
                connection.request("POST", "/v1/users", json.dumps({"name": name, "role": "viewer"}), {"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 201:
                    self.faults.append(f"{name}: {answer.status} {text[:200]}")
                if answer.will_close:
                    connection = connection.close()
            except (OSError, http.client.HTTPException) as e:
                self.faults.append(f"{name}: {e!r}")
                connection = connection.close()
            self.requests += 1
            self.waits.wait(0.1)  # the pace of a person's program, with a connection that rests meanwhile


def accounts():
    return int(subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", os.environ["SOT_PG_DIR"], "-U", "postgres", "-d", "sotalia", "-c",
                               "SELECT count(*) FROM gateway.account"], check=True, capture_output=True, text=True).stdout)


def restart(w, i, proxy):
    """(ms from the signal to the end, whether it told balancers first)"""
    began, told = time.monotonic(), False
    w.gateways[i].send_signal(signal.SIGTERM)
    while w.gateways[i].poll() is None:
        try:
            c = http.client.HTTPSConnection(HOSTS[i], 7443, timeout=5, context=trusting())
            c.request("GET", "/healthz")
            answer = c.getresponse()
            told |= answer.status == 503 and b'"stopping"' in answer.read() and answer.getheader("Connection") == "close"
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)  # a look
    assert w.gateways[i].returncode == 0, w.gateways[i].returncode
    took = (time.monotonic() - began) * 1000
    w.start(i)
    until(f"gateway {i} is sent requests again", lambda: proxy.sends_to(i))
    return took, told


def behind(kind, folder, w, token):
    port = free_port()
    proxy = kind(folder, port)
    try:
        for i in range(2):
            until("both gateways are in", lambda: proxy.sends_to(i))
        before, name = accounts(), kind.__name__.lower()
        clients = [Reader(port, token), Writer(port, token, name)]
        until("the load is on", lambda: clients[1].requests > 3 and clients[0].requests > 0)
        ends = [restart(w, i, proxy) for _ in range(ROUNDS) for i in range(2)]
        for client in clients:
            client.end()
        print(f"{name}: {clients[0].requests} reads and {clients[1].requests} changes, {sum(len(c.faults) for c in clients)} failed, "
              f"restarts {', '.join(f'{ms:.0f}' for ms, _ in ends)} ms", flush=True)
        log = folder / f"{name}.log"
        assert not clients[0].faults and not clients[1].faults, (clients[0].faults, clients[1].faults, log.read_text() if log.exists() else "")
        assert accounts() - before == clients[1].requests
        assert all(told for _, told in ends), ends
    finally:
        proxy.child.terminate()
        proxy.child.wait()


def main(folder):
    folder = pathlib.Path(folder)
    folder.chmod(0o755)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=sotalia", "-days", "2",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")], check=True, capture_output=True)
    w = World(folder, PROGRAMS, until, [f"--drain_notice_ms={NOTICE_MS}", f"--tls_cert={folder}/cert.pem", f"--tls_key={folder}/key.pem",
                                        "--calls_per_second=0", "--address_calls_per_second=0"])
    w.listens = [f"{host}:7443" for host in HOSTS]
    try:
        w.admin("--add-account", "ada", "admin", text="correct horse battery\n")
        token = w.admin("--add-token", "ada")
        w.start(0)
        w.start(1)
        behind(Haproxy, folder, w, token)
        behind(Nginx, folder, w, token)
    finally:
        w.end()


with tempfile.TemporaryDirectory(prefix="sotalia-rolling.") as made:
    main(made)
print("ok: gateways restarted in turn under load, and nobody saw it")
