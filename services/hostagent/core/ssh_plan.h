/* ssh_plan - the texts of an instance's ssh folder that follow from its spec and from the gateway's
 * document: sshd_config, principals, keys. Pure.
 */
#ifndef HOSTAGENT_SSH_PLAN_H
#define HOSTAGENT_SSH_PLAN_H

#include "plan.h"

/* The accounts that one may log in to. */
#define SSH_ACCOUNTS 2u
extern const char *const ssh_accounts[SSH_ACCOUNTS];

/* A key that may log in without a certificate. */
typedef struct ssh_plan_key {
	sot_str scope; /* "inst:<id>" or "app:<name>" */
	sot_str account, line;
} ssh_plan_key;

void ssh_plan_config(sot_buf *out);
/* principals/<account>: what a certificate for it must name. */
void ssh_plan_principals(const sot_instance_spec *spec, const char *account, sot_buf *out);
/* keys/<account>: those of the keys that are for this instance or its app. */
void ssh_plan_keys(sot_uuid id, sot_str app, const char *account, const ssh_plan_key *keys,
    size_t count, sot_buf *out);
/* The principals of its host certificate, commas between, as the gateway signs them. */
void ssh_plan_host_principals(const sot_instance_spec *spec, sot_buf *out);

#endif
