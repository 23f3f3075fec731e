"""Packages as their users see them: uploads that are cut, versions that never change, middleware beside an app's own package."""

import hashlib
import json
import os
import random
import re
import socket
import subprocess
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


def part_bytes(host, digest):
    """How much of a download a host has; None: there is none under way."""
    try:
        return os.path.getsize(os.path.join(lab.VAR, "hosts", host, "agent/packages/.blobs", digest + ".part"))
    except FileNotFoundError:
        return None


def unpacked(host, digest):
    return os.path.isdir(os.path.join(lab.VAR, "hosts", host, "agent/packages", digest))


def sender_to(address):
    """The gateway that has most to send to that address."""
    queued = {}
    for port, name in (("7443", "api-gateway"), ("7543", "api-gateway-2")):
        lines = lab.command(["ss", "-Htn", "state", "established", f"( sport = :{port} )", "dst", address]).splitlines()
        queued[name] = sum(int(line.split()[1]) for line in lines)
    assert max(queued.values()) > 0, queued
    return max(queued, key=queued.get)


def failed_tries(host):
    with open(os.path.join(lab.VAR, "log", f"hostagent-{host}.log"), encoding="utf-8", errors="replace") as f:
        return sum("gateway: " in line for line in f)


def test_05_a_download_goes_on_at_the_next_gateway_when_its_own_is_killed():
    """A host downloads from one of two gateways, over a slow line; that one is killed in the middle, then the other one too: whichever is back first goes on where the download was."""
    lab.have("relay", 0, image="nodejs", health={"kind": "http", "port": 8080})
    size = 192 * 1024 * 1024
    path = padded("relay.tar.gz", size)
    lab.cli("package", "upload", "relay", "0.9", lab.package({"index.js": lab.NODE_SERVER % "relay 0.9"}), "--wait")
    lab.cli("package", "upload", "relay", "1.0", path, "--wait", timeout=300)
    lab.cli("app", "deploy", "relay", "0.9", "--wait")
    digest = lab.api("GET", "/v1/apps/relay/versions").json["items"][0]["sha256"]
    os.remove(path)
    lab.sh("lab_second_gateway")
    revive = {"api-gateway": lambda: (lab.start_service("api-gateway"), lab.healthy("api-gateway")), "api-gateway-2": lambda: lab.sh("lab_second_gateway")}

    def sent():
        return json.loads(lab.command(["ip", "-s", "-j", "link", "show", "m1"]))[0]["stats64"]["tx"]["bytes"]
    url = lab.env()["SOTALIA_URL"]
    lab.cli("host", "cordon", "h2")
    lab.scale("relay", 1)  # the image is there
    lab.command(["tc", "qdisc", "add", "dev", "m1", "root", "tbf", "rate", "160mbit", "burst", "512kb", "latency", "100ms"])
    try:
        with lab.Agent("h1", gateway_url=f"{url},{url.replace('7443', '7543')}"):
            before = sent()
            operation = lab.post("/v1/apps/relay/deploy", {"version": "1.0"})
            down = []
            for share in (0.35, 0.65):
                lab.until(f"{share:.0%} of it to be here", lambda s=share: (part_bytes("h1", digest) or 0) > size * s, 120)
                tries = failed_tries("h1")
                down.append(sender_to("10.77.0.11"))
                lab.kill(down[-1])
                killed, had = time.monotonic(), part_bytes("h1", digest)
                if len(down) == 2:  # nobody is there for a while
                    lab.until("a third try", lambda t=tries: failed_tries("h1") >= t + 3, 60)
                    assert part_bytes("h1", digest) >= had, "what was here was thrown away"
                    print(f"    no gateway: {failed_tries('h1') - tries} tries in {time.monotonic() - killed:.1f} s", flush=True)
                    revive[down[0]]()
                lab.until("it to go on", lambda h=had: (part_bytes("h1", digest) or size) > h, 60)
                print(f"    {down[-1]} killed at {had >> 20} of {size >> 20} MiB; the download went on after {time.monotonic() - killed:.1f} s", flush=True)
            assert len(set(down)) == 2, down
            lab.until("the package on h1", lambda: unpacked("h1", digest), 120)
            took = sent() - before
            for name in revive:
                revive[name]()
            assert lab.finished(operation, 120)["state"] == "done"
    finally:
        lab.command(["tc", "qdisc", "del", "dev", "m1", "root"])
        revive["api-gateway"]()
        lab.kill("api-gateway-2")
        lab.cli("host", "uncordon", "h2")
    print(f"    {took >> 20} MiB came over the line for {size >> 20} MiB", flush=True)
    assert took < size * 1.15, "parts were fetched again"
    assert lab.page(lab.instances("relay")[0]["address"]) == "relay.tar.gz"
    lab.scale("relay", 0)
    lab.invariants()


def version_of(app, version, text):
    """Uploads a version whose server answers so; its digest."""
    path = lab.package({"index.js": lab.NODE_SERVER % text})
    lab.cli("package", "upload", app, version, path, "--wait")
    with open(path, "rb") as f:
        return path, hashlib.sha256(f.read()).hexdigest()


def in_store(digests):
    folder = os.path.join(lab.VAR, "blobs")
    return {v for v, d in digests.items() if os.path.exists(os.path.join(folder, d))}


def make_old(app, digests):
    """The versions and their bytes came forty days ago."""
    lab.kill("scheduler", "TERM")
    lab.sql(f"UPDATE scheduler.app_version v SET created_at = v.created_at - interval '40 days' FROM scheduler.app a WHERE a.id = v.app_id AND a.name = '{app}'")
    lab.sql("UPDATE gateway.blob SET created_at = created_at - interval '40 days'")
    lab.start_service("scheduler")
    lab.healthy("scheduler")
    then = time.time() - 40 * 86400
    for digest in digests:
        os.utime(os.path.join(lab.VAR, "blobs", digest), (then, then))


def sweep(env=None):
    """The gateway looks at its store when it starts."""
    lab.kill("api-gateway", "TERM")
    lab.sh("service_start", "api-gateway", env={"SOT_FAILPOINTS": "", **(env or {})})
    lab.healthy("api-gateway")


def test_06_bytes_of_versions_that_are_not_kept_leave_the_disks_and_no_others():
    """Retention: of a version that nobody keeps the bytes go from the store and from the hosts. What runs, what a group runs, what a way back leads to, the newest, and bytes that are
    another app's too, stay."""
    lab.have("keeper", 0, image="nodejs", health={**lab.REDIS["health"], "kind": "http", "port": 8080, "path": "/"})
    digests, paths = {}, {}
    for version in ("0.1", "0.2", "1.0", "2.0", "3.0", "4.0"):
        paths[version], digests[version] = version_of("keeper", version, version)
    lab.have("sharer", 0, image="nodejs", health={"kind": "http", "port": 8080})
    lab.cli("package", "upload", "sharer", "1.0", paths["0.2"], "--wait")
    lab.cli("app", "deploy", "keeper", "0.1", "--wait")
    lab.scale("keeper", 2)
    for version in ("1.0", "2.0"):
        lab.cli("app", "deploy", "keeper", version, "--batch=2", "--wait", timeout=200)
    lab.cli("group", "set", "keeper", "blue", "--wait")
    lab.cli("app", "scale", "keeper", "1", "--group=blue", "--wait")
    lab.cli("app", "deploy", "keeper", "3.0", "--group=blue", "--wait")
    make_old("keeper", digests.values())
    lab.cli("app", "retention", "keeper", "1", "--days=30")
    removed = lab.until("two versions to be marked", lambda: (lambda gone: len(gone) == 2 and gone)(
        {v["version"] for v in lab.api("GET", "/v1/apps/keeper/versions").json["items"] if v["removed"]}), 60)
    assert removed == {"0.1", "0.2"}, removed
    assert in_store(digests) == set(digests)
    sweep()
    lab.until("bytes to leave the store", lambda: in_store(digests) != set(digests), 30)
    assert in_store(digests) == set(digests) - {"0.1"}, in_store(digests)  # those of 0.2 are another app's, too
    assert lab.api("GET", f"/v1/blobs/{digests['0.1']}").status == 404
    again = lab.cli("package", "upload", "keeper", "0.1", paths["4.0"], check=False)
    assert again.returncode == 5 and "versions never change" in again.stderr, again.stderr
    lab.cli("app", "rollback", "keeper", "--batch=2", "--wait", timeout=200)
    assert {lab.page(i["address"]) for i in lab.instances("keeper") if i["group"] == "default"} == {"1.0"}
    hosts = {i["host"] for i in lab.instances("keeper")}
    for host in hosts:
        assert unpacked(host, digests["0.1"]), "it never was there"
        with lab.Agent(host, cleanup_interval_ms="500", cleanup_ages="package_versions=1"):
            lab.until(f"0.1 to leave {host}", lambda h=host: not unpacked(h, digests["0.1"]), 60)
    for i in lab.instances("keeper"):
        assert unpacked(i["host"], digests[i["version"]]) and lab.page(i["address"]) == i["version"], i
    lab.cli("app", "scale", "keeper", "0", "--group=blue", "--wait")
    lab.scale("keeper", 0)
    lab.invariants()


def objects_in(bucket):
    return set(lab.command(["curl", "-sf", f"{bucket}/?names"]).split())


def test_07_and_the_bucket_too():
    """The same where packages lie in an S3-compatible store: the object goes, also when no gateway has the file any more."""
    server = subprocess.Popen(["python3", "-Bu", os.path.join(lab.SRC, "services/api-gateway/tests/s3_server.py"), "access", "secret", "eu-test-1", str(40 * 86400),
                               "10.77.0.1"], stdout=subprocess.PIPE, text=True)
    try:
        bucket = f"http://10.77.0.1:{int(server.stdout.readline())}"
        s3 = {"SOT_API_GATEWAY_S3_URL": bucket + "/packages", "SOT_API_GATEWAY_S3_REGION": "eu-test-1", "SOT_API_GATEWAY_S3_KEYS": "access:secret"}
        lab.have("bucketed", 0, image="nodejs", health={"kind": "http", "port": 8080})
        sweep(s3)
        digests = {v: version_of("bucketed", v, "bucketed " + v)[1] for v in ("1.0", "2.0", "3.0", "4.0")}
        for version in ("2.0", "3.0"):
            lab.cli("app", "deploy", "bucketed", version, "--wait")
        assert set(digests.values()) <= objects_in(bucket)
        make_old("bucketed", digests.values())
        os.unlink(os.path.join(lab.VAR, "blobs", digests["1.0"]))  # a new machine has not what the last one had
        lab.cli("app", "retention", "bucketed", "1", "--days=30")
        lab.until("a version to be marked", lambda: any(v["removed"] for v in lab.api("GET", "/v1/apps/bucketed/versions").json["items"]), 60)
        sweep(s3)
        lab.until("its object to go", lambda: digests["1.0"] not in objects_in(bucket), 30)
        assert objects_in(bucket) & set(digests.values()) == set(digests.values()) - {digests["1.0"]}
        os.unlink(os.path.join(lab.VAR, "blobs", digests["2.0"]))  # what a way back leads to comes from the bucket
        lab.cli("app", "rollback", "bucketed", "--wait")
        lab.scale("bucketed", 1)
        assert lab.page(lab.instances("bucketed")[0]["address"]) == "bucketed 2.0"
        lab.scale("bucketed", 0)
    finally:
        server.kill()
        server.wait(10)
        sweep()
