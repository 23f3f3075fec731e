"""A host with thirty instances is emptied by a drain, then one by its death and an evacuation: each is shown as a plan first, the spread of every app
and its budget hold at every moment. Three hosts on one VLAN."""

import threading
import time

import lab

ORDER = 88
HOSTS = 3
APPS = ("crowd-a", "crowd-b", "crowd-c")
EACH = 20
ON_ONE = 10  # of an app on one host: hard
AWAY = 2
RULES = {"maxUnavailable": AWAY, "spread": {"host": {"prefer": False, "maxCount": ON_ONE}}}


def host(name):
    return lab.api("GET", f"/v1/hosts/{name}").json


def all_well(wanted=EACH):
    found = [lab.instances(app) for app in APPS]
    return found if all(len(f) == wanted and all(i["state"] == "running" and i["health"] == "healthy" for i in f) for f in found) else None


def on(name):
    return {i["name"]: i for app in APPS for i in lab.instances(app) if i["host"] == name}


class Watch:
    """Looks at every app until it is stopped: the most of it that was away at once, and the most on one host."""

    def __init__(self):
        self.away = self.on_one = self.looks = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(0.2):
            for app in APPS:
                found = lab.instances(app)
                by_host = {}
                for i in found:
                    by_host[i["host"]] = by_host.get(i["host"], 0) + 1
                self.away = max(self.away, sum(i["state"] != "running" or i["health"] != "healthy" for i in found))
                self.on_one = max(self.on_one, *by_host.values())
            self.looks += 1

    def end(self):
        self.stopping.set()
        self.thread.join()
        return self


def moves_of(plan):
    return {m["instance"]: m["to"] for m in plan["instances"] if m["to"]}


def test_01_thirty_instances_are_drained_within_spread_and_budget():
    """The plan says where each goes and changes nothing; the drain goes there, never more than two of an app away, never more than ten on a host."""
    for other in [a["name"] for a in lab.api("GET", "/v1/apps").json["items"] if a["name"] not in APPS]:
        lab.cli("app", "delete", other, "--yes", "--wait")  # of modules before, in the same laboratory: they would be drained, too
    lab.cli("host", "cordon", "h3")
    for app in APPS:
        lab.have(app, EACH, placement=RULES)
    lab.until("sixty instances to be well", all_well, 240)
    lab.cli("host", "uncordon", "h3")
    before = on("h1")
    assert len(before) == 30, {n: i["host"] for n, i in before.items()}
    plan = lab.cli_json("host", "drain", "h1", "--plan", "--include-pinned")
    assert plan["moves"] == 30 and plan["stays"] == 0, plan
    assert set(moves_of(plan).values()) == {"h3"}, "h2 has its ten of each app already"
    assert on("h1").keys() == before.keys() and host("h1")["state"] == "online"
    watch, begin = Watch(), time.monotonic()
    lab.cli("host", "drain", "h1", "--include-pinned", "--parallel=6", "--wait=300s", timeout=320)
    took = time.monotonic() - begin
    lab.until("everything to be well", all_well, 60)
    seen = watch.end()
    print(f"    30 instances drained in {took:.1f} s; at most {seen.away} of an app away (of {AWAY}), {seen.on_one} on one host (of {ON_ONE}), {seen.looks} looks")
    assert 1 <= seen.away <= AWAY and seen.on_one <= ON_ONE and seen.looks > 10
    lab.until("h1 to be in maintenance", lambda: host("h1")["state"] == "maintenance", 30)
    after = on("h3")
    assert after.keys() == before.keys() and all(after[n]["address"] == i["address"] for n, i in before.items())
    assert lab.docker("h1", "ps", "-aq") == ""
    lab.cli("host", "uncordon", "h1", "--wait")
    lab.invariants()


def test_02_thirty_instances_of_a_dead_host_are_evacuated_as_the_plan_said():
    """Pinned instances wait for their host; the plan shows where each would go, then the word of an operator makes them anew there. When the host is
    back they go back to their files, though they had left the other host once before."""
    before = on("h3")
    assert len(before) == 30
    lab.sh("lab_host_die", "3")
    lab.until("h3 to be lost", lambda: host("h3")["state"] == "host_lost", 90)
    plan = lab.cli_json("host", "evacuate", "h3", "--plan", "--include-pinned")
    assert plan["moves"] == 30 and plan["stays"] == 0 and set(moves_of(plan).values()) == {"h1"}, plan
    assert on("h3").keys() == before.keys(), "a plan moves nothing"
    watch, begin = Watch(), time.monotonic()
    lab.cli("host", "evacuate", "h3", "--include-pinned", "--wait=300s", timeout=320)
    lab.until("everything to be well", all_well, 240)
    took = time.monotonic() - begin
    seen = watch.end()
    after = {i["name"]: i for app in APPS for i in lab.instances(app)}
    print(f"    30 instances evacuated in {took:.1f} s; {seen.on_one} of an app on one host (of {ON_ONE})")
    assert {n: after[n]["host"] for n in before} == moves_of(plan)
    assert seen.on_one <= ON_ONE and all(after[n]["address"] == i["address"] for n, i in before.items())
    assert all(lab.redis_pings(after[n]["address"]) for n in before)
    lab.sh("lab_host_boot", "3")
    lab.until("h3 to be back with its instances", lambda: host("h3")["state"] == "online" and not host("h3")["departures"], 240)
    lab.until("everything to be well", all_well, 120)
    assert on("h3").keys() == before.keys() and lab.docker("h1", "ps", "-q") == ""
    lab.invariants()
