#!/bin/bash
# The agent with a real Docker Engine in a network namespace of its own: instances come up with their addresses, keep them
# over restarts and crashes of everything, and an agent that was killed adopts them without touching them.
# usage: integration_test.sh BUILD_FOLDER (of services/hostagent). Needs root, dockerd, containerd, busybox-static.
set -uo pipefail

# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

start_agent
tell "set 1 0 0 64  - 0" "set 2 0 0 64  - 0" "set 3 0 0 64  - 0" push
for i in 1 2 3; do wait_for 60 "instance $i does not become healthy" told $i "observed=3 health=2"; done
for i in 1 2 3; do answers $i || fail "instance $i does not answer on its address"; address_in $i || fail "address of $i"; done
step "three instances run, healthy, each on its own address"
grep -m 1 '^hello' "$work/told" | grep -q 'docker=[0-9]' || fail "the first hello does not tell the Engine's version"
step "the first hello tells the Engine's version"

tell "logs 1 10"
wait_for 10 "no logs" grep -q "logs ok=1 .*started" "$work/told"
step "the output of an instance is read"

before=$(started 1); kill -9 "$(pid1 1)"
wait_for 20 "Docker did not start instance 1 again" bash -c "[ '$before' != \"\$($docker inspect -f '{{.State.StartedAt}}' $(container 1))\" ]"
wait_for 20 "instance 1 has no address after the death of its PID 1" answers 1
wait_for 20 "the restart is not told" told 1 "health=2 .*restarts=1"
step "kill -9 of PID 1: same address, restart told"

end agent KILL
t1=$(started 1); t2=$(started 2)
$docker restart -t 1 "$(container 3)" >/dev/null || fail "docker restart without the agent"
answers 3 || wait_for 10 "instance 3 does not answer after docker restart without an agent" answers 3
step "agent dead: docker restart gives the same address"
start_agent
wait_for 30 "the agent did not adopt" bash -c "[ \$(grep -c 'hello generation=1' '$work/told') -ge 1 ]"
wait_for 20 "adopted instances are not healthy" bash -c "tail -n 20 '$work/told' | grep -q 'status 2 observed=3 health=2'"
[ "$(started 1)" = "$t1" ] && [ "$(started 2)" = "$t2" ] || fail "adoption restarted an instance"
step "kill -9 of the agent: adopted without a restart"

p=$(pid1 1); end dockerd KILL
answers 1 || fail "an instance stopped with dockerd"
wait_for 20 "that the Engine is away is not told" bash -c "grep '^hello' '$work/told' | tail -n 1 | grep -q 'docker=$'"
start_dockerd
wait_for 30 "that the Engine is back is not told" bash -c "grep '^hello' '$work/told' | tail -n 1 | grep -q 'docker=[0-9]'"
wait_for 30 "the agent does not see the Engine again" bash -c "tail -n 40 '$work/agent.log' | grep -q docker.up"
[ "$(pid1 1)" = "$p" ] && [ "$(started 2)" = "$t2" ] || fail "an instance was restarted by the crash of dockerd"
step "kill -9 of dockerd: containers run on, the agent sees them again"

tell "set 2 0 1 64  - 0" push
wait_for 30 "restart_seq is not carried out" told 2 "observed=3 health=2 generation=2 restart_seq=1"
[ "$(started 2)" != "$t2" ] && [ "$(started 1)" = "$t1" ] || fail "the wrong instance was restarted"
step "restart_seq restarts that instance only"

tell "set 1 0 0 96  - 0" push
wait_for 30 "limits are not changed" told 1 "observed=3 .*generation=2"
[ "$($docker inspect -f '{{.HostConfig.Memory}}' "$(container 1)")" = $((96 << 20)) ] && [ "$(started 1)" = "$t1" ] || fail "memory change"
step "a memory change needs no restart"

mkdir -p "$work/www/v1/blobs" "$work/site/deep" && echo version-two >"$work/site/deep/page" && tar -C "$work/site" -czf "$work/site.tgz" .
sum=$(sha256sum "$work/site.tgz" | cut -c1-64); size=$(stat -c %s "$work/site.tgz")
echo token >"$work/state/fetch.token"
( cd "$work/www" && exec nsenter --net="/run/netns/$ns" python3 -m http.server --bind 127.0.0.1 7443 ) >"$work/www.log" 2>&1 &
pids[www]=$!
t1=$(started 1)
echo rotten >"$work/www/v1/blobs/$sum"
tell "set 1 0 0 96 2.0 $sum $size" push
wait_for 30 "a damaged download is not told" told 1 "observed=3 .*generation=2 .*error=fetch: the download has"
[ "$(started 1)" = "$t1" ] && answers 1 || fail "a damaged download disturbed the instance"
step "a damaged package is refused, the old version runs on"
cp "$work/site.tgz" "$work/www/v1/blobs/$sum"
wait_for 30 "version 2.0 does not run" told 1 "observed=3 health=2 generation=3 .*version=2.0"
nsenter --net="/run/netns/$ns" curl -s -m 2 http://10.66.0.11:8080/web/deep/page | grep -q version-two || fail "the package is not served"
[ "$(started 1)" != "$t1" ] || fail "the version changed without a restart"
end www TERM
step "a new version: fetched, verified, unpacked, mounted; same container, same address"

page() { nsenter --net="/run/netns/$ns" curl -s -m 2 http://10.66.0.11:8080/web/deep/page | grep -q version-two; }
end agent KILL
t1=$(started 1); $docker restart -t 1 "$(container 1)" >/dev/null || fail "docker restart with a package, without the agent"
wait_for 10 "the package is not served after docker restart without the agent" page
[ "$(started 1)" != "$t1" ] || fail "docker restart did not restart"
mv "$work/state/packages/$sum" "$work/package.aside"
$docker restart -t 1 "$(container 1)" >"$work/refusal" 2>&1 && fail "it started without its package"
grep -q "nothing to mount on /data/webapps/web.*$sum: No such file" "$work/refusal" || fail "the text about a missing package is not told"
mv "$work/package.aside" "$work/state/packages/$sum"
start_agent
wait_for 30 "instance 1 is not started again" told 1 "observed=3 health=2 generation=3 .*version=2.0"
wait_for 20 "the package is not served after the agent came back" page
step "agent dead: docker restart mounts the package; without its files it says so; the agent mends it"

tell "set 2 1 1 64  - 0" push
wait_for 30 "instance 2 does not stop" told 2 "observed=4"
tell "set 2 0 1 64  - 0" push
wait_for 30 "instance 2 does not start again" told 2 "observed=3 health=2 generation=4"
step "stopped and started"

seen=""
for i in 1 2 3; do
  wait_for 20 "Docker did not start instance 2 again" bash -c "p=\$($docker inspect -f '{{.State.Pid}}' $(container 2)); [ \"\$p\" != 0 ] && [ \"\$p\" != '$seen' ]"
  seen=$(pid1 2); kill -9 "$seen"
done
wait_for 20 "a crash loop is not told" told 2 "observed=7 health=3 .*error=exited with status 137, [0-9]* restarts"
wait_for 50 "the end of the crash loop is not told" told 2 "observed=3 health=2"
step "three ends within a minute are told as failed, until it has run for a while"

mkdir -p "$work/foreign" && $docker create --name sot-0192f3c0-0000-7000-8000-00000000dead --label sot.instance=0192f3c0-0000-7000-8000-00000000dead --network none test/web:1 >/dev/null
wait_for 15 "the unknown container is not counted" bash -c "tail -n 1 '$work/told' | grep -q 'unknown=1'"
end agent KILL
SOT_FAILPOINTS="hostagent.remove.after_remove=crash" start_agent
c3=$(container 3)
tell "set 3 2 0 64  - 0" push
wait "${pids[agent]}"; unset "pids[agent]"
[ -z "$(container 3)" ] || fail "the failpoint did not act after the removal"
start_agent
wait_for 30 "instance 3 is not retired" told 3 "observed=6"
[ ! -e "$work/state/instances/01920000-0000-7000-8000-000000000003" ] || fail "the folder of instance 3 is still in place"
[ -d "$work/state/instances/.retired/01920000-0000-7000-8000-000000000003/appdatas" ] || fail "the data of instance 3 is gone"
$docker inspect sot-0192f3c0-0000-7000-8000-00000000dead >/dev/null || fail "an unknown container was removed"
[ -n "$(container 1)" ] && [ -n "$(container 2)" ] || fail "another instance was removed"
step "retired through a crash: container gone, data kept, unknown container untouched ($c3)"

end agent TERM
grep -qE "AddressSanitizer|runtime error|LeakSanitizer" "$work/agent.log" && fail "the agent's sanitizers complain"
step "all"
