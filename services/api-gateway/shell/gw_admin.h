/* gw_admin - accounts and tokens from the command line, written through the database.
 *
 *   sotalia-api-gateway --add-account NAME ROLE [--config=FILE ...]   the password on stdin
 *   sotalia-api-gateway --add-token ACCOUNT [--config=FILE ...]       prints the token, once
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "gateway.h"

typedef struct gw_admin {
	const char *account, *role; /* --add-account */
	const char *token_of;       /* --add-token */
} gw_admin;

/* Takes the sub-command out of argv (the rest is configuration). False when there is none. */
bool gw_admin_take(int *argc, char **argv, gw_admin *ret);
/* Blocking; prints what a program needs on stdout. */
sot_code gw_admin_run(const gateway_config *config, const gw_admin *admin, sot_err *err) SOT_CHECK;

#endif
