"""What developers and operators do in the console, from the first click to the end of the operation."""

import os

import lab
from cases.ui import FOLDER, platform

ORDER = 90
BY_NAME_ONLY = True


def journey(*steps, app="journey", timeout=600):
    print(lab.command(["node", os.path.join(FOLDER, "run-journey.mjs")], timeout=timeout, env={**platform(app), "SOTALIA_UI_STEPS": ",".join(steps), "SOTALIA_UI_AT_REST": "1" if lab.SOAK else ""}))


def have_journey():
    """An app of two instances with versions 1.0, which runs, and 2.0, and a middleware of which it has version 1 of 2."""
    if lab.api("GET", "/v1/apps/journey").status == 200:
        return
    lab.cli("app", "create", "journey", "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
    for version in ("1.0", "2.0"):
        lab.cli("package", "upload", "journey", version, lab.package({"index.js": lab.NODE_SERVER % version}), "--wait")
    for version in ("1", "2"):
        lab.cli("middleware", "upload", "ui-jdk", version, lab.package({"release": version}), "--kind=jdk", "--wait")
    lab.cli("app", "middleware", "journey", "ui-jdk", "1", "--wait")
    lab.cli("app", "deploy", "journey", "1.0", "--wait")
    lab.scale("journey", 2, seconds=300)


def test_ui_deploys_pauses_and_rolls_back():
    """S12, S11: a second version with a pause between batches, back again; keys; a middleware wave begun on the board; windows and opt-outs."""
    have_journey()
    journey("deploy", "keys", "wave", "maintenance")
    settings = lab.api("GET", "/v1/apps/journey/settings").json
    assert settings["windows"] == ["sun 02:00-04:00"] and settings["optOuts"] == ["jdk"], settings
    assert {i["version"] for i in lab.instances("journey")} == {"1.0"}


def test_ui_reads_a_long_log():
    """S3: 100,000 lines of an instance scroll smoothly, are searched, kept as a file; the address of a line leads to it."""
    lab.have("wordy", 1, command="seq -f 'line %.0f of a long log' 1 100000; exec redis-server --port 6379 --protected-mode no --loglevel warning")
    try:
        journey("log", app="wordy")
    finally:
        lab.scale("wordy", 0)


def test_ui_evacuates_a_dead_host():
    """S1: a machine is dead; its instances are evacuated after the plan was read, to where the plan said. When it is back it is used again."""
    have_journey()
    lab.scale("journey", 3, seconds=300)
    lab.sh("lab_host_die", "1")
    try:
        journey("evacuate")
        assert {i["host"] for i in lab.instances("journey")} == {"h2"}
    finally:
        lab.sh("lab_host_boot", "1")
    lab.until("h1 to be back without what it has lost", lambda: (lambda h: h["state"] == "online" and not h["departures"])(lab.api("GET", "/v1/hosts/h1").json), 240)
    lab.until("journey to be well", lambda: all(i["health"] == "healthy" for i in lab.instances("journey")), 120)


def test_ui_terminates_and_drains():
    """S1: an instance is terminated; a host is drained after its plan was read; every instance is then on the other one."""
    have_journey()
    lab.scale("journey", 3, seconds=300)
    journey("terminate", "drain")
    assert {i["host"] for i in lab.instances("journey")} == {"h2"} and len(lab.instances("journey")) == 2
