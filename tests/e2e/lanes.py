"""All end-to-end tests in several lanes at once: each has a laboratory of its own and takes the next module that nobody has.

The tests wait more than they compute: two lanes on two cores take little more than half of the time.
usage: lanes.py LANES     (tests/e2e/run without arguments)
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


def relay(lane, stream):
    for line in stream:
        print(f"[{lane}] {line}", end="", flush=True)


def start(lane, shared):
    """A lane in a session of its own, so that an interrupt reaches all of it at once, when we say so."""
    env = {**os.environ, "SOT_LANES": "1", "SOT_CLAIMS": os.path.join(shared, "claims"), "SOT_COUNTS": os.path.join(shared, f"counts{lane}"),
           "SOT_VAR": f"{os.environ['SOT_VAR']}-{lane}"}
    process = subprocess.Popen([os.path.join(HERE, "run")], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", start_new_session=True)
    thread = threading.Thread(target=relay, args=(lane, process.stdout))
    thread.start()
    return process, thread


def counted(shared, lane):
    """What a lane counted; one that died without a count has failed."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(shared, f"counts{lane}"), encoding="utf-8") as f:
        passed, failed = f.read().split()
        return int(passed), int(failed)
    return 0, 1


def run(count):
    with tempfile.TemporaryDirectory() as shared:
        os.mkdir(os.path.join(shared, "claims"))
        lanes = {lane: start(lane, shared) for lane in range(1, count + 1)}

        def interrupt(_signal, _frame):
            for process, _ in lanes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, interrupt)
        codes = []
        for process, thread in lanes.values():
            codes.append(process.wait())
            thread.join()
        counts = [counted(shared, lane) for lane in lanes]
    passed, failed = (sum(c[i] for c in counts) for i in (0, 1))
    if os.environ.get("SOT_COUNTS"):
        with open(os.environ["SOT_COUNTS"], "w", encoding="utf-8") as f:
            f.write(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed in {count} lanes", flush=True)
    return 1 if failed or any(codes) else 0


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1])))
