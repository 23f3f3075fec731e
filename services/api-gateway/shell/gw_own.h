/* gw_own - changes of what the gateway itself owns: users, grants, tokens, webhooks.
 *
 * The change, its audit row and its event are one SQL function (deploy/migrations), which answers
 * (outcome, item). Here its call is begun with who asks, and its outcome becomes the reply.
 */
#ifndef GW_OWN_H
#define GW_OWN_H

#include "gateway.h"

/* Makes c->state this; what it may carry beside the outcome: */
typedef struct own_change {
	char outcome[24];
	char resource[80];       /* resourceId of the answer */
	char secret[129];        /* shown once in the answer; "" for none */
	const char *secret_name; /* there: "token", "secret" */
	char password[257], other[257];
	char hash[128]; /* GW_PASSWORD_HASH_MAX */
	bool working, fits;
	gw_call *call; /* NULL: the request ended before the work did */
	void (*go_on)(gw_call *c);
} own_change;

own_change *own_begin(gw_call *c, const char *resource);
/* The transaction with the statement and its first four parameters: actor, address, request id,
 * credential. */
store_tx *own_call(gw_call *c, int statement);
/* Commits and answers. */
void own_send(gw_call *c, store_tx *tx);
/* On the work queue, then ch->go_on is called: hashes ch->password into ch->hash; or compares
 * ch->other with ch->hash, which ch->fits tells. */
void own_hash(gw_call *c);
void own_check(gw_call *c);

#endif
