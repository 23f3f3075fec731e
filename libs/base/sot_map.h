/* sot_map - small containers: a hash map from bytes to a pointer (keys are copied, values are
 * borrowed), and an intrusive doubly linked list. Iteration uses a cursor of the caller, so that
 * loops nest. Removing the current item while iterating is allowed; inserting is not (replacing
 * is). The order of iteration is the order of insertion, so it depends on nothing random.
 */
#ifndef SOT_MAP_H
#define SOT_MAP_H

#include "sot_mem.h"
#include "sot_uuid.h"

typedef struct sot_map sot_map;
sot_map *sot_map_new(void);
sot_map *sot_map_free(sot_map *m);
size_t sot_map_count(const sot_map *m);
void *sot_map_get(const sot_map *m, const void *key, size_t key_n); /* NULL when absent */
/* Returns the value that was there before, or NULL. `value` must not be NULL. */
void *sot_map_set(sot_map *m, const void *key, size_t key_n, void *value);
void *sot_map_remove(sot_map *m, const void *key, size_t key_n);
typedef struct sot_map_iter {
	size_t pos;
} sot_map_iter; /* start with {0} */
/* The next value, NULL at the end. ret_key (when not NULL) borrows from the map. */
void *sot_map_next(const sot_map *m, sot_map_iter *it, sot_str *ret_key);
SOT_DEFINE_AUTO(sot_map)

static inline void *sot_map_get_uuid(const sot_map *m, sot_uuid id)
{
	return sot_map_get(m, id.b, sizeof(id.b));
}
static inline void *sot_map_set_uuid(sot_map *m, sot_uuid id, void *value)
{
	return sot_map_set(m, id.b, sizeof(id.b), value);
}
static inline void *sot_map_remove_uuid(sot_map *m, sot_uuid id)
{
	return sot_map_remove(m, id.b, sizeof(id.b));
}
static inline void *sot_map_get_c(const sot_map *m, const char *key)
{
	sot_str k = sot_str_c(key);
	return sot_map_get(m, k.p, k.n);
}

typedef struct sot_link {
	struct sot_link *prev, *next;
} sot_link;
static inline void sot_list_init(sot_link *head)
{
	head->prev = head->next = head;
}
static inline bool sot_list_empty(const sot_link *head)
{
	return head->next == head;
}
static inline void sot_list_push(sot_link *head, sot_link *l) /* at the tail */
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}
static inline void sot_list_remove(sot_link *l) /* safe on an unlinked, initialised link */
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	sot_list_init(l);
}
#define SOT_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
