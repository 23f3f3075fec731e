"""Log-ins to instances: stock OpenSSH clients, certificates, keys, revocation, who was logged in."""

import os
import subprocess
import tempfile
import time

import lab

ORDER = 45
APP = "shell"


class World:
    """One instance with its files of ssh configuration; made once for the module."""
    kept = folder = None  # removed with the program
    name = address = None


def world():
    if World.folder is None:
        World.kept = tempfile.TemporaryDirectory(prefix="sot-ssh-")
        World.folder = World.kept.name
        os.environ["XDG_CONFIG_HOME"] = World.folder
        lab.have(APP, 1)
        World.name = lab.instances(APP)[0]["name"]
        lab.until("the host certificate", lambda: certificate_on_disk(), 60)
    return World


def one():
    return lab.instances(APP)[0]


def certificate_on_disk():
    i = one()
    return os.path.exists(f"{lab.VAR}/hosts/{i['host']}/agent/instances/{i['id']}/ssh/ssh_host_ed25519_key-cert.pub")


def config(account="admin", extra=()):
    path = os.path.join(world().folder, f"{account}.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(lab.cli("ssh-config", world().name, f"--as={account}", *extra))
    return path


def run(argv, seconds=30, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False, **options)


def ssh(conf, *words, seconds=30, options=()):
    return run(["ssh", "-F", conf, "-o", "ConnectTimeout=10", *options, world().name, *words], seconds, stdin=subprocess.DEVNULL)


def out_of(result):
    assert result.returncode == 0, (result.args, result.returncode, result.stdout[-500:], result.stderr[-1500:])
    return result.stdout.strip()


def until_login(conf, seconds=60):
    return lab.until("ssh to answer", lambda: ssh(conf, "true").returncode == 0, seconds)


def test_ssh_01_admin_and_readonly_log_in_with_stock_clients():
    """S6: ssh, scp, sftp, rsync as admin with sudo; readonly looks, reads logs, changes nothing."""
    admin, readonly = config("admin"), config("readonly")
    until_login(admin)
    assert out_of(ssh(admin, "id -un; sudo id -un; hostname")).split() == ["admin", "root", world().name]
    assert out_of(lab_ssh("--", "echo", "one  two", "$HOME")) == "one  two $HOME"
    source = os.path.join(world().folder, "notes.txt")
    with open(source, "w", encoding="utf-8") as f:
        f.write("kept\n" * 1000)
    out_of(run(["scp", "-q", "-F", admin, source, f"{world().name}:notes.txt"]))
    out_of(run(["rsync", "-a", "-e", f"ssh -F {admin}", source, f"{world().name}:copied.txt"]))
    assert out_of(ssh(admin, "cmp notes.txt copied.txt && wc -l <notes.txt")) == "1000"
    batch = out_of(run(["sftp", "-q", "-F", admin, "-b", "-", world().name], input="put %s third.txt\nls -1\n" % source))
    assert "third.txt" in batch, batch
    assert out_of(ssh(admin, "-tt", "tty")).startswith("/dev/pts/")

    assert out_of(ssh(readonly, "id -un; cat /etc/sotalia/instance.env | grep -c SOTALIA_")).startswith("readonly")
    assert out_of(ssh(readonly, "-tt", "tty")).startswith("/dev/pts/")
    got = os.path.join(world().folder, "got.env")
    out_of(run(["scp", "-q", "-F", readonly, f"{world().name}:/etc/sotalia/instance.env", got]))
    put = run(["sftp", "-q", "-F", readonly, "-b", "-", world().name], input=f"put {source} /tmp/third.txt\n")
    assert put.returncode != 0 and "denied" in (put.stdout + put.stderr).lower(), put
    assert run(["scp", "-q", "-F", readonly, source, f"{world().name}:/tmp/x"]).returncode != 0


def lab_ssh(*words):
    """The command line becomes ssh."""
    return lab.cli("ssh", world().name, *words, check=False, timeout=60)


def test_ssh_02_reboot_keeps_files_address_and_name():
    """S2 S6: `sudo reboot` ends PID 1, the instance comes back as it was, with its host key."""
    admin = config()
    until_login(admin)
    before = one()
    out_of(ssh(admin, "echo kept >/home/admin/mark; sudo touch /etc/mark"))
    started = lab.docker(before["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + before["id"])
    ssh(admin, "sudo reboot")
    lab.until("PID 1 to be another", lambda: lab.docker(before["host"], "inspect", "-f", "{{.State.StartedAt}}", "sot-" + before["id"]) != started)
    until_login(admin)
    assert out_of(ssh(admin, "cat mark; ls /etc/mark; hostname")).split() == ["kept", "/etc/mark", before["name"]]
    after = one()
    assert (after["id"], after["address"], after["containerId"]) == (before["id"], before["address"], before["containerId"])


def shell_as_admin(text):
    return out_of(ssh(config(), text))


def test_ssh_03_readonly_cannot_change_anything():
    """S6, M12: every attempt to write, kill, trace, escape, become another or talk to a service fails."""
    readonly = config("readonly")
    until_login(readonly)
    shell_as_admin("""set -e; echo open >/tmp/open.txt; chmod 666 /tmp/open.txt; mkdir -p /var/tmp/open/sub; chmod 777 /var/tmp/open
        sudo cp /bin/bash /usr/local/bin/rootsh; sudo chmod 4755 /usr/local/bin/rootsh; [ "$(rootsh -p -c 'id -u')" = 0 ]
        rm -f /tmp/admin.sock; setsid nc -k -l -U /tmp/admin.sock </dev/null >/tmp/heard 2>/dev/null &""")
    lab.until("the socket of admin", lambda: ssh(config(), "chmod 777 /tmp/admin.sock && nc -N -U /tmp/admin.sock </dev/null").returncode == 0)
    look = "sudo find / -xdev -newer /etc/hostname -type f ! -path '/proc/*' ! -path '/var/log/*' ! -path '/run/*' | sort | xargs sudo sha256sum; " \
           "sudo cat /tmp/open.txt /tmp/heard; ls -la /tmp /var/tmp /dev/shm /home/readonly /data/*; ps -o pid=,comm= -p 1; redis-cli ping"
    before = shell_as_admin(look)
    with open(os.path.join(os.path.dirname(__file__), "ssh_attempts.txt"), encoding="utf-8") as f:
        attempts = [line for line in f.read().splitlines() if line and not line.startswith("#")]
    assert len(attempts) >= 100
    loop = "PATH=$PATH:/usr/sbin:/sbin; while IFS= read -r a; do timeout -s KILL 5 bash -c \"$a\" </dev/null >/dev/null 2>&1; echo \"$? $a\"; done"
    answer = run(["ssh", "-F", readonly, world().name, loop], 180, input="\n".join(attempts) + "\n")
    results = [line.split(" ", 1) for line in answer.stdout.splitlines()]
    assert [r[1] for r in results] == attempts, (len(results), answer.stderr[-1000:])
    succeeded = [r[1] for r in results if r[0] == "0"]
    assert not succeeded, f"readonly did: {succeeded}"
    missing = [r[1] for r in results if r[0] in ("126", "127") and not r[1].startswith(("sudo", "newgrp", "ping"))]
    assert not missing, f"attempts without their program: {missing}"
    assert shell_as_admin(look) == before
    for account, options in (("readonly", ["-W", "127.0.0.1:6379"]), ("admin", ["-W", "127.0.0.1:6379"])):
        forwarded = run(["ssh", "-F", config(account), *options, world().name], 20, input="PING\r\n")
        assert forwarded.returncode != 0 and "PONG" not in forwarded.stdout, (account, forwarded)
    print(f"        {len(attempts)} attempts, none succeeded", flush=True)


def person(name, role):
    """A token of a new account."""
    lab.sh("gateway_admin", "--add-account", name, role, input_text="a password for the tests\n")
    return lab.sh("gateway_admin", "--add-token", name)


def issue(token, conf, account="admin", **scope):
    """A certificate by the API for the key of that configuration; the answer."""
    with open(os.path.join(world().folder, "sotalia/ssh/id_ed25519.pub"), encoding="utf-8") as f:
        public = f.read()
    answer = lab.api("POST", "/v1/ssh/certificates", {**scope, "account": account, "publicKey": public}, token=token)
    if answer.status == 201:
        with open(conf, "w", encoding="utf-8") as f:
            f.write(answer.json["certificate"] + "\n")
    return answer


def with_certificate(path, *words, user="admin", host=None, seconds=30):
    options = ["-o", f"CertificateFile={path}", "-o", f"User={user}"]
    i = host or one()
    argv = ["ssh", "-F", "none", "-i", os.path.join(world().folder, "sotalia/ssh/id_ed25519"), "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={world().folder}/sotalia/ssh/known_hosts", "-o", f"HostKeyAlias={i['name']}", *options, i["address"], *words]
    return run(argv, seconds, stdin=subprocess.DEVNULL)


def refused(result):
    assert result.returncode == 255 and "Permission denied" in result.stderr, (result.returncode, result.stdout, result.stderr[-600:])


def audit(action, person_name, seconds=30):
    def rows():
        return [r for r in lab.api("GET", "/v1/audit?limit=200").json["items"] if r["action"] == action and r["actor"] in (f"user:{person_name}", f"token:{person_name}")]
    return lab.until(f"{action} of {person_name} in the audit", rows, seconds)


def test_ssh_04_a_certificate_opens_what_it_names_and_revocation_closes_it():
    """S6: rights by role, one scope, one account; revoked within a minute, sessions ended, everything in the audit."""
    until_login(config())
    viewer, li = person("vera", "viewer"), person("li", "developer")
    cert = os.path.join(world().folder, "li-cert.pub")
    assert issue(viewer, cert, instance=world().name).status == 403
    assert issue(li, cert, instance="nothing").status == 404
    assert issue(li, cert, app=APP).status == 201
    assert out_of(with_certificate(cert, "id -un")) == "admin"
    refused(with_certificate(cert, "true", user="readonly"))
    refused(with_certificate(cert, "true", user="root"))
    assert issue(li, cert, account="readonly", instance=world().name).status == 201
    assert out_of(with_certificate(cert, "id -un", user="readonly")) == "readonly"
    refused(with_certificate(cert, "true", user="admin"))
    lab.have("other", 1)
    assert issue(li, cert, app="other").status == 201
    refused(with_certificate(cert, "true"))

    assert issue(li, cert, instance=world().name).status == 201
    argv = with_certificate(cert, "true").args[:-1]
    session = subprocess.Popen([*argv, "echo in; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert session.stdout.readline() == "in\n"
        lab.until("the session to be known", lambda: [s for s in lab.api("GET", "/v1/ssh/sessions?open=true&person=li").json["items"]], 30)
        begun = time.monotonic()
        assert "ended:" in lab.cli("key", "revoke", "li", check=False).stderr
        assert session.wait(timeout=60) != 0
        ended = time.monotonic() - begun
    finally:
        session.kill()
        session.communicate()
    refused(with_certificate(cert, "true"))
    assert ended < 60
    print(f"        the session ended {ended:.1f} s after the revocation", flush=True)
    assert ssh(config(), "true").returncode == 0, "others still log in"
    login = audit("ssh.login", "li")[0]
    assert login["target"] == world().name and login["detail"]["account"] == "admin" and login["sourceAddress"].startswith("10.66."), login
    audit("ssh.logout", "li")
    audit("ssh.certificate", "li")


def test_ssh_05_managed_keys_log_in_until_they_are_removed():
    """S6: a plain key by the command line, for one account of an app; removed, it is refused and its session ended."""
    until_login(config())
    key = os.path.join(world().folder, "plain")
    out_of(run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "a plain key", "-f", key]))

    def plain(user="readonly"):
        i = one()
        return run(["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={world().folder}/sotalia/ssh/known_hosts",
                    "-o", f"HostKeyAlias={i['name']}", "-l", user, i["address"], "id", "-un"], stdin=subprocess.DEVNULL)
    refused(plain())
    lab.cli("key", "add", key + ".pub", f"--app={APP}", "--as=readonly")
    lab.until("the key to be there", lambda: plain().stdout.strip() == "readonly", 60)
    refused(plain("admin"))
    found = [k for k in lab.cli_json("key", "list")["items"] if k["comment"] == "a plain key"]
    lab.cli("key", "remove", found[0]["id"])
    lab.until("the key to be refused", lambda: plain().returncode == 255, 60)


def test_ssh_06_log_ins_work_while_the_control_plane_is_off_and_are_told_later():
    """S6, L7: gateway, scheduler, ipam down: log-ins go on; the audit has them once the gateway is back."""
    admin = config()
    until_login(admin)
    count = len(audit("ssh.login", "admin"))
    lab.sh("services_stop")
    try:
        assert out_of(ssh(admin, "id -un")) == "admin"
    finally:
        lab.sh("services_start")
    lab.until("the log-in to be told", lambda: len(audit("ssh.login", "admin")) > count, 60)


def drifts(name, paths):
    """Waits until these files of the instance, and no others, are listed as changed inside."""
    def found():
        items = lab.cli_json("drift", "list", f"--instance={name}")["items"]
        return {i["path"] for i in items} == paths
    lab.until(f"the drift of {name} to be {sorted(paths)}", found, 30)


def test_ssh_07_files_of_the_platform_can_be_replaced_inside_and_drift_is_told():
    """S19: /etc/hosts and its like are ordinary files: unlinked, made anew, linked; the change is told, and its end."""
    until_login(config())
    name = world().name
    assert name in shell_as_admin("cat /etc/hosts") and shell_as_admin("cat /etc/hostname") == name
    assert shell_as_admin("sed -n '/^nameserver 127/!p' /etc/sotalia/files/resolv.conf | cmp - /etc/resolv.conf && echo same; mountpoint -q /etc/resolv.conf || echo plain") == "same\nplain"
    drifts(name, set())
    shell_as_admin("sudo sed -i '$ a 10.9.9.9 db.example' /etc/hosts && sudo rm /etc/hostname /etc/resolv.conf && sudo ln -s /etc/issue /etc/hostname")
    drifts(name, {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
    assert shell_as_admin("getent hosts db.example").split()[0] == "10.9.9.9"
    shell_as_admin("sudo cp --remove-destination /etc/sotalia/files/hosts /etc/sotalia/files/hostname /etc/sotalia/files/resolv.conf /etc/")
    drifts(name, set())
    assert len(lab.sql(f"select id from core.outbox where kind = 'instance.drift' and subject = '{name}'")) == 6


def test_ssh_08_a_move_changes_the_host_key_and_nobody_is_asked():
    """S6: on another host the instance has another key; the authority vouches for it, so no client sees a warning."""
    until_login(config())
    before = one()
    other = next(h for h in lab.HOSTS if h != before["host"])
    key_before = shell_as_admin("cat /etc/ssh/sotalia/ssh_host_ed25519_key.pub")
    lab.finished(lab.post(f"/v1/instances/{before['name']}/move", {"host": other}))
    assert one()["host"] == other

    def answers():
        result = lab_ssh("--", "cat /etc/ssh/sotalia/ssh_host_ed25519_key.pub")
        assert "WARNING" not in result.stderr and "authenticity" not in result.stderr, result.stderr
        return result.returncode == 0 and result.stdout
    answer = lab.until("ssh to answer on the other host", answers, 60)
    assert answer.split()[1] != key_before.split()[1], "the same host key on both hosts: the test shows nothing"
