"""VLANs, subnets, ranges and addresses by the command line on the real platform: what an operator does before any instance."""

import ipaddress
import os
import re
import subprocess
import time

import lab

ORDER = 45

CSV = """kind,vlan,vlan_id,group,scopes,dns_zone,cidr,gateway,first,last,address,state,owner,reason
vlan,imp-a,310,imp,az:az1,imp.example,,,,,,,,
subnet,imp-a,,,,,10.90.0.0/24,10.90.0.1,,,,,,
range,imp-a,,,,,,,10.90.0.240,10.90.0.254,,reserved,balancers,virtual addresses
address,imp-a,,,,,,,,,10.90.0.5,static,vip-imp,
address,imp-a,,,,,,,,,10.90.0.9,excluded,,"old printer, third floor"
"""


def refused(*args):
    """What the command says on stderr when it must not succeed."""
    result = lab.cli(*args, check=False)
    assert result.returncode not in (0, 7), f"{args} ended with {result.returncode}"
    return result.stderr


def test_1_a_vlan_is_made_filled_shown_and_taken_down():
    """S3, S20: each object by its verbs; what cannot be is refused in words that say where and why."""
    lab.cli("vlan", "create", "ops-a", "--id=320", "--scope=rack:rack1", "--dns-zone=ops.example")
    lab.cli("subnet", "create", "ops-a", "10.91.0.0/24", "--gateway=10.91.0.1", "--dns=10.0.0.53")
    assert "overlap" in refused("subnet", "create", "ops-a", "10.91.0.128/25")
    assert "/gateway" in refused("subnet", "create", "ops-a", "10.92.0.0/24", "--gateway=10.93.0.1")
    assert "host bits" in refused("subnet", "create", "ops-a", "10.92.0.7/24")
    lab.cli("range", "create", "10.91.0.200", "10.91.0.220", "--kind=reserved", "--owner=ops")
    address = lab.cli("address", "fix", "ops-a", "--owner=vip-ops").strip()
    assert lab.cli_json("address", "show", address)["ownerName"] == "vip-ops"
    runs = {run["state"]: run["count"] for run in lab.cli_json("subnet", "map", "10.91.0.0/24")["runs"] if run["state"] in ("gateway", "kept", "static")}
    assert runs == {"gateway": 1, "kept": 21, "static": 1}, runs
    assert f"vip-ops A {address}" in lab.cli("dns", "export", "ops.example")
    assert "PTR vip-ops.ops.example." in lab.cli("dns", "export", "0.91.10.in-addr.arpa")
    events = [event["event"] for event in lab.cli_json("address", "history", address)["items"]]
    assert events[0] == "static", events
    refused("vlan", "delete", "ops-a")
    refused("subnet", "delete", "10.91.0.0/24")
    lab.cli("address", "free", address, "--reason=not needed")
    assert lab.cli_json("address", "show", address)["state"] in ("free", "cooling")
    lab.cli("range", "delete", "10.91.0.200", "10.91.0.220")
    lab.cli("vlan", "update", "ops-a", "--mtu=9000", "--scope=everywhere")
    vlan = lab.cli_json("vlan", "show", "ops-a")
    assert (vlan["mtu"], vlan["scopes"], vlan["dnsZone"]) == (9000, [], "ops.example")
    lab.cli("subnet", "update", "10.91.0.0/24", "--open=no")
    assert lab.cli_json("subnet", "show", "10.91.0.0/24")["open"] is False
    assert "quarantine  none" in lab.cli("ipam", "status")


def test_2_a_file_is_imported_whole_or_not_at_all_and_its_export_changes_nothing():
    """S3: dry run, wrong lines by line and column, the import, and the export as an import without a change."""
    folder = os.path.join(lab.VAR, "imports")
    os.makedirs(folder, exist_ok=True)
    good, bad, exported = (os.path.join(folder, name) for name in ("good.csv", "bad.csv", "export.csv"))
    with open(good, "w", encoding="utf-8") as file:
        file.write(CSV)
    with open(bad, "w", encoding="utf-8") as file:
        file.write(CSV.replace("10.90.0.0/24", "10.90.0.1/24") + "address,imp-a,,,,,,,,,10.95.0.1,static,nowhere,\n")
    said = refused("ipam", "import", bad)
    assert "line 3, column cidr" in said and "line 7" in said, said
    assert "imp-a" not in lab.cli("vlan", "list", "-o", "name").split()
    assert "would change" in lab.cli("ipam", "import", good, "--dry-run")
    assert "imp-a" not in lab.cli("vlan", "list", "-o", "name").split()
    assert "1 VLANs, 1 subnets, 1 ranges, 2 addresses changed" in lab.cli("ipam", "import", good)
    assert lab.cli_json("address", "show", "10.90.0.9")["reason"] == "old printer, third floor"
    with open(exported, "w", encoding="utf-8") as file:
        file.write(lab.cli("ipam", "export"))
    again = lab.cli_json("ipam", "import", exported)["changes"]
    assert again["unchanged"] >= 5 and not any(again[kind] for kind in ("vlans", "subnets", "ranges", "addresses")), again
    assert {one["state"] for one in lab.cli_json("ipam", "imports")["items"]} >= {"refused", "checked", "applied"}


def memory_kib(pid):
    """What a process has of its own: shared pages are nobody's growth."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read())[1])


def test_3_an_export_of_any_length_leaves_in_the_memory_of_a_page():
    """S3: a file of a million lines is imported, and exported again, the same, while gateway and ipam do not grow
    (SOT_E2E_SOAK: a million lines)."""
    folder = os.path.join(lab.VAR, "imports")
    os.makedirs(folder, exist_ok=True)
    large, exported = (os.path.join(folder, name) for name in ("large.csv", "large-export.csv"))
    count = 999_998 if lab.SOAK else 5_000  # a file has a million lines at most
    first = ipaddress.ip_address("10.128.0.1")
    with open(large, "w", encoding="utf-8") as file:
        file.write("kind,vlan,vlan_id,cidr,address,state,owner\nvlan,large,390,,,,\nsubnet,large,,10.128.0.0/12,,,\n")
        file.writelines(f"address,large,,,{first + n},static,o{n}\n" for n in range(count))
    try:
        begin = time.monotonic()
        lab.cli("ipam", "import", large)
        imported_s = time.monotonic() - begin
        pids = {name: lab.pid(name) for name in ("ipam", "api-gateway")}
        before = {name: memory_kib(pid) for name, pid in pids.items()}
        most = dict(before)
        begin = time.monotonic()
        with open(exported, "wb") as file, subprocess.Popen([os.path.join(lab.BUILD, "cli/sotalia"), "ipam", "export"],
                                                            env={**os.environ, **lab.env()}, stdout=file) as export:
            while export.poll() is None:
                most = {name: max(most[name], memory_kib(pid)) for name, pid in pids.items()}
                try:
                    export.wait(0.05)
                except subprocess.TimeoutExpired:
                    pass
            assert export.returncode == 0, export.returncode
        took_s = time.monotonic() - begin
        with open(exported, encoding="utf-8") as file:
            kept = sum(1 for line in file if line.startswith("address,") and ",large," in line)
        print(f"    {count} addresses: imported in {imported_s:.1f} s, exported in {took_s:.1f} s, " + ", ".join(
            f"{name} {before[name]} to {most[name]} KiB" for name in pids))
        assert kept == count, (kept, count)
        grown = {name: most[name] - before[name] for name in pids}
        assert all(more < 8192 for more in grown.values()), f"grown by {grown} KiB: more than a page of the export"
    finally:
        lab.sql("DELETE FROM ipam.address WHERE owner_name <> '' AND address << '10.128.0.0/12'")
        lab.cli("subnet", "delete", "10.128.0.0/12", check=False)
        lab.cli("vlan", "delete", "large", check=False)
