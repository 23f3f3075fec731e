/* torture_ledger - what the clients of a torture run believe about addresses: who was granted which
 * one, and since when it may be somebody else's again. A contradiction fails the cmocka test.
 */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include "ipam_world.h"

typedef struct ledger ledger;

/* `floor_ms`: no address comes back to another owner sooner after its release was asked for. */
ledger *ledger_new(int64_t floor_ms);
ledger *ledger_free(ledger *l);

/* A grant came: nobody else may hold the address, nor have given it back within the floor; and its
 * generation has grown since the last other holding. */
void ledger_granted(ledger *l, uint32_t owner, const ipam_grant *grant, sot_mono now);
/* The owner is about to ask for its release: from now on it counts as given back. */
void ledger_releasing(ledger *l, const ipam_grant *grant, sot_mono now);

size_t ledger_held(const ledger *l);          /* addresses that are held now */
size_t ledger_granted_count(const ledger *l); /* different holdings so far */
size_t ledger_addresses(const ledger *l);     /* different addresses so far */

/* Rows (reserved or bound) that nobody believes to hold, and holdings without such a row. */
size_t ledger_compare(ledger *l, PGconn *pg, size_t *ret_missing);

#endif
