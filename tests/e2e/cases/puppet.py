"""Configuration management inside an instance, by Debian's puppet. By name, and in ./test soak: its image (Ruby and all) and its runs take minutes.

    SOT_EXTRA_IMAGES=puppet tests/e2e/images && tests/e2e/run puppet
"""

import os

import lab

from cases import ssh as login

BY_NAME_ONLY = True
HOSTS = 1
APP = "managed"

MANIFEST = """
file { '/etc/hosts': ensure => file, content => "127.0.0.1 localhost\\n10.9.9.9 db.example\\n" }
file { '/etc/hostname': ensure => file, content => "managed-by-puppet\\n" }
file { '/etc/resolv.conf': ensure => file, content => "nameserver 10.9.9.53\\n" }
file { '/etc/motd': ensure => link, target => '/etc/hostname' }
file { '/data/appdatas/app.conf': ensure => file, content => 'key=value', mode => '0600', owner => 'app' }
file { '/etc/cron.d/job': ensure => file, content => "0 0 * * * root true\\n" }
user { 'deploy': ensure => present, managehome => true }
"""


def test_puppet_01_applies_replaces_and_is_idempotent():
    """S19: puppet apply unlinks and makes files anew, the second run changes nothing, a restart keeps it, drift is told."""
    with open(os.path.join(lab.VAR, "images/puppet"), encoding="utf-8") as f:
        reference = f"{lab.sh('eval', 'echo $SOT_REGISTRY')}/sotalia/puppet:{f.read().strip()}"
    lab.finished(lab.post("/v1/images", {"name": "puppet", "reference": reference}))
    lab.have(APP, 1, image="puppet", health={"kind": "none"})
    i = lab.instances(APP)[0]

    def inside(*words, check=True):
        return lab.docker(i["host"], "exec", "-i", "sot-" + i["id"], *words, check=check)

    def apply():
        return lab.command(["/usr/bin/docker", "exec", "-i", "sot-" + i["id"], "sh", "-c",
                            "cat >/tmp/site.pp; puppet apply --detailed-exitcodes --color=false /tmp/site.pp 2>&1; echo exit $?"],
                           env={"DOCKER_HOST": "unix://" + lab.sh("engine_socket", i["host"])}, input_text=MANIFEST, timeout=180)
    first = apply()
    assert "exit 2" in first and "Error" not in first, first
    second = apply()
    assert "exit 0" in second, f"the second run changed something: {second}"
    assert "10.9.9.9" in inside("cat", "/etc/hosts")
    assert inside("cat", "/etc/hostname") == "managed-by-puppet"
    login.drifts(i["name"], {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
    lab.finished(lab.post(f"/v1/instances/{i['name']}/restart"))
    lab.until("the instance to run again", lambda: lab.instances(APP)[0]["state"] == "running")
    assert inside("cat", "/etc/hostname") == "managed-by-puppet" and "10.9.9.9" in inside("cat", "/etc/hosts")
    assert "exit 0" in apply()
