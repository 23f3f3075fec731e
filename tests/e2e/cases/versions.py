"""Real versions: two builds of Tomcat's examples and two published versions of an npm server, each rolled over twelve instances under load.

By name, and in ./test soak: it takes six minutes; rollouts.py has the same engine under the same load with versions made here.
"""

import os
import shutil
import time

import lab
from cases.rollouts import Front, Load

ORDER = 13
BY_NAME_ONLY = True
INSTANCES = 12
HTTP_SERVER = "exec node /data/webapps/files/node_modules/http-server/bin/http-server /data/webapps/files -p 8080 -c-1"


def folder(name):
    path = os.path.join(lab.VAR, "packages", name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def packed(path):
    lab.command(["tar", "-C", path, "-czf", path + ".tar.gz", "."])
    return path + ".tar.gz"


def examples(build):
    """Debian's examples of Tomcat, built with a page that says which build it is; `bad`: its web.xml ends too early."""
    path = folder("examples-" + build)
    lab.command(["cp", "-rL", "/usr/share/tomcat10-examples/examples/.", path])
    with open(os.path.join(path, "build.txt"), "w", encoding="utf-8") as f:
        f.write(build)
    if build == "bad":
        with open(os.path.join(path, "WEB-INF/web.xml"), "r+", encoding="utf-8") as f:
            f.truncate(200)
    return packed(path)


def http_server(version):
    """http-server as npm publishes it, with what it needs, and a page that says which version it is; `bad`: without its code."""
    path = folder("http-server-" + version)
    if version != "bad":
        images = os.environ.get("SOT_IMAGES", os.path.join(lab.SRC, "build/images"))  # tests/e2e/images fetched them
        lab.command(["cp", "-r", os.path.join(images, "npm/http-server-" + version, "node_modules"), path])
    with open(os.path.join(path, "build.txt"), "w", encoding="utf-8") as f:
        f.write(version)
    return packed(path)


def have(app, versions, make, *options):
    """Twelve instances of the first version over the hosts; the others are uploaded."""
    lab.cli("app", "create", app, "--count=0", "--health=http", "--port=8080", *options, "--wait")
    for v in versions:
        lab.cli("package", "upload", app, v, make(v), f"--commit={v}", "--wait")
    lab.cli("app", "deploy", app, versions[0], "--wait")
    lab.scale(app, INSTANCES, seconds=600)
    assert len({i["host"] for i in lab.instances(app)}) == 2


def rolled(app, version, path, drain=8):
    """Rolls it out under load, and back again; prints what wrk saw."""
    for to in version:
        with Front(app, "/build.txt") as front:
            begun = time.monotonic()
            with Load(path, connections=4) as load:
                lab.cli("app", "deploy", app, to, "--canary=1", "--batch=4", f"--drain-seconds={drain}", "--bake-seconds=2",
                        "--on-failure=roll_back", "--wait", timeout=590)
                took = time.monotonic() - begun
            lab.until("nginx to serve the new version only", lambda: {front.page() for _ in range(24)} == {to}, 30)
        assert {i["version"] for i in lab.instances(app)} == {to}
        average, deviation, most = load.latency()
        print(f"{app}: {INSTANCES} instances to {to} in {took:.1f} s, {load.requests()} requests, {load.failed()} failed; "
              f"latency {average} on average (deviation {deviation}, most {most})", flush=True)
        assert load.requests() > 100 and load.failed() == 0, load.text


def goes_back(app, version):
    """The canary fails its health check; nobody else is touched."""
    before = {i["name"]: i["startedAt"] for i in lab.instances(app)}
    bad = lab.cli("app", "deploy", app, "bad", "--canary=1", "--batch=4", "--on-failure=roll_back", "--wait", check=False, timeout=500)
    assert bad.returncode == 1 and "rolled back: 1 of the 1" in bad.stderr, bad.stderr
    lab.until("all to be healthy", lambda: all(i["health"] == "healthy" for i in lab.instances(app)), 120)
    assert {i["version"] for i in lab.instances(app)} == {version}
    touched = [i["name"] for i in lab.instances(app) if i["startedAt"] != before[i["name"]]]
    assert len(touched) == 1, touched
    print(f"{app}: " + next(line.strip() for line in bad.stderr.splitlines() if "rolled back" in line), flush=True)


def test_01_two_published_versions_of_an_npm_server():
    """S12: http-server 14.1.0 to 14.1.1 and back, as they are published."""
    have("files", ("14.1.0", "14.1.1", "bad"), http_server, "--image=nodejs", "--plan=tiny", "--command=" + HTTP_SERVER)
    rolled("files", ("14.1.1", "14.1.0"), "/node_modules/http-server/README.md")
    goes_back("files", "14.1.0")
    lab.scale("files", 0, 200)


def test_02_two_builds_of_tomcats_examples():
    """S12: the examples as a web app of twelve Tomcats; the load is one of its servlets."""
    have("examples", ("b1", "b2", "bad"), examples, "--image=tomcat", "--plan=small", "--env=JIT_LEVEL=1", "--env=JAVA_OPTIONS=-Xmx64m")
    rolled("examples", ("b2",), "/servlets/servlet/HelloWorldExample")
    goes_back("examples", "b2")
    lab.scale("examples", 0, 200)
    lab.invariants()
