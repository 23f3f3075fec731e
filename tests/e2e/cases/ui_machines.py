"""Machines on their way into service, as an operator watches them in the console. The runner is played: what it tells is what is looked for."""

import os
import threading

import lab
from cases.ui import FOLDER, platform

ORDER = 91
BY_NAME_ONLY = True
LINES = 60


class Runner(threading.Thread):
    """Takes what waits and tells a task at a time, as the callback plugin does. The first run of ui-one fails, the next one reaches its preflight."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping, self.runs, self.trouble = threading.Event(), 0, None

    def call(self, path, body):
        answer = lab.api("POST", path, body)
        assert answer.status == 200, (path, answer.status, answer.json)
        return answer.json

    def tell(self, run, counter, names, status, task, text="", phase="install"):
        self.call(f"/v1/machine-runs/{run}/lines", {"leaseSeconds": 60, "lines": [
            {"counter": counter + at, "machine": name, "status": status, "play": "Bring machines on line", "task": task, "text": text, "tookMs": 10, "phase": phase}
            for at, name in enumerate(names)]})

    def play(self, run, names):
        self.runs += 1
        if self.runs > 1:
            self.tell(run, 1, ["ui-one"], "ok", "Preflight of this machine", phase="preflight")
            self.stopping.wait(60)  # the browser is content before
            return
        for number in range(1, LINES):
            self.tell(run, number * len(names), names, "changed", f"Task {number}")
            if self.stopping.wait(0.3):
                break
        self.tell(run, LINES * len(names), ["ui-one"], "failed", "The Docker Engine runs", "it does not start")
        self.call(f"/v1/machine-runs/{run}/end", {"error": ""})

    def run(self):
        try:
            while not self.stopping.wait(0.3):
                claim = self.call("/v1/machine-runs", {"runner": "played", "limit": 10, "leaseSeconds": 60})
                if claim["run"] is not None:
                    self.play(claim["run"], [machine["name"] for machine in claim["machines"]])
        except Exception as error:  # told by the test
            self.trouble = error


def test_ui_imports_machines_and_shows_their_log_live():
    """S16: a list with a wrong line, then the right one; steps and log of each machine while it is installed; the failed one is tried again."""
    runner = Runner()
    runner.start()
    try:
        print(lab.command(["node", os.path.join(FOLDER, "run-machines.mjs")], timeout=400, env=platform()))
    finally:
        runner.stopping.set()
        runner.join(30)
        assert runner.trouble is None, repr(runner.trouble)
    assert lab.api("GET", "/v1/machines/ui-one").json["attempt"] == 2
