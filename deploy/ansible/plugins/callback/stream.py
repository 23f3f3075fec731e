# SPDX-License-Identifier: Apache-2.0
"""Tells every task of every machine to Sotalia while the playbook runs.

Lines are numbered and sent by a thread of their own, at most every half second; what could not be sent is sent again
with its number, so each is kept once. SOTALIA_RUN names the run (the runner sets it); without it, in an operator's own
Ansible, the plugin begins a run for the machines of the play that the platform knows, and ends it.
"""
import os
import queue
import socket
import subprocess
import threading
import time

from ansible.plugins.callback import CallbackBase

from ansible_collections.sotalia.cloud.plugins.module_utils.sotalia_api import Api, ApiError

DOCUMENTATION = """
name: stream
type: notification
short_description: Streams every task of every machine to Sotalia
description: [Each result is a line of the machine's log, live in `sotalia machine log` and in the web UI.]
requirements: ["SOTALIA_URL and SOTALIA_TOKEN in the environment, SOTALIA_CA unless the system trusts the gateway's certificate"]
"""
LEASE_S = 120
BATCH = 100
FLUSH_S = 0.5
GIVE_UP_S = 60
TEXT_MAX = 4000


def shows_another_key(host):
    """Whether the machine shows none of the ssh keys that are kept of it (SOTALIA_KNOWN_HOSTS, of the runner)."""
    address, port = str(host.vars.get("ansible_host", host.get_name())), str(host.vars.get("ansible_port", 22))
    name = address if port == "22" else f"[{address}]:{port}"
    try:
        with open(os.environ["SOTALIA_KNOWN_HOSTS"], encoding="utf-8") as file:
            kept = {tuple(line.split()[1:3]) for line in file if line.split()[:1] == [name]}
        seen = subprocess.run(["ssh-keyscan", "-T", "5", "-t", "ed25519,ecdsa,rsa", "-p", port, address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout
    except (KeyError, OSError):
        return False
    shown = {tuple(line.split()[1:3]) for line in seen.splitlines() if not line.startswith("#")}
    return bool(kept) and bool(shown) and not kept & shown


def plain(text):
    """What programs print, without what the platform refuses in a text: carriage returns, escapes, halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c == "\n" or c.isprintable() else "?" for c in text)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "sotalia.cloud.stream"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.run = os.environ.get("SOTALIA_RUN", "")
        self.is_own = not self.run
        self.machines = None  # of an own run; None: all
        self.disabled = not os.environ.get("SOTALIA_URL")
        if self.disabled:
            return
        self.api = Api()
        self.counter = 0
        self.sender = None
        self.play = ""
        self.began = {}
        self.lines = queue.Queue()
        if self.run:
            self._start()

    def _start(self):
        self.sender = threading.Thread(target=self._send_lines, daemon=True)
        self.sender.start()

    def _begin_own(self, play):
        names = [host.get_name() for host in play.get_variable_manager()._inventory.get_hosts(play.hosts)]
        try:
            claim = self.api.call("POST", "/v1/machine-runs", {
                "runner": ("ansible of " + socket.gethostname())[:63], "names": names, "limit": max(1, min(len(names), 500)), "leaseSeconds": LEASE_S, "own": True})
        except ApiError as error:
            self._display.warning(f"sotalia: nothing is told: {error}")
            claim = {"run": None}
        if claim["run"] is None:
            self.disabled = True
            return
        self.run = claim["run"]
        self.machines = {machine["name"] for machine in claim["machines"]}
        self._start()

    # ---- sending ----
    def _send_lines(self):
        is_over = False
        while not is_over:
            batch = []
            end = time.monotonic() + FLUSH_S
            while len(batch) < BATCH and not is_over:
                try:
                    line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
                except queue.Empty:
                    break
                is_over = line is None
                if not is_over:
                    batch.append(line)
            # An empty batch says that the playbook is alive; not every half second.
            if batch or time.monotonic() - getattr(self, "told_at", 0) > LEASE_S / 4:
                self._send(batch)

    def _send(self, batch):
        until = time.monotonic() + GIVE_UP_S
        while True:
            try:
                self.api.call("POST", f"/v1/machine-runs/{self.run}/lines", {"leaseSeconds": LEASE_S, "lines": batch})
                self.told_at = time.monotonic()
                return
            except ApiError as error:
                if 400 <= error.status < 500 and error.status != 429 or time.monotonic() > until:
                    self._display.warning(f"sotalia: {len(batch)} lines were not taken: {error}")
                    return
                threading.Event().wait(1.0)

    def _add(self, result, status, text=""):
        task = result._task
        host = result._host.get_name()
        if self.sender is None or (self.machines is not None and host not in self.machines):
            return
        took = time.monotonic() - self.began.get(task._uuid, time.monotonic())
        self.counter += 1
        tags = set(task.tags or ())
        self.lines.put({
            "counter": self.counter, "machine": host, "status": status, "play": self.play[:200],
            "task": (task.get_name() or task.action)[:200], "text": plain(text)[-TEXT_MAX:], "tookMs": int(took * 1000),
            "phase": "preflight" if "preflight" in tags else "install"})

    @staticmethod
    def _words(result, is_failure=False):
        found = result._result
        if found.get("_ansible_no_log"):
            return "(not shown)"
        parts = [str(found[key]).strip() for key in (("msg", "stderr", "stdout") if is_failure else ("msg",)) if found.get(key)]
        return "\n".join(part for part in parts if part)

    # ---- what Ansible tells ----
    def v2_playbook_on_play_start(self, play):
        self.play = play.get_name()
        if self.is_own and self.sender is None and not self.disabled:
            self._begin_own(play)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.began[task._uuid] = time.monotonic()

    v2_playbook_on_handler_task_start = lambda self, task: self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        self._add(result, "changed" if result._result.get("changed") else "ok", self._words(result))

    def v2_runner_on_skipped(self, result):
        self._add(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._add(result, "note" if ignore_errors else "failed", self._words(result, True))

    def v2_runner_on_unreachable(self, result):
        words = self._words(result, True)
        # ssh that refuses a key ends before it has read what ansible sends: then ansible tells of a broken pipe, not of the key.
        if "HOST IDENTIFICATION HAS CHANGED" in words or ("Data could not be sent" in words and shows_another_key(result._host)):
            words = f"its ssh key is not the one that is kept of it; was it installed anew? sotalia host retry {result._host.get_name()} --new-ssh-key\n{words}"
        self._add(result, "unreachable", words)

    def v2_playbook_on_stats(self, stats):
        if self.sender is None:
            return
        self.lines.put(None)
        self.sender.join(GIVE_UP_S + 5)
        if not self.is_own:
            return
        try:
            self.api.call("POST", f"/v1/machine-runs/{self.run}/end", {"error": ""})
        except ApiError as error:
            self._display.warning(f"sotalia: the end of the run was not taken: {error}")
