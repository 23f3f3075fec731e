/* shared - values that many rows have in common: immutable, counted by reference, said once.
 * 100,000 instances have some dozen images, versions, plans and VLANs between them.
 *
 * Pure, one thread. A value outlives its pool while somebody keeps it. Texts end with a NUL.
 */
#ifndef SCHEDULER_SHARED_H
#define SCHEDULER_SHARED_H

#include "sot_str.h"

typedef struct shared_pool shared_pool;

shared_pool *shared_pool_new(void);
shared_pool *shared_pool_free(shared_pool *p);

/* A new reference to a value that says this. */
const char *shared_text(shared_pool *p, sot_str text);
/* A value of its own, in no pool: for texts that hardly ever repeat. */
const char *shared_alone(sot_str text);
/* `bytes` have no padding that differs; the result is aligned for any struct of 8-byte members. */
const void *shared_bytes(shared_pool *p, const void *bytes, size_t n);
/* The same of a struct that begins with so many pointers to shared values: their references go to
 * the result. */
const void *shared_struct(shared_pool *p, const void *bytes, size_t n, size_t parts);
/* One more reference. */
const void *shared_keep(const void *value);
/* One less; NULL is nothing. */
void shared_drop(const void *value);
/* A field that keeps one text keeps another; `text` may be a part of the first. */
void shared_set(const char **field, shared_pool *p, sot_str text);
/* The same with a value of its own. */
void shared_set_alone(const char **field, sot_str text);

#endif
