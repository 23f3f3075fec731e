"""Addresses of instances: the same one, whatever dies."""

import os
import signal

import lab

ORDER = 20


def test_06_an_instance_keeps_its_address_whatever_dies():
    """S2 S3 S5: docker restart, kill -9 of PID 1, kill -9 of dockerd, with and without the control plane: the same
    address, present before PID 1 runs (the start command writes down what it sees first)."""
    lab.have("lives", 2, command="ip -4 -o address show dev eth0 >>/data/applogs/boot.log 2>&1; exec redis-server --port 6379 --protected-mode no")
    found = lab.instances("lives")
    boots = {i["id"]: 1 for i in found}

    def check(minimum):
        for i in found:
            boot = lab.until(f"{i['name']} to have started {minimum[i['id']]} times", lambda i=i: (
                lambda t: t if len(t) >= minimum[i["id"]] else None)(
                    lab.docker(i["host"], "exec", "sot-" + i["id"], "cat", "/data/applogs/boot.log").splitlines()), 60)
            assert all(f" {i['address']}/" in line for line in boot), boot
            lab.until(f"{i['name']} to answer", lambda i=i: lab.redis_pings(i["address"]), 30)

    def disturb():
        for i in found:
            lab.docker(i["host"], "restart", "-t", "1", "sot-" + i["id"])
            boots[i["id"]] += 1
        check(boots)
        for i in found:
            init = int(lab.docker(i["host"], "inspect", "-f", "{{.State.Pid}}", "sot-" + i["id"]))
            os.kill(init, signal.SIGKILL)
            boots[i["id"]] += 1
        check(boots)
        for host in ("h1", "h2"):
            before = lab.docker(host, "ps", "-q", "--no-trunc")
            lab.kill("dockerd-" + host)
            lab.sh("lab_host_up", host[1:])
            assert lab.docker(host, "ps", "-q", "--no-trunc") == before, "containers did not survive their engine"
        check(boots)

    disturb()
    for name in ["hostagent-h1", "hostagent-h2", *lab.SERVICES]:
        lab.kill(name)
    lab.sh("postgres_stop")
    try:
        disturb()
    finally:
        lab.sh("postgres_start")
        for s in lab.SERVICES:
            lab.start_service(s)
        for s in lab.SERVICES:
            lab.healthy(s)
        lab.sh("lab_agent_start", "1")
        lab.sh("lab_agent_start", "2")
    after = lab.until("both hosts and all instances to be seen again", lambda: (
        lambda a: a if len(a) == 2 and all(i["state"] == "running" and i["health"] == "healthy" for i in a)
        and all(h["state"] == "online" for h in lab.api("GET", "/v1/hosts").json["items"]) else None)(lab.instances("lives")), 90)
    assert {i["id"]: i["address"] for i in after} == {i["id"]: i["address"] for i in found}
    lab.invariants()


def test_07_a_stopped_instance_keeps_its_address_while_others_come():
    """R5: what is stopped holds its address: new instances of its VLAN get others, and it starts with its own."""
    lab.have("lives", 2)
    stopped = lab.instances("lives")[0]
    lab.cli("instance", "stop", stopped["name"], "--wait")
    lab.have("comes", 3)
    assert stopped["address"] not in [i["address"] for i in lab.instances("comes")]
    assert lab.cli_json("instance", "show", stopped["name"])["address"] == stopped["address"]
    lab.cli("instance", "start", stopped["name"], "--wait")
    assert lab.cli_json("instance", "show", stopped["name"])["address"] == stopped["address"]
    lab.until("it to answer there", lambda: lab.redis_pings(stopped["address"]), 30)
    lab.scale("comes", 0)
    lab.invariants()
