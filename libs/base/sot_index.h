/* sot_index - a hash index of objects that hold their own keys: a third of a sot_map's memory, for
 * hundreds of thousands of them. Keys are not copied, so an object in an index does not change the
 * key that it is indexed by. There is no iteration: whoever owns the objects has them in a list.
 *
 * Open addressing with linear probing; what is removed leaves no gap behind (Knuth, The Art of
 * Computer Programming 3, 6.4, algorithm R).
 */
#ifndef SOT_INDEX_H
#define SOT_INDEX_H

#include "sot_mem.h"
#include "sot_uuid.h"

typedef struct sot_index sot_index;

/* Whether `item` has this key. An item may have several, each of which is set for itself. */
typedef bool (*sot_index_has)(const void *item, sot_str key);

sot_index *sot_index_new(sot_index_has has);
sot_index *sot_index_free(sot_index *x); /* the items are the caller's */
size_t sot_index_count(const sot_index *x);
/* NULL when nobody has it. */
void *sot_index_get(const sot_index *x, sot_str key);
/* `item` has the key already. Returns who was found by it before, or NULL. */
void *sot_index_set(sot_index *x, sot_str key, void *item);
/* Who had it, and still has it in the sense of `has`; NULL for nobody. */
void *sot_index_remove(sot_index *x, sot_str key);
SOT_DEFINE_AUTO(sot_index)

static inline sot_str sot_index_key_uuid(const sot_uuid *id)
{
	return (sot_str){(const char *)id->b, sizeof(id->b)};
}

#endif
