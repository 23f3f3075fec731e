"""End-to-end tests on real parts: Docker hosts, PostgreSQL, five services, real images.

usage: tests/e2e/run [bench | MODULE | PATTERN]...     all tests; those of cases/MODULE.py; those whose name matches
SOT_SEED: the seed of an earlier run. Writes "passed failed" to $SOT_COUNTS.

Every cases/*.py is found by itself. Its functions test_* run sorted by name; each must pass when it runs alone. The
module may say, as constants:
    ORDER = 50            place among the modules
    LAB = "plain"         which laboratory: lab_wire_LAB in lab.sh lays its links
    HOSTS = 2             with so many Docker hosts
    BY_NAME_ONLY = False  True: only when the module is asked for
Modules with the same laboratory and hosts share one.
"""

import fnmatch
import importlib
import os
import pathlib
import subprocess
import sys
import time
import traceback

import bench
import lab


class Test:
    def __init__(self, module, name):
        self.name, self.run = name, getattr(module, name)
        self.module = module.__name__.removeprefix("cases.")
        self.by_name_only = getattr(module, "BY_NAME_ONLY", False)
        self.world = (getattr(module, "LAB", "plain"), getattr(module, "HOSTS", 2))
        self.order = (getattr(module, "ORDER", 50), self.module, name)

    def is_wanted(self, patterns):
        if self.module in patterns:
            return True
        return not self.by_name_only and (not patterns or any(fnmatch.fnmatch(self.name, f"*{p}*") for p in patterns))


def all_tests():
    found = []
    for path in pathlib.Path(lab.HERE, "cases").glob("[a-z]*.py"):
        module = importlib.import_module(f"cases.{path.stem}")
        found += [Test(module, name) for name in vars(module) if name.startswith("test_")]
    return sorted(found, key=lambda t: t.order)


def by_world(tests):
    """[(laboratory, tests)]: as few laboratories as there are different ones, in the order of their first tests."""
    worlds = {}
    for t in tests:
        worlds.setdefault(t.world, []).append(t)
    return worlds.items()


def run_one(test):
    begin = time.monotonic()
    try:
        test.run()
    except Exception:  # whatever a test stumbles over is its failure, and the next one runs
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED  {test.name} ({time.monotonic() - begin:.1f} s)", flush=True)
        return False
    print(f"ok      {test.name} ({time.monotonic() - begin:.1f} s)", flush=True)
    return True


def run_world(kind, hosts, tests):
    """How many passed and failed; a laboratory that does not come up fails all its tests."""
    begin = time.monotonic()
    try:
        lab.up(kind, hosts)
        print(f"laboratory '{kind}' with {hosts} hosts up in {time.monotonic() - begin:.1f} s", flush=True)
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"FAILED  the laboratory '{kind}' with {hosts} hosts did not come up: {error}", flush=True)
        return 0, len(tests)
    passed = sum([run_one(t) for t in tests])
    return passed, len(tests) - passed


def run(patterns):
    passed = failed = 0
    chosen = [t for t in all_tests() if t.is_wanted(patterns)]
    print(f"seed {lab.SEED} (again: SOT_SEED={lab.SEED} tests/e2e/run {' '.join(patterns)})", flush=True)
    if not chosen:
        print(f"no module or test is called like {' or '.join(patterns)}", flush=True)
        failed = 1
    for at, ((kind, hosts), tests) in enumerate(by_world(chosen)):
        if at > 0:
            lab.down()
        p, f = run_world(kind, hosts, tests)
        passed, failed = passed + p, failed + f
    counts = os.environ.get("SOT_COUNTS")
    if counts:
        with open(counts, "w", encoding="utf-8") as f:
            f.write(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(bench.run() if sys.argv[1:] == ["bench"] else run(sys.argv[1:]))
