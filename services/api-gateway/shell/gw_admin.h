/* gw_admin - accounts and tokens from the command line, written through the database.
 *
 *   sotalia-api-gateway --add-account NAME ROLE [--config=FILE ...]   the password on stdin
 *   sotalia-api-gateway --add-token ACCOUNT [--config=FILE ...]       prints the token, once
 *   sotalia-api-gateway --remove-account NAME [--config=FILE ...]     with all that is its own
 *   sotalia-api-gateway --break-glass REASON [--config=FILE ...]      an admin's token for one hour
 *   sotalia-api-gateway --make-ssh-ca [--config=FILE ...]             in ssh_dir, what is not there
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "gateway.h"

typedef struct gw_admin {
	const char *account, *role; /* --add-account */
	const char *token_of;       /* --add-token */
	const char *removed;        /* --remove-account */
	const char *break_glass;    /* --break-glass: why */
	bool make_ssh_ca;           /* --make-ssh-ca */
} gw_admin;

/* Takes the sub-command out of argv (the rest is configuration). False when there is none. */
bool gw_admin_take(int *argc, char **argv, gw_admin *ret);
/* Blocking; prints what a program needs on stdout. */
sot_code gw_admin_run(const gateway_config *config, const gw_admin *admin, sot_err *err) SOT_CHECK;

#endif
