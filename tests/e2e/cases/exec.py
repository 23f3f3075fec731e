"""`sotalia exec`, through the gateway: streams, exit status, terminal, signals, rights, audit, what dies in the middle."""

import contextlib
import fcntl
import hashlib
import os
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

import lab

from cases import ssh as login

ORDER = 46
APP = "shell"


def name():
    lab.have(APP, 1)
    return lab.instances(APP)[0]["name"]


def argv(*words):
    return [os.path.join(lab.BUILD, "cli/sotalia"), "exec", *words]


def environment(token=None):
    values = {**os.environ, **lab.env()}
    return {**values, "SOTALIA_TOKEN": token} if token else values


def run(*words, text="", seconds=60, token=None):
    return subprocess.run(argv(*words), input=text.encode() if isinstance(text, str) else text, capture_output=True, timeout=seconds, check=False,
                          env=environment(token))


def ready():
    """The instance's name, once it can be entered (its host's agent has found the gateway)."""
    who = name()
    lab.until("exec to work", lambda: run(who, "--", "true").returncode == 0, 60)
    return who


@contextlib.contextmanager
def session(*words, terminal=False, token=None):
    """A session under way: the process, and the terminal's near side or None."""
    near = far = None
    if terminal:
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    process = subprocess.Popen(argv(*words), stdin=far if terminal else subprocess.PIPE, stdout=far if terminal else subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment(token))
    try:
        yield process, near
    finally:
        process.kill()
        process.communicate()
        for fd in (near, far):
            if fd is not None:
                os.close(fd)


def read_until(fd, text, seconds=60):
    got, end = b"", time.monotonic() + seconds
    while text not in got:
        left = end - time.monotonic()
        assert left > 0 and select.select([fd], [], [], left)[0], f"no {text!r} in {got[-2000:]!r}"
        got += os.read(fd, 65536)
    return got


def inside(who, text):
    done = run(who, "--", text)
    assert done.returncode == 0, (text, done)
    return done.stdout.decode().strip()


def has_process(who, pattern):
    return run(who, "--", f"pgrep -f '{pattern}'").returncode == 0


def resident(pid):
    """Bytes of a process in memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


def audit(action):
    return [r for r in lab.api("GET", "/v1/audit?limit=200").json["items"] if r["action"] == action]


def test_exec_01_streams_status_and_accounts():
    """S6: stdin, stdout, stderr byte by byte, exit status, half-close, both accounts."""
    who = ready()
    done = run(who, "--", "id -un; sudo id -un; echo to stderr >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"admin\nroot\n", b"to stderr\n"), done
    assert run(who, "--", "echo", "one  two", "$HOME").stdout == b"one  two $HOME\n"
    data = os.urandom(3_000_000)
    done = run("-i", who, "--", "cat", text=data)
    assert done.returncode == 0 and done.stdout == data, (done.returncode, len(done.stdout), done.stderr)
    assert run("-i", who, "--", "wc -c", text="x" * 100_000).stdout.strip() == b"100000"
    assert run(who, "--", "kill -TERM $$").returncode == 128 + signal.SIGTERM
    assert run("--as=readonly", who, "--", "id -un").stdout == b"readonly\n"
    for attempt in ("echo x >/tmp/x", "touch /data/appdatas/x", "sudo id", "kill 1", "chmod 777 /tmp", "cat /etc/shadow"):
        assert run("--as=readonly", who, "--", attempt).returncode != 0, attempt
    for words, status, text in ((("nothing-01", "--", "true"), 4, b"there is no instance"), (("--as=root", who, "--", "true"), 64, b"admin or readonly")):
        done = run(*words)
        assert done.returncode == status and text in done.stderr, done


def test_exec_02_a_terminal_with_its_size_and_signals():
    """S6: a log-in shell on a terminal, its size and a new one, ctrl-C, colours, Chinese, its end."""
    who = ready()
    with session("-it", who, terminal=True) as (process, near):
        os.write(near, b"stty size; echo $TERM-$0\n")
        got = read_until(near, b"-bash")
        assert b"33 101" in got, got
        fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 122, 0, 0))
        process.send_signal(signal.SIGWINCH)
        os.write(near, b"until [ \"$(stty size)\" = '44 122' ]; do read -t 0.1; done; echo size-is-new; sleep 1000\n")
        read_until(near, b"size-is-new\r\n")
        lab.until("the program to run", lambda: has_process(who, "^sleep 1000"), 30)
        os.write(near, b"\x03")
        os.write(near, "echo 你好; printf '\\033[31mred\\033[0m'; tty; exit 5\n".encode())
        got = read_until(near, b"/dev/pts/")
        assert "你好".encode() in got and b"\x1b[31mred" in got, got
        assert process.wait(timeout=30) == 5
    assert not has_process(who, "^sleep 1000")


def test_exec_03_nothing_grows_and_a_slow_reader_stops_the_program():
    """G: an endless output to a reader that stops holds the program; gateway and agent keep their size."""
    who = ready()
    host = lab.instances(APP)[0]["host"]

    def sizes():
        return [resident(lab.pid(service)) for service in ("api-gateway", f"hostagent-{host}")]
    with session(who, "--", "exec -a endless cat /dev/zero") as (process, _):
        total = 0
        while total < 50_000_000:
            total += len(os.read(process.stdout.fileno(), 1 << 20))
        before = sizes()
        written = [0]

        def stands_still():
            written.append(int(inside(who, "sed -n 's/^wchar: //p' /proc/$(pgrep -f '^endless ')/io")))
            return written[-1] == written[-2]
        lab.until("the program to stand still while nobody reads", stands_still, 30)
        total = 0
        while total < 50_000_000:
            total += len(os.read(process.stdout.fileno(), 1 << 20))
        grown = [b - a for a, b in zip(before, sizes())]
        assert max(grown) < 8 << 20, f"grown by {grown}"
    lab.until("the program to end with its client", lambda: not has_process(who, "^endless "), 60)


def test_exec_04_rights_audit_and_revocation():
    """S6: the same rights as ssh; who, where from, where to, begin and end in the audit; a revocation ends it within a minute."""
    who = ready()
    viewer, mia = login.person("vic", "viewer"), login.person("mia", "developer")
    done = run(who, "--", "true", token=viewer)
    assert done.returncode == 6 and b"developer" in done.stderr, done
    with session("-it", who, "--", "sh -c 'trap : HUP; echo begun; sleep 1000 & exec sleep 1001'", terminal=True, token=mia) as (process, near):
        read_until(near, b"begun")
        open_ones = lab.cli_json("session", "list", f"--instance={who}")["items"]
        assert [s["person"] for s in open_ones if s["open"] and s["kind"] == "exec"] == ["mia"], open_ones
        begun = time.monotonic()
        assert "ended:" in lab.cli("key", "revoke", "mia", check=False).stderr
        assert process.wait(timeout=60) == 255
        ended = time.monotonic() - begun
    lab.until("nothing of it to go on", lambda: not has_process(who, "^sleep 100[01]"), 30)
    rows = lab.until("the end in the audit", lambda: [r for r in audit("exec.end") if r["actor"] == "token:mia"], 30)
    begin = [r for r in audit("exec.begin") if r["actor"] == "token:mia"]
    assert len(rows) == len(begin) == 1 and "revoked" in rows[0]["detail"]["reason"], rows
    assert begin[0]["target"] == who and begin[0]["detail"]["account"] == "admin" and begin[0]["sourceAddress"].startswith("10."), begin
    print(f"        the session ended {ended:.1f} s after the revocation", flush=True)


def test_exec_05_what_dies_in_the_middle():
    """M: agent, gateway and instance end under a session: the client is told, nothing goes on inside, the row is closed."""
    who = ready()
    host = lab.instances(APP)[0]["host"]
    for victim in ("api-gateway", f"hostagent-{host}"):  # whose rows wait for the end of a lease comes first
        with session(who, "--", "echo begun; exec sleep 2000") as (process, _):
            assert process.stdout.readline() == b"begun\n"
            lab.kill(victim)
            if victim == "api-gateway":
                lab.start_service(victim)
                lab.healthy(victim)
            else:
                lab.sh("lab_agent_start", host.removeprefix("h"))
            assert process.wait(timeout=60) == 255, victim
        lab.until(f"exec to work after {victim}", lambda: run(who, "--", "true").returncode == 0, 90)
        lab.until(f"nothing to go on after {victim}", lambda: not has_process(who, "^sleep 2000"), 30)
    with session(who, "--", "echo begun; exec sleep 2000") as (process, _):
        assert process.stdout.readline() == b"begun\n"
        lab.finished(lab.post(f"/v1/instances/{who}/restart"))
        assert process.wait(timeout=60) == 255
    lab.until("the rows to be closed", lambda: not lab.sql("select session from gateway.ssh_session where session is not null and ended_at is null"), 120)


def test_exec_06_a_command_judges_health():
    """S10: its status decides, its last lines are the reason; one that hangs is ended whole, and no other is begun beside it."""
    command = "cd /data/appdatas; if [ -e hang ]; then echo hanging; sleep 3000; fi; [ -e fine ] || { echo first; echo no file yet >&2; exit 3; }"
    lab.have("judged", 0, health={"kind": "command", "command": command, "intervalMs": 1000, "timeoutMs": 1000, "healthyAfter": 1, "unhealthyAfter": 2,
                                  "startPeriodMs": 0})
    started = lab.post("/v1/apps/judged/scale", {"count": 1})

    def one():
        return lab.instances("judged")[0]
    lab.until("the reason of the failure", lambda: one()["health"] == "unhealthy" and "status 3: first | no file yet" in one()["error"], 60)
    who = one()["name"]
    inside(who, "sudo touch /data/appdatas/fine")
    lab.until("it to be healthy", lambda: one()["health"] == "healthy", 60)
    assert lab.finished(started)["state"] == "done"
    inside(who, "sudo touch /data/appdatas/hang")
    lab.until("the hang to be told", lambda: one()["health"] == "unhealthy" and "did not end in time: hanging" in one()["error"], 60)
    for _ in range(5):
        assert int(inside(who, "pgrep -c -f '^sleep 3000' || true")) <= 1
    inside(who, "sudo rm /data/appdatas/hang")
    lab.until("it to be healthy again", lambda: one()["health"] == "healthy", 60)
    lab.until("nothing to be left", lambda: not has_process(who, "^sleep 3000"), 30)
    lab.scale("judged", 0)


def held_kib(pid):
    """The most memory that a process has held so far; 0: it has ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next((int(line.split()[1]) for line in f if line.startswith("VmHWM:")), 0)


def copy(*words, token=None, seconds=120):
    """sotalia cp; beside what subprocess.run tells: held_kib, the most memory that it held (the kernel's ru_maxrss has that of who started it, too)."""
    held, end = 0, time.monotonic() + seconds
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([os.path.join(lab.BUILD, "cli/sotalia"), "cp", *words], stdout=out, stderr=err, env=environment(token))
        while process.poll() is None:
            held = max(held, held_kib(process.pid))
            if time.monotonic() > end:
                process.kill()
            time.sleep(0.01)
        out.seek(0)
        err.seek(0)
        done = subprocess.CompletedProcess(process.args, process.returncode, out.read(), err.read())
    done.held_kib = held
    return done


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def test_exec_07_copies_both_ways():
    """S6: files and folders to and from an instance, whatever the size, with rights and audit of exec; nothing of it grows."""
    who = ready()
    with tempfile.TemporaryDirectory() as here:
        site = os.path.join(here, "site")
        os.makedirs(os.path.join(site, "你好/deep"))
        for i in range(200):
            with open(os.path.join(site, "你好/deep", f"file {i}"), "w", encoding="utf-8") as f:
                f.write(f"{i}\n" * i)
        with open(os.path.join(site, "run.sh"), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho it runs\n")
        os.chmod(f.name, 0o755)
        os.utime(f.name, (1_000_000_000, 1_000_000_000))
        os.symlink("run.sh", os.path.join(site, "link"))
        big = os.path.join(here, "big")
        with open(big, "wb") as f:
            piece = os.urandom(1 << 20)
            for i in range(40):
                f.write(i.to_bytes(8, "big") + piece)

        done = copy(site, f"{who}:")  # into a folder that is there: under its own name
        assert done.returncode == 0 and not done.stderr, done
        assert inside(who, "cd site && ./link && find . -type f | wc -l && stat -c '%a %Y %U' run.sh") == "it runs\n201\n755 1000000000 admin"
        done = copy(f"{site}/.", f"{who}:other")  # what is in it, under a new name
        assert done.returncode == 0 and inside(who, "diff -r site other && echo same") == "same", done

        host = lab.instances(APP)[0]["host"]
        services = ("api-gateway", f"hostagent-{host}")
        before = [resident(lab.pid(s)) for s in services]
        done = copy(big, f"{who}:/tmp/as-big")
        assert done.returncode == 0 and 0 < done.held_kib < 32 << 10, (done, done.held_kib)
        assert inside(who, "sha256sum /tmp/as-big").split()[0] == digest(big)
        done = copy("--as=readonly", f"{who}:/tmp/as-big", f"{who}:/home/admin/site", here)  # two sources, read by the account that only reads
        assert done.returncode == 0 and 0 < done.held_kib < 32 << 10, (done, done.held_kib)
        grown = [resident(lab.pid(s)) - b for s, b in zip(services, before)]
        assert max(grown) < 8 << 20, f"{services} grew by {grown}"
        assert digest(os.path.join(here, "as-big")) == digest(big)
        done = copy(f"{who}:other", os.path.join(here, "other"))
        assert done.returncode == 0 and subprocess.run(["diff", "-r", site, os.path.join(here, "other")], check=False).returncode == 0, done
        assert os.stat(os.path.join(here, "other/run.sh")).st_mtime == 1_000_000_000 and os.readlink(os.path.join(here, "other/link")) == "run.sh"

        done = copy("--sudo=app", site, f"{who}:/data/appdatas/")  # where the app's own files are
        assert done.returncode == 0 and inside(who, "stat -c '%U %a' /data/appdatas/site/run.sh") == "app 755", done
        copies_are_refused(who, here, big)
        copy_shows_its_progress(who, big)
    commands = [r["detail"]["command"] for r in audit("exec.begin")]
    assert any(c.startswith(": sotalia cp to; t='/tmp/as-big'") for c in commands) and any(c.startswith(": sotalia cp from; t='/tmp/as-big'") for c in commands)
    inside(who, "sudo rm -rf site other /tmp/as-big /data/appdatas/site")


def copies_are_refused(who, here, big):
    for words, status, text in (
            (("--as=readonly", big, f"{who}:/tmp/x"), 64, b"only reads"),
            ((big, f"{who}:/etc/x"), 1, b"Permission denied"),
            ((big, f"{who}:/no/such/folder/x"), 1, b"No such file or directory"),
            ((f"{who}:/no/such/file", here), 1, b"No such file or directory"),
            ((f"{who}:/etc/hostname", f"{here}/none/x"), 1, b"No such file or directory"),
            ((f"{here}/absent", f"{who}:/tmp/x"), 1, b"No such file or directory"),
            ((big, big, f"{who}:/tmp/new"), 1, b"is no folder in"),
            ((big, here), 64, b"must be in an instance"),
            ((big, "nothing-01:/tmp/x"), 4, b"there is no instance")):
        done = copy(*words)
        assert done.returncode == status and text in done.stderr, done
    done = copy(big, f"{who}:/tmp/x", token=login.person("vic2", "viewer"))
    assert done.returncode == 6 and b"developer" in done.stderr, done
    # Whatever a client asks for: the account itself can write nothing.
    assert run("-i", "--as=readonly", who, "--", "tar -x -C /tmp", text=subprocess.run(["tar", "-c", "/etc/hostname"], capture_output=True, check=True).stdout).returncode != 0
    assert run(who, "--", "ls /tmp/x /tmp/new").returncode != 0


def copy_shows_its_progress(who, big):
    near, far = pty.openpty()
    try:
        process = subprocess.Popen([os.path.join(lab.BUILD, "cli/sotalia"), "cp", big, f"{who}:/tmp/as-big"], stderr=far, env=environment())
        shown = read_until(near, b"1 file, 40 MiB in ")
        assert process.wait(timeout=60) == 0 and shown.count(b"\r\x1b[K") >= 2 and b"MiB/s  as-big" in shown, shown
    finally:
        os.close(near)
        os.close(far)


@contextlib.contextmanager
def office():
    """A network behind a cable of its own: the name of its namespace. The laboratory is reached from it over that cable alone."""
    lab.command(["ip", "netns", "add", "office"])
    try:
        lab.command(["ip", "link", "add", "office0", "type", "veth", "peer", "name", "eth0", "netns", "office"])
        for words in ("link set office0 master mgmt0 up", "-n office link set lo up", "-n office link set eth0 up", "-n office address add 10.77.0.200/24 dev eth0"):
            lab.command(["ip", *words.split()])
        yield "office"
    finally:
        lab.command(["ip", "netns", "delete", "office"], check=False)


def cut_and_mend(begun):
    """The cable is pulled, and put in again when `begun` says so."""
    lab.command(["ip", "link", "set", "office0", "down"])
    try:
        begun()
    finally:
        lab.command(["ip", "link", "set", "office0", "up"])


def test_exec_08_the_network_is_cut_in_the_middle():
    """S6: the cable of a person is pulled under a terminal and under a copy. A short cut loses nothing; after one that the connection does not outlive the same
    shell is there again, with what it wrote meanwhile."""
    who = ready()
    near, far = pty.openpty()
    with office() as network, tempfile.TemporaryDirectory() as here:
        lines = os.path.join(here, "lines")
        with open(lines, "w", encoding="ascii") as f:
            f.writelines(f"{n:07d}\n" for n in range(2_000_000))
        process = subprocess.Popen(["ip", "netns", "exec", network, *argv("-it", who)], stdin=far, stdout=far, stderr=far, env=environment(), start_new_session=True)
        try:
            os.write(near, b"kept=$((40+2)); echo begun-$kept\n")
            read_until(near, b"begun-42")
            copying = subprocess.Popen(["ip", "netns", "exec", network, os.path.join(lab.BUILD, "cli/sotalia"), "cp", lines, f"{who}:/tmp/lines"], env=environment(),
                                       stderr=subprocess.PIPE)
            lab.until("the copy to be under way", lambda: int(inside(who, "stat -c %s /tmp/lines 2>/dev/null || echo 0")) > 100_000, 30)
            cut_and_mend(lambda: inside(who, "cat /proc/loadavg"))
            os.write(near, b"echo short-$((kept+1))\n")
            read_until(near, b"short-43")
            assert copying.wait(timeout=120) == 0, copying.stderr.read()
            assert inside(who, "sha256sum /tmp/lines").split()[0] == digest(lines)
            # What was under way is answered with a reset: as a router does that was started again meanwhile.
            os.write(near, b"(until [ -e /tmp/mended ]; do read -t 0.2 <> <(:); done; echo written-$((kept+2))-meanwhile) & \n")
            lab.command(["ss", "-K", "-t", "src", "10.77.0.1", "dst", "10.77.0.200"])
            cut_and_mend(lambda: inside(who, "touch /tmp/mended"))
            read_until(near, b"the connection was cut; trying again")
            read_until(near, b"written-44-meanwhile")
            os.write(near, b"echo same-shell-$((kept+3)); exit 7\n")
            read_until(near, b"same-shell-45")
            assert process.wait(timeout=30) == 7
        finally:
            process.kill()
            process.wait()
            os.close(near)
            os.close(far)
    inside(who, "rm -f /tmp/lines /tmp/mended")
