#!/usr/bin/env bash
# tests/machines/run upgrade: two control nodes behind haproxy, from the packages before (SOT_PREVIOUS_PACKAGES, a folder; else the present ones under a
# lower number), are brought to the present packages node by node while a program changes an application over the API and a rollout is in flight.
# Then the agents, one host first. No operation may fail, no instance be touched.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

numbered() { # numbered VERSION FOLDER: the present packages under that number
  local file work=$SOT_VAR/repack
  mkdir -p "$2"
  for file in "$SOT_BUILD"/packages/*.deb; do
    rm -rf "$work"
    dpkg-deb -R "$file" "$work"
    sed -i "s/^Version: .*/Version: $1/" "$work/DEBIAN/control"
    dpkg-deb --root-owner-group -Zgzip -b "$work" "$2" >/dev/null
  done
}
previous_repository() {
  mkdir -p "$SOT_VAR/repository"
  if [ -n "${SOT_PREVIOUS_PACKAGES:-}" ]; then
    mkdir -p "$SOT_VAR/previous"
    cp "$SOT_PREVIOUS_PACKAGES"/*.deb "$SOT_VAR/previous/"
  else
    numbered 0.0.9-1 "$SOT_VAR/previous"
  fi
  repository_take "$SOT_VAR/previous"
  proc_start repository python3 -m http.server --bind 10.77.0.1 --directory "$SOT_VAR/repository" 7600
  wait_until 20 "the repository" curl -sf -o /dev/null http://10.77.0.1:7600/Packages
}
# The playbooks belong to the packages: those before are set up by theirs, and upgraded by the present ones.
previous_playbooks() {
  collections two
  [ -n "${SOT_PREVIOUS_PACKAGES:-}" ] || return 0
  dpkg-deb -x "$SOT_VAR"/previous/sotalia-ansible_*.deb "$SOT_VAR/previous/ansible"
  collection_take "$(dirname "$(find "$SOT_VAR/previous/ansible" -name galaxy.yml)")"
}
both_control_nodes() {
  play_control && play balancer "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" &&
    wait_until 60 "the API behind the balancer" curl -sf --cacert "$SOT_VAR/control/secrets/ca.crt" https://10.77.0.9/healthz
}
two_hosts() {
  printf 'name,address,az,rack\nnode-1,10.77.0.11,a,a-1\nnode-2,10.77.0.12,b,b-1\n' >"$SOT_VAR/machines.csv"
  cli host import "$SOT_VAR/machines.csv" && wait_until 600 "two hosts online" hosts_are_online
}
hosts_are_online() { [ "$(cli host list -o json | jq '[.items[] | select(.state == "online")] | length')" = 2 ]; }
version_of() { # version_of NUMBER: a package of the web application
  local folder=$SOT_VAR/web-$1
  mkdir -p "$folder"
  printf "const http = require('http');\nhttp.createServer((q, r) => r.end('%s')).listen(8080);\nprocess.on('SIGTERM', () => process.exit(0));\n" "$1" >"$folder/index.js"
  tar -C "$folder" -czf "$folder.tar.gz" .
  cli package upload web "$1" "$folder.tar.gz"
}
applications() {
  cli vlan create web --id=0
  cli subnet create web 10.66.0.0/24 --gateway=10.66.0.1
  cli image register redis "$(image_reference redis)"
  cli image register nodejs "$(image_reference nodejs)"
  cli app create still --image=redis --vlan=web --health=tcp --port=6379 --count=4 --wait=300s &&
    cli app create load --image=redis --vlan=web --health=tcp --port=6379 --count=1 --wait=300s &&
    cli app create web --image=nodejs --vlan=web --health=tcp --port=8080 --count=0 --wait=60s && version_of 1.0 && version_of 2.0 &&
    cli app deploy web 1.0 --wait=60s && cli app scale web 6 --wait=300s
}
still_containers() { # "HOST ID NAME STARTED RESTARTS" of the application that nobody changes
  local id host
  cli instance list --app=still -o json | jq -r '.items[] | "\(.host) \(.id)"' | while read -r host id; do
    inside "$host" docker inspect -f "{{.Id}} {{.Name}} {{.State.StartedAt}} {{.RestartCount}}" "sot-$id" </dev/null | sed "s/^/$host /"
  done | sort
}
# shellcheck disable=SC2016 # for dpkg-query
installed() { inside "$1" dpkg-query -W -f '${Version}\n' "$2" </dev/null; }
upgrade_under_load() {
  local code=0 load begin
  numbered 0.9.9-1 "$SOT_VAR/next" && repository_take "$SOT_VAR/next"
  collection_take "$SOT_SRC/deploy/ansible"
  still_containers >"$SOT_VAR/still.before"
  [ "$(wc -l <"$SOT_VAR/still.before")" = 4 ] || return 1
  rm -f "$SOT_VAR/stop"
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt python3 "$SOT_SRC/tests/machines/load.py" load "$SOT_VAR/stop" >"$SOT_VAR/load.out" 2>&1 &
  load=$!
  cli app deploy web 2.0 --batch=1 --bake-seconds=15 --detach # lasts as long as the upgrade
  begin=$(now_ms)
  play upgrade "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" -e sotalia_version=0.9.9-1 || code=1
  echo "upgraded in $(seconds_since "$begin") s"
  cli rollout list 2>/dev/null || cli operation list --kind=app.deploy
  : >"$SOT_VAR/stop"
  wait "$load" || code=1
  cat "$SOT_VAR/load.out"
  [ "$code" = 0 ] && [ "$(installed control-1 sotalia-scheduler)" = 0.9.9-1 ] && [ "$(installed control-2 sotalia-api-gateway)" = 0.9.9-1 ]
}
deploy_is_done() { [ "$(cli operation list --kind=app.deploy -o json | jq -r '.items[0].state')" = "done" ]; }
rollout_ended_well() {
  wait_until 240 "the rollout to end" deploy_is_done
  cli operation list --kind=app.deploy
  [ "$(cli instance list --app=web -o json | jq -r '[.items[] | select(.health == "healthy") | .version] | join(",")')" = 2.0,2.0,2.0,2.0,2.0,2.0 ]
}
no_operation_failed() { cli operation list --state=failed && [ "$(cli operation list --state=failed -o json | jq '.items | length')" = 0 ]; }
nobody_was_touched() { still_containers | diff "$SOT_VAR/still.before" -; }
agents_in_waves() {
  printf 'plugin: sotalia.cloud.machines\n' >"$SOT_VAR/sotalia.yml"
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt \
    play hosts "$SOT_VAR/sotalia.yml" "$SOT_VAR/hosts-vars.yml" -e '{"sotalia_agent_version": "0.9.9-1", "sotalia_wave": [1, "100%"], "sotalia_wave_failures": 0}' | tee "$SOT_LOG/waves.log"
  [ "$(grep -c '^PLAY \[Bring machines' "$SOT_LOG/waves.log")" = 2 ] && [ "$(installed node-1 sotalia-hostagent) $(installed node-2 sotalia-hostagent)" = "0.9.9-1 0.9.9-1" ] && hosts_are_online
}

begin() {
  check "network" network
  check "an engine for the machines" engine_start "$ENGINE"
  check "repository of the packages before" previous_repository
  check "registry with images" registry_of_images
  check "image of a machine" machine_image
  check "four machines with systemd and sshd" machines_start 10 9 11 12
  check "the collection before" previous_playbooks
  check "two control nodes behind haproxy, from the packages before" both_control_nodes
  check "administrator and token" access
}
upgrade() {
  runner_start
  check "two hosts" two_hosts
  check "applications" applications
  check "the control plane upgraded node by node under load" upgrade_under_load
  check "the rollout that was in flight is done" rollout_ended_well
  check "no operation failed" no_operation_failed
  check "no instance was touched" nobody_was_touched
  check "the agents upgraded in waves" agents_in_waves
  check "no instance was touched by that" nobody_was_touched
}

if [ "${1:-}" = "do" ]; then
  shift
  "$@"
  exit
fi
lab_begin
begin
[ "${1:-}" != up ] || lab_hold
upgrade
verdict
