"""A bare client of the Docker API: what benches are compared with. As a program: engine.py SOCKET IMAGE COUNT COMMAND...
prints the seconds that COUNT containers take from the first request to the last one started, at the best parallelism."""

import concurrent.futures
import http.client
import json
import socket
import sys
import time

PARALLEL = (2, 4, 8)  # it is given its best parallelism


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


def start_one(path, image, name, command=None):
    engine = Docker(path)
    made = engine.call("POST", f"/containers/create?name={name}", {
        "Image": image, "Cmd": command,
        "HostConfig": {"NetworkMode": "none", "Memory": 134217728, "MemorySwap": 134217728, "NanoCpus": 100000000, "PidsLimit": 512,
                       "RestartPolicy": {"Name": "unless-stopped"}}})
    engine.call("POST", f"/containers/{made['Id']}/start")
    engine.close()


def remove_one(path, name):
    engine = Docker(path)
    engine.call("DELETE", f"/containers/{name}?force=true")
    engine.close()


def bare(path, image, count, parallel, started=None, command=None):
    """Seconds to create and start `count` containers; they are removed again, which is not counted. started(seconds): before that."""
    names = [f"bare-{parallel}-{n}" for n in range(count)]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        begin = time.monotonic()
        list(pool.map(lambda n: start_one(path, image, n, command), names))
        took = time.monotonic() - begin
        if started:
            started(took)
        list(pool.map(lambda n: remove_one(path, n), names))
    return took


if __name__ == "__main__":
    print(f"{min(bare(sys.argv[1], sys.argv[2], int(sys.argv[3]), p, command=sys.argv[4:]) for p in PARALLEL):.1f}")
