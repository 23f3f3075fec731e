#!/usr/bin/python3
"""A thousand simulated machines brought on line by one import: real command line, gateway, database and runner; only what is at the other end of ssh is
made up, by this file in place of ansible-playbook. Wrong lines, doubles and racks of another zone are named exactly.

  tests/pg.sh run tests/integration/machines_import_test.py GATEWAY KEYGEN CLI SOURCE
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

COUNT = 1000
HEAD = "name,address,az,rack,labels,oob,sshkey"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", os.environ["SOT_PG_DIR"], "-U", "postgres", "-d", "sotalia", "-v", "ON_ERROR_STOP=1", "-c", text],
                          check=True, capture_output=True, text=True).stdout.strip()


def line_of(i):
    return f"m{i:04}x,10.{20 + i // 250}.{i % 250}.7,z{i % 4},r{i % 4}-{i % 40},{'ssd;big' if i % 3 else ''},ipmi://10.9.{i // 250}.{i % 250},{KEY}"


def is_bad(name):
    """Every fiftieth machine fails in its first attempt."""
    return int(name[1:5]) % 50 == 13


def playbook(arguments):
    """In place of ansible-playbook: tells the lines that its callback would, and lets the scheduler see the agents of those that came up."""
    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"] + "/ansible_collections/sotalia/cloud/plugins/module_utils")
    from sotalia_api import Api
    hosts = json.loads(pathlib.Path(arguments[arguments.index("-i") + 1]).read_text(encoding="utf-8"))["all"]["children"]["machines"]["hosts"]
    api = Api()
    again = {machine["name"] for machine in api.items("/v1/machines", state="installing") if machine["attempt"] > 1}
    up, lines = [], []
    for name, facts in hosts.items():
        assert len(facts["sotalia_enrol_token"]) == 64
        fails = is_bad(name) and name not in again
        for n in range(8 if fails else 12):
            lines.append({"machine": name, "status": "failed" if fails and n == 7 else "changed", "task": f"task {n}", "phase": "preflight" if n > 9 else "install",
                          "text": "no space left on device" if fails and n == 7 else ""})
        if not fails:
            up.append(name)
    for i, line in enumerate(lines):
        line["counter"] = i + 1
    for i in range(0, len(lines), 200):
        api.call("POST", f"/v1/machine-runs/{os.environ['SOTALIA_RUN']}/lines", {"leaseSeconds": 120, "lines": lines[i:i + 200]})
    values = ",".join(f"(gen_random_uuid(), '{n}', 'z{int(n[1:5]) % 4}', 'r{int(n[1:5]) % 4}-{int(n[1:5]) % 40}', 'k{n:0>39}', 'online', now())" for n in up)
    sql(f"INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) VALUES {values} ON CONFLICT DO NOTHING")


class World:
    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.gateway, keygen, self.cli, self.source = sys.argv[1:5]
        (self.dir / "blobs").mkdir()
        for name in ("api-gateway", "scheduler", "ipam"):
            key = subprocess.run([keygen, self.dir / f"{name}.key"], check=True, capture_output=True, text=True).stdout
            (self.dir / f"{name}.pub").write_text(key)
        d = self.dir
        self.options = [f"--database=host={os.environ['SOT_PG_DIR']} dbname=sotalia user=sot_gateway", f"--keys_dir={d}", f"--scheduler_requests=ipc://{d}/s",
                        f"--scheduler_hints=ipc://{d}/sh", f"--ipam_requests=ipc://{d}/i", f"--ipam_hints=ipc://{d}/ih", f"--events_endpoint=ipc://{d}/events",
                        f"--replay_endpoint=ipc://{d}/replay", f"--agents_endpoint=ipc://{d}/agents", f"--blobs_dir={d}/blobs", "--ui_dir=",
                        f"--openapi_file={self.source}/services/api-gateway/openapi.json", "--listen=127.0.0.1:0"]
        subprocess.run([self.gateway, "--add-account", "ada", "admin", *self.options], check=True, capture_output=True, text=True, input="secret-password")
        token = subprocess.run([self.gateway, "--add-token", "ada", *self.options], check=True, capture_output=True, text=True).stdout.strip()
        self.log = open(d / "gateway.log", "wb")
        self.child = subprocess.Popen([self.gateway, *self.options], stdout=self.log, stderr=self.log)
        end = time.monotonic() + 60
        while not (found := [w for w in (d / "gateway.log").read_text(errors="replace").split() if w.startswith("listen=")]):
            assert time.monotonic() < end and self.child.poll() is None, (d / "gateway.log").read_text(errors="replace")
            time.sleep(0.05)  # a look, not a measure: the condition decides
        self.environment = {**os.environ, "SOTALIA_URL": "http://" + found[0].removeprefix("listen="), "SOTALIA_TOKEN": token, "SOTALIA_CA": ""}
        collection = d / "collections/ansible_collections/sotalia"
        collection.mkdir(parents=True)
        (collection / "cloud").symlink_to(f"{self.source}/deploy/ansible")
        (d / "bin").mkdir()
        (d / "bin/ansible-playbook").symlink_to(os.path.abspath(__file__))

    def run(self, *words):
        return subprocess.run([self.cli, *words], capture_output=True, text=True, env=self.environment, check=False)

    def import_lines(self, lines, *options):
        file = self.dir / "machines.csv"
        file.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
        return self.run("host", "import", str(file), *options)

    def runner(self):
        return subprocess.run(
            [sys.executable, f"{self.source}/deploy/ansible/runner/sotalia-runner", "--once", f"--collections={self.dir}/collections", "--limit=500", "--name=simulated"],
            env={**self.environment, "PATH": f"{self.dir}/bin:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=True).stderr


def count_of(state):
    return int(sql(f"SELECT count(*) FROM gateway.machine WHERE state = '{state}'"))


def wrong_lines(world):
    lines = [line_of(i) for i in range(COUNT)]
    lines[15] = lines[15].replace("10.20.15.7", "10.20.15.777")
    lines[201] = lines[201].replace("m0201x", "m0007x")
    lines[400] = lines[400].replace("10.21.150.7", "10.20.8.7")
    lines[498] = lines[498].replace(",z2,", ",z3,")
    lines[700] = lines[700].replace("ssd;big", "SSD")
    lines[900] = "m0900x,10.23.150.7,z0"
    lines[950] = lines[950].replace("ssh-ed25519", "ssh-dss")
    told = world.import_lines(lines)
    assert told.returncode != 0
    found = [line.strip().split(":")[0] for line in told.stderr.splitlines() if line.strip().startswith("line ")]
    expected = ["line 17, column address", "line 203, column name", "line 402, column address", "line 500, column rack", "line 702, column labels", "line 902",
                "line 952, column sshkey"]
    assert found == expected, (found, told.stderr)
    assert "on line 9 already" in told.stderr and "on line 10 already" in told.stderr, told.stderr
    assert sql("SELECT count(*) FROM gateway.machine") == "0"


def main():
    with tempfile.TemporaryDirectory(prefix="sotalia-import-") as folder:
        world = World(folder)
        try:
            check(world)
        finally:
            world.child.kill()
            world.child.wait()
            world.log.close()


def check(world):
    wrong_lines(world)
    lines = [line_of(i) for i in range(COUNT)]
    assert f"{COUNT} imported, 0 changed, 0 unchanged" in world.import_lines(lines, "--dry-run").stdout
    begin = time.monotonic()
    told = world.import_lines(lines)
    imported = time.monotonic() - begin
    assert told.stdout.startswith(f"{COUNT} imported, 0 changed, 0 unchanged, operation "), (told.stdout, told.stderr)
    begin, runs = time.monotonic(), 0
    while count_of("registered") > 0:
        world.runner()
        runs += 1
    installed = time.monotonic() - begin
    bad = COUNT // 50
    assert (count_of("online"), count_of("failed"), runs) == (COUNT - bad, bad, 2)
    assert sql("SELECT count(*) FROM gateway.machine_line WHERE task LIKE 'task %'") == str((COUNT - bad) * 12 + bad * 8)
    assert sql("SELECT children_done || ' ' || children_failed || ' ' || state FROM scheduler.operation WHERE kind = 'bulk.host.install'") == f"{COUNT - bad} {bad} failed"
    assert f"{bad} retried" in world.run("host", "retry", "--failed").stdout
    world.runner()
    assert count_of("online") == COUNT
    assert sql("SELECT count(*) FILTER (WHERE attempt = 2) || ' ' || count(*) FILTER (WHERE attempt = 1) FROM gateway.machine") == f"{bad} {COUNT - bad}"
    assert "0 imported, 0 changed, 1000 unchanged" in world.import_lines(lines).stdout
    lines[3] = lines[3].replace("ipmi://", "redfish://")
    lines[5] = lines[5].replace(",z1,", ",z2,").replace("r1-5", "r2-2")
    told = world.import_lines(lines)
    assert "line 7, column az: machine m0005x is a host already" in told.stderr, told.stderr
    lines[5] = line_of(5)
    assert "0 imported, 1 changed, 999 unchanged" in world.import_lines(lines).stdout
    print(f"{COUNT} machines: imported in {imported:.2f} s; {runs} runs of simulated playbooks with {(COUNT - bad) * 12 + bad * 8} lines in {installed:.1f} s; "
          f"{bad} failed and were retried alone")


if __name__ == "__main__":
    if os.path.basename(sys.argv[0]) == "ansible-playbook":
        playbook(sys.argv[1:])
    else:
        main()
