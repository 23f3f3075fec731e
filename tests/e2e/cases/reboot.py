"""A whole machine goes and comes back, with nobody to ask (S2, S3, S5): Engine, containerd, LXCFS, agent, links and /run are gone."""

import time

import lab

ORDER = 46


def redis(instance, *words):
    return lab.docker(instance["host"], "exec", "sot-" + instance["id"], "redis-cli", *words)


def comes_back(i):
    """It answers on its address, and what it had written is there."""
    return lab.redis_pings(i["address"]) and redis(i, "get", "whose") == i["name"]


def test_1_a_machine_comes_back_with_no_control_plane():
    """S2 S3 S5: all services, PostgreSQL and the machine go at once; the machine comes back alone: every instance with its address, its
    MAC, its name and its data. The control plane then finds everything as it was."""
    lab.have("boots", 4, image="redis", plan="tiny", health={"kind": "tcp", "port": 6379})
    before = {i["id"]: i for i in lab.instances()}
    found = [i for i in lab.instances("boots") if i["host"] == "h1"]
    assert found, before
    for i in found:
        redis(i, "set", "whose", i["name"])
        assert redis(i, "bgrewriteaof") and lab.until("the data to be on disk", lambda i=i: "aof_rewrite_in_progress:0" in redis(i, "info", "persistence"), 20)
    for name in lab.SERVICES:
        lab.kill(name)
    lab.sh("postgres_stop")
    try:
        lab.sh("lab_host_crash", "1")
        assert not any(lab.redis_pings(i["address"]) for i in found)
        begin = time.monotonic()
        lab.sh("lab_host_reboot", "1")
        for i in found:
            lab.until(f"{i['name']} to be back with its data", lambda i=i: comes_back(i), 120)
            link = lab.docker("h1", "exec", "sot-" + i["id"], "cat", "/sys/class/net/eth0/address", "/etc/hostname").split()
            assert link == [i["mac"], i["name"]], (link, i)
        print(f"    {len(found)} instances are back {time.monotonic() - begin:.1f} s after the boot began")
    finally:
        lab.sh("postgres_start")
        for s in lab.SERVICES:
            lab.start_service(s)
        for s in lab.SERVICES:
            lab.healthy(s)
    lab.until("the host to be online", lambda: lab.cli_json("host", "show", "h1")["state"] == "online", 90)

    def same(i):
        old = before[i["id"]]
        return all(i[k] == old[k] for k in ("address", "mac", "name", "host", "state", "health"))

    lab.until("everything to be told as it was", lambda: all(same(i) for i in lab.instances("boots")), 120)
    lab.invariants()
