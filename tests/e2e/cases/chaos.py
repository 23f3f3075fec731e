"""What dies, and comes back: nothing is lost, doubled or leaked."""

import fnmatch
import os
import random
import time

import lab

ORDER = 80
ONLY = os.environ.get("SOT_E2E_FAILPOINTS", "")
HEADERS = {}


def failpoints():
    found = []
    for service in lab.SERVICES:
        binary = os.path.join(lab.BUILD, f"services/{service}/sotalia-{service}")
        found += [(service, name) for name in lab.command([binary, "--list-failpoints"]).split()]
    binary = os.path.join(lab.BUILD, "services/hostagent/sotalia-hostagent")
    found += [("hostagent-h1", name) for name in lab.command([binary, "--list-failpoints"]).split()]
    return found


def arm(service, name):
    lab.kill(service, "TERM")
    spec = f"{name}=crash"
    if service.startswith("hostagent"):
        lab.sh("lab_agent_start", service[-1], env={"SOT_FAILPOINTS": spec})
    else:
        lab.start_service(service, spec)


def revive(service):
    if service.startswith("hostagent"):
        lab.sh("lab_agent_start", service[-1])
    else:
        lab.start_service(service)
        lab.healthy(service)


def insist(app_name, count):
    """Scales with one Idempotency-Key until the platform takes it: what a good client does while services die."""
    headers = lab.key()

    def asked():
        answer = lab.api("POST", f"/v1/apps/{app_name}/scale", {"count": count}, headers, timeout=15)
        return answer.json["operation"]["id"] if answer.status == 202 else None
    return lab.until(f"scale to {count} to be accepted", asked, 60)


def one_failpoint(service, name):
    arm(service, name)
    armed_pid = lab.pid(service) or "died while starting"
    for count in (6, 1):
        try:
            op = lab.until("acceptance", lambda c=count: lab.api("POST", "/v1/apps/chaos/scale", {"count": c}, HEADERS[c], timeout=6).json.get(
                "operation", {}).get("id") if lab.pid(service) == armed_pid else None, 12)
        except AssertionError:
            op = None
        if op:
            lab.until("the operation to end, or the service to die", lambda o=op: lab.pid(service) != armed_pid
                      or lab.operation(o)["state"] in ("done", "failed", "cancelled"), 90)
        if lab.pid(service) != armed_pid:
            break
    died = lab.pid(service) != armed_pid
    lab.kill(service, "TERM")  # one that was not passed must not fire later
    revive(service)
    for count in (6, 1, 2):
        ended = lab.finished(insist("chaos", count), 120)
        assert ended["state"] == "done", ended
    assert len(lab.instances("chaos")) == 2
    lab.invariants(90)
    return died


def test_12_killed_at_a_failpoint_nothing_is_lost_doubled_or_leaked():
    """kill -9 of each service at its failpoints during scale 2 -> 6 -> 1; after a restart the operation ends, the
    invariants hold."""
    lab.have("chaos", 2)
    points = failpoints()
    assert len(points) >= 40, points
    if ONLY:
        points = [p for p in points if fnmatch.fnmatch(p[1], ONLY) or fnmatch.fnmatch(p[0], ONLY)]
    elif not lab.SOAK:
        points = random.Random(lab.SEED).sample(points, 10)
    hit = 0
    for service, name in points:
        HEADERS.update({6: lab.key(), 1: lab.key()})
        begin = time.monotonic()
        died = one_failpoint(service, name)
        hit += died
        print(f"    {name}: {'killed there' if died else 'not passed'}, {time.monotonic() - begin:.1f} s", flush=True)
    assert hit > 0, "no failpoint was passed: the test would prove nothing"
    lab.scale("chaos", 0)


def test_13_a_dead_host_agent_disturbs_nothing():
    """D1: the agent dies and comes back: containers are adopted, none restarts."""
    lab.have("adopt", 4)
    before = {h: lab.docker(h, "ps", "-q", "--no-trunc") for h in lab.HOSTS}
    lab.kill("hostagent-h1")
    lab.until("h1 to be seen as lost", lambda: lab.api("GET", "/v1/hosts/h1").json["state"] in ("suspect", "agent_lost"), 60)
    lab.sh("lab_agent_start", "1")
    lab.until("h1 to be back", lambda: lab.api("GET", "/v1/hosts/h1").json["state"] == "online", 60)
    assert before == {h: lab.docker(h, "ps", "-q", "--no-trunc") for h in lab.HOSTS}
    assert all(i["restarts"] == 0 for i in lab.instances("adopt"))
    lab.scale("adopt", 0)
