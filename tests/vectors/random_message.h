/* random_message - valid messages of any type from a seed, by the generated description. For tests.
 */
#ifndef RANDOM_MESSAGE_H
#define RANDOM_MESSAGE_H

#include "sot_rand.h"
#include "sot_wire_codec.h"

/* Fills `ret` (type->size bytes) with values within the bounds, often at their ends; strings and
 * lists live in the arena, which must be large enough (16 MiB is). */
void random_message(sot_rand *r, const sot_wire_struct *type, sot_arena *arena, void *ret);
/* Whether two values of one type are equal, field by field, list by list. */
bool message_equal(const sot_wire_struct *type, const void *a, const void *b);

#endif
