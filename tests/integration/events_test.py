#!/usr/bin/python3
"""The example consumers follow many events over SSE, ZeroMQ and a webhook while gateways and PostgreSQL are killed:
each sees every number once and in order. Long transactions and transactions that commit out of order included.

  tests/pg.sh run tests/integration/events_test.py GATEWAY KEYGEN SOURCE      SOT_EVENTS=100000 for a soak
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from gateway_world import World

GATEWAY, KEYGEN, SOURCE = sys.argv[1:4]
EXAMPLES = pathlib.Path(SOURCE) / "docs" / "examples"
EVENTS = int(os.environ.get("SOT_EVENTS", "3000"))
SEED = int(os.environ.get("SOT_SEED", str(random.SystemRandom().randrange(10**6))))
SOCKET = os.environ["SOT_PG_DIR"]
DATA = pathlib.Path(SOCKET).parent / "data"
DEADLINE = time.monotonic() + 120 + EVENTS / 50
random.seed(SEED)


def sql(text, user="postgres"):
    """Again until the database is there: it is killed meanwhile. None: whether it was done is not known."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-h", SOCKET, "-U", user, "-d", "sotalia", "-v", "ON_ERROR_STOP=1",
                           "-c", text], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def until(what, condition):
    while not condition():
        if time.monotonic() > DEADLINE:
            raise AssertionError(f"not in time: {what} (SOT_SEED={SEED})")
        time.sleep(0.1)  # a look, not a measure: the condition decides


class Consumer:
    """Reads what an example prints."""

    def __init__(self, argv, environment):
        self.lines = []
        self.child = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.lines.append(line.split())

    def numbers(self):
        return [int(line[0]) for line in list(self.lines) if line[0].isdigit()]


def write_events(count, writer):
    """Transactions of a few events; some stay open while later ones commit, some are rolled back."""
    written = 0
    dice = random.Random(SEED * 100 + writer)
    while written < count:
        n = min(dice.randint(1, 40), count - written)
        kinds = "ARRAY(SELECT 'instance.state' FROM generate_series(1, {0}))".format(n)
        fill = "ARRAY(SELECT 'w{0}-' || k FROM generate_series({1}, {2}) k)".format(writer, written + 1, written + n)
        none = "ARRAY(SELECT ''::text FROM generate_series(1, {0}))".format(n)
        emit = (f"SELECT core.emit({kinds}, {fill}, {none}, {none}, {none}, ARRAY(SELECT NULL::uuid FROM generate_series(1, {n})), "
                f"ARRAY(SELECT '{{\"changed\":{{\"state\":[\"a\",\"b\"]}}}}' FROM generate_series(1, {n})))")
        wait = f"SELECT pg_sleep({dice.random() * 0.3})" if dice.random() < 0.2 else "SELECT 1"
        end = "ROLLBACK" if dice.random() < 0.05 else "COMMIT"
        if sql(f"BEGIN; {emit}; {wait}; {end}", "sot_gateway") is not None and end == "COMMIT":
            written += n


def restart_postgres():
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] if os.getuid() == 0 else []
    pid = int((DATA / "postmaster.pid").read_text().split()[0])
    options = (DATA / "postmaster.opts").read_text().strip()
    os.kill(pid, signal.SIGQUIT)
    until("PostgreSQL has ended", lambda: not pathlib.Path(f"/proc/{pid}").exists() or
          pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")
    subprocess.Popen([*prefix, "bash", "-c", f"cd {DATA.parent} && exec {options}"], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=open(DATA.parent / "server.log", "ab"), start_new_session=True)
    until("PostgreSQL is back", lambda: sql("SELECT 1") == "1")


def main(w):
    print(f"SOT_SEED={SEED} SOT_EVENTS={EVENTS}", flush=True)
    w.admin("--add-account", "ada", "admin", text="correct horse battery\n")
    token = w.admin("--add-token", "ada")
    w.start(0)
    w.start(1)
    urls = [f"http://{listen}" for listen in w.listens]
    first = int(sql("SELECT core.number_events()"))
    gateways = [f"ipc://{w.dir}/events{i},ipc://{w.dir}/replay{i},{w.keys['api-gateway']}" for i in (0, 1)]
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", w.dir / "sse_follow", EXAMPLES / "sse_follow.c", "-lcurl"], check=True)
    secret = {"WEBHOOK_SECRET": "a secret of at least sixteen"}
    hook = w.consumers["webhook"] = Consumer([EXAMPLES / "webhook_receiver.py", first, 0], secret)
    until("the receiver's port", lambda: hook.lines)
    consumers = w.consumers
    consumers |= {
        "sse c": Consumer([w.dir / "sse_follow", first, *urls], {"SOTALIA_TOKEN": token}),
        "sse node": Consumer(["node", EXAMPLES / "sse_follow.js", first, *reversed(urls)], {"SOTALIA_TOKEN": token}),
        "zmq": Consumer([EXAMPLES / "zmq_follow.py", first, w.dir / "billing.key_secret", *gateways], {}),
    }
    sql("INSERT INTO gateway.webhook (name, url, secret, cursor, created_by) VALUES ('billing', "
        f"'http://127.0.0.1:{hook.lines[0][1]}/', '{secret['WEBHOOK_SECRET']}', {first}, 'user:ada')")
    writers = [threading.Thread(target=write_events, args=(EVENTS // 3, n)) for n in range(3)]
    for t in writers:
        t.start()
    kills = 0
    while any(t.is_alive() for t in writers) or kills < 4:
        i = kills % 3
        if i == 2:
            restart_postgres()
        else:
            w.gateways[i].kill()
            w.gateways[i].wait()
            w.start(i)
        kills += 1
        here = max(len(c.numbers()) for c in consumers.values())
        until("something goes on between two kills", lambda: not any(t.is_alive() for t in writers) or
              max(len(c.numbers()) for c in consumers.values()) > here)
    for t in writers:
        t.join()
    until("all events have numbers", lambda: sql("SELECT NOT EXISTS (SELECT 1 FROM core.outbox_part WHERE last IS NULL)") == "t")
    last = int(sql("SELECT last FROM core.outbox_counter"))
    expected = list(range(first + 1, last + 1))
    assert len(expected) >= EVENTS // 3 * 3, f"{len(expected)} events"
    for name, c in consumers.items():
        until(f"{name} is at {last}, it has {c.numbers()[-1:]}", lambda: c.numbers()[-1:] == [last])
        assert c.numbers() == expected, f"{name}: not every number once and in order (SOT_SEED={SEED})"
        assert not any(line[0] == "reset" for line in c.lines), name
        print(f"ok   {name}: {len(expected)} events, each once and in order, {kills} kills", flush=True)
    for c in consumers.values():
        c.child.kill()
    for g in w.gateways:
        g.terminate()
        assert g.wait() == 0


with tempfile.TemporaryDirectory(prefix="sotalia-events.") as folder:
    world = World(folder, (GATEWAY, KEYGEN, SOURCE), until)
    try:
        main(world)
    finally:
        world.end()
