/* sot_mem - allocation rules of the house: small fixed allocations abort on failure (the state of
 * record is in PostgreSQL and the service is restarted); anything whose size a peer, a file or a
 * row decides is bounded first. Cleanup by scope, ownership handed over at one visible place.
 */
#ifndef SOT_MEM_H
#define SOT_MEM_H

#include "sot_str.h"

#include <stddef.h>

void *sot_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed; aborts on OOM */
void *sot_alloc_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Room for `count` items; what is new is not touched yet. Aborts on OOM or overflow. */
void *sot_resize_array(void *p, size_t count, size_t size);
/* The same, new items zeroed. */
void *sot_grow_array(void *p, size_t old_count, size_t count, size_t size);
char *sot_strdup(const char *c);
char *sot_strndup(sot_str s); /* NUL-terminated copy */

/* `SOT_AUTO(thing) t = thing_new();` calls thing_free(t) at the end of the scope. Each type opts in
 * with SOT_DEFINE_AUTO(thing) after its declaration of `thing *thing_free(thing *)`. */
#define SOT_DEFINE_AUTO(type)                                                                      \
	static inline void type##_auto_(type **p)                                                      \
	{                                                                                              \
		*p = type##_free(*p);                                                                      \
	}
#define SOT_AUTO(type) __attribute__((cleanup(type##_auto_))) type *
#define SOT_AUTO_BUF __attribute__((cleanup(sot_buf_clear))) sot_buf
/* Hands ownership over: yields the pointer and disarms the scope. */
#define SOT_TAKE(p)                                                                                \
	__extension__({                                                                                \
		__typeof__(p) taken_ = (p);                                                                \
		(p) = NULL;                                                                                \
		taken_;                                                                                    \
	})

/* One arena per message: decode into it, handle, reset. Memory comes in chunks up to max_bytes. */
typedef struct sot_arena sot_arena;
sot_arena *sot_arena_new(size_t max_bytes);
sot_arena *sot_arena_free(sot_arena *a);
void sot_arena_reset(sot_arena *a);
/* What it gave since it was made or reset: as max_bytes of another one it suffices for the same. */
size_t sot_arena_used(const sot_arena *a);
/* Zeroed, aligned to 16. NULL when the ceiling would be passed. */
void *sot_arena_alloc(sot_arena *a, size_t size);
/* A copy with a NUL behind it; {NULL,0} when the ceiling would be passed and s.n > 0. */
sot_str sot_arena_dup(sot_arena *a, sot_str s);
SOT_DEFINE_AUTO(sot_arena)

#endif
