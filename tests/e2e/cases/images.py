"""Images (S13) on a real registry and real Docker: built, pushed, tested, promoted, rolled out, retired, collected."""

import os
import pathlib
import shutil
import subprocess
import time

import lab

ORDER = 47
FOLDER = os.path.join(lab.VAR, "image-under-test")


def registry():
    return lab.cli_json("image", "show", "redis")["reference"].rsplit("/", 1)[0]


def folder(version, smoke):
    """An image on top of redis: a file that says its version, and a smoke test."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    files = {"Dockerfile": "ARG PARENT\nFROM $PARENT\nCOPY mark /etc/mark\n", "mark": version + "\n", "smoke": smoke,
             "image.json": '{"parent": "redis", "ownerDev": "cache-team", "ownerOps": "paas"}',
             "CHANGELOG.md": f"# cache\n\n## {version} this and that\n- is {version}\n\n## 0.9\n- older\n"}
    for name, text in files.items():
        pathlib.Path(FOLDER, name).write_text(text, encoding="utf-8")


def build(version, smoke="set -eu\n[ \"$(cat /etc/mark)\" = %s ]\ncat /etc/mark\n", code=0):
    folder(version, smoke.replace("%s", version))
    environment = {**os.environ, **lab.env(), "DOCKER_HOST": "unix://" + lab.sh("engine_socket", "h1"), "DOCKER_BUILDKIT": "0"}
    argv = [os.path.join(lab.BUILD, "cli/sotalia"), "image", "build", "cache", FOLDER, f"--registry={registry()}", "--plain-http"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=180, env=environment, check=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr[-3000:])
    return done


def version(name):
    return next(v for v in lab.cli_json("image", "show", "cache")["versions"] if v["version"] == name)


def mark(instance):
    return lab.docker(instance["host"], "exec", "sot-" + instance["id"], "cat", "/etc/mark")


def test_1_an_image_lives_from_build_to_collection():
    """S13: build, push, smoke test, promote, roll out in batches with data, address and name kept, retire, collect."""
    build("1.0")
    first = version("1.0")
    assert first["state"] == "candidate" and first["smoke"] == "passed" and first["smokeReport"] == "1.0\n", first
    assert first["changelog"].startswith("1.0 this and that\n- is 1.0") and "older" not in first["changelog"], first
    shown = lab.cli_json("image", "show", "cache")
    assert (shown["ownerDev"], shown["ownerOps"], shown["version"]) == ("cache-team", "paas", ""), shown
    lab.cli("image", "promote", "cache", "1.0")
    lab.have("cached", 2, image="cache", plan="tiny", health={"kind": "tcp", "port": 6379})
    before = sorted(lab.instances("cached"), key=lambda i: i["name"])
    assert [mark(i) for i in before] == ["1.0", "1.0"]
    for i in before:
        lab.docker(i["host"], "exec", "sot-" + i["id"], "redis-cli", "set", "whose", i["name"])

    refused = build("1.1", smoke="echo broken; exit 3\n", code=1)
    assert "FAILED" in refused.stderr and version("1.1")["smoke"] == "failed"
    assert "only what passed it is promoted" in lab.cli("image", "promote", "cache", "1.1", check=False).stderr
    assert "versions never change" in build("1.1", code=5).stderr
    build("1.2")
    lab.cli("image", "promote", "cache", "1.2")
    listed = next(i for i in lab.cli_json("image", "list")["items"] if i["name"] == "cache")
    assert (listed["version"], listed["instances"], listed["outdated"]) == ("1.2", 2, 2), listed
    outdated = lab.cli_json("image", "instances", "cache", "--outdated=true")["items"]
    assert [(o["name"], o["imageVersion"]) for o in outdated] == [(i["name"], "1.0") for i in before], outdated
    stands = lab.cli("image", "retire", "cache", "1.0", check=False).stderr
    assert "2 instances are of version '1.0'" in stands, stands

    lab.cli("image", "rollout", "cache", "--wait")
    after = sorted(lab.instances("cached"), key=lambda i: i["name"])
    assert [(i["name"], i["address"], i["id"]) for i in after] == [(i["name"], i["address"], i["id"]) for i in before]
    assert [mark(i) for i in after] == ["1.2", "1.2"]
    for i in after:
        assert lab.docker(i["host"], "exec", "sot-" + i["id"], "redis-cli", "get", "whose") == i["name"]
    assert lab.cli_json("image", "instances", "cache", "--outdated=true")["items"] == []
    assert "every instance runs the current version" in lab.cli("image", "rollout", "cache", check=False).stderr
    lab.invariants()


def test_2_only_what_nobody_needs_leaves_the_registry():
    """S13: a retired version's bytes go, those of a live one stay; what was removed cannot be pulled."""
    if not any(i["name"] == "cache" for i in lab.cli_json("image", "list")["items"]):
        build("1.0")
        build("1.2")
        lab.cli("image", "promote", "cache", "1.2")
    gone, kept = version("1.0"), version("1.2")
    start = lab.api("GET", "/v1/events?limit=1").json["cursor"]
    assert "would be removed" in lab.cli("image", "collect", "--plain-http", "--min-age=0", "--dry-run", check=False).stderr
    lab.cli("image", "retire", "cache", "1.0")
    nothing_yet = lab.cli("image", "collect", "--plain-http", check=False)
    assert nothing_yet.returncode == 0 and "cache 1.0" not in nothing_yet.stdout, nothing_yet
    assert "cache 1.0" in lab.cli("image", "collect", "--plain-http", "--min-age=0")
    assert version("1.0")["state"] == "removed"
    assert not pulls("h2", gone["reference"]) and pulls("h2", kept["reference"])
    before = int(lab.sh("registry_bytes"))
    lab.sh("registry_collect")
    assert int(lab.sh("registry_bytes")) < before and pulls("h1", kept["reference"])
    again = lab.cli("image", "collect", "--plain-http", "--min-age=0")
    assert again == "", again
    items = lab.api("GET", f"/v1/events?limit=500&after={start}").json["items"]
    kinds = [e["type"].removeprefix("cn.sotalia.").removesuffix(".v1") for e in items if e["subject"] == "cache"]
    assert [k for k in kinds if k.startswith("image.")] == ["image.retired", "image.removed"], kinds
    audit = lab.api("GET", "/v1/audit?limit=20").json["items"]
    assert {"image.retire", "image.remove"} <= {a["action"] for a in audit if a["target"] == "cache"}, audit


def test_3_hosts_forget_images_that_nobody_needs():
    """S13 S15: a week after its last instance an image leaves the host; one in use stays, and one that somebody else pulled; it is told."""
    each = {"spread": {"host": {"prefer": False, "maxCount": 1}}}  # one on each host
    lab.have("user", 2, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379}, placement=each)
    reference = lab.sh("lab_second_name", "nodejs", "forgotten")  # an image of its own: others run nodejs here
    lab.finished(lab.post("/v1/images", {"name": "forgotten", "reference": reference}))
    lab.have("gone", 2, image="forgotten", plan="tiny", command="exec sleep 1000000", health={"kind": "none"}, placement=each)
    host = lab.instances("user")[0]["host"]
    lab.scale("gone", 0)
    images = {i["name"]: i["reference"] for i in lab.cli_json("image", "list")["items"]}
    other = "somebody/else:1"
    lab.docker(host, "tag", images["redis"], other)
    marks = pathlib.Path(lab.VAR, "hosts", host, "agent", "images")
    lab.until("both to be marked", lambda: all((marks / images[n].replace("/", "+")).exists() for n in ("forgotten", "redis")), 30)
    for mark in marks.iterdir():  # as if nothing had been needed for eight days
        week = time.time() - 8 * 86400
        os.utime(mark, (week, week))
    with open(os.path.join(lab.VAR, "hosts", host, "hostagent.conf"), encoding="utf-8") as f:
        assert "cleanup_interval_ms" not in f.read()
    lab.kill("hostagent-" + host)
    lab.sh("lab_agent_start", host[1:], env={"SOT_HOSTAGENT_CLEANUP_INTERVAL_MS": "1000"})
    try:
        lab.until("the unneeded image to go", lambda: images["forgotten"] not in of_host(host), 60)
        assert images["redis"] in of_host(host) and other in of_host(host), of_host(host)
        freed = lab.until("it to be told", lambda: [c for c in lab.cli_json("host", "cleanup", host)["items"] if c["policy"] == "unused_images"], 30)
        assert freed[0]["entries"] >= 1 and freed[0]["mode"] == "on", freed
        assert lab.redis_pings(lab.instances("user")[0]["address"])
    finally:
        lab.docker(host, "rmi", other)
        lab.kill("hostagent-" + host)
        lab.sh("lab_agent_start", host[1:])
    lab.invariants()


def of_host(host):
    return lab.docker(host, "images", "--format", "{{.Repository}}:{{.Tag}}").split()


def pulls(host, reference):
    try:
        lab.docker(host, "pull", reference)
    except AssertionError:
        return False
    return True
