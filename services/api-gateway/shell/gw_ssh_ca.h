/* gw_ssh_ca - the certificate authorities of ssh, as files of `ssh_dir`: `user_ca` signs people's
 * certificates, `host_ca` those of instances (ed25519, 0400, this service's own). `user_ca.also`
 * and `host_ca.also` hold public key lines that are trusted besides: the next key before it signs,
 * the last one until what it signed has ended (docs/ssh.md, rotation). Read anew each time, so that
 * a change needs no restart. Blocking; small files.
 */
#ifndef GW_SSH_CA_H
#define GW_SSH_CA_H

#include "sot_mem.h"
#include "sot_ssh.h"

typedef struct gw_ssh_ca {
	sot_ssh_key user, host;
	sot_buf user_lines, host_lines; /* public key lines, LF behind each; the signing one first */
} gw_ssh_ca;

/* SOT_UNAVAILABLE: no ssh_dir is set. Clear it in every case. */
sot_code gw_ssh_ca_load(const char *dir, gw_ssh_ca *ret, sot_err *err) SOT_CHECK;
void gw_ssh_ca_clear(gw_ssh_ca *ca);
/* Makes the keys that are not there. */
sot_code gw_ssh_ca_make(const char *dir, sot_err *err) SOT_CHECK;
/* The lines as a JSON array. */
void gw_ssh_ca_json(const sot_buf *lines, sot_buf *out);

#endif
