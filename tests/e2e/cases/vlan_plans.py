"""What a plan of VLANs means for instances: both families, places that a VLAN reaches, groups, isolation, who had it, zones.

The laboratory is `trunk` (trunk.sh). Its hosts are h1 in az1/rack1 and h2 in az2/rack2.
"""

import re
import time

import lab
from cases import vlans

ORDER = 31
LAB = "trunk"


def test_1_instances_of_a_dual_stack_vlan_have_and_use_both_families():
    """S3: a VLAN with an IPv6 subnet gives both; both are reached from another machine of the VLAN; both are told."""
    vlans.have_vlans()
    if "fd00:100::/64" not in {s["cidr"] for s in lab.cli_json("subnet", "list")["items"]}:
        lab.cli("subnet", "create", "web", "fd00:100::/64", "--gateway=fd00:100::1", "--first=fd00:100::50")
    lab.create("dual", 2, vlan="web", command=vlans.MARK)
    found = lab.instances("dual")
    listed = {a["address"]: a for a in lab.api("GET", "/v1/addresses?vlan=web&limit=500").json["items"]}
    for i in found:
        assert i["addressV6"].startswith("fd00:100::"), i
        for address in (i["address"], i["addressV6"]):
            assert (listed[address]["instance"], listed[address]["state"]) == (i["name"], "bound"), listed[address]
            lab.until(f"{address} to answer in VLAN 100", lambda a=address: vlans.pings("n100", a), 10)
        routes = vlans.inside_instance(i, "ip", "-6", "route", "show", "default")
        assert routes.startswith("default via fd00:100::1 dev eth0"), routes
    one, other = found
    assert one["host"] != other["host"] and vlans.reaches(one, other["addressV6"]) and vlans.reaches(other, one["addressV6"])
    lab.invariants()
    lab.scale("dual", 0)


def have_edges():
    """A group of VLANs, one of each rack."""
    known = {v["name"] for v in lab.cli_json("vlan", "list")["items"]}
    for rack in ("1", "2"):
        if f"edge{rack}" not in known:
            lab.cli("vlan", "create", f"edge{rack}", "--id=400", f"--scope=rack:rack{rack}", "--group=edge", "--dns-zone=edge.example")
            lab.cli("subnet", "create", f"edge{rack}", f"10.4{rack}.0.0/24", f"--gateway=10.4{rack}.0.1")


def test_2_an_instance_lands_where_its_vlan_reaches():
    """S3: a VLAN of one rack takes its instances there; a group with a VLAN per rack gives each instance its rack's."""
    have_edges()
    lab.create("near", 3, vlan="edge1")
    near = lab.instances("near")
    assert {i["host"] for i in near} == {"h1"} and all(i["address"].startswith("10.41.0.") for i in near), near
    assert vlans.reaches(near[0], near[1]["address"]), "two of one host"
    lab.scale("near", 0)
    lab.create("wide", 4, vlan="edge")
    wide = lab.instances("wide")
    assert {i["host"] for i in wide} == {"h1", "h2"}, wide
    for i in wide:
        rack = i["host"][1:]
        assert i["vlan"] == f"edge{rack}" and i["address"].startswith(f"10.4{rack}.0."), i
    lab.invariants()


def test_3_who_had_an_address_is_known_and_zones_hold_the_instances():
    """S3: the holder of an address at a moment, after it has gone; names of instances forwards and backwards."""
    lab.have("wide", 4, vlan="edge")
    found = lab.instances("wide")
    zone = lab.cli("dns", "export", "edge.example")
    reverse = {rack: lab.cli("dns", "export", f"0.4{rack}.10.in-addr.arpa") for rack in ("1", "2")}
    for i in found:
        assert f"{i['name']} A {i['address']}" in zone, zone
        rack, last = i["host"][1:], i["address"].rsplit(".", 1)[1]
        assert f"{last}.0.4{rack}.10.in-addr.arpa. PTR {i['name']}.edge.example." in reverse[rack], reverse[rack]
    moment = lab.sql("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 second', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")[0][0]
    lab.until("the next full second", lambda: lab.sql(f"SELECT now() > '{moment}'::timestamptz")[0][0] == "t", 5)
    lab.scale("wide", 0)
    for i in found:
        held = lab.cli_json("address", "history", i["address"], f"--at={moment}")["items"]
        assert [(h["instance"], h["host"], h["mac"]) for h in held] == [(i["name"], i["host"], i["mac"])], held
        told = [e["event"] for e in lab.cli_json("address", "history", i["address"])["items"]]
        assert told.index("released") < told.index("bound") < told.index("reserved"), f"newest first: {told}"
    assert not any(f"{i['name']} A " in lab.cli("dns", "export", "edge.example") for i in found)


def test_4_instances_of_an_isolated_vlan_reach_others_and_not_each_other():
    """S5: two instances of one host in an isolated VLAN do not reach each other; a machine behind the switch is reached both ways."""
    if "alone" not in {v["name"] for v in lab.cli_json("vlan", "list")["items"]}:
        lab.cli("vlan", "create", "alone", "--id=500", "--scope=host:h1", "--isolated=yes")
        lab.cli("subnet", "create", "alone", "10.50.0.0/24", "--gateway=10.50.0.1")
    lab.create("lonely", 2, vlan="alone")
    one, other = lab.instances("lonely")
    assert one["host"] == other["host"] == "h1"
    lab.sh("trunk_neighbour", "n500", "500")
    try:
        vlans.inside("n500", "ip", "address", "add", "10.50.0.1/24", "dev", "eth0")
        for i in (one, other):
            lab.until(f"{i['address']} to answer", lambda i=i: vlans.pings("n500", i["address"]), 10)
        assert not vlans.reaches(one, other["address"]) and not vlans.reaches(other, one["address"])
        started = [i["startedAt"] for i in (one, other)]
        lab.cli("vlan", "update", "alone", "--isolated=no", "--scope=host:h1")
        lab.until("the two to reach each other when the VLAN isolates no more", lambda: vlans.reaches(one, other["address"]), 90)
        assert [i["startedAt"] for i in lab.instances("lonely")] == started, "a setting of the VLAN restarted an instance"
        lab.cli("vlan", "update", "alone", "--isolated=yes", "--scope=host:h1")
    finally:
        lab.command(["ip", "netns", "delete", "n500"], check=False)
        lab.scale("lonely", 0)


def test_4b_a_named_pool_serves_the_apps_that_name_it():
    """S4: instances of an app get the addresses of the pool that it names; exhaustion tells the pool and its addresses by state; others get the rest."""
    have_edges()
    ranges = {(r["first"], r["pool"]) for r in lab.cli_json("range", "list", "--vlan=edge1")["items"]}
    if ("10.41.0.200", "front") not in ranges:
        lab.cli("range", "create", "10.41.0.200", "10.41.0.201", "--kind=pool", "--pool=front")
    assert "web/none" in lab.cli("app", "create", "lost", "--image=redis", "--vlan=web/none", "--count=0", check=False).stderr
    lab.create("pooled", 2, vlan="edge/front")
    assert {i["address"] for i in lab.instances("pooled")} == {"10.41.0.200", "10.41.0.201"}, lab.instances("pooled")
    (pool,) = [p for p in lab.cli_json("pool", "list")["items"] if p["name"] == "edge1/front"]
    assert (pool["size"], pool["bound"], pool["groupName"]) == (2, 2, "edge/front"), pool
    lab.have("rest", 0, vlan="edge1")
    third = lab.post("/v1/apps/pooled/scale", {"count": 3})
    try:
        said = lab.until("the operation to say what is missing", lambda: (lambda w: w if "edge1/front" in w else None)(lab.operation(third)["waitsFor"] or ""), 30)
        # The counts are those of the decision: the agents may not have told yet that the two are bound.
        assert re.search(r"10\.41\.0\.0/24 \(2 addresses: 0 free, (2 (bound|reserved)|1 reserved, 1 bound)\)", said), said
        lab.scale("rest", 1)
        assert lab.instances("rest")[0]["address"] not in ("10.41.0.200", "10.41.0.201")
        lab.cli("range", "create", "10.41.0.202", "10.41.0.202", "--kind=pool", "--pool=front")
        lab.finished(third)
        assert "10.41.0.202" in {i["address"] for i in lab.instances("pooled")}
        lab.invariants()
    finally:
        lab.scale("rest", 0)
        lab.scale("pooled", 0)


def test_4c_an_instance_has_a_bandwidth_limit_of_its_own_both_ways_at_once():
    """S5, S22: a limit apart from the plan holds what a running instance receives and sends, without a restart, and goes again."""
    have_edges()
    lab.have("narrow", 1, vlan="edge1")
    (one,) = lab.instances("narrow")
    link = "sot" + "".join(f"{int(part):02x}" for part in one["address"].split("."))

    def queues():
        received = vlans.inside(one["host"], "tc", "qdisc", "show", "dev", link)
        sent = lab.command(["nsenter", "-t", str(vlans.pid_of(one)), "-n", "tc", "qdisc", "show", "dev", "eth0"])
        return [q.split("rate ")[1].split()[0] if q.startswith("qdisc tbf") else "none" for q in (received, sent)]

    assert queues() == ["none", "none"], queues()
    lab.cli("instance", "resize", one["name"], "--bandwidth-kbit=20000", "--wait")
    lab.until("both ways to be limited", lambda: queues() == ["20Mbit", "20Mbit"], 30)
    assert lab.cli_json("instance", "show", one["name"])["bandwidthKbit"] == 20000
    lab.cli("instance", "resize", one["name"], "--bandwidth-kbit=50000", "--wait")
    lab.until("both ways to have the other limit", lambda: queues() == ["50Mbit", "50Mbit"], 30)
    lab.cli("instance", "resize", one["name"], "--bandwidth-kbit=plan", "--wait")
    lab.until("both ways to be free again", lambda: queues() == ["none", "none"], 30)
    assert lab.instances("narrow")[0]["startedAt"] == one["startedAt"], "a limit restarted the instance"
    lab.scale("narrow", 0)


def test_5_a_host_boots_with_no_control_plane():
    """S3 S5: all services, PostgreSQL and the agent are down; a host loses its Engine, its containers and every link that is not a
    cable, all at once. netd, then the Engine: its instances are wired with their addresses before PID 1, and answer."""
    front, store = vlans.both()
    found = [i for i in front + store if i["host"] == "h1"]
    assert found
    for name in ["hostagent-h1", "hostagent-h2", *lab.SERVICES]:
        lab.kill(name)
    lab.sh("postgres_stop")
    try:
        boots = {i["id"]: len(boot_log(i)) for i in found}
        lab.sh("trunk_host_crash", "1")
        begin = time.monotonic()
        lab.sh("trunk_host_boot", "1")
        wired = time.monotonic() - begin
        for i in found:
            lines = lab.until(f"{i['name']} to start again", lambda i=i: (lambda t: t if len(t) >= boots[i["id"]] + 3 else None)(boot_log(i)), 60)
            address, route, mac = lines[-3:]
            assert f" {i['address']}/24" in address and route.startswith(f"default via 10.{i['vlanId']}.0.1 ") and mac == i["mac"], lines
        for i in found:
            lab.until(f"{i['name']} to answer", lambda i=i: vlans.pings(f"n{i['vlanId']}", i["address"]), 30)
        print(f"    {len(found)} instances answer {time.monotonic() - begin:.1f} s after the boot began (Engine up after {wired:.1f} s)")
    finally:
        lab.sh("postgres_start")
        for s in lab.SERVICES:
            lab.start_service(s)
        for s in lab.SERVICES:
            lab.healthy(s)
        for n in ("1", "2"):
            lab.sh("lab_agent_start", n)
    vlans.all_are_back()
    after = {i["id"]: i for i in lab.instances()}
    assert all(after[i["id"]]["address"] == i["address"] for i in found)
    lab.invariants()


def boot_log(instance):
    """What PID 1 saw at each start, three lines a start (vlans.MARK); the file is the host's."""
    with open(f"{lab.VAR}/hosts/{instance['host']}/agent/instances/{instance['id']}/applogs/boot.log", encoding="utf-8") as f:
        return f.read().splitlines()
