"""What goes by itself, and when (S8, S15, S22): disk over the plan, the data of what was retired, containers that never ran."""

import json
import os
import pathlib
import time

import lab

ORDER = 47


def inside(instance, script):
    return lab.docker(instance["host"], "exec", "sot-" + instance["id"], "/bin/sh", "-c", script)


def one(app):
    return lab.instances(app)[0]


def test_1_over_its_disk_an_instance_is_held_until_it_is_within():
    """S22: told at the first look, frozen by its host at the second, with the reason; a larger plan, or files that went, let it go."""
    for name, disk in (("narrow", "64M"), ("wide", "1G")):
        lab.cli("plan", "set", name, "--cpu=0.1", "--memory=64M", f"--disk={disk}")
    lab.have("greedy", 1, image="redis", plan="narrow", health={"kind": "tcp", "port": 6379})
    i = one("greedy")
    before = lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"])
    start = lab.api("GET", "/v1/apps?limit=1").json["cursor"]
    with lab.Agent(i["host"], disk_over="freeze"):
        inside(i, "dd if=/dev/zero of=/data/appdatas/big bs=1M count=100 2>/dev/null")
        held = lab.until("it to be held", lambda: one("greedy")["state"] == "frozen" and one("greedy"), 120, lambda: one("greedy"))
        assert "it uses 1" in held["error"] and "its plan has 64" in held["error"], held
        assert not lab.redis_pings(i["address"])
        told = lab.until("it to be told", lambda: [e for e in lab.api("GET", f"/v1/events?limit=500&after={start}").json["items"] if ".instance.disk." in e["type"]], 30)
        assert told[0]["subject"] == i["name"], told
        lab.cli("instance", "resize", i["name"], "wide", "--wait", timeout=120)
        lab.until("it to go on with a larger plan", lambda: one("greedy")["state"] == "running" and lab.redis_pings(i["address"]), 120)
        lab.cli("instance", "resize", i["name"], "narrow", "--wait", timeout=120)
        lab.until("it to be held again", lambda: one("greedy")["state"] == "frozen", 120)
        os.unlink(os.path.join(lab.VAR, "hosts", i["host"], "agent/instances", i["id"], "appdatas/big"))
        lab.until("it to go on when the file has gone", lambda: one("greedy")["state"] == "running" and lab.redis_pings(i["address"]), 120)
    assert lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"]) == before
    lab.scale("greedy", 0)


def never_ran(host, image, days):
    """A container of this platform, of no instance, that was made `days` ago and never started. Its id."""
    owner = f"0197b1c2-0000-7000-8000-0000000000{days:02d}"
    return lab.docker(host, "create", "--network=none", "--name", "sot-" + owner, "--label", "sot.instance=" + owner, "--label", "sot.name=forgotten", image)


def make_older(host, containers):
    """The Engine keeps when a container was made in a file of its own, and reads it at its start; what runs lives on."""
    lab.kill("dockerd-" + host, "TERM")
    for container, days in containers.items():
        path = pathlib.Path(lab.VAR, "hosts", host, "docker/containers", container, "config.v2.json")
        config = json.loads(path.read_text(encoding="utf-8"))
        config["Created"] = time.strftime("%Y-%m-%dT%H:%M:%S.0Z", time.gmtime(time.time() - days * 86400 - 60))
        path.write_text(json.dumps(config), encoding="utf-8")
    lab.sh("engine_start", host, f"/run/netns/{host}")


def test_2_the_retired_leave_their_data_and_what_never_ran_goes_after_three_days():
    """S8 S15: a retired instance's data stay behind while clean-up runs; of two containers that never ran the one of four days goes, the one of two stays, and so does what
    somebody else made a month ago; it is told."""
    lab.have("leaves", 2, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    gone = one("leaves")
    host = gone["host"]
    inside(gone, "echo precious >/data/appdatas/kept")
    lab.cli("instance", "retire", gone["name"], "--wait", timeout=120)
    tomb = pathlib.Path(lab.VAR, "hosts", host, "agent/instances/.retired", gone["id"])
    lab.until("the tombstone", tomb.exists, 60)
    image = next(r["reference"] for r in lab.cli_json("image", "list")["items"] if r["name"] == "redis")
    stranger = lab.docker(host, "create", "--network=none", "--name", "somebody-elses", image)
    old, young = never_ran(host, image, 4), never_ran(host, image, 2)
    make_older(host, {old: 4, young: 2, stranger: 30})

    def containers():
        return lab.docker(host, "ps", "-aq", "--no-trunc").split()
    with lab.Agent(host, cleanup_interval_ms="1000"):
        lab.until("the old container to go", lambda: old not in containers(), 90)
        told = lab.until("it to be told", lambda: [c for c in lab.cli_json("host", "cleanup", host)["items"] if c["policy"] == "dead_containers"], 60)
        assert told[0]["entries"] == 1 and young in containers() and stranger in containers(), (told, containers())
        assert (tomb / "appdatas/kept").read_text(encoding="utf-8") == "precious\n"
    lab.docker(host, "rm", young, stranger)
    assert all(lab.redis_pings(i["address"]) for i in lab.instances("leaves"))
    lab.scale("leaves", 0)
    lab.invariants()


def test_3_data_of_a_retired_instance_go_after_the_delay():
    """S8 S15: the data of a retired instance stay for the delay (7 days; here 30 s, by the agent's own setting) and then go as a whole, through a death of the agent; nobody
    else's are touched, and what was freed is told."""
    lab.have("tombs", 2, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    gone, stays = lab.instances("tombs")
    for i in (gone, stays):
        inside(i, "mkdir -p /data/appdatas/deep/er && echo precious >/data/appdatas/deep/er/kept && ln -s /etc /data/appdatas/link && dd if=/dev/zero of=/data/appdatas/big bs=1M count=8 2>/dev/null")
    host = gone["host"]
    folder = pathlib.Path(lab.VAR, "hosts", host, "agent/instances")
    tomb, kept = folder / ".retired" / gone["id"], pathlib.Path(lab.VAR, "hosts", stays["host"], "agent/instances", stays["id"], "appdatas/deep/er/kept")
    start = lab.api("GET", "/v1/apps?limit=1").json["cursor"]
    settings = {"cleanup_interval_ms": "500", "cleanup_ages": "retired_data=30"}
    agent_program = os.path.join(lab.BUILD, "services/hostagent/sotalia-hostagent")
    refused = lab.command(["sh", "-c", f"! {agent_program} --host_name=x --state_dir={folder}/none --cleanup_ages=retired=30 2>&1"])
    assert "retired_data" in refused, refused
    with lab.Agent(host, **settings) as agent:
        lab.cli("instance", "retire", gone["name"], "--wait", timeout=120)
        lab.until("the tombstone", tomb.exists, 60)
        buried = tomb.stat().st_ctime
        assert not (folder / gone["id"]).exists() and (tomb / "appdatas/deep/er/kept").read_text(encoding="utf-8") == "precious\n"
        agent.start(agent.env)  # killed and started again: the delay goes on
        assert (tomb / "appdatas/big").exists() or time.time() - buried >= 29, "gone too early"
        lab.until("the data to go", lambda: not tomb.exists(), 90)
        assert time.time() - buried >= 29, f"gone after {time.time() - buried:.1f} s"
        told = lab.until("it to be told", lambda: [c for c in lab.cli_json("host", "cleanup", host)["items"] if c["policy"] == "retired_data"], 60)
        assert sum(c["bytes"] for c in told) >= 8 << 20, told
        lab.until("the event", lambda: [e for e in lab.api("GET", f"/v1/events?limit=500&after={start}").json["items"] if ".host.cleaned" in e["type"]], 30)
    assert kept.read_text(encoding="utf-8") == "precious\n" and os.path.isdir("/etc")
    assert lab.redis_pings(stays["address"])
    lab.scale("tombs", 0)
    lab.invariants()


def test_4_what_nobody_assigned_is_told_ignored_or_adopted_and_never_touched():
    """S1 S8: a container that an operator made is told and ignored by name; one whose instance has no row any more becomes an instance again where it stands: not restarted,
    its files, name and address as before. What is a copy of an instance, or foreign, is not adopted."""
    lab.have("orphans", 2, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    gone, stays = lab.instances("orphans")
    host = gone["host"]
    image = next(r["reference"] for r in lab.cli_json("image", "list")["items"] if r["name"] == "redis")
    stranger = lab.docker(host, "run", "-d", "--network=none", "--name", "probe", "--entrypoint", "sleep", image, "100000")
    copy = lab.docker(host, "create", "--network=none", "--name", "sot-0197b1c2-0000-7000-8000-00000000aaaa", "--label", "sot.name=" + stays["name"], "--label", "sot.app=orphans", image)

    def told(kind):
        return next((c for c in lab.cli_json("host", "containers", host)["items"] if c["kind"] == kind), None)
    lab.until("the foreign container to be told", lambda: told("foreign"), 60)
    lab.until("the copy to be told", lambda: told("copy"), 60)
    assert "not made by this platform" in lab.cli("host", "adopt", host, "probe", check=False).stderr, "a foreign container was adopted"
    assert "there is an instance" in lab.cli("host", "adopt", host, copy[:12], check=False).stderr, "a copy was adopted"
    lab.cli("host", "ignore", host, "probe")
    lab.until("it to be ignored", lambda: told("foreign")["ignored"], 30)
    lab.docker(host, "rm", "-f", stranger)
    stranger = lab.docker(host, "run", "-d", "--network=none", "--name", "probe", "--entrypoint", "sleep", image, "100000")
    lab.until("the one made anew to be ignored", lambda: (told("foreign") or {}).get("id") == stranger and told("foreign")["ignored"], 60)
    began = lab.docker(host, "inspect", "-f", "{{.State.StartedAt}}", "sot-" + gone["id"])
    inside(gone, "echo precious >/data/appdatas/kept")
    # As after a database that came back from a backup: its row is lost, its host is told a set in which it is not.
    lab.kill("scheduler")
    lab.sql(f"""WITH lost AS (DELETE FROM scheduler.instance WHERE id = '{gone['id']}' RETURNING *)
        UPDATE scheduler.host h SET generation = h.generation + 1000000, booked_cpu_milli = booked_cpu_milli - lost.cpu_milli, booked_memory_bytes = booked_memory_bytes - lost.memory_bytes,
          booked_disk_bytes = booked_disk_bytes - lost.disk_bytes, booked_instances = booked_instances - 1 FROM lost WHERE h.name = '{host}'""")
    lab.start_service("scheduler")
    lost = lab.until("the lost one to be told", lambda: told("lost"), 90, lambda: lab.cli_json("host", "containers", host))
    assert lost["instanceName"] == gone["name"] and lost["app"] == "orphans", lost
    lab.cli("host", "adopt", host, lost["id"][:12], "--wait", timeout=120)
    again = next(i for i in lab.instances("orphans") if i["name"] == gone["name"])
    assert again["id"] == gone["id"] and again["host"] == host and again["state"] == "running", again
    assert again["address"] == gone["address"] and lab.redis_pings(again["address"])
    assert lab.docker(host, "inspect", "-f", "{{.State.StartedAt}}", "sot-" + gone["id"]) == began, "it was restarted"
    assert inside(again, "cat /data/appdatas/kept") == "precious"
    lab.until("nothing lost to be told", lambda: told("lost") is None, 60)
    assert lab.docker(host, "inspect", "-f", "{{.State.Running}}", stranger) == "true"
    lab.docker(host, "rm", "-f", stranger, copy)
    lab.scale("orphans", 0)
    lab.invariants()
