"""What CAT gets from a platform that works (S14): real hosts and instances beside simulated ones, a listener that drops what CAT 3.1
would drop. In soak with 60 instances on three hosts, 1,000 simulated hosts and a quarter of an hour."""

import collections
import re
import subprocess
import time

import lab

ORDER = 47
HOSTS = 3 if lab.SOAK else 2
INSTANCES, SIMULATED, MINUTES = (60, 1000, 15) if lab.SOAK else (2, 100, 2)
IDLE = {"command": "exec sleep 1000000", "health": {"kind": "none"}}
# Nothing listens there: its checks fail, and soon it counts as unhealthy.
DEAF = {"health": {"kind": "tcp", "port": 9, "path": "", "intervalMs": 500, "timeoutMs": 500, "healthyAfter": 1, "unhealthyAfter": 2,
                   "startPeriodMs": 1000}}

# What each machine's heartbeat must show: the mapping's figures, and those of the old platform (README of monitor-bridge).
HOST_FIGURES = {
    "LoadAverage", "FreePhysicalMemory", "FreeSwapSpaceSize", "/data Free", "/ Free", "host.cpu.used.pct", "host.cpu.user.pct",
    "host.cpu.system.pct", "host.cpu.iowait.pct", "host.cpu.steal.pct", "host.load.1", "host.load.5", "host.load.15", "host.procs.running",
    "host.mem.used.mb", "host.mem.cached.mb", "host.mem.used.pct", "host.mem.buffers.mb", "host.mem.shared.mb", "host.disk.data.used.pct",
    "host.inode.data.used.pct", "host.disk.read.kbps", "host.disk.write.kbps", "host.disk.util.pct",
    "host.net.uplink.rx.kbps", "host.net.uplink.tx.kbps",
    "host.net.uplink.drops", "host.net.uplink.errs", "containers.running", "containers.total", "docker.ping.ms"}
INSTANCE_FIGURES = {
    "c.cpu.used.pct", "c.cpu.throttled.pct", "c.load.1", "c.mem.rss.mb", "c.mem.cache.mb", "c.mem.limit.mb", "c.mem.used.pct", "c.mem.failcnt",
    "c.mem.swap.mb", "c.mem.free.mb", "c.mem.shared.mb", "c.disk.used.pct", "c.disk.freeinodes.pct", "c.disk.read.kbps", "c.disk.write.kbps",
    "c.net.in.kbps", "c.net.out.kbps", "c.net.drops", "c.net.errs", "c.net.collisions", "c.net.lo.in.kbps", "c.net.lo.out.kbps", "c.proc.total",
    "c.proc.running", "c.tcp.established", "c.uptime.min", "c.users"}
GAUGES = {"agents.alive", "agents.lost", "instances.running", "instances.bad", "cpu.alloc.pct", "mem.alloc.pct", "ipam.default.used",
          "ipam.default.free", "ipam.default.used.pct"}


def fits(frame, message, wanted):
    return all((message[k] if k in message else frame.get(k)) == v for k, v in wanted.items())


def has(cat, **wanted):
    """Something arrived with these members, of the frame or of one message in it."""
    return any(fits(f, m, wanted) for f, m in cat.messages())


def arrives(cat, what, seconds=90, **wanted):
    """Waits until it has arrived, and returns its frame and message; each is looked at once."""
    looked = 0

    def found():
        nonlocal looked
        while looked < len(cat.messages()):
            looked += 1
            if fits(*cat.flat[looked - 1], wanted):
                return cat.flat[looked - 1]
        return None
    return lab.until(what, found, seconds)


class Beats:
    """{machine: [minutes]} of the heartbeats; grows with each call."""

    def __init__(self, cat):
        self.cat, self.looked, self.found = cat, 0, collections.defaultdict(list)

    def __call__(self):
        for f, m in self.cat.messages()[self.looked:]:
            self.looked += 1
            if m["kind"] == "heartbeat":
                self.found[f["address"]].append(m["atUnixMs"] // 60000)
        return self.found


def gone(app):
    for operation in lab.api("GET", f"/v1/operations?app={app}").json["items"]:
        if operation["state"] in ("queued", "running"):
            lab.api("POST", f"/v1/operations/{operation['id']}/cancel", {}, lab.key())
    lab.finished(lab.post(f"/v1/apps/{app}/scale", {"count": 0}))
    answer = lab.api("DELETE", f"/v1/apps/{app}", headers=lab.key())
    assert answer.status == 202, answer.body
    lab.finished(answer.json["operation"]["id"])


def conflict(cat, instance):
    """A machine that nobody registered comes up with the address of an instance, and says so as machines do."""
    lab.command(["ip", "netns", "add", "late"])
    try:
        lab.command(["ip", "link", "add", "late0", "type", "veth", "peer", "name", "eth0", "netns", "late"])
        lab.command(["ip", "link", "set", "late0", "master", "tor0", "up"])
        for line in (f"address add {instance['address']}/24 dev eth0", "link set eth0 up"):
            lab.command(["ip", "-n", "late", *line.split()])
        with subprocess.Popen(["ip", "netns", "exec", "late", "timeout", "20", "arping", "-c", "10", "-U", "-I", "eth0", instance["address"]],
                              stdout=subprocess.DEVNULL):  # not only once: here 60 instances may be what the machine is busy with
            _, error = arrives(cat, "a conflict", 30, domain="sotalia-controller", type="Error", name="IpConflict.default", status="1")
        assert f"address={instance['address']}&" in error["data"], error
        arrives(cat, "its counter", 20, kind="metric", name="ipam.conflict", status="C")
    finally:
        lab.command(["ip", "netns", "delete", "late"])


def restart_ipam(**settings):
    lab.kill("ipam", "TERM")
    lab.sh("service_start", "ipam", env={**settings, "SOT_FAILPOINTS": ""})
    lab.healthy("ipam")


def all_hosts_are_heard():
    """A restarted bridge has a report of every agent: what they count from now on is not lost to the reconnection."""
    def frames():
        told = re.search(r"^sot_bridge_reports_total (\d+)", lab.control("monitor-bridge", "metrics"), re.M)
        return int(told[1]) if told else 0  # in its first second it has counted nothing
    before = frames()
    lab.until("the reports of two rounds", lambda: frames() >= before + 4 * HOSTS, 60)


def leak(cat):
    """An instance is gone and the release of its address was lost: ipam finds it out from its host's reports and a silent probe, gives it
    back, and says so."""
    all_hosts_are_heard()
    lab.have("leaky", 1, **IDLE)
    instance = lab.instances("leaky")[0]
    address, owner = instance["address"], instance["id"]
    host, generation = lab.sql(f"SELECT host, generation FROM ipam.address WHERE address = '{address}' AND vrf = 0")[0]
    gone("leaky")
    lab.until("the address to be given back", lambda: lab.sql(
        f"SELECT state FROM ipam.address WHERE address = '{address}' AND vrf = 0") == [["cooling"]], 30)
    lab.kill("ipam", "TERM")
    lab.sql(f"UPDATE ipam.address SET state = 'bound', owner = '{owner}', host = '{host}', free_after = NULL, generation = {generation} + 1, "
            f"updated_at = clock_timestamp() WHERE address = '{address}' AND vrf = 0 AND state = 'cooling'")
    try:
        # As ever, only sooner: it is seen twice a second apart, and hosts report every 5 s.
        restart_ipam(SOT_IPAM_LEAK_INTERVAL_S="1", SOT_IPAM_REPORT_INTERVAL_S="5")
        _, error = arrives(cat, "a leak", 180, domain="sotalia-controller", type="Error", name="IpLeak.default", status="1")
        assert error["data"].startswith(f"address={address}&owner={owner}&state=cooling&evidence="), error
        arrives(cat, "its counter", 20, kind="metric", name="ipam.leak", status="C")
        assert lab.sql(f"SELECT state FROM ipam.address WHERE address = '{address}' AND vrf = 0") == [["cooling"]]
    finally:
        restart_ipam()


def lost_agent(cat):
    """The agent of the last host dies, others still hear the host; later it comes back. Its page tells both."""
    name, address = f"h{HOSTS}", f"10.77.0.1{HOSTS}"
    placed = sum(i["host"] == name for i in lab.instances())
    lab.kill(f"hostagent-{name}")
    _, error = arrives(cat, "a lost agent", 90, domain="sotalia-agent", address=address, type="Error", name="AgentLost", status="1")
    assert f"host={name}&lastSeenUnixMs=" in error["data"] and f"&instances={placed}&" in error["data"], (error, placed)
    arrives(cat, "its counter", 20, kind="metric", name="agent.lost", status="C")
    lab.sh("lab_agent_start", str(HOSTS))
    arrives(cat, "its return", 60, domain="sotalia-agent", address=address, type="Agent", name="back", status="0")


def deploy(app, version):
    with open(lab.package({"index.js": lab.NODE_SERVER % version}), "rb") as f:
        answer = lab.api("PUT", f"/v1/apps/{app}/versions/{version}?file=web.tar.gz", raw=f.read(), headers=lab.key())
    assert answer.status == 202, answer.body
    assert lab.finished(lab.post(f"/v1/apps/{app}/deploy", {"version": version}))["state"] == "done"


def exercise(cat):
    """Makes the platform do what its rows tell of, and sees each arrive."""
    lab.have("watched", INSTANCES)
    instances = lab.instances("watched")
    # Operations: one tree each, its steps, the calls of agents and their other side on the host's page.
    lab.until("the operation", lambda: any(m["type"] == "Sotalia.Op" and "app=watched" in m["data"] and m["status"] == "0"
                                           for _, m in cat.messages()), 60)
    for step in ("place", "address", "start"):
        assert has(cat, type="Sotalia.Step", name=step, status="0"), step
    links = {m["data"] for _, m in cat.messages() if m["type"] == "RemoteCall"}
    lab.until("the other side of a call", lambda: any(f["messageId"] in links and f["domain"] == "sotalia-agent" and m["type"] == "Service"
                                                     for f, m in cat.messages()), 20)
    assert {"Call", "Call.server", "Call.app", "Service.client", "Service.app"} <= {m["type"] for _, m in cat.messages()}
    # What fits nowhere; what is given up.
    refused = lab.post("/v1/apps", lab.app("nofit", count=1, placement={"tags": {"required": ["of-no-host"]}}, **IDLE))
    arrives(cat, "NoFit", 20, domain="sotalia-controller", type="Schedule", name="NoFit", status="1")
    lab.finished(lab.post(f"/v1/operations/{refused}/cancel"), 60)
    arrives(cat, "the end of the wait", 20, type="Schedule", name="Fits", status="0")
    # What is not well: each failed check, and the page of the instance.
    lab.post("/v1/apps", lab.app("deaf", count=1, **DEAF))
    name = lab.until("an instance", lambda: lab.instances("deaf"), 30)[0]["name"]
    arrives(cat, "an unhealthy instance", 60, domain="sotalia-instance", address=name, type="Health", name="down", status="1")
    _, error = arrives(cat, "the error", 20, domain="sotalia-instance", address=name, type="Error", name="HealthCheckFail.deaf", status="1")
    assert f"instance={name}&" in error["data"] and "refused" in error["data"], error
    # What must not be: an agent that dies, an address that somebody else uses. Problems of the right machines.
    lost_agent(cat)
    conflict(cat, instances[0])
    # A deploy: its tree, its counter, its alteration.
    lab.have("catweb", 0, image="nodejs", command="", health={**lab.REDIS["health"], "kind": "http", "port": 8080, "path": "/"})
    deploy("catweb", f"v{lab.SEED}")
    arrives(cat, "the deploy", 20, type="Sotalia.Op", name="app.deploy", status="0")
    arrives(cat, "its counter", 20, kind="metric", name="deploy.ok", status="C")
    arrives(cat, "its length", 20, kind="metric", name="deploy.seconds", status="T")
    lab.until("its alteration", lambda: any("/cat/r/alteration?" in p and "domain=catweb" in p for p in lab.CatRouter.asked), 20)
    # What operators ask is answered.
    shown = lab.cli("monitor", "test", "e2e")
    assert "Sotalia.Test" in shown and "e2e" in shown, shown
    arrives(cat, "the test event", 20, type="Sotalia.Test", name="e2e")
    return instances, name


def test_1_every_row_of_the_mapping_arrives_and_nothing_is_dropped():
    """S14: operations with steps and linked calls, calls to the Engine, of the gateway and of the database, health checks, gauges,
    heartbeats of real and simulated machines, one a minute each."""
    with lab.Cat() as cat, lab.Fleet(SIMULATED, 1) as fleet:
        lab.until("the bridge to be one of them", lambda: lab.sql("SELECT 1 FROM monitor.bridge_v WHERE alive"), 30)
        arrives(cat, "the bridge's start", 30, domain="sotalia-controller", type="System", name="Reboot", status="0")
        instances, deaf = exercise(cat)
        status = lab.cli_json("monitor", "status")
        leader = [b for b in status["bridges"] if b["alive"]]
        assert len(leader) == 1 and leader[0]["status"]["leads"] and leader[0]["status"]["cat"]["up"], status
        # Once a minute: calls by kind, the platform's own figures, and every machine.
        for call in ("create", "start", "inspect", "list", "ping"):
            arrives(cat, f"Docker/{call}", domain="sotalia-agent", type="Docker", name=call, status="0")
        arrives(cat, "health checks", domain="sotalia-instance", type="Health", name="watched", status="0")
        arrives(cat, "a failed check", domain="sotalia-instance", address=deaf, type="Health", name="deaf", status="refused")
        arrives(cat, "requests", 120, domain="sotalia-controller", type="URL", name="POST /v1/apps", status="0")
        for statement in ("scheduler.COMMIT", "ipam.COMMIT", "monitor-bridge.renew"):
            arrives(cat, f"SQL/{statement}", 120, domain="sotalia-controller", type="SQL", name=statement, status="0")
        for gauge in GAUGES:
            arrives(cat, gauge, kind="metric", name=gauge, status="T")
        machines = {f"10.77.0.{10 + n}" for n in range(1, HOSTS + 1)} | {i["name"] for i in instances} | set(fleet.names) | set(fleet.instances)
        beats = Beats(cat)
        begun = int(time.time() // 60)
        lab.until("every machine for so many minutes", lambda: all(sum(at > begun for at in beats().get(m, ())) >= MINUTES for m in machines),
                  60 * (MINUTES + 4))
        frames = cat.frames()
        for machine, minutes in beats().items():
            assert minutes == sorted(set(minutes)), (machine, minutes)
        # Before, an agent was killed; from here on no machine lacks a minute.
        for machine in machines - {deaf}:
            own = [at for at in beats()[machine] if at > begun]
            assert own == list(range(begun + 1, begun + 1 + len(own))), (machine, begun, own)
        figures = {f["address"]: m["details"] for f, m in cat.messages() if m["kind"] == "heartbeat"}
        assert HOST_FIGURES <= figures["10.77.0.11"], HOST_FIGURES - figures["10.77.0.11"]
        per_link = [f for f in figures["10.77.0.11"] if f.startswith("host.net.") and f.endswith(".rx.kbps") and ".uplink." not in f]
        assert per_link, figures["10.77.0.11"]
        usage = [m["details"] for f, m in cat.messages() if m["kind"] == "heartbeat" and f["domain"] == "sotalia-controller"]
        assert usage and all({"Produced", "Overflowed", "Bytes"} <= u for u in usage), usage[:1]
        shown = figures[instances[0]["name"]]
        assert INSTANCE_FIGURES <= shown, INSTANCE_FIGURES - shown
        traced = lab.cli("monitor", "trace", instances[0]["name"])
        assert "c.cpu.used.pct" in traced and instances[0]["name"] in traced, traced
        verdicts = {f["verdict"] for f in frames}
        assert verdicts == {"accepted"}, [f for f in frames if f["verdict"] != "accepted"][:3]
        print(f"    {len(frames)} frames, {len(machines)} machines, {min(len(beats()[m]) for m in machines)} minutes or more, none dropped")
    for app in ("deaf", "nofit", "catweb"):
        gone(app)
    lab.scale("watched", 0)


def test_3_an_address_that_leaked_is_a_problem_of_its_vlan():
    """S14: the row on conflicts and leaks, from a host's report to the message."""
    with lab.Cat() as cat:
        leak(cat)
        for call in ("stop", "rm"):
            arrives(cat, f"Docker/{call}", 130, domain="sotalia-agent", type="Docker", name=call, status="0")
        assert {f["verdict"] for f in cat.frames()} == {"accepted"}


def test_2_an_app_inside_finds_cat():
    """S14: client.xml and the folders of a CAT client are there, and the app may write to them."""
    lab.have("finds-cat", 1, **IDLE)
    i = lab.instances("finds-cat")[0]

    def inside(script):
        return lab.docker(i["host"], "exec", "-u", "app", "sot-" + i["id"], "/bin/sh", "-c", script)
    assert '<server ip="10.77.0.1" port="2280" http-port="8080"/>' in inside("cat /data/appdatas/cat/client.xml")
    inside("touch /data/appdatas/cat/mark /data/applogs/cat/cat.log")
    lab.scale("finds-cat", 0)
