"""End-to-end tests on real parts: Docker hosts, PostgreSQL, five services, real images.

usage: tests/e2e/run [bench | MODULE | PATTERN]...     all tests; those of cases/MODULE.py; those whose name matches
SOT_SEED: the seed of an earlier run. Writes "passed failed" to $SOT_COUNTS.

Every cases/*.py is found by itself. Its functions test_* run sorted by name; each must pass when it runs alone. The
module may say, as constants:
    ORDER = 50            place among the modules
    LAB = "plain"         which laboratory: lab_wire_LAB in lab.sh lays its links
    HOSTS = 2             with so many Docker hosts
    BY_NAME_ONLY = False  True: only when the module is asked for
Modules with the same laboratory and hosts share one. Without arguments there are SOT_LANES lanes (lanes.py; 2).
"""

import fnmatch
import importlib
import os
import pathlib
import signal
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

    def is_wanted(self, names, patterns):
        """names: modules; patterns: parts of tests' names; neither: all but those that are run by name only."""
        if self.module in names:
            return True
        is_for_all = not names and not patterns
        return not self.by_name_only and (is_for_all or any(fnmatch.fnmatch(self.name, f"*{p}*") for p in patterns))


def all_tests():
    found = []
    for path in pathlib.Path(lab.HERE, "cases").glob("[a-z]*.py"):
        module = importlib.import_module(f"cases.{path.stem}")
        found += [Test(module, name) for name in vars(module) if name.startswith("test_")]
    return sorted(found, key=lambda t: t.order)


def claim(module):
    """Whether this process runs the module: of several lanes (lanes.py) the first that asks."""
    claims = os.environ.get("SOT_CLAIMS")
    try:
        return not claims or os.close(os.open(os.path.join(claims, module), os.O_CREAT | os.O_EXCL)) is None
    except FileExistsError:
        return False


def by_world(tests):
    """(laboratory, tests of a module), in order, but first those of the laboratory that is up."""
    modules, world = {}, None
    for t in tests:
        modules.setdefault(t.module, []).append(t)
    while modules:
        name = next((m for m, own in modules.items() if own[0].world == world), next(iter(modules)))
        own = modules.pop(name)
        if claim(name):
            world = own[0].world
            yield world, own


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


def bring_up(kind, hosts):
    """False: it did not come up, which fails all its tests."""
    begin = time.monotonic()
    try:
        if lab.HOSTS:
            lab.down()
        lab.up(kind, hosts)
        print(f"laboratory '{kind}' with {hosts} hosts up in {time.monotonic() - begin:.1f} s", flush=True)
        return True
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"FAILED  the laboratory '{kind}' with {hosts} hosts did not come up: {error}", flush=True)
        lab.down()
        return False


def run(patterns):
    passed = failed = 0
    tests = all_tests()
    names = {t.module for t in tests}.intersection(patterns)
    chosen = [t for t in tests if t.is_wanted(names, [p for p in patterns if p not in names])]
    print(f"seed {lab.SEED} (again: SOT_SEED={lab.SEED} tests/e2e/run {' '.join(patterns)})", flush=True)
    if not chosen:
        print(f"no module or test is called like {' or '.join(patterns)}", flush=True)
        failed = 1
    world = None
    for wanted, tests in by_world(chosen):
        if wanted != world:
            world = wanted if bring_up(*wanted) else None
        good = sum(run_one(t) for t in tests) if world else 0
        passed, failed = passed + good, failed + len(tests) - good
        if good < len(tests):
            world = None  # what a failure leaves behind is not the next module's to stumble over
    counts = os.environ.get("SOT_COUNTS")
    if counts:
        with open(counts, "w", encoding="utf-8") as f:
            f.write(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what runs beside it with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    sys.exit(bench.run() if sys.argv[1:] == ["bench"] else run(sys.argv[1:]))
