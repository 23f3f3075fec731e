"""The console in a real browser."""

import os
import socket
import subprocess
import threading
import time

import lab

ORDER = 90
BY_NAME_ONLY = True  # `./test ui` runs it
FOLDER = os.path.join(lab.SRC, "tests/ui")
CUT_S = 30
SLEEP_S = 300 if lab.SOAK else 45


def platform(app="shown", url=None):
    values = lab.env()
    return {"SOTALIA_URL": url or values["SOTALIA_URL"], "SOTALIA_USER": "admin", "SOTALIA_PASSWORD": lab.sh("secret", "admin-password").strip(),
            "SOTALIA_UI_APP": app, "SOTALIA_UI_OUTPUT": os.path.join(lab.SRC, "build/screenshots")}


def test_ui_in_a_real_browser():
    """S20: sign in, see hosts, apps, instances; scale an app in the UI and watch its operation's log grow."""
    lab.have("shown", 2)
    lab.command(["npm", "--prefix", FOLDER, "run", "--silent", "test"], timeout=600, env=platform())


class Proxy:
    """Between the browser and the gateway. While it is cut nothing passes and nothing is said: packets are lost, nobody hangs up."""

    def __init__(self, to):
        self.to, self.flows = to, threading.Event()
        self.flows.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # closed: the test is over
            self.flows.wait()
            try:
                far = socket.create_connection(self.to)
            except OSError:  # the gateway is away
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, one, other):
        try:
            while data := one.recv(65536):
                self.flows.wait()
                other.sendall(data)
        except OSError:
            pass  # the other side has gone
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone, too

    def close(self):
        self.flows.set()
        self.listener.close()


class Faults:
    """What the browser's test asks for, with an app whose count changes each time."""

    def __init__(self, proxy):
        self.proxy, self.count = proxy, 2

    def change(self):
        self.count = 5 - self.count  # 2, 3, 2, ...
        lab.scale("shown", self.count)

    def gateway(self):
        lab.kill("api-gateway")
        lab.start_service("api-gateway")
        lab.healthy("api-gateway")
        self.change()

    def cut(self):
        self.proxy.flows.clear()
        until = time.monotonic() + CUT_S
        self.change()
        time.sleep(max(0, until - time.monotonic()))
        self.proxy.flows.set()


def test_ui_after_faults():
    """S20: gateway killed and restarted, network silent for 30 s, laptop asleep: right without a reload, a half-filled form kept."""
    lab.have("shown", 2)
    host, port = lab.env()["SOTALIA_URL"].split("//")[1].split(":")
    proxy = Proxy((host, int(port)))
    faults = Faults(proxy)
    env = {**os.environ, **platform(url=f"https://127.0.0.1:{proxy.port}"), "SOTALIA_UI_SLEEP_S": str(SLEEP_S)}
    with subprocess.Popen(["node", os.path.join(FOLDER, "run-faults.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as browser:
        for line in browser.stdout:
            if line.startswith("@"):
                getattr(faults, line[1:].strip())()
                browser.stdin.write(f"{faults.count}\n")
                browser.stdin.flush()
            else:
                print(line, end="", flush=True)
    proxy.close()
    assert browser.returncode == 0, "the console after faults: see above"
