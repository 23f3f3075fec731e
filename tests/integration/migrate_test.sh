#!/bin/bash
# sotalia-migrate against an empty scratch database: SOT_PG_EMPTY=1 tests/pg.sh run migrate_test.sh BINARY SOURCE
set -euo pipefail
migrate=$1 source=$2
database="host=$SOT_PG_DIR dbname=sotalia user=sot_migrator"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$source"/deploy/migrations/*.sql "$work"
count=$(find "$work" -name '*.sql' | wc -l)
failed=0
sql() { psql -X -qAt -h "$SOT_PG_DIR" -U sot_migrator sotalia -c "$1"; }
run() { "$migrate" --dir="$work" --database="$database" "$@" 2>&1; }
# check TEXT EXPECTED ACTUAL: equal, or with ~ in front contained
check() {
	case "$2" in
	~*) [[ "$3" == *"${2#\~}"* ]] && { echo "ok   $1"; return; } ;;
	*) [ "$2" = "$3" ] && { echo "ok   $1"; return; } ;;
	esac
	echo "FAIL $1: expected '$2', got '$3'"
	failed=1
}

out=$(run --plan)
check "a plan names every file" "$count" "$(grep -c '^would apply' <<<"$out")"
check "a plan changes nothing" "" "$(sql "SELECT to_regclass('core.schema_migration')")"
run --plan >/dev/null
# Two at once: the advisory lock lets one go first, the other finds all done.
run >"$work/one" & one=$!
run >"$work/two" & two=$!
wait "$one"; wait "$two"
check "two runs at once apply each file once" "$count" "$(cat "$work/one" "$work/two" | grep -c '^applying')"
check "every file is recorded with its checksum" "$count" \
	"$(sql "SELECT count(*) FROM core.schema_migration WHERE length(sha256) = 64")"
check "the checksum is that of the file" "$(sha256sum <"$work/0001_core.sql" | cut -d' ' -f1)" \
	"$(sql "SELECT sha256 FROM core.schema_migration WHERE number = 1")"
check "a second run has nothing to do" "~up to date: $count migrations" "$(run)"

# A database that came back from a backup.
restored() { "$migrate" --restored --database="$database" 2>&1; }
life() { sql "SELECT p.stream || ' ' || l.epoch FROM core.platform p, core.leader l WHERE l.role = 'scheduler'"; }
sql "INSERT INTO core.leader (role, epoch, holder, lease_until) VALUES ('scheduler', 7, 'a', now() + interval '1 h')"
before=$(life)
check "a restored database gets a new event stream" "~event stream" "$(restored)"
check "and an epoch beyond all that agents have seen" "1000007" "$(life | cut -d' ' -f2)"
check "another stream than before" "1" "$([ "$(life | cut -d' ' -f1)" != "${before%% *}" ] && echo 1)"
before=$(life)
psql -X -q -h "$SOT_PG_DIR" -U sot_gateway sotalia -c "SELECT pg_sleep(30)" >/dev/null 2>&1 & session=$!
until [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE usename = 'sot_gateway'")" = 1 ]; do kill -0 $session; done
check "not while a service is connected" "~services are connected (sot_gateway)" "$(restored || true)"
check "then nothing is changed" "$before" "$(life)"
kill $session
wait $session 2>/dev/null || true

highest=$(cd "$work" && printf '%s\n' 0*.sql | tail -1 | cut -c1-4)
next=$(printf '%04d' $((10#$highest + 1)))
echo "CREATE TABLE core.half (a int); SELECT 1/0;" >"$work/${next}_bad.sql"
check "a failing file is named with its error" "~${next}_bad.sql: 22012" "$(run || true)"
check "and leaves nothing behind" "" "$(sql "SELECT to_regclass('core.half')")"
echo "CREATE TABLE core.half (a int); COMMIT;" >"$work/${next}_bad.sql"
check "a file that ends its transaction is refused" "~leave BEGIN and COMMIT out" "$(run || true)"
sql "DROP TABLE core.half"
rm "$work/${next}_bad.sql"
echo "SELECT 1" >"$work/$(printf '%04d' $((10#$next + 1)))_late.sql"
check "a number may be missing" "~applying" "$(run)"
echo "SELECT 2" >"$work/${next}_landed_later.sql"
check "and is applied when it comes" "~applying $((count + 1))/$((count + 2)) ${next}_landed_later.sql" "$(run)"
echo "SELECT 3" >"$work/${next}_twice.sql"
check "a number that is used twice is named" "~number $next is used twice" "$(run || true)"
rm "$work/${next}_twice.sql"
echo "-- edited" >>"$work/0002_gateway.sql"
check "a changed file is named" "~0002_gateway.sql was changed after it was applied" "$(run || true)"
cp "$source/deploy/migrations/0002_gateway.sql" "$work"
last=$(cd "$work" && printf '%s\n' 0*.sql | tail -1)
rm "$work/$last"
check "a database newer than the folder is refused" "~$last is applied, but is not in the folder" "$(run || true)"
code=0; "$migrate" --nonsense >/dev/null 2>&1 || code=$?
check "wrong usage ends with 2" 2 "$code"
exit "$failed"
