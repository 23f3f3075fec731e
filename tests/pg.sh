#!/bin/bash
# A scratch PostgreSQL for tests: own data folder, unix socket only, gone afterwards.
#
#   tests/pg.sh run COMMAND [ARGS...]   starts one, runs the command with the variables below, stops it
#   tests/pg.sh start DIR               starts one in the (new) folder DIR; prints the variables
#   tests/pg.sh stop DIR                stops it and deletes DIR
#
# SOT_PG_DIR     socket folder: conninfo "host=$SOT_PG_DIR dbname=sotalia user=sot_ipam" (no password)
# SOT_PG_PID     pid of the postmaster
# SOT_PG_OPTIONS more server options, e.g. "-c fsync=off" (read by start and run)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "pg.sh: no PostgreSQL server found; apt-get install postgresql-15" >&2; exit 1; }

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
	else
		"$@"
	fi
}

sql() { psql -X -q -h "$1/socket" -U "$2" -d "$3" -v ON_ERROR_STOP=1 "${@:4}"; }

# serve DIR [OPTIONS...]: the server of DIR, until it answers
serve() {
	local dir=$1
	shift
	(cd "$dir" && as_postgres setsid "$bin/postgres" -D "$dir/data" -k "$dir/socket" -c listen_addresses='' \
		-c shared_buffers=64MB -c max_connections=80 "$@" >"$dir/server.log" 2>&1 </dev/null &)
	if ! "$bin/pg_isready" -q -h "$dir/socket" -t 1; then
		# shellcheck disable=SC2016 # expanded by the inner shell
		timeout 30 bash -c 'until "$0" -q -h "$1" -t 1; do read -r -t 0.05 <> <(:) || true; done' \
			"$bin/pg_isready" "$dir/socket" || { tail -20 "$dir/server.log" >&2; return 1; }
	fi
}

new_folder() {
	mkdir -p "$1/socket"
	chmod 755 "$1" "$1/socket"
	[ "$(id -u)" != 0 ] || chown -R postgres: "$1"
}

# make DIR: a cluster with our roles and, unless SOT_PG_EMPTY=1, our tables; stopped. Nothing of it is forced to disk: no test pulls a plug.
make() {
	local dir=$1 file
	new_folder "$dir"
	(cd "$dir" && as_postgres "$bin/initdb" -N -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
		>"$dir/initdb.log" 2>&1) || { cat "$dir/initdb.log" >&2; return 1; }
	serve "$dir" -c fsync=off || return 1
	sql "$dir" postgres postgres -v migrator_password=m -v scheduler_password=s -v ipam_password=i \
		-v gateway_password=g -v bridge_password=b -f "$here/deploy/roles.sql" || return 1
	[ "${SOT_PG_EMPTY:-0}" = 1 ] ||
		for file in "$here"/deploy/migrations/[0-9]*.sql; do
			sql "$dir" sot_migrator sotalia -1 -f "$file" || return 1
		done
	as_postgres "$bin/pg_ctl" -s -D "$dir/data" -m fast -w stop
}

# template: prints the folder of a stopped cluster as `make` makes it; made once for each state of the roles and migrations and copied
# since: initdb and eighty migrations are most of what a short test would otherwise wait for.
template() {
	local kind=full folder made
	[ "${SOT_PG_EMPTY:-0}" = 0 ] || kind=empty
	folder=$here/build/pg-template/$kind-$(cat "$bin/postgres" "$here"/tests/pg.sh "$here"/deploy/roles.sql "$here"/deploy/migrations/[0-9]*.sql |
		sha256sum | cut -c1-16)
	mkdir -p "${folder%/*}"
	(
		flock 9
		[ ! -d "$folder" ] || exit 0
		rm -rf "${folder%/*}/$kind"-*
		made=$(mktemp -d /tmp/sotalia-pg.XXXXXX) # a socket's path must be short
		trap 'stop "$made"' EXIT
		trap 'exit 130' INT TERM HUP
		make "$made" >&2 && mv "$made/data" "$folder.new" && mv "$folder.new" "$folder"
	) 9>"${folder%/*}/$kind.lock" || return 1
	echo "$folder"
}

start() {
	local dir=$1 folder
	folder=$(template)
	new_folder "$dir"
	cp -a --reflink=auto "$folder" "$dir/data"
	# shellcheck disable=SC2086 # SOT_PG_OPTIONS is a list of words
	serve "$dir" ${SOT_PG_OPTIONS:-}
}

variables() {
	echo "SOT_PG_DIR=$1/socket"
	echo "SOT_PG_PID=$(head -1 "$1/data/postmaster.pid")"
}

stop() {
	local dir=$1 pid
	if [ -r "$dir/data/postmaster.pid" ]; then
		pid=$(head -1 "$dir/data/postmaster.pid")
		# A test may have left it stopped.
		# shellcheck disable=SC2046 # a list of pids
		kill -CONT "$pid" $(ps -o pid= --ppid "$pid") 2>/dev/null || true
		kill -QUIT "$pid" 2>/dev/null || true
		timeout 20 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
	fi
	rm -rf "$dir"
}

run() {
	local dir code=0
	dir=$(mktemp -d /tmp/sotalia-pg.XXXXXX)
	# shellcheck disable=SC2064 # dir is meant now
	trap "stop '$dir'" EXIT
	trap 'exit 130' INT TERM HUP
	start "$dir"
	set -a
	eval "$(variables "$dir")"
	set +a
	"$@" &
	local child=$!
	# shellcheck disable=SC2064 # child is meant now
	trap "kill -TERM $child 2>/dev/null || true; exit 130" INT TERM HUP
	wait "$child" || code=$?
	exit "$code"
}

case "${1:-}" in
run) shift; run "$@" ;;
start) start "$2" && variables "$2" ;;
stop) stop "$2" ;;
*) sed -n '2,11p' "$0"; exit 2 ;;
esac
