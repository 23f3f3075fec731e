"""The worked examples of docs/runtime-contract.md, as they stand there (S20, S21)."""

import os
import re
import tempfile

import lab

ORDER = 51


def example(heading):
    with open(os.path.join(lab.SRC, "docs/runtime-contract.md"), encoding="utf-8") as f:
        found = re.search(rf"^## A worked example: {re.escape(heading)}$.*?^```\n(.*?)^```$", f.read(), re.M | re.S)
    assert found, f"docs/runtime-contract.md has no example of {heading}"
    return found[1]


def run_example(heading):
    """Each line as a user types it, in an empty folder; the output of the last."""
    with tempfile.TemporaryDirectory(dir=lab.VAR) as folder:
        path = os.path.join(lab.BUILD, "cli") + ":" + os.environ["PATH"]
        return lab.command(["bash", "-ec", f"cd {folder}; {example(heading)}"], env={**lab.env(), "PATH": path}, timeout=300)


def test_1_node_runs_as_its_example_says():
    """S20, S21: from nothing to a page and a look inside, by the lines of the example."""
    assert run_example("Node.js").rstrip().endswith("hello-default-01")
    i = lab.instances("hello")[0]
    assert lab.page(i["address"]) == "hello\n" and i["health"] == "healthy"
    seen = lab.api("GET", f"/v1/instances/{i['name']}/inside").json
    first = next(p for p in seen["processes"] if p["pid"] == 1)
    assert first["parent"] == 0 and "sotalia-init" in first["command"] and any(p["uid"] == 1000 and "node" in p["command"] for p in seen["processes"]), seen
    assert any(m["target"] == "/data/webapps/hello" and m["readOnly"] for m in seen["mounts"]) and lab.VAR not in str(seen["mounts"]), seen["mounts"]
    there = lab.api("GET", f"/v1/hosts/{i['host']}/packages").json
    mine = next(p for p in there["items"] if p["instances"] == [i["name"]])
    assert [v["name"] for v in mine["versions"]] == ["hello"] and mine["needed"] and mine["removableInSeconds"] is None and mine["sizeBytes"] > 0, there
    lab.scale("hello", 0)


def test_2_redis_runs_as_its_example_says():
    """S2, S21: data written by the example outlive the rebuild in it."""
    assert run_example("Redis").rstrip().endswith("hello")
    lab.scale("cache", 0)


def test_3_tomcat_runs_as_its_example_says():
    """S20, S21: a WAR from one file to a page that the JSP made, by the lines of the example."""
    assert run_example("Tomcat").rstrip().endswith("hello from orders-default-01")
    i = lab.instances("orders")[0]
    assert lab.page(i["address"]).strip() == "hello from orders-default-01" and i["health"] == "healthy"
    lab.scale("orders", 0)
