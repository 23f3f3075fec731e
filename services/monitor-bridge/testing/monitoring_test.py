#!/usr/bin/env python3
"""The dashboard and the alert rules ask for nothing that no bridge shows, and every alert says what to do.

    monitoring_test.py SOURCE_DIR
"""
import json
import pathlib
import re
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
FOLDER = SOURCE / "deploy/monitoring"
NAME = re.compile(r"\b(sotalia_[a-z0-9_]+|sot_bridge_[a-z0-9_]+)")


def shown():
    definitions = (SOURCE / "services/monitor-bridge/definitions/default.def").read_text()
    own = (SOURCE / "services/monitor-bridge/shell/bridge_metrics.c").read_text()
    return set(re.findall(r"^metric \w+ (\w+)", definitions, re.M)) | set(re.findall(r'"(sot_bridge_\w+)"', own))


class Monitoring(unittest.TestCase):
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
