/* unknowns - the containers of a host that no assignment knows, as one listing of the Engine found
 * them: how many, and what is told of them, which is the first ones by id. They are only told of;
 * nothing here or behind it touches them. Pure.
 */
#ifndef HOSTAGENT_UNKNOWNS_H
#define HOSTAGENT_UNKNOWNS_H

#include "sot_mem.h"
#include "sot_proto.h"

#define UNKNOWNS_TOLD 64

typedef struct unknowns unknowns;
unknowns *unknowns_new(void);
unknowns *unknowns_free(unknowns *u);
SOT_DEFINE_AUTO(unknowns)

/* Copies what is told of it. What is no text, or too long for the message, is cut or left out. */
void unknowns_add(unknowns *u, const sot_unknown_container *c);
uint32_t unknowns_count(const unknowns *u);
/* At most UNKNOWNS_TOLD of them, by id, so that the same containers are the same list; borrowed. */
sot_unknown_container *unknowns_list(unknowns *u, size_t *ret_count);

#endif
