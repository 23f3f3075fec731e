"""What dies, and comes back: nothing is lost, doubled or leaked.

SOT_E2E_SOAK=1: every failpoint instead of a sample; SOT_E2E_FAILPOINTS='gateway*': those that match, by name or service.
"""

import fnmatch
import os
import random
import time

import failpoints
import lab

ORDER = 80
SAMPLE = 10


def chosen_points():
    points = failpoints.all_points()
    assert len(points) >= 40, points
    only = os.environ.get("SOT_E2E_FAILPOINTS", "")
    if only:
        return [p for p in points if fnmatch.fnmatch(p[1], only) or fnmatch.fnmatch(p[0], only)]
    return points if lab.SOAK else random.Random(lab.SEED).sample(points, SAMPLE)


def test_12_killed_at_a_failpoint_nothing_is_lost_doubled_or_leaked():
    """Each service is killed at its failpoints while users do what passes them (failpoints.py): after a restart everything
    asked for ends as asked, and the invariants hold."""
    points = chosen_points()
    assert points, "no failpoint has such a name"
    lab.have("chaos", 2)
    lived = []
    for service, name in points:
        begin = time.monotonic()
        died = failpoints.walk(service, name)
        lived += [] if died else [f"{service} {name}"]
        print(f"    {service} {name}: {'killed there' if died else 'NOT PASSED'}, {time.monotonic() - begin:.1f} s", flush=True)
    assert not lived, f"these failpoints were not passed, so nothing is known about them: {', '.join(lived)}"
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
