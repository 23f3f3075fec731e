"""Elastic scaling under real load: a rule on cpu takes an app from 2 to 6 instances and back."""

import datetime
import itertools
import os
import statistics
import threading
import time
import urllib.request

import engine
import lab

ORDER = 13
APP = "elastic"
SERVER = """const http = require('http');
http.createServer((q, r) => {
  if (q.url === '/burn') {
    const begin = process.cpuUsage();
    for (let u = begin; u.user + u.system < 20000 || u === begin; u = process.cpuUsage(begin));
  }
  r.end('ok');
}).listen(8080);
process.on('SIGTERM', () => process.exit(0));
"""
HEALTH = {"kind": "http", "port": 8080, "path": "/", "intervalMs": 1000, "timeoutMs": 1000, "healthyAfter": 1, "unhealthyAfter": 20}
# 24 requests a second of 20 ms each are 480 % of the plan of one instance: six of them have 80 % each.
REQUESTS_PER_S = 24
RULES = {"min": 2, "max": 6, "upCooldownSeconds": 5, "downCooldownSeconds": 5, "stableSeconds": 20,
         "rules": [{"name": "cpu", "metric": "cpu", "target": 50, "windowSeconds": 20}]}


class Load:
    """So many requests a second over all healthy instances, as a balancer would spread them."""

    def __enter__(self):
        self.over = threading.Event()
        self.addresses, self.answers = [], 0
        self.refresh()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(REQUESTS_PER_S)]
        self.threads.append(threading.Thread(target=self.follow, daemon=True))
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(30)

    def refresh(self):
        self.addresses = [i["address"] for i in lab.instances(APP) if i["state"] == "running" and i["health"] == "healthy"]

    def follow(self):
        while not self.over.wait(0.5):
            self.refresh()

    def work(self, first):
        for n in itertools.count(first):
            begin = time.monotonic()
            try:
                address = self.addresses[n % len(self.addresses)]
                with urllib.request.urlopen(f"http://{address}:8080/burn", timeout=10) as reply:
                    self.answers += reply.read() == b"ok"
            except (OSError, ZeroDivisionError):
                pass  # one that is on its way out
            if self.over.wait(max(0, begin + 1 - time.monotonic())):
                return


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def put(rules):
    answer = lab.api("PUT", f"/v1/apps/{APP}/elastic", rules, lab.key())
    assert answer.status == 202, answer.body
    assert lab.finished(answer.json["operation"]["id"])["state"] == "done"


def decisions():
    return lab.api("GET", f"/v1/apps/{APP}/elastic/decisions?limit=200").json["items"]


def healthy():
    return sum(i["health"] == "healthy" and i["desired"] == "running" for i in lab.instances(APP))


def scalings():
    return [d for d in reversed(decisions()) if d["outcome"] == "scaled"]


def first_healthy_s(decision):
    """From the rule's firing to the first of its new instances that is healthy."""
    steps = lab.operation(decision["operation"])["steps"]
    return min(at(s["finishedAt"]) for s in steps if s["name"] == "healthy") - at(decision["at"])


def have_app():
    lab.have(APP, 0, image="nodejs", plan="tiny", health=HEALTH)
    if not lab.api("GET", f"/v1/apps/{APP}").json["version"]:
        lab.cli("package", "upload", APP, "1.0", lab.package({"index.js": SERVER}), "--wait")
        lab.cli("app", "deploy", APP, "1.0", "--wait")
    if len(lab.instances(APP)) != 2:
        lab.scale(APP, 2)


def test_a_cpu_rule_takes_an_app_from_2_to_6_and_back():
    """S23: more and fewer by real load, each with its reason in the operation's log; the time to the first new one beside raw Docker."""
    have_app()
    start = lab.api("GET", "/v1/events?limit=1").json["cursor"]
    put(RULES)
    with Load() as load:
        lab.until("6 instances under load", lambda: healthy() == 6, 120)
        assert load.answers > 0
    lab.until("2 instances after it", lambda: len(lab.instances(APP)) == 2, 150)
    lab.until("the last operation to end", lambda: not lab.api("GET", f"/v1/operations?app={APP}&state=open").json["items"], 60)
    made = scalings()
    print("".join(f"    {d['at'][11:19]} {d['count']} -> {d['to']}: {d['reason']}\n" for d in made), end="")
    assert made[0]["count"] == 2 and max(d["to"] for d in made) == 6 and made[-1]["to"] == 2, made
    for d in made:
        o = lab.operation(d["operation"])
        assert o["actor"] == "elastic:cpu" and o["kind"] == "app.scale" and o["state"] == "done", o
        lines = [line["text"] for line in lab.api("GET", f"/v1/operations/{d['operation']}/log").json["items"]]
        assert d["reason"] in lines, lines
        assert f"{d['count']} -> {d['to']}" in d["reason"] and "of plan over" in d["reason"], d
    assert lab.api("GET", "/v1/audit?actor=elastic:cpu").json["total"] >= len(made)
    told = [e["data"]["reason"] for e in lab.api("GET", f"/v1/events?limit=500&after={start}").json["items"] if ".elastic.decision." in e["type"]]
    assert all(d["reason"] in told for d in made), told
    ours = [first_healthy_s(d) for d in made if d["to"] > d["count"]]
    image = lab.instances(APP)[0]["image"]
    bare = [engine.bare(lab.sh("engine_socket", "h1").strip(), image, 1, 1) for _ in range(5)]
    print(f"    rule fired to first new instance healthy: {', '.join(f'{s:.2f}' for s in ours)} s; "
          f"raw Docker, create and start of the same image without network and health check: {statistics.median(bare):.2f} s (median of {len(bare)})")
    lab.invariants()


def test_b_a_value_of_the_app_and_a_dry_run():
    """S23: values sent with a token of the app's team; a dry run says what it would do and does nothing."""
    have_app()
    rules = {**RULES, "dryRun": True, "rules": [{"name": "backlog", "metric": "custom", "value": "queue", "sum": "sum", "target": 100, "windowSeconds": 20}]}
    put(rules)
    assert lab.api("POST", f"/v1/apps/{APP}/elastic/values", {"name": "cue", "value": 1}, lab.key()).status == 404
    told = lab.api("POST", f"/v1/apps/{APP}/elastic/values", {"name": "queue", "value": 450}, lab.key())
    assert told.status == 200 and told.json == {"rules": 1}, told.body
    held = lab.until("the dry run to say so", lambda: [d for d in decisions() if d["hold"] == "dry_run"], 60)[0]
    assert held["reason"] == "queue 450 for 20 s, target 100 an instance: 2 -> 5; dry run: nothing is changed", held
    assert len(lab.instances(APP)) == 2
    rules["dryRun"] = False
    put(rules)
    assert lab.api("POST", f"/v1/apps/{APP}/elastic/values", {"name": "queue", "value": 250}, lab.key()).status == 200
    lab.until("3 instances", lambda: healthy() == 3, 60)
    assert lab.cli_json("elastic", "show", APP)["decision"]["rule"] == "backlog"
    assert "queue 250 for 20 s" in lab.cli("elastic", "decisions", APP)
    lab.cli("elastic", "delete", APP)
    assert lab.api("GET", f"/v1/apps/{APP}/elastic").status == 404
    lab.scale(APP, 0)


def test_c_what_new_instances_need_is_there_before():
    """S23, hot pool: a host without any instance of the app gets its package and image as soon as there are rules."""
    lab.have("stock", 0, image="nodejs", plan="tiny", health=HEALTH)
    lab.cli("package", "upload", "stock", "1.0", lab.package({"index.js": SERVER + "// stock"}), "--wait")
    lab.cli("app", "deploy", "stock", "1.0", "--wait")
    sha = lab.api("GET", "/v1/apps/stock/versions").json["items"][0]["sha256"]
    folders = [os.path.join(lab.VAR, "hosts", h, "agent/packages", sha) for h in lab.HOSTS]
    lab.scale("stock", 1)
    assert sum(map(os.path.isdir, folders)) == 1, folders
    answer = lab.api("PUT", "/v1/apps/stock/elastic", {**RULES, "min": 1, "max": 4, "stableSeconds": 300}, lab.key())
    assert answer.status == 202, answer.body
    lab.until("the package on every host", lambda: all(map(os.path.isdir, folders)), 30)
    lab.cli("elastic", "delete", "stock")
    lab.scale("stock", 0)


def test_d_each_group_has_rules_of_its_own():
    """S23: two groups of one app with bounds and values of their own: each follows its own, and the rules of the app as a whole are refused meanwhile."""
    app = "grouped"
    lab.have(app, 0)
    lab.cli("group", "set", app, "blue", "--wait")
    for group in ("default", "blue"):
        lab.cli("app", "scale", app, "1", f"--group={group}", "--wait")
        lab.cli("elastic", "set", app, f"--group={group}", "--min=1", f"--max={2 if group == 'blue' else 4}", "--value=queue:100:sum", "--window=20",
                "--up-cooldown=5", "--down-cooldown=5", "--stable=15", "--wait")

    def counts():
        found = [i["group"] for i in lab.instances(app) if i["desired"] == "running"]
        return found.count("default"), found.count("blue")

    def tell(value, **of):
        answer = lab.api("POST", f"/v1/apps/{app}/elastic/values", {"name": "queue", "value": value, **of}, lab.key())
        assert answer.status == 200 and answer.json == {"rules": 1 if of else 2}, answer.body
    refused = lab.cli("elastic", "set", app, "--max=3", "--cpu=50", check=False)
    assert refused.returncode == 5 and "has rules of its own" in refused.stderr, refused.stderr
    tell(300, group="default")
    lab.until("the first group to grow", lambda: counts() == (3, 1), 60, counts)
    tell(900, group="blue")
    lab.until("the other one, up to its bound", lambda: counts() == (3, 2), 60, counts)
    tell(50)  # of the app as a whole: for both
    lab.until("both to shrink", lambda: (tell(50), counts())[1] == (1, 1), 120, counts)
    assert [(g["name"], g["elastic"]["max"]) for g in lab.cli_json("group", "list", app)["items"]] == [("blue", 2), ("default", 4)]
    shown = lab.cli_json("elastic", "show", app, "--group=blue")
    assert (shown["group"], shown["count"], shown["max"], shown["decision"]["group"]) == ("blue", 1, 2, "blue"), shown
    assert {d["group"] for d in lab.cli_json("elastic", "decisions", app, "--group=blue")["items"]} == {"blue"}
    assert {d["group"] for d in lab.cli_json("elastic", "decisions", app)["items"]} == {"blue", "default"}

    def begun():
        return [o["state"] for o in lab.api("GET", f"/v1/operations?app={app}&actor=elastic:queue").json["items"]]
    lab.until("all that was begun to be done", lambda: len(begun()) >= 4 and set(begun()) == {"done"}, 60, begun)
    lab.kill("scheduler")
    lab.start_service("scheduler")
    lab.healthy("scheduler")
    assert lab.cli_json("elastic", "show", app, "--group=default")["max"] == 4
    lab.until("the new leader to know the rules", lambda: (tell(200, group="default"), counts())[1] == (2, 1), 60, counts)
    lab.cli("elastic", "delete", app, "--group=default", "--wait")
    lab.cli("app", "scale", app, "0", "--group=blue", "--wait")
    lab.cli("group", "delete", app, "blue", "--wait")  # and its rules with it
    lab.cli("elastic", "set", app, "--max=3", "--cpu=50", "--wait")
    lab.cli("elastic", "delete", app, "--wait")
    lab.scale(app, 0)
