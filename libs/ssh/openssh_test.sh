#!/usr/bin/env bash
# What libs/ssh writes, read by ssh-keygen: openssh_test.sh PROGRAM. Skipped (77) where there is none.
set -euo pipefail
command -v ssh-keygen >/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" "$dir"
cd "$dir"
fail() { printf 'error: %s\n' "$1" >&2; exit 1; }
ssh-keygen -y -f made | cmp -s - <(cat made.pub; echo) || fail "the private key file does not give its public key"
ssh-keygen -L -f user-cert.pub >facts
for want in 'user certificate' 'Key ID: "li/42"' 'Serial: 7' 'inst:1:admin' 'app:shop:admin' 'permit-pty' 'Critical Options: (none)'; do
  grep -qF -- "$want" facts || fail "ssh-keygen -L does not show: $want"
done
# -Q ends with 0 when none of the keys is revoked, with 1 when one is.
ssh-keygen -Q -f krl.none user.pub user-cert.pub >/dev/null || fail "the empty list revokes something"
! ssh-keygen -Q -f krl.serial user-cert.pub >answer || fail "the serial is not revoked"
grep -q 'user-cert.pub.*REVOKED' answer || fail "ssh-keygen could not read the list of serials: $(cat answer)"
ssh-keygen -Q -f krl.serial user.pub >/dev/null || fail "a serial revokes the plain key"
! ssh-keygen -Q -f krl.key user.pub >answer || fail "the key is not revoked by its fingerprint"
grep -q 'user.pub.*REVOKED' answer || fail "ssh-keygen could not read the list of keys: $(cat answer)"
! ssh-keygen -Q -f krl.key user-cert.pub >/dev/null || fail "the certificate of a revoked key is not revoked"
ssh-keygen -Q -f krl.key other.pub >/dev/null || fail "another key is revoked"
echo ok
