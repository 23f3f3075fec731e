"""The console in a real browser."""

import os

import lab

ORDER = 90
BY_NAME_ONLY = True  # `./test ui` runs it


def test_ui_in_a_real_browser():
    """S20: sign in, see hosts, apps, instances; scale an app in the UI and watch its operation's log grow."""
    lab.create("shown", 2)
    values = lab.env()
    lab.command(["npm", "--prefix", os.path.join(lab.SRC, "tests/ui"), "run", "--silent", "test"], timeout=600, env={
        "SOTALIA_URL": values["SOTALIA_URL"], "SOTALIA_USER": "admin", "SOTALIA_PASSWORD": lab.sh("secret", "admin-password").strip(),
        "SOTALIA_UI_APP": "shown", "SOTALIA_UI_OUTPUT": os.path.join(lab.SRC, "build/screenshots")})
