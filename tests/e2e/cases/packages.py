"""Packages as their users see them: uploads that are cut, versions that never change, middleware beside an app's own package."""

import hashlib
import os
import random
import re
import socket
import threading
import time

import lab

ORDER = 24
CUTS = 30


class CuttingProxy:
    """Forwards to the gateway, and cuts connections after random numbers of bytes, `CUTS` times in all; then it only forwards."""

    def __init__(self, target, size):
        self.target, self.cuts, self.rng = target, 0, random.Random(lab.SEED)
        self.step = size // (CUTS + 2)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            threading.Thread(target=self.up, args=(near, far), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, None), daemon=True).start()

    def up(self, near, far):
        self.copy(near, far, self.rng.randrange(self.step // 2, self.step) if self.cuts < CUTS else None)

    def copy(self, source, to, budget):
        try:
            while data := source.recv(65536):
                if budget is not None and budget < len(data):
                    to.sendall(data[:budget])
                    self.cuts += 1
                    break
                budget = None if budget is None else budget - len(data)
                to.sendall(data)
        except OSError:
            pass
        for s in (source, to):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()  # with bytes unread: a reset, as of a cut line; accept() would hold the last pair open


def test_01_an_upload_that_is_cut_30_times_arrives_by_itself():
    """The command line goes on by itself; what arrives is what was sent, and the version says who, from which commit, and where."""
    lab.cli("app", "create", "parcel", "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
    path = os.path.join(lab.VAR, "packages", "parcel.tar.gz")
    with open(lab.package({"index.js": lab.NODE_SERVER % "1.0"}), "rb") as f:
        archive = f.read()
    data = archive + bytes(24 * 1024 * 1024)  # behind the end of a tar nothing is read
    with open(path, "wb") as f:
        f.write(data)
    host, port = lab.env()["SOTALIA_URL"].removeprefix("https://").rsplit(":", 1)
    proxy = CuttingProxy((host, int(port)), len(data))
    try:
        lab.cli("package", "upload", "parcel", "1.0", path, "--commit=1f3a9c2", "--source=https://ci.example/7",
                f"--url=https://localhost:{proxy.port}", "--wait", timeout=400)
    finally:
        proxy.listener.close()
    assert proxy.cuts == CUTS, proxy.cuts
    version = lab.api("GET", "/v1/apps/parcel/versions").json["items"][0]
    digest = hashlib.sha256(data).hexdigest()
    assert (version["sha256"], version["sizeBytes"], version["commit"]) == (digest, len(data), "1f3a9c2"), version
    assert lab.api("GET", f"/v1/blobs/{digest}").body == data
    other = lab.cli("package", "upload", "parcel", "1.0", lab.package({"index.js": "other"}), check=False)
    assert other.returncode == 5 and "versions never change" in other.stderr, other.stderr


def test_02_middleware_is_rolled_over_an_app_and_back():
    """S11: a framework package is mounted beside the app's own; another version goes over the instances in turn, and the older one comes back."""
    server = 'const greet = require("/opt/middleware/greeter"); require("http").createServer((q, r) => r.end(greet())).listen(8080)'
    lab.cli("app", "create", "greeted", "--image", "nodejs", "--plan", "tiny", "--count", "0", "--health=http", "--port=8080", "--wait")
    lab.cli("package", "upload", "greeted", "1.0", lab.package({"index.js": server}), "--wait")
    for version in ("1", "2"):
        lab.cli("middleware", "upload", "greeter", version, lab.package({"index.js": f"module.exports = () => 'greeter {version}'"}),
                "--kind=framework", "--wait")
    lab.cli("middleware", "upload", "greeter", "3", lab.package({"index.js": "process.exit(1)"}), "--kind=framework", "--wait")
    lab.cli("app", "middleware", "greeted", "greeter", "1", "--wait")
    lab.cli("app", "deploy", "greeted", "1.0", "--wait")
    lab.cli("app", "scale", "greeted", "3", "--wait")
    before = lab.instances("greeted")
    assert [lab.page(i["address"]) for i in before] == ["greeter 1"] * 3
    lab.cli("app", "middleware", "greeted", "greeter", "2", "--batch=1", "--wait")
    after = lab.instances("greeted")
    assert [lab.page(i["address"]) for i in after] == ["greeter 2"] * 3
    assert {(i["id"], i["containerId"], i["address"]) for i in after} == {(i["id"], i["containerId"], i["address"]) for i in before}
    bad = lab.cli("app", "middleware", "greeted", "greeter", "3", "--canary=1", "--on-failure=roll_back", "--wait", check=False, timeout=240)
    assert bad.returncode == 1, bad.stderr
    assert [lab.page(i["address"]) for i in lab.instances("greeted")] == ["greeter 2"] * 3
    lab.cli("app", "middleware", "greeted", "greeter", "1", "--batch=3", "--wait")
    assert [lab.page(i["address"]) for i in lab.instances("greeted")] == ["greeter 1"] * 3
    board = lab.api("GET", "/v1/middleware/greeter/instances").json["items"]
    assert {(b["version"], b["appVersion"]) for b in board} == {("1", "1")} and len(board) == 3, board
    lab.invariants()


GIB = 1024 ** 3


def padded(name, size):
    """A package of that size: behind the end of a tar nothing is read."""
    path = os.path.join(lab.VAR, "packages", name)
    with open(lab.package({"index.js": lab.NODE_SERVER % name}), "rb") as f:
        archive = f.read()
    with open(path, "wb") as f:
        f.write(archive)
        f.truncate(size)
    return path


def resident_kib():
    with open(f"/proc/{lab.pid('api-gateway')}/status", encoding="utf-8") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def test_03_two_gib_are_uploaded_and_the_gateways_memory_stays_flat():
    """S23 of the first platform asked for 500 MB: here 2 GiB, with the gateway's memory read all the while."""
    lab.have("freight", 0, image="nodejs", health={"kind": "http", "port": 8080})
    path = padded("freight.tar.gz", 2 * GIB)
    before, seen, ended = resident_kib(), [], threading.Event()

    def watch():
        while not ended.wait(0.1):
            seen.append(resident_kib())
    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    try:
        lab.cli("package", "upload", "freight", "1.0", path, "--wait", timeout=900)
    finally:
        ended.set()
        watcher.join()
    took = time.monotonic() - begun
    print(f"2 GiB in {took:.1f} s; resident before {before} KiB, most while it came {max(seen)} KiB in {len(seen)} looks", flush=True)
    assert len(seen) > 20 and max(seen) - before < 32 * 1024, (before, max(seen))
    version = lab.api("GET", "/v1/apps/freight/versions").json["items"][0]
    assert version["sizeBytes"] == 2 * GIB, version
    os.remove(path)


def stored():
    """What is in the gateway's store, apart from uploads that their owners may go on with."""
    folder = os.path.join(lab.VAR, "blobs")
    return sorted(n for n in os.listdir(folder) if re.fullmatch("[0-9a-f]{64}", n)) + os.listdir(os.path.join(folder, "tmp"))


def upload(data):
    begun = lab.api("POST", "/v1/uploads", headers={**lab.key(), "Tus-Resumable": "1.0.0", "Upload-Length": str(len(data))}, raw=b"")
    assert begun.status == 201, begun.body
    where = begun.headers["Location"]
    sent = lab.api("PATCH", where, raw=data, headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
    assert sent.status == 204, sent.body
    return where.rsplit("/", 1)[1]


def test_04_what_is_wrong_is_said_and_nothing_is_half_stored():
    """Wrong digest, wrong signature, unsigned where it must be signed, a version with other content, an empty file."""
    lab.have("picky", 0, image="nodejs", health={"kind": "http", "port": 8080})
    good, other = lab.package({"index.js": lab.NODE_SERVER % "good"}), lab.package({"index.js": lab.NODE_SERVER % "other"})
    lab.cli("package", "upload", "picky", "1.0", good, "--wait")
    before = stored()
    with open(other, "rb") as f:
        data = f.read()
    body = {"version": "2.0", "upload": upload(data), "fileName": "a.tar.gz", "sha256": hashlib.sha256(b"else").hexdigest()}
    wrong = lab.api("POST", "/v1/apps/picky/versions", body, lab.key())
    assert wrong.status == 400 and "send the file again" in wrong.json["detail"], wrong.body
    body["sha256"] = hashlib.sha256(data).hexdigest()
    same = lab.api("POST", "/v1/apps/picky/versions", {**body, "version": "1.0"}, lab.key())
    assert same.status == 409 and "versions never change" in same.json["detail"], same.body
    keys = os.path.join(lab.VAR, "packages")
    for name in ("ours", "theirs"):
        lab.command(["minisign", "-G", "-W", "-f", "-p", f"{keys}/{name}.pub", "-s", f"{keys}/{name}.key"])
        lab.command(["minisign", "-S", "-s", f"{keys}/{name}.key", "-m", other, "-x", f"{keys}/{name}.minisig"])
    lab.cli("signing-key", "add", f"{keys}/ours.pub", "--app=picky")
    lab.cli("app", "signing", "picky", "required")
    for more, why in (([], "must be signed"), ([f"--signature={keys}/theirs.minisig"], "nobody has registered")):
        refused = lab.cli("package", "upload", "picky", "2.0", other, *more, check=False)
        assert refused.returncode != 0 and why in refused.stderr, refused.stderr
    lab.command(["minisign", "-S", "-s", f"{keys}/ours.key", "-m", good, "-x", f"{keys}/moved.minisig"])
    moved = lab.cli("package", "upload", "picky", "2.0", other, f"--signature={keys}/moved.minisig", check=False)
    assert moved.returncode != 0, moved.stderr
    print(moved.stderr.strip(), flush=True)
    empty = os.path.join(keys, "empty.tar.gz")
    with open(empty, "wb"):
        pass
    nothing = lab.cli("package", "upload", "picky", "3.0", empty, check=False)
    assert nothing.returncode != 0 and "empty" in nothing.stderr, nothing.stderr
    assert stored() == before
    assert [v["version"] for v in lab.api("GET", "/v1/apps/picky/versions").json["items"]] == ["1.0"]
    lab.cli("package", "upload", "picky", "2.0", other, f"--signature={keys}/ours.minisig", "--wait")
    signed = lab.api("GET", "/v1/apps/picky/versions").json["items"][0]
    assert signed["version"] == "2.0" and signed["signedBy"], signed
