#!/usr/bin/env python3
"""The dashboard and the alert rules ask for nothing that no bridge shows, and every alert says what to do.

    monitoring_test.py SOURCE_DIR

Where promtool (Debian: prometheus) is at hand, Prometheus itself parses every expression and tries every alert.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1])
FOLDER = SOURCE / "deploy/monitoring"
PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"\b(sotalia_[a-z0-9_]+|sot_bridge_[a-z0-9_]+)")


def shown():
    definitions = (SOURCE / "services/monitor-bridge/definitions/default.def").read_text()
    own = (SOURCE / "services/monitor-bridge/shell/bridge_metrics.c").read_text()
    return set(re.findall(r"^metric \w+ (\w+)", definitions, re.M)) | set(re.findall(r'"(sot_bridge_\w+)"', own))


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Monitoring(unittest.TestCase):
    def test_the_dashboard_is_one_that_grafana_draws(self):
        """Of each panel what Grafana needs: a number of its own, a place that no other has, a data source, queries with letters."""
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        variables = {v["name"] for v in dashboard["templating"]["list"]}
        self.assertGreaterEqual(dashboard["schemaVersion"], 36)
        self.assertEqual(len({p["id"] for p in dashboard["panels"]}), len(dashboard["panels"]))
        taken = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            taken |= cells
            if panel["type"] == "row":
                continue
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])
            letters = [t["refId"] for t in panel["targets"]]
            self.assertTrue(letters and len(letters) == len(set(letters)), panel["title"])
            used = {v for t in panel["targets"] for v in re.findall(r"\$(\w+)", t["expr"])} - {"__rate_interval", "__range", "__interval"}
            self.assertLessEqual(used, variables, panel["title"])

    @unittest.skipUnless(PROMTOOL, "promtool is not here (Debian: prometheus)")
    def test_prometheus_understands_every_expression_and_each_alert_fires_when_it_should(self):
        rules = FOLDER / "prometheus-alerts.yml"
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        asked = [t["expr"].replace("$__rate_interval", "1m") for panel in dashboard["panels"] for t in panel.get("targets", [])]
        with tempfile.TemporaryDirectory() as folder:
            recorded = pathlib.Path(folder, "panels.yml")  # YAML is a superset of JSON
            recorded.write_text(json.dumps({"groups": [{"name": "panels", "rules": [
                {"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(asked)]}]}))
            promtool("check", "rules", str(recorded), str(rules))
            cases = pathlib.Path(folder, "alerts_test.yml")
            cases.write_text((pathlib.Path(__file__).parent / "alerts_test.yml").read_text().replace("RULES", str(rules), 1))
            promtool("test", "rules", str(cases))

    def test_the_dashboard_shows_what_is_there(self):
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        asked = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
        asked += [v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
        self.assertGreater(len(asked), 20)
        self.assertEqual({n for text in asked for n in NAME.findall(text)} - shown(), set())

    def test_alerts_ask_for_what_is_there_and_say_what_to_do(self):
        text = (FOLDER / "prometheus-alerts.yml").read_text()
        alerts = text.split("- alert: ")[1:]
        self.assertGreater(len(alerts), 8)
        for alert in alerts:
            for word in ("expr: ", "severity: ", "summary: ", "todo: "):
                self.assertIn(word, alert)
        self.assertEqual(set(NAME.findall(text)) - shown(), set())

    def test_sample_rules_for_cat_name_groups_and_ids_of_the_definitions(self):
        definitions = (SOURCE / "services/monitor-bridge/definitions/default.def").read_text()
        ids = {f"{group}:{name.strip(chr(34))}" for group, name in re.findall(r'group=(\S+) id=("[^"]+"|\S+)', definitions)}
        rules = re.findall(r"heartbeat, domain \S+ \| `([^`]+)`", (FOLDER / "README.md").read_text())
        self.assertGreater(len(rules), 3)
        self.assertEqual(set(rules) - ids, set())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
