"""The platform as its users see it: hosts, applications, versions, refusals, events, the command line, CAT."""

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import lab

ORDER = 10


def test_01_two_hosts_are_online():
    """S10: both machines are known with their capacity."""
    hosts = lab.api("GET", "/v1/hosts").json["items"]
    assert sorted(h["name"] for h in hosts if h["state"] == "online") == ["h1", "h2"], hosts
    assert all(h["capacity"]["cpuMilli"] > 0 and h["dockerVersion"] for h in hosts)


def test_02_six_instances_spread_over_both_hosts_and_reach_each_other():
    """S1 S3 S7: six instances, three on each host, each on its own address, reachable across hosts without NAT."""
    lab.have("cache", 6)
    found = lab.instances("cache")
    by_host = {h: [i for i in found if i["host"] == h] for h in ("h1", "h2")}
    assert [len(v) for v in by_host.values()] == [3, 3], by_host
    assert len({i["address"] for i in found}) == 6
    assert all(i["state"] == "running" and i["health"] == "healthy" for i in found), found
    for i in found:
        assert lab.redis_pings(i["address"]), i
    source, target = by_host["h1"][0], by_host["h2"][0]
    out = lab.docker("h1", "exec", "sot-" + source["id"], "timeout", "5", "redis-cli", "-h", target["address"], "ping")
    assert out == "PONG", out
    ports = lab.docker("h1", "ps", "--format", "{{.Ports}}")
    assert "->" not in ports, f"a port is mapped: {ports}"
    lab.invariants()


def test_03_a_repeated_key_gives_the_same_operation():
    """An Idempotency-Key names one operation; with another body it is refused."""
    lab.have("cache", 6)
    headers = lab.key()
    first = lab.api("POST", "/v1/apps/cache/scale", {"count": 5}, headers).json
    again = lab.api("POST", "/v1/apps/cache/scale", {"count": 5}, headers).json
    assert again["operation"]["id"] == first["operation"]["id"] and again.get("replayed") is True, again
    other = lab.api("POST", "/v1/apps/cache/scale", {"count": 4}, headers)
    assert other.status == 422 and other.json["code"] == "key_reused", other.body
    assert lab.finished(first["operation"]["id"])["state"] == "done"
    assert len(lab.instances("cache")) == 5


def test_04_bad_input_is_named_and_changes_nothing():
    """Every refusal is a problem document that names the field; nothing is half applied."""
    before = (lab.sql("select count(*) from scheduler.app"), lab.sql("select count(*) from scheduler.operation"))
    cases = [
        ("unknown field", json.dumps(lab.app("bad-a", colour="red")).encode(), "/colour"),
        ("wrong type", json.dumps(lab.app("bad-b", count="two")).encode(), "/count"),
        ("huge number", b'{"name":"bad-c","image":"redis","plan":"tiny","vlan":"default","count":' + b"9" * 30 + b"}", ""),
        ("negative", json.dumps(lab.app("bad-d", count=-1)).encode(), "/count"),
        ("bad name", json.dumps(lab.app("Bad Name")).encode(), "/name"),
        ("unknown image", json.dumps(lab.app("bad-e", image="nope")).encode(), "/image"),
        ("unknown plan", json.dumps(lab.app("bad-f", plan="nope")).encode(), "/plan"),
        ("unknown VLAN", json.dumps(lab.app("bad-g", vlan="nope")).encode(), "/vlan"),
        ("invalid UTF-8", b'{"name":"bad-\xff\xfe"}', ""),
        ("duplicate key", b'{"name":"bad-h","name":"bad-i"}', ""),
        ("cut", b'{"name":', ""),
        ("deep", b"[" * 100000, ""),
        ("NUL", b'{"name":"a\\u0000b"}', ""),
    ]
    for title, body, pointer in cases:
        answer = lab.api("POST", "/v1/apps", raw=body, headers=lab.key())
        assert 400 <= answer.status < 500, (title, answer.status, answer.body[:300])
        problem = answer.json
        assert problem["code"] and problem["detail"] and problem["requestId"], (title, problem)
        if pointer:
            assert any(e["pointer"] == pointer for e in problem["errors"]), (title, problem)
    big = lab.api("POST", "/v1/apps", raw=b'{"name":"' + b"x" * 10_000_000 + b'"}', headers=lab.key())
    assert big.status == 413, big.status
    assert lab.api("GET", "/v1/nothing").status == 404
    assert lab.api("PATCH", "/v1/apps").status == 405
    assert lab.api("GET", "/v1/apps", token="sot_x_y").status == 401
    after = (lab.sql("select count(*) from scheduler.app"), lab.sql("select count(*) from scheduler.operation"))
    assert after == before, (before, after)


def test_05_garbage_on_every_socket_harms_nobody():
    """Malformed bytes on every port: dropped and counted, the services live on and answer."""
    pids = {s: lab.pid(s) for s in lab.SERVICES}
    rng = random.Random(lab.SEED)
    for port in (7201, 7202, 7203, 7204, 7211, 7212, 7221, 7231, 7443):
        for _ in range(20):
            with socket.create_connection(("10.77.0.1", port), timeout=3) as s:
                s.settimeout(3)
                try:
                    s.sendall(rng.choice([b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00CURVE", b"GET / HTTP/1.1\r\n\r\n", b"", b"\xff" * 4])
                              + rng.randbytes(rng.randrange(1, 4096)))
                except OSError:
                    pass
    for s in lab.SERVICES:
        lab.healthy(s)
    assert pids == {s: lab.pid(s) for s in lab.SERVICES}
    assert lab.api("GET", "/v1/hosts").status == 200


def test_07_versions_are_deployed_one_by_one_and_a_bad_one_stops():
    """S9 S12 S20: package to running instance through the command line; the container stays, only its process restarts."""
    lab.cli("app", "create", "web", "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
    for version in ("1.0", "2.0"):
        lab.cli("package", "upload", "web", version, lab.package({"index.js": lab.NODE_SERVER % version}), "--wait")
    lab.cli("package", "upload", "web", "3.0", lab.package({"index.js": "process.exit(1)"}), "--wait")
    lab.cli("app", "deploy", "web", "1.0", "--wait")
    lab.cli("app", "scale", "web", "2", "--wait")
    found = lab.instances("web")
    assert [lab.page(i["address"]) for i in found] == ["1.0", "1.0"]
    lab.cli("app", "deploy", "web", "2.0", "--wait")
    after = lab.instances("web")
    assert [lab.page(i["address"]) for i in after] == ["2.0", "2.0"] and {i["version"] for i in after} == {"2.0"}
    assert {(i["id"], i["containerId"], i["address"]) for i in after} == {(i["id"], i["containerId"], i["address"]) for i in found}
    bad = lab.cli("app", "deploy", "web", "3.0", "--wait", check=False, timeout=240)
    assert bad.returncode == 1, (bad.returncode, bad.stderr)
    states = sorted(i["version"] for i in lab.instances("web") if i["health"] == "healthy")
    assert states == ["2.0"], "the roll-out must stop at the first instance that does not become healthy"
    lab.cli("app", "deploy", "web", "2.0", "--wait")
    assert {lab.page(i["address"]) for i in lab.instances("web")} == {"2.0"}
    lab.invariants()


def test_08_the_command_line_does_the_daily_work():
    """S20: the verbs of the first day, for people and for programs, with exit codes that mean something."""
    lab.have("cache", 5)
    for verb in (("host", "list"), ("host", "show", "h1"), ("app", "list"), ("app", "show", "cache"), ("instance", "list"),
                 ("operation", "list"), ("address", "list"), ("plan", "list"), ("image", "list"), ("vlan", "list"), ("subnet", "list"), ("dns", "list")):
        assert len(lab.cli(*verb).splitlines()) > 1, verb
        json.loads(lab.cli(*verb, "-o", "json"))
    name = lab.instances("cache")[0]["name"]
    for verb, state in (("stop", "stopped"), ("start", "running"), ("restart", "running")):
        lab.cli("instance", verb, name, "--wait")
        assert lab.cli_json("instance", "show", name)["state"] == state, verb
    assert "Ready to accept connections" in lab.cli("instance", "logs", name)
    assert lab.cli("app", "show", "nothing", check=False).returncode == 4
    assert lab.cli("app", "frobnicate", check=False).returncode == 64
    lab.cli("instance", "retire", name, "--wait")
    assert name not in [i["name"] for i in lab.instances("cache")]
    lab.cli("app", "scale", "cache", "2", "--wait")
    lab.cli("app", "delete", "cache", "--wait")
    assert lab.api("GET", "/v1/apps/cache").status == 404
    lab.invariants()


def lines_until(stream, fits, seconds=60):
    """Objects of `app logs --follow -o json` until one fits; the reader is ended by its own deadline."""
    seen = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and select.select([stream], [], [], max(0, deadline - time.monotonic()))[0]:
        seen.append(json.loads(stream.readline()))
        if fits(seen[-1]):
            return seen
    raise AssertionError(seen[-10:])


def test_08b_the_logs_of_an_app_are_one_stream_in_order():
    """S20: what all instances write, told apart, in the order of the times; who joins later is in it; nothing comes twice."""
    lab.create("talk", 2)
    names = [i["name"] for i in lab.instances("talk")]
    once = [json.loads(line) for line in lab.cli("app", "logs", "talk", "-o", "json").splitlines()]
    assert {o["instance"] for o in once} == set(names) and [o["at"] for o in once] == sorted(o["at"] for o in once), once
    follower = subprocess.Popen([os.path.join(lab.BUILD, "cli/sotalia"), "app", "logs", "talk", "--follow", "--tail=1", "-o", "json"],
                                stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **lab.env()})
    try:
        begun = [json.loads(follower.stdout.readline()) for _ in names]
        assert sorted(o["instance"] for o in begun) == sorted(names), begun
        lab.cli("instance", "restart", names[0], "--wait")
        more = lines_until(follower.stdout, lambda o: o["instance"] == names[0] and "Ready to accept connections" in o["text"])
        lab.cli("app", "scale", "talk", "3", "--wait")
        new = next(i["name"] for i in lab.instances("talk") if i["name"] not in names)
        more += lines_until(follower.stdout, lambda o: o["instance"] == new and "Ready to accept connections" in o["text"])
        keys = [(o["instance"], o["at"], o["text"]) for o in begun + more]
        assert len(set(keys)) == len(keys), "a line came twice"
    finally:
        follower.send_signal(signal.SIGINT)
        assert follower.wait(20) == 130
        follower.stdout.close()
    named = lab.cli("app", "logs", "talk", "--tail=1").splitlines()
    assert sorted(line.split()[0] for line in named) == sorted([*names, new]), named
    assert lab.cli("app", "logs", "talk", "--tail=0", check=False).returncode == 64
    lab.cli("app", "delete", "talk", "--wait", "--yes")


def test_08c_manifests_are_applied_and_applied_again_change_nothing():
    """S20: an app from a manifest, changed by it, the difference shown first with an exit code; what cannot be is refused whole."""
    with tempfile.TemporaryDirectory() as here:
        path = os.path.join(here, "site.yaml")

        def apply(text, *options):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            return lab.cli("apply", "-f", path, *options, check=False, timeout=240)

        manifest = ("name: site\nimage: redis\nplan: tiny\nvlan: default\ncount: 1\n"
                    "health: {kind: tcp, port: 6379}\nplacement:\n  priority: 5\n")
        first = apply(manifest, "--dry-run", "--detailed-exitcode")
        assert first.returncode == 2 and "app site, new" in first.stdout and lab.api("GET", "/v1/apps/site").status == 404, first
        assert apply(manifest, "--wait").returncode == 0 and len(lab.instances("site")) == 1
        again = apply(manifest, "--detailed-exitcode")
        assert again.returncode == 0 and "nothing to change" in again.stdout, again
        own = apply(lab.cli("app", "manifest", "site"), "--detailed-exitcode")
        assert own.returncode == 0, own
        more = manifest.replace("count: 1", "count: 2").replace("priority: 5", "priority: 6")
        shown = apply(more, "--dry-run")
        assert shown.returncode == 0 and "- count      1\n  + count      2" in shown.stdout, shown.stdout
        assert apply(more, "--wait").returncode == 0
        now = lab.api("GET", "/v1/apps/site").json
        assert now["wanted"] == 2 and now["placement"]["priority"] == 6, now
        refused = apply(more.replace("image: redis", "image: nodejs").replace("count: 2", "count: 5"))
        assert refused.returncode == 5 and "'image' cannot be changed" in refused.stderr, refused
        two = apply(f"{manifest}---\nname: other\nimag: redis\n")
        assert two.returncode == 64 and "app other: there is no field 'imag'; did you mean 'image'?" in two.stderr, two
        assert lab.api("GET", "/v1/apps/site").json["wanted"] == 2, "a file with a fault is not half applied"
        lab.cli("app", "delete", "site", "--wait", "--yes")


def test_08d_a_long_log_is_read_from_its_beginning():
    """S12: 100,000 lines come in parts, each once and in order: a part goes on where the last one ended."""
    count = 100_000
    lab.create("long", 1, command=f"seq -f 'line %.0f of a long log' {count}; exec redis-server --port 6379 --protected-mode no")
    name = lab.instances("long")[0]["name"]
    after, numbers, parts = "1970-01-01T00:00:00Z", [], 0
    while True:
        answer = lab.api("GET", f"/v1/instances/{name}/logs?timestamps=true&after={after}")
        assert answer.status == 200, answer.body
        lines = answer.body.decode().splitlines()
        if not lines:
            break
        assert answer.headers["X-Truncated"] == "true" or parts > 10, (parts, answer.headers)
        parts += 1
        after = lines[-1].split(" ", 1)[0]
        numbers += [int(m[1]) for m in (re.search(r" line (\d+) of a long log$", line) for line in lines) if m]
    print(f"{count} lines in {parts} parts", flush=True)
    assert numbers == list(range(1, count + 1)), (len(numbers), numbers[:3], numbers[-3:])
    lab.cli("app", "delete", "long", "--wait", "--yes")


def test_09_what_does_not_fit_says_why():
    """S7: a request that fits nowhere waits visibly with counts per reason, and ends when it is cancelled."""
    lab.create("huge", 0, plan="large")
    op = lab.post("/v1/apps/huge/scale", {"count": 50})
    waits = lab.until("the operation to say what is short", lambda: (lambda w: w if "fit" in w else None)(lab.operation(op)["waitsFor"]), 20)
    assert "memory" in waits or "cpu" in waits or "disk" in waits, waits
    lab.finished(lab.post(f"/v1/operations/{op}/cancel"), 60)
    assert lab.finished(op, 60)["state"] == "cancelled"
    lab.scale("huge", 0)
    lab.invariants()


def test_10_events_have_no_gap_and_resume():
    """The stream is numbered without a gap, and a reader that comes back misses nothing."""
    start = lab.api("GET", "/v1/events?limit=1").json["cursor"]
    lab.create("events", 1)
    lab.scale("events", 0)
    items = lab.api("GET", f"/v1/events?limit=500&after={start}").json["items"]
    numbers = [int(e["id"].split(".")[1]) for e in items]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    kinds = [e["type"].removeprefix("cn.sotalia.").removesuffix(".v1") for e in items]
    for kind in ("app.created", "instance.created", "instance.state", "instance.health", "address.state", "operation.state"):
        assert kind in kinds, (kind, kinds)


def test_11_cat_gets_heartbeats_of_hosts_and_instances():
    """S14: the bridge speaks CAT's own framing; a host's and each instance's heartbeat arrive."""
    lab.have("beats", 2)
    with lab.Cat() as cat:
        names = {"10.77.0.11", "10.77.0.12"} | {i["name"] for i in lab.instances("beats")}
        lab.until(f"heartbeats of {names}", lambda: names <= cat.heartbeats(), 150)
    lab.scale("beats", 0)
