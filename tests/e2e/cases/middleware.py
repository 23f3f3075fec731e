"""The middleware team's work: two versions of a Tomcat over three apps in waves, back per app and all, windows, opt-outs."""

import contextlib
import datetime
import os
import re

import lab

ORDER = 25
APPS = ("mwshop", "mwcart", "mwmail")
EACH = 2
# The image's own start hook takes Debian's Tomcat, and so does setenv.sh of its instance folder: here neither is asked.
SERVER = """exec java -Dcatalina.home=/opt/middleware/tomcat -Dcatalina.base=/opt/tomcat -Djava.io.tmpdir=/opt/tomcat/temp -Dsotalia.port=8080 \
-Dsotalia.webapp=/data/webapps/$SOTALIA_APP -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
-cp /opt/middleware/tomcat/bin/bootstrap.jar:/opt/middleware/tomcat/bin/tomcat-juli.jar org.apache.catalina.startup.Bootstrap start"""


def tomcat(version):
    """Debian's Tomcat, packed again: it says its version in its error pages, from a file beside its own classes."""
    folder = os.path.join(lab.VAR, "packages", "tomcat-" + version)
    archive = folder + ".tar.gz"
    if not os.path.exists(archive):
        os.makedirs(os.path.join(folder, "lib/org/apache/catalina/util"))
        lab.command(["cp", "-rL", "/usr/share/tomcat10/bin", folder])
        lab.command(["cp", "-rL", *[os.path.join("/usr/share/tomcat10/lib", n) for n in os.listdir("/usr/share/tomcat10/lib")],
                     os.path.join(folder, "lib")])
        with open(os.path.join(folder, "lib/org/apache/catalina/util/ServerInfo.properties"), "w", encoding="utf-8") as f:
            f.write(f"server.info=Repacked Tomcat/{version}\nserver.number={version}\nserver.built=today\n")
        if version == "broken":
            os.remove(os.path.join(folder, "bin/bootstrap.jar"))
        lab.command(["tar", "-C", folder, "-czf", archive, "."])
    return archive


def server_of(instance):
    """The version that answers."""
    page = lab.command(["curl", "-s", "--max-time", "10", f"http://{instance['address']}:8080/nothing-here"], check=False)
    found = re.search(r"Repacked Tomcat/([\w.]+)", page)
    return found[1] if found else page[:200]


def servers(app):
    return [server_of(i) for i in lab.instances(app)]


def is_what_it_runs(versions):
    for app, version in versions.items():
        assert servers(app) == [version] * EACH, (app, version, servers(app))


def ready(version="1"):
    """Three apps with that Tomcat and nothing else said, whichever tests ran before."""
    known = {m["version"] for m in lab.api("GET", "/v1/middleware/tomcat/versions").json["items"]}
    for v in ("1", "2", "broken"):
        if v not in known:
            lab.cli("middleware", "upload", "tomcat", v, tomcat(v), "--kind=tomcat", "--wait")
    for app in APPS:
        if lab.api("GET", f"/v1/apps/{app}").status == 404:
            lab.cli("app", "create", app, "--image=tomcat", "--plan=small", "--count=0", "--health=http", "--port=8080", "--command=" + SERVER, "--wait")
            lab.cli("package", "upload", app, "1.0", lab.package({"index.html": app}), "--wait")
            lab.cli("app", "middleware", app, "tomcat", version, "--wait")
            lab.cli("app", "deploy", app, "1.0", "--wait")
            lab.cli("app", "scale", app, str(EACH), "--wait", timeout=400)
        lab.cli("app", "label", app, "tier=" + ("back" if app == "mwmail" else "web"), "environment=test", "--wait")
        lab.cli("app", "maintenance", app, "--wait")
        board = {b["app"]: b for b in lab.api("GET", "/v1/middleware/tomcat/apps").json["items"]}
        if board[app]["version"] != version or board[app]["instancesByVersion"] != {version: EACH}:
            lab.cli("app", "middleware", app, "tomcat", version, "--batch=50%", "--wait", timeout=400)
    is_what_it_runs({app: version for app in APPS})


def unpacked(host):
    folder = os.path.join(lab.VAR, "hosts", host, "agent/packages")
    return {n for n in os.listdir(folder) if re.fullmatch("[0-9a-f]{64}", n)}


def turns(operation_id):
    """(begin, end) of each instance's part of a rollout, as its steps have them."""
    found = {}
    for step in lab.operation(operation_id)["steps"]:
        begin, end = found.get(step["instanceId"], (step["startedAt"], step["finishedAt"]))
        found[step["instanceId"]] = (min(begin, step["startedAt"]), max(end, step["finishedAt"]))
    return sorted(found.values())


def test_01_a_version_goes_over_the_apps_with_a_label_in_waves():
    """S11, S20: each instance is restarted in its turn with its name, address and container; who has not the label is not touched; the
    old version stays on the host as long as somebody runs it."""
    ready()
    before = {i["id"]: (i["containerId"], i["address"]) for app in APPS for i in lab.instances(app)}
    plan = lab.cli("middleware", "rollout", "tomcat", "2", "--label=tier=web", "--plan")
    assert "2 apps, 1 at a time" in plan and "mwmail" not in plan, plan
    old = next(v["sha256"] for v in lab.api("GET", "/v1/middleware/tomcat/versions").json["items"] if v["version"] == "1")
    wave = lab.post("/v1/middleware/tomcat/rollout", {"version": "2", "labels": ["tier=web"], "strategy": {"pause": "batch"}})

    def paused():
        return [o for o in lab.api("GET", f"/v1/operations?parent={wave}&state=running").json["items"] if "paused" in o["waitsFor"]]
    first = lab.until("the first app to be half way", paused, 200)[0]
    halves = sorted(servers(first["app"]))
    assert halves == ["1", "2"], halves
    assert all(server_of(i) == "1" for app in APPS if app != first["app"] for i in lab.instances(app))
    for host in {i["host"] for i in lab.instances(first["app"]) if server_of(i) == "1"}:
        assert old in unpacked(host), host
    board = {b["app"]: b for b in lab.api("GET", "/v1/middleware/tomcat/apps").json["items"]}
    assert board[first["app"]]["instancesByVersion"] == {"1": 1, "2": 1} and board[first["app"]]["version"] == "1", board
    for _ in range(8):
        for o in paused():
            lab.cli("rollout", "resume", o["id"], check=False)  # it may go on already
        if lab.operation(wave)["state"] != "running":
            break
        lab.until("the next to pause, or all to end", lambda: paused() or lab.operation(wave)["state"] != "running", 200)
    assert lab.operation(wave)["state"] == "done", lab.operation(wave)
    is_what_it_runs({"mwshop": "2", "mwcart": "2", "mwmail": "1"})
    assert before == {i["id"]: (i["containerId"], i["address"]) for app in APPS for i in lab.instances(app)}
    children = lab.api("GET", f"/v1/operations?parent={wave}").json["items"]
    spans = sorted(t for c in children for t in turns(c["id"]))
    assert len(spans) == 2 * EACH and all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), spans
    print(f"a wave of {len(children)} apps with {len(spans)} instances: one after the other, {spans[0][0]} to {spans[-1][1]}", flush=True)


def test_02_a_version_that_does_not_start_goes_back_and_no_further_app_begins():
    """S11: the first app's canary fails; it goes back, and the wave ends there."""
    ready("2")
    wave = lab.cli("middleware", "rollout", "tomcat", "broken", "--environment=test", "--canary=1", "--on-failure=roll_back",
                   "--failures-max=1", "--wait", check=False, timeout=600)
    assert wave.returncode == 1 and "1 of 3 failed, 2 were cancelled" in wave.stderr, wave.stderr
    lab.until("all to be healthy", lambda: all(i["health"] == "healthy" for app in APPS for i in lab.instances(app)), 120)
    is_what_it_runs({app: "2" for app in APPS})


def test_03_back_is_what_each_app_had_one_alone_or_all():
    """S20: roll back per app and all."""
    ready("1")
    lab.cli("middleware", "rollout", "tomcat", "2", "--environment=test", "--parallel=3", "--batch=50%", "--wait", timeout=600)
    is_what_it_runs({app: "2" for app in APPS})
    lab.cli("app", "middleware", "mwshop", "tomcat", "--back", "--batch=50%", "--wait", timeout=400)
    is_what_it_runs({"mwshop": "1", "mwcart": "2", "mwmail": "2"})
    plan = lab.cli("middleware", "back", "tomcat", "--having=2", "--plan")
    assert "2 apps" in plan and "mwshop" not in plan, plan
    lab.cli("middleware", "back", "tomcat", "--having=2", "--parallel=2", "--batch=50%", "--expect=2", "--wait", timeout=600)
    is_what_it_runs({app: "1" for app in APPS})


def test_04_an_app_opts_out_and_another_waits_for_its_window():
    """S20: its people say when and what; a closed window holds nobody else."""
    ready("1")
    far = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).strftime("%a").lower()
    lab.cli("app", "maintenance", "mwcart", f"--window={far} 02:00-04:00", "--wait")
    lab.cli("app", "maintenance", "mwmail", "--opt-out=tomcat", "--wait")
    plan = lab.cli("middleware", "rollout", "tomcat", "2", "--environment=test", "--plan")
    assert "left alone: mwmail: its people opted out" in plan, plan
    wave = lab.post("/v1/middleware/tomcat/rollout", {"version": "2", "environment": "test", "strategy": {"batchPercent": 50}})
    lab.until("mwshop to have it", lambda: servers("mwshop") == ["2"] * EACH, 300)
    waits = lab.until("mwcart to say what it waits for", lambda: [o for o in lab.api("GET", f"/v1/operations?parent={wave}&state=queued").json["items"]
                                                                  if "maintenance window of mwcart" in o["waitsFor"]], 60)
    assert len(waits) == 1 and servers("mwcart") == ["1"] * EACH
    lab.cli("app", "middleware", "mwcart", "tomcat", "1", "--batch=50%", "--wait", timeout=400)  # its own people go past it
    lab.cli("app", "maintenance", "mwcart", "--window=daily 00:00-24:00", "--wait")
    assert lab.finished(wave, 400)["state"] == "done"
    is_what_it_runs({"mwshop": "2", "mwcart": "2", "mwmail": "1"})
    refused = lab.cli("middleware", "rollout", "tomcat", "2", "--app=mwmail", check=False)
    assert refused.returncode != 0 and "opted out" in refused.stderr, refused.stderr


MOUNT = "/opt/middleware/tomcat"


def mounts(instance):
    """What lies at the mount of the package, as PID 1 of the instance has it: (digest, whether it is read-only), one for each layer."""
    table = lab.docker(instance["host"], "exec", instance["containerId"], "cat", "/proc/1/mountinfo")
    found = [line.split() for line in table.splitlines() if line.split()[4].startswith(MOUNT)]
    return [(re.search(r"/packages/([0-9a-f]{64})$", f[3])[1], "ro" in f[5].split(",")) for f in found]


def hold(instance):
    """A process of the instance's own stands in a folder of the mount and holds a file of it open; a function that reads it."""
    held = "cd /opt/middleware/tomcat/lib; exec 9<org/apache/catalina/util/ServerInfo.properties; echo $$ >/tmp/holder; exec sleep 3600"
    lab.docker(instance["host"], "exec", "-d", instance["containerId"], "sh", "-c", held)

    def read():
        return lab.docker(instance["host"], "exec", instance["containerId"], "sh", "-c",
                          "cat /proc/$(cat /tmp/holder)/fd/9 && ls /proc/$(cat /tmp/holder)/cwd | grep -c jar", check=False)
    lab.until("the mount to be held", lambda: "Repacked" in read(), 30)
    return read


def test_05_a_mount_that_is_in_use_is_switched_safely():
    """S11: who has a file of the old version open, or stands in one of its folders, has that version whole until its own restart, which does not wait for them; after it
    there is the new version alone, read-only; a host that clean-up sweeps twice a second keeps the old one as long as it is run, and no longer."""
    ready("1")
    digests = {v["version"]: v["sha256"] for v in lab.api("GET", "/v1/middleware/tomcat/versions").json["items"]}
    hosts = {i["host"] for i in lab.instances("mwshop")}
    holders = {i["id"]: hold(i) for i in lab.instances("mwshop")}
    seen = {k: read() for k, read in holders.items()}
    assert all("Tomcat/1" in text and int(text.split()[-1]) > 10 for text in seen.values()), seen
    with contextlib.ExitStack() as eager:
        for host in hosts:
            eager.enter_context(lab.Agent(host, cleanup_interval_ms="500", cleanup_ages="package_versions=1"))
        wave = lab.post("/v1/middleware/tomcat/rollout", {"version": "2", "apps": ["mwshop"], "strategy": {"pause": "batch"}})

        def paused():
            return [o for o in lab.api("GET", f"/v1/operations?parent={wave}&state=running").json["items"] if "paused" in o["waitsFor"]]
        child = lab.until("one of two to be switched", paused, 200)[0]["id"]
        done = lab.until("its Tomcat to answer", lambda: [i for i in lab.instances("mwshop") if server_of(i) == "2"], 60)
        assert len(done) == 1 and mounts(done[0]) == [(digests["2"], True)], [mounts(i) for i in done]
        for i in lab.instances("mwshop"):
            if i["id"] != done[0]["id"]:
                assert mounts(i) == [(digests["1"], True)] and holders[i["id"]]() == seen[i["id"]] and server_of(i) == "1", mounts(i)
                assert digests["1"] in unpacked(i["host"])
        lab.cli("rollout", "resume", child)
        assert lab.finished(wave, 300)["state"] == "done"
        for i in lab.instances("mwshop"):
            assert mounts(i) == [(digests["2"], True)] and server_of(i) == "2" and "Tomcat/1" not in holders[i["id"]](), mounts(i)
        still = {i["host"] for app in APPS for i in lab.instances(app) if server_of(i) == "1"}
        for host in hosts:
            assert digests["2"] in unpacked(host), host
            if host in still:
                assert digests["1"] in unpacked(host), host
    lab.cli("middleware", "rollout", "tomcat", "2", "--environment=test", "--parallel=3", "--batch=50%", "--wait", timeout=600)
    for host in hosts:
        with lab.Agent(host, cleanup_interval_ms="500", cleanup_ages="package_versions=1"):
            lab.until(f"the old version to leave {host}", lambda h=host: digests["1"] not in unpacked(h), 60)
    is_what_it_runs({app: "2" for app in APPS})


def test_06_the_middleware_role_rolls_over_apps_and_a_developer_does_not():
    """S20: an API with a role of its own, for the team's control centre."""
    ready("2")
    answers = {}
    for role in ("developer", "middleware"):
        name = "mw-" + role
        if lab.api("GET", f"/v1/users/{name}").status == 404:
            assert lab.api("POST", "/v1/users", {"name": name, "role": role}, lab.key()).status == 201
        token = lab.api("POST", "/v1/tokens", {"description": "control centre", "user": name}, lab.key())
        assert token.status == 201, token.body
        answers[role] = lab.api("POST", "/v1/middleware/tomcat/rollout", {"version": "1", "environment": "test", "dryRun": True}, lab.key(),
                                token=token.json["token"])
        assert lab.api("GET", "/v1/middleware/tomcat/apps", token=token.json["token"]).status == 200
    assert answers["developer"].status == 403 and answers["middleware"].status == 200, answers
    assert answers["middleware"].json["matched"]["count"] == len(APPS), answers["middleware"].json
    for app in APPS:
        lab.scale(app, 0)
    lab.invariants()
