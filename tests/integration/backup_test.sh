#!/bin/bash
# `sotalia admin backup|check|restore` as an administrator says it, on a real cluster of Debian's PostgreSQL: backup_test.sh SOURCE SOTALIA MIGRATE GATEWAY KEYGEN
#
# In namespaces of its own, with an /etc and a /var that nobody else sees. Only systemctl is the test's: it starts the cluster with
# Debian's own program, as its unit does, and says of services whether they are up.
set -euo pipefail
if [ -z "${SOT_OWN_NAMESPACES:-}" ]; then
	SOT_OWN_NAMESPACES=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi
source=$1 sotalia=$2 migrate=$3 gateway=$4 keygen=$5
# shellcheck source=tests/integration/check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

# ---- the machine of the database ----
work=/mnt
mount -t tmpfs -o mode=755 tmpfs "$work"
for folder in etc var; do
	mkdir -p "$work/$folder-new" "$work/$folder-work"
	mount -t overlay -o "lowerdir=/$folder,upperdir=$work/$folder-new,workdir=$work/$folder-work" overlay "/$folder"
done
mount -t tmpfs -o mode=755 tmpfs /run
rm -rf /var/lib/postgresql/* /etc/postgresql/* /etc/sotalia /var/lib/sotalia
install -d -o postgres -g postgres -m 2775 /run/postgresql /var/lib/postgresql /etc/postgresql /var/log/postgresql
ip link set lo up
mkdir "$work/bin"
cp "$source/deploy/backup/sotalia-backup" "$work/bin/"
ln -s "$sotalia" "$migrate" "$work/bin/"
cat >"$work/bin/systemctl" <<END
#!/bin/bash
case "\$*" in
"start postgresql@15-main.service") exec pg_ctlcluster 15 main start ;;
"--quiet is-active sotalia-"*) [ -e "$work/services-run" ] ;;
*) echo "systemctl \$*: not in this test" >&2; exit 1 ;;
esac
END
chmod 755 "$work/bin/systemctl"
export PATH=$work/bin:$PATH PGUSER=postgres
trap 'pg_ctlcluster 15 main stop -m immediate || true' EXIT # the namespaces take the rest with them

sql() { runuser -u postgres -- psql -XqAt -d sotalia -v ON_ERROR_STOP=1 "$@"; }
pg_createcluster 15 main -- -E UTF8 --locale=C.UTF-8 >/dev/null
pg_ctlcluster 15 main start
for name in migrator scheduler ipam gateway bridge; do passwords+=(-v "${name}_password=p"); done
runuser -u postgres -- psql -XqAt -d postgres -v ON_ERROR_STOP=1 "${passwords[@]}" -f - <"$source/deploy/roles.sql" >/dev/null
"$migrate" --dir="$source/deploy/migrations" --database="host=127.0.0.1 dbname=sotalia user=sot_migrator password=p" >/dev/null
mkdir -p /etc/sotalia/keys /var/lib/sotalia/blobs /var/lib/sotalia/ssh
for name in api-gateway scheduler ipam; do "$keygen" "/etc/sotalia/keys/$name.key" >"/etc/sotalia/keys/$name.pub"; done
printf 'the bytes of a package' >/var/lib/sotalia/blobs/0123
options=(--listen=127.0.0.1:7443 "--database=host=127.0.0.1 dbname=sotalia user=sot_gateway password=p" --keys_dir=/etc/sotalia/keys
	"--blobs_dir=/var/lib/sotalia/blobs" --ui_dir= "--openapi_file=$source/services/api-gateway/openapi.json" --drain_notice_ms=0)
"$gateway" --add-account ada admin "${options[@]}" <<<"correct horse battery" 2>/dev/null
token=$("$gateway" --add-token ada "${options[@]}" 2>/dev/null)

# ---- a backup, and what comes after it ----
code=0
out=$(sotalia admin check "$work" 2>&1) || code=$?
check "a folder that is none is no backup" "1 ~" "$code ~"
check "and it says so" "~has no SHA256SUMS" "$out"
backup=$(sotalia admin backup "$work/backups")
check "a backup says where it is" "~$work/backups/20" "$backup"
check "nobody else reads its files" "600" "$(stat -c %a "$backup/files.tar.gz")"
check "it is whole" "~whole: begun 20" "$(sotalia admin check "$backup")"
stream=$(sql -c "SELECT stream FROM core.platform")
"$gateway" --add-account eve viewer "${options[@]}" <<<"correct horse battery" 2>/dev/null
printf 'changed since' >/etc/sotalia/keys/scheduler.pub

# ---- one that was damaged ----
cp -a "$backup" "$work/damaged"
printf 'x' | dd of="$work/damaged/base/base.tar.gz" bs=1 seek=100000 conv=notrunc status=none
code=0
out=$(sotalia admin check "$work/damaged" 2>&1) || code=$?
check "a changed byte is found" "1" "$code"
check "and it says what to do" "~is not whole: take another" "$out"

# ---- the database is lost ----
touch "$work/services-run"
code=0
out=$(sotalia admin restore "$backup" 2>&1) || code=$?
check "services that run are not pulled the ground from under" "~sotalia-ipam runs; stop the services" "$out"
rm "$work/services-run"
out=$(sotalia admin restore "$backup" 2>&1) || code=$?
check "a cluster with something in it is not written over" "~is not empty" "$out"
check "neither was done" "1" "$code"
pg_ctlcluster 15 main stop -m immediate
rm -rf /var/lib/postgresql/15/main /var/lib/sotalia
code=0
out=$(sotalia admin restore "$work/damaged" 2>&1) || code=$?
check "a damaged one is not restored" "1" "$code"
check "and left nothing behind" "" "$(ls /var/lib/postgresql/15/main 2>/dev/null || true)"
out=$(sotalia admin restore "$backup" 2>&1) || { echo "$out"; exit 1; }
check "what to do next is said" "~restored from $backup; start the services now" "$out"

# ---- it is there again ----
check "who was in the backup is there" "ada" "$(sql -c "SELECT string_agg(name, ' ') FROM gateway.account WHERE name IN ('ada', 'eve')")"
check "readers of events begin anew" "f" "$(sql -c "SELECT stream = '$stream' FROM core.platform")"
check "packages are back" "the bytes of a package" "$(cat /var/lib/sotalia/blobs/0123)"
check "files that are there are left as they are" "changed since" "$(cat /etc/sotalia/keys/scheduler.pub)"
"$keygen" "$work/new.key" >/etc/sotalia/keys/scheduler.pub
(cd "$work" && exec "$gateway" "${options[@]}" --events_endpoint="ipc://$work/e" --agents_endpoint="ipc://$work/a" >"$work/gateway.log" 2>&1) &
child=$!
answer=
for _ in $(seq 600); do
	answer=$(curl -s -H "Authorization: Bearer $token" http://127.0.0.1:7443/v1/me) && [ -n "$answer" ] && break
	kill -0 "$child" 2>/dev/null || { cat "$work/gateway.log"; break; }
	read -r -t 0.1 <> <(:) || true # a look, not a measure: the condition decides
done
check "a gateway runs on it, and a token of before is good" '~"ada"' "$answer"
kill "$child" && wait "$child" || failed=1
exit $failed
