#!/bin/bash
# Zone files that the gateway exported, in a real name server: dns_zone_test.sh FOLDER QUESTION=ANSWER...
# Every FOLDER/*.zone must pass kzonecheck; knotd serves them on loopback of a network namespace of its own; each question is a
# name (asked for A and AAAA) or an address (asked for its PTR), and its answer is all records, sorted, comma between.
set -u
folder=$1
shift
if [ "${DNS_ZONE_INSIDE:-}" = "" ]; then
  DNS_ZONE_INSIDE=1 exec unshare --net "$0" "$folder" "$@"
fi

die() { printf 'dns_zone_test: %s\n' "$*" >&2; exit 1; }
ip link set lo up || die "no loopback in a namespace of its own: run this as root"

mkdir -p "$folder/db"
config=$folder/knot.conf
{
  printf 'server:\n  rundir: "%s"\n  listen: 127.0.0.1@53\n' "$folder"
  printf 'database:\n  storage: "%s/db"\n' "$folder"
  printf 'log:\n - target: stderr\n   any: warning\n'
  printf 'zone:\n'
} >"$config"
for file in "$folder"/*.zone; do
  zone=$(basename "$file" .zone)
  kzonecheck -o "$zone." "$file" || die "kzonecheck refuses $file"
  printf ' - domain: "%s."\n   file: "%s"\n' "$zone" "$file" >>"$config"
done

knotd -c "$config" &
knot=$!
trap 'kill $knot 2>/dev/null; wait $knot 2>/dev/null' EXIT
ask() { kdig @127.0.0.1 +short +timeout=2 +retry=0 "$@" 2>/dev/null; }
# Served when every zone has a SOA; knotd answers SERVFAIL for one it has not loaded.
for file in "$folder"/*.zone; do
  zone=$(basename "$file" .zone)
  deadline=$((SECONDS + 20))
  until [ -n "$(ask "$zone." SOA)" ]; do
    [ $SECONDS -lt $deadline ] || die "knotd does not serve $zone"
    kill -0 $knot 2>/dev/null || die "knotd has ended"
  done
done

bad=0
for pair in "$@"; do
  question=${pair%%=*} answer=${pair#*=}
  case $question in
    *[a-z].*[a-z]) found=$({ ask "$question." A; ask "$question." AAAA; } | sort | paste -sd,) ;;
    *) found=$(ask -x "$question" | sort | paste -sd,) ;;
  esac
  [ "$found" = "$answer" ] || { printf 'dns_zone_test: %s: %s instead of %s\n' "$question" "$found" "$answer" >&2; bad=1; }
done
exit $bad
