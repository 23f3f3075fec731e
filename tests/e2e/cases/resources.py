"""What an instance sees and may use (S18, S22) on real Docker: its plan's numbers, LXCFS away and back, neighbours that burn, hog, fork and flood."""

import os
import signal
import time

import lab

ORDER = 48
IDLE = {"command": "exec sleep 1000000", "health": {"kind": "none"}}


def inside(instance, script, check=True):
    return lab.docker(instance["host"], "exec", "sot-" + instance["id"], "/bin/sh", "-c", script, check=check)


def memory_kb(instance):
    return int(inside(instance, "awk '/^MemTotal/ { print $2 }' /proc/meminfo"))


def tools_agree(instance, memory_bytes):
    """free, vmstat, top, uptime and the files of /proc that they read: all of the plan."""
    free = inside(instance, "free -b").splitlines()
    assert free[1].split()[1] == str(memory_bytes) and free[2].split()[1] == "0", free
    used, cache = (int(n) for n in (free[1].split()[2], free[1].split()[5]))
    assert 0 < used + cache <= memory_bytes, free
    vmstat = inside(instance, "vmstat -s -S B").splitlines()
    assert int(vmstat[0].split()[0]) == memory_bytes, vmstat[:3]
    top = inside(instance, "TERM=dumb top -bn1 -1 -E k").splitlines()
    assert sum(line.startswith("%Cpu") for line in top) == 1, top[:8]
    assert f" {memory_bytes // 1024} total" in next(line for line in top if "Mem" in line), top[:8]
    days, seconds = "day" in inside(instance, "uptime"), float(inside(instance, "cut -d' ' -f1 /proc/uptime"))
    assert not days and seconds < 600 and len(inside(instance, "cat /proc/loadavg").split()) == 5
    assert inside(instance, "ps -e -o pid= | sort -n | head -n 1").strip() == "1"


def test_1_tools_tell_the_plan_not_the_host():
    """S18: nproc, free, /proc, Node's os.cpus() and the JVM agree with the plan, on a host with more of everything."""
    plans = {p["name"]: p for p in lab.api("GET", "/v1/plans").json["items"]}
    small = plans["small"]
    assert small["cpuPinned"] is True and small["pidsMax"] > 0, small
    lab.have("seen", 1, image="nodejs", plan="small", **IDLE)
    lab.have("seen-jvm", 1, image="tomcat", plan="small", **IDLE)
    node, jvm = lab.instances("seen")[0], lab.instances("seen-jvm")[0]
    for i in (node, jvm):
        lab.until(f"{i['name']} to see its memory", lambda i=i: memory_kb(i) * 1024 == small["memoryBytes"], 20)
        assert inside(i, "nproc") == "1", inside(i, "nproc")
        assert inside(i, "grep -c ^processor /proc/cpuinfo") == "1"
        assert inside(i, "grep -c '^cpu[0-9]' /proc/stat") == "1"
        assert float(inside(i, "cut -d' ' -f1 /proc/uptime")) < 600
        assert int(inside(i, "awk '/^SwapTotal/ { print $2 }' /proc/meminfo")) == 0
        tools_agree(i, small["memoryBytes"])
    assert inside(node, "node -p 'os.cpus().length + \" \" + os.totalmem()'") == f"1 {small['memoryBytes']}"
    settings = inside(jvm, "java -XX:+PrintFlagsFinal -XshowSettings:system -version 2>&1")
    assert "Effective CPU Count: 1" in settings, settings[:2000]
    heap = next(int(line.split()[3]) for line in settings.splitlines() if " MaxHeapSize " in line)
    assert heap <= small["memoryBytes"] // 2, heap


def test_2_lxcfs_is_killed_and_started_again():
    """S18: an LXCFS that was started again is seen by instances that run; none is restarted."""
    lab.have("seen", 1, image="nodejs", plan="small", **IDLE)
    i = lab.instances("seen")[0]
    before = lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"])
    lab.kill("lxcfs-" + i["host"])
    assert inside(i, "cat /proc/meminfo >/dev/null 2>&1 || echo dead", check=False) == "dead"
    lab.sh("lxcfs_start", i["host"])
    lab.until("the view to come back", lambda: memory_kb(i) < 1 << 20, 40)
    assert lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"]) == before


def test_3_a_plan_is_changed_under_a_running_instance():
    """S2, S22: resize in place, without a restart; what does not fit is refused with what is missing."""
    lab.have("seen", 1, image="nodejs", plan="small", **IDLE)
    i = lab.instances("seen")[0]
    started = "{{.State.StartedAt}}"
    before = lab.docker(i["host"], "inspect", "-f", started, "sot-" + i["id"])
    lab.cli("app", "resize", "seen", "tiny", "--wait")
    lab.until("the new plan to be seen", lambda: memory_kb(i) == 128 << 10, 20)
    lab.cli("instance", "resize", i["name"], "small", "--wait")
    assert memory_kb(i) == 512 << 10
    assert lab.docker(i["host"], "inspect", "-f", started, "sot-" + i["id"]) == before, "it was restarted"
    assert lab.cli_json("app", "show", "seen")["plan"] == "tiny" and lab.instances("seen")[0]["plan"] == "small"
    assert "no plan is called" in lab.cli("app", "resize", "seen", "gigantic", check=False).stderr
    lab.invariants()


def test_4_frozen_rebuilt_and_rebooted_from_inside():
    """S2, S8: held still and let go; made anew with its data, name and address; a reboot from inside keeps everything."""
    lab.have("kept", 1, image="redis", plan="tiny")
    i = lab.instances("kept")[0]
    lab.cli("instance", "freeze", i["name"], "--wait")
    assert lab.instances("kept")[0]["state"] == "frozen"
    assert not lab.redis_pings(i["address"])
    lab.cli("instance", "unfreeze", i["name"], "--wait")
    assert lab.redis_pings(i["address"])
    inside(i, "echo mine >/data/appdatas/kept; echo gone >/root-file; redis-cli set a b; redis-cli save")
    lab.cli("instance", "rebuild", i["name"], "--wait")
    after = lab.instances("kept")[0]
    assert (after["name"], after["address"], after["mac"], after["host"]) == (i["name"], i["address"], i["mac"], i["host"])
    assert after["containerId"] != i["containerId"]
    assert inside(after, "cat /data/appdatas/kept; ls /root-file 2>/dev/null; redis-cli get a") == "mine\nb"
    inside(after, "echo stays >/root-file")
    before = lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"])
    inside(after, "reboot", check=False)
    lab.until("the reboot", lambda: lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"]) != before, 30)
    lab.until("redis to answer again", lambda: lab.redis_pings(i["address"]), 30)
    assert inside(after, "cat /root-file") == "stays"
    assert lab.instances("kept")[0]["containerId"] == after["containerId"]
    lab.invariants()


def test_5_bad_neighbours_are_held():
    """S22: one instance burns, hogs memory, forks and floods its log; its neighbour keeps answering and the log stays bounded."""
    lab.have("noisy", 2, image="redis", plan="tiny")
    bad, good = lab.instances("noisy")
    full_id = lab.docker(bad["host"], "inspect", "-f", "{{.Id}}", "sot-" + bad["id"])
    limit = next(p["pidsMax"] for p in lab.api("GET", "/v1/plans").json["items"] if p["name"] == "tiny")

    def figure(controller, name):
        with open(f"/sys/fs/cgroup/{controller}/docker/{full_id}/{name}", encoding="ascii") as f:
            return int(f.read().split()[-1])  # of memory.oom_control the last line: "oom_kill 1"
    # One after the other: behind a fork bomb nothing else would start.
    script = ("dd if=/dev/zero of=/dev/null bs=300M count=1; for n in 1 2 3 4; do (while :; do :; done) & done;"
              "timeout 5 sh -c 'yes 0123456789012345678901234567890123456789 >/proc/1/fd/1';"
              "i=0; while [ $i -lt 2000 ]; do sleep 30 & i=$((i+1)); done")
    lab.docker(bad["host"], "exec", "-d", "sot-" + bad["id"], "/bin/sh", "-c", script)
    lab.until("the memory hog to be killed", lambda: figure("memory", "memory.oom_control") > 0, 40)
    lab.until("the fork bomb to reach its limit", lambda: figure("pids", "pids.current") >= limit - 1, 60)
    for _ in range(50):
        assert lab.redis_pings(good["address"]), "the neighbour does not answer"
    assert figure("pids", "pids.current") <= limit
    log = lab.docker(bad["host"], "inspect", "-f", "{{.LogPath}}", "sot-" + bad["id"])
    size = lab.command(["sh", "-c", f"cat {log}* | wc -c"])
    assert int(size) <= 31 << 20, size
    assert lab.finished(lab.post(f"/v1/instances/{bad['name']}/restart"))["state"] == "done"


def test_6_what_is_used_is_told_by_host_and_instance():
    """S10: the agent's last figures, asked through scheduler and gateway; they agree with the kernel's and with the plan."""
    lab.have("noisy", 2, image="redis", plan="tiny")
    i = lab.instances("noisy")[0]
    plan = next(p for p in lab.api("GET", "/v1/plans").json["items"] if p["name"] == "tiny")

    def told():
        usage = lab.api("GET", f"/v1/instances/{i['name']}/usage")
        # A start beside an LXCFS that is slow to answer goes without it, and gets it at the agent's next look.
        # A report between its start and the first look at its cgroup has no process yet.
        is_complete = (usage.status == 200 and usage.json["running"] and usage.json["diskUsedBytes"] > 0 and usage.json["ownView"]
                       and usage.json["pids"] >= 2)
        return usage.json if is_complete else None
    usage = lab.until("figures of the instance, with a view of its own", told, 60)
    assert usage["id"] == i["id"], usage
    assert (usage["memoryLimitBytes"], usage["pidsMax"], usage["diskLimitBytes"]) == (plan["memoryBytes"], plan["pidsMax"], plan["diskBytes"]), usage
    assert 0 < usage["memoryWorkingSetBytes"] <= plan["memoryBytes"], usage
    host = lab.api("GET", f"/v1/hosts/{i['host']}/usage").json
    assert host["host"]["cpuCores"] > 0 and host["host"]["viewUp"] is True and host["host"]["dockerOk"] is True, host["host"]
    assert i["name"] in [u["name"] for u in host["items"]]
    assert i["name"] in lab.cli("top", i["host"])
    assert lab.api("GET", "/v1/hosts/none/usage").status == 404 and lab.api("GET", "/v1/instances/none-01/usage").status == 404


def test_7_a_docker_engine_that_stands_still_makes_its_host_sick_and_disturbs_nothing():
    """S8, D4: dockerd stopped by SIGSTOP, with SOT_E2E_SOAK for a minute: the agent answers, the host is told as docker_sick and gets nothing
    new, what runs runs on."""
    lab.have("noisy", 2, image="redis", plan="tiny")
    before = {i["id"] for i in lab.instances("noisy")}
    engine = int(lab.pid("dockerd-h1"))
    worst, until = 0, time.monotonic() + (60 if lab.SOAK else 0)
    os.kill(engine, signal.SIGSTOP)
    try:
        lab.until("h1 to be sick", lambda: lab.api("GET", "/v1/hosts/h1").json["state"] == "docker_sick", 40)
        assert "Docker Engine does not answer" in lab.control("hostagent-h1", "health")
        lab.scale("noisy", 4)
        assert {i["host"] for i in lab.instances("noisy") if i["id"] not in before} == {"h2"}
        assert all(lab.redis_pings(i["address"]) for i in lab.instances("noisy"))
        lab.until("the next report", lambda: lab.api("GET", "/v1/hosts/h1/usage").json["host"]["dockerOk"] is False, 20)
        while time.monotonic() < until:
            begin = time.monotonic()
            assert "Docker Engine does not answer" in lab.control("hostagent-h1", "health")
            worst = max(worst, time.monotonic() - begin)
            assert lab.api("GET", "/v1/hosts/h1").json["state"] == "docker_sick"
            assert all(i["host"] != "h1" or i["id"] in before for i in lab.instances("noisy"))
            assert all(lab.redis_pings(i["address"]) for i in lab.instances("noisy"))
    finally:
        os.kill(engine, signal.SIGCONT)
    lab.until("h1 to be well again", lambda: lab.api("GET", "/v1/hosts/h1").json["state"] == "online", 40)
    if lab.SOAK:
        print(f"    a minute without the Engine: the agent answered within {worst * 1000:.0f} ms, at worst")
        assert worst < 2, worst
    lab.invariants()


def test_8_what_fails_its_checks_is_restarted_if_its_app_wants_that():
    """S10: a program that hangs is found by its check and restarted, once, with its name, address and files; that of an app that does not want it is left as it is."""
    check = {"kind": "command", "command": "redis-cli ping | grep -q PONG", "intervalMs": 1000, "timeoutMs": 1000, "healthyAfter": 1, "unhealthyAfter": 2, "startPeriodMs": 20000}
    lab.have("heals", 1, image="redis", plan="tiny", health={**check, "restartAfter": 4})
    lab.have("stays-sick", 1, image="redis", plan="tiny", health=check)
    one, other = lab.instances("heals")[0], lab.instances("stays-sick")[0]
    started = {i["id"]: lab.docker(i["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + i["id"]) for i in (one, other)}
    for i in (one, other):
        inside(i, "echo kept >/kept; pkill -STOP redis-server")
    lab.until("both to be told unhealthy", lambda: all(lab.instances(a)[0]["health"] == "unhealthy" for a in ("heals", "stays-sick")), 30)
    after = lab.until("the one to be healthy again", lambda: [i for i in lab.instances("heals") if i["health"] == "healthy" and i["state"] == "running"], 90)[0]
    assert all(after[k] == one[k] for k in ("id", "name", "address", "mac", "containerId")) and after["restarts"] == 1, after
    assert lab.docker(one["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + one["id"]) != started[one["id"]]
    assert inside(after, "cat /kept") == "kept" and lab.redis_pings(after["address"])
    assert lab.instances("stays-sick")[0]["health"] == "unhealthy"
    assert lab.docker(other["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + other["id"]) == started[other["id"]]
    assert lab.api("POST", "/v1/apps", lab.app("unchecked", health={"kind": "none", "restartAfter": 1})).status == 400
    for app in ("heals", "stays-sick"):
        lab.scale(app, 0)
    lab.invariants()
