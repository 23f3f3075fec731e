"""The console in a full cell: figures of a machine at rest, so it is run by name and by the soak."""

import os

import crowd
import lab
from cases.ui import FOLDER, platform

ORDER = 91
BY_NAME_ONLY = True


def test_every_interaction_is_quick_in_a_full_cell():
    """S7, S20: 10,000 hosts, 100,000 instances: lists, map, search and overview within 100 ms an interaction."""
    lab.have("shown", 2)
    with crowd.Crowd():
        print(lab.command(["node", os.path.join(FOLDER, "run-scale.mjs")], timeout=600, env=platform()))
