#!/usr/bin/python3
"""Changes an application again and again over the API, as a program does that repeats what was not answered, until a file appears.

  load.py APP STOP_FILE     SOTALIA_URL, SOTALIA_TOKEN, SOTALIA_CA; prints operations, failed ones, answers that were repeated, the longest silence
  load.py --new STOP_FILE   makes applications instead, and appends the name of each to load.acknowledged beside the file once its operation was acknowledged
"""
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
import uuid

APP, STOP = sys.argv[1:3]
URL, TOKEN = os.environ["SOTALIA_URL"], os.environ["SOTALIA_TOKEN"]
CONTEXT = ssl.create_default_context(cafile=os.environ["SOTALIA_CA"])
repeated, longest = 0, 0.0


def call(method, path, body=None, key=""):
    """Repeated with the same key for at most 60 s: what was not answered may have been done."""
    global repeated, longest
    begin = time.monotonic()
    while True:
        request = urllib.request.Request(URL + path, method=method, headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=10, context=CONTEXT) as answer:
                longest = max(longest, time.monotonic() - begin)
                return json.load(answer)
        except (OSError, ValueError) as error:
            again = not isinstance(error, urllib.error.HTTPError) or error.code in (429, 502, 503, 504)
            if not again or time.monotonic() - begin > 60:
                raise
            repeated += 1
            time.sleep(0.1)


def make():
    name = "n" + uuid.uuid4().hex[:20]
    operation = call("POST", "/v1/apps", {"name": name, "image": "redis", "plan": "tiny", "vlan": "web", "count": 0}, str(uuid.uuid4()))["operation"]["id"]
    with open(os.path.join(os.path.dirname(STOP), "load.acknowledged"), "a", encoding="ascii") as known:
        known.write(name + "\n")
    return operation


def main():
    done = failed = reads = 0
    count = 1
    print("begins", flush=True)
    while not os.path.exists(STOP):
        count = 3 - count
        operation = make() if APP == "--new" else call("POST", f"/v1/apps/{APP}/scale", {"count": count}, str(uuid.uuid4()))["operation"]["id"]
        while (found := call("GET", f"/v1/operations/{operation}"))["state"] in ("queued", "running"):
            reads += 1
            time.sleep(0.2)
        done += found["state"] == "done"
        if found["state"] != "done":
            failed += 1
            print(json.dumps(found))
    print(f"{done} operations done, {failed} failed, {reads} reads, {repeated} answers repeated, longest silence {longest:.1f} s")
    sys.exit(failed != 0 or done == 0)


main()
