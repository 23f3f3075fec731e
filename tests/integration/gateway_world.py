"""Gateways on the scratch PostgreSQL of tests/pg.sh, for tests and benches in Python."""
import os
import pathlib
import subprocess


class World:
    """Up to two gateways and their keys. `programs` is (GATEWAY, KEYGEN, SOURCE); `more` are options of the gateways."""

    def __init__(self, folder, programs, until, more=()):
        self.dir = pathlib.Path(folder)
        (self.gateway, keygen, self.source), self.until, self.more = programs, until, list(more)
        self.keys = {}
        (self.dir / "blobs").mkdir()
        for name in ("api-gateway", "scheduler", "ipam", "billing"):
            self.keys[name] = subprocess.run([keygen, self.dir / f"{name}.key"], check=True, capture_output=True,
                                             text=True).stdout.strip()
            (self.dir / f"{name}.pub").write_text(self.keys[name] + "\n")
        self.gateways, self.listens, self.consumers = [None, None], [None, None], {}

    def end(self):
        for child in [c.child for c in self.consumers.values()] + self.gateways:
            if child is not None and child.poll() is None:
                child.kill()

    def options(self, i):
        d = self.dir
        return [f"--listen={self.listens[i] or '127.0.0.1:0'}", f"--database=host={os.environ['SOT_PG_DIR']} dbname=sotalia user=sot_gateway",
                f"--keys_dir={d}", f"--scheduler_requests=ipc://{d}/s", f"--scheduler_hints=ipc://{d}/sh",
                f"--ipam_requests=ipc://{d}/i", f"--ipam_hints=ipc://{d}/ih", f"--events_endpoint=ipc://{d}/events{i}",
                f"--replay_endpoint=ipc://{d}/replay{i}", f"--agents_endpoint=ipc://{d}/agents{i}", f"--blobs_dir={d}/blobs",
                "--ui_dir=", "--drain_notice_ms=0", f"--openapi_file={self.source}/services/api-gateway/openapi.json", *self.more]

    def start(self, i):
        log = self.dir / f"gateway{i}.log"
        with open(log, "ab") as out:
            before = out.tell()
            self.gateways[i] = subprocess.Popen([self.gateway, *self.options(i)], stderr=out, stdout=out)

        def listen():
            text = log.read_bytes()[before:].decode(errors="replace")
            if self.gateways[i].poll() is not None:
                return self.start(i)  # the database was away when it began: as its supervisor would
            found = [w for w in text.split() if w.startswith("listen=")]
            if found:
                self.listens[i] = found[0].removeprefix("listen=")
            return bool(found)
        self.until("a gateway comes up", listen)
        return True

    def admin(self, *words, text=""):
        return subprocess.run([self.gateway, *words, *self.options(0)], check=True, capture_output=True, text=True,
                              input=text).stdout.strip()
