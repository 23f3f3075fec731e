# shellcheck shell=bash
# The drill of ha.sh: the WAL archive breaks and says so, then all three members of the database lose their data while programs change the platform. It is
# restored as far as its archive goes, and then as it was at a moment. Hosts come back by themselves; what was acknowledged and archived is there.
# Sourced after lab.sh and ha.sh.
sql() { inside "$(machine_name "$(primary)")" runuser -u postgres -- psql -XqAt -d sotalia -c "$1" </dev/null; }
archive_age() { # as the bridges show it: the oldest of what they say
  local n
  for n in $NODES; do curl -sf -m 3 "http://10.77.0.$n:7232/metrics"; done | sed -n 's/^sotalia_database_archive_age_seconds //p' | sort -n | tail -n 1 | grep .
}
archive_is_older() { [ "$(archive_age | cut -d. -f1)" -gt "$1" ]; }
archive_is_younger() { [ "$(archive_age | cut -d. -f1)" -lt "$1" ]; }
archive_breaks_and_says_so() { # a file server whose folder is gone
  wait_until 90 "an archive that works" archive_is_younger 60 || return 1
  mv "$SOT_VAR/archive/archive" "$SOT_VAR/archive/gone" || return 1
  wait_until 240 "the age of the archive to grow" archive_is_older 90 || return 1
  mv "$SOT_VAR/archive/gone" "$SOT_VAR/archive/archive"
  wait_until 240 "it to catch up" archive_is_younger 60
}
backup_by_its_unit() { # where the primary is not it does nothing
  local n before
  before=$(backups)
  for n in $NODES; do inside "$(machine_name "$n")" systemctl start sotalia-archive@diff </dev/null || return 1; done
  echo "$before backups, now $(backups)"
  [ "$(backups)" = $((before + 1)) ] && [ "$(sql "SELECT backup_age_s < 120 FROM core.backup_v")" = t ]
}
backups() { inside control-1 runuser -u postgres -- pgbackrest --stanza=sotalia --output=json info </dev/null | jq '.[0].backup | length'; }
containers() { # what runs on the host
  # shellcheck disable=SC2016 # for the shell there
  inside node-1 sh -c 'for c in $(docker ps -q --no-trunc --filter name=sot-); do docker inspect -f "{{.Id}} {{.Name}} {{.State.StartedAt}} {{.RestartCount}}" "$c"; done' </dev/null | sort
}
host_keys() { cli host-key list --machine=node-1 -o json | jq -Sc '[.items[] | {publicKey, state}]'; }
is_archived() { # is_archived WAL: by itself, nobody ends a segment for it
  [ "$(sql "SELECT last_archived_wal >= '$1' FROM pg_stat_archiver")" = t ]
}
write_back_up_write_more() {
  SOTALIA_URL=$(api_url) SOTALIA_TOKEN=$(cat "$SOT_VAR/token") SOTALIA_CA=$SOT_VAR/control/secrets/ca.crt
  export SOTALIA_URL SOTALIA_TOKEN SOTALIA_CA
  load_start
  # shellcheck disable=SC2154 # of load_start
  echo "$load" >"$SOT_VAR/load.pid"
  wait_until 60 "ten operations" more_than $(($(acknowledged) + 10)) && backup_by_its_unit && cli app scale cache 3 --wait=300s || return 1
  wait_until 60 "ten operations after the backup" more_than $(($(acknowledged) + 10)) || return 1
  # A moment: what was acknowledged before it, what no later than soon after it, and what is made after that.
  cp "$SOT_VAR/load.acknowledged" "$SOT_VAR/acknowledged.moment"
  sql "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')" >"$SOT_VAR/moment"
  cp "$SOT_VAR/load.acknowledged" "$SOT_VAR/acknowledged.soon"
  cli app create later --image=redis --vlan=web --health=tcp --port=6379 --count=1 --wait=300s || return 1
  wait_until 60 "ten operations more" more_than $(($(acknowledged) + 10)) || return 1
  cp "$SOT_VAR/load.acknowledged" "$SOT_VAR/acknowledged.archived"
  wait_until 120 "all that to be in the archive" is_archived "$(sql "SELECT pg_walfile_name(pg_current_wal_lsn())")" || return 1
  host_keys >"$SOT_VAR/keys.before"
  containers >"$SOT_VAR/containers.before"
  [ "$(wc -l <"$SOT_VAR/containers.before")" = 4 ]
}
lose_all_members() { # with etcd, under load: machines come up that have nothing
  local n
  for n in $NODES; do inside "$(machine_name "$n")" systemctl mask --runtime patroni etcd </dev/null || return 1; done
  for n in $NODES; do
    inside "$(machine_name "$n")" sh -c 'systemctl kill -s KILL patroni etcd; pkill -KILL -x postgres; rm -rf /var/lib/postgresql/15/sotalia /var/lib/etcd/sotalia' </dev/null || return 1
  done
  echo "$(acknowledged) acknowledged in all"
  : >"$SOT_VAR/stop"
  kill "$(cat "$SOT_VAR/load.pid")" || true
  for n in $NODES; do inside "$(machine_name "$n")" sh -c 'systemctl unmask --runtime patroni etcd && systemctl start --no-block etcd patroni' </dev/null || return 1; done
  # Patroni makes an empty cluster of them; it must not reach the archive.
  wait_until 120 "an empty cluster" primary
  [ "$(inside "$(machine_name "$(primary)")" runuser -u postgres -- psql -XqAt -c "SELECT count(*) FROM pg_database WHERE datname = 'sotalia'" </dev/null)" = 0 ]
}
restore_to() { # restore_to MOMENT
  local begin
  begin=$(now_ms)
  play restore "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" -e "{\"sotalia_restore_to\": \"$1\"}" || return 1
  wait_until 120 "the API" api_answers && wait_until 120 "the host" host_is_online || return 1
  figure "restored to $1: three members, the API and the host are back after $(seconds_since "$begin") s"
  three_members
}
no_moment_is_refused() { ! play restore "$SOT_VAR/control/inventory.yml" "$SOT_VAR/control/vars.yml" -e sotalia_restore_to=yesterday && api_answers; }
all_of() { # all_of FILE: each application that it names is there, made once
  local missing
  sql "SELECT name FROM scheduler.app" | sort >"$SOT_VAR/applications"
  missing=$(sort "$1" | comm -23 - "$SOT_VAR/applications")
  figure "  $(wc -l <"$1") acknowledged by then, $(wc -l <"$SOT_VAR/applications") applications found, missing: ${missing:-none}"
  [ -z "$missing" ] && [ "$(sql "SELECT count(*) FROM (SELECT target FROM scheduler.operation WHERE kind = 'app.create' AND state = 'done' GROUP BY target HAVING count(*) > 1) d")" = 0 ]
}
nothing_touched() { # containers by id and start, and the host by its key
  host_keys | diff "$SOT_VAR/keys.before" - && containers | diff "$SOT_VAR/containers.before" -
}
as_far_as_the_archive() {
  restore_to latest && all_of "$SOT_VAR/acknowledged.archived" && nothing_touched &&
    [ "$(cli instance list -o json | jq -r '[.items[] | select(.health == "healthy") | .app] | sort | join(",")')" = cache,cache,cache,later ]
}
as_it_was_at_the_moment() {
  restore_to "$(cat "$SOT_VAR/moment")" && all_of "$SOT_VAR/acknowledged.moment" && nothing_touched || return 1
  # One may have been made and not yet acknowledged.
  ! grep -qx later "$SOT_VAR/applications" && [ "$(comm -13 <(sort "$SOT_VAR/acknowledged.soon") <(grep '^n' "$SOT_VAR/applications") | wc -l)" -le 1 ] || return 1
  # The container of what was made afterwards runs on, and is told.
  wait_until 60 "what is not known to be told" lost_is_told
}
lost_is_told() { [ "$(cli host containers node-1 -o json | jq '[.items[] | select(.kind == "lost")] | length')" = 1 ]; }
goes_on_after_a_restore() {
  cli app scale cache 4 --wait=300s && [ "$(containers | wc -l)" = 5 ] && [ "$(containers | comm -23 "$SOT_VAR/containers.before" - | wc -l)" = 0 ] &&
    [ "$(cli instance list --app=cache -o json | jq -r '[.items[].address] | unique | length')" = 4 ] &&
    wait_until 120 "the new timeline in the archive" is_archived "$(sql "SELECT pg_walfile_name(pg_current_wal_lsn())")"
}
