#include "shared.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sot_map.h"
#include "sot_mem.h"

#define PURGE_FIRST 1024

typedef struct shared_value {
	uint64_t references;
	char bytes[];
} shared_value;

struct shared_pool {
	sot_map *values; /* each with a reference of the pool's */
	size_t purge_at; /* so many: what nobody else keeps goes */
};

/* "" is one value that is in no pool and counts nothing: most texts of most rows. */
static const char empty[] = "";

static shared_value *value_of(const void *bytes)
{
	return (shared_value *)((uintptr_t)bytes - offsetof(shared_value, bytes));
}

shared_pool *shared_pool_new(void)
{
	shared_pool *p = sot_alloc(sizeof(*p));

	p->values = sot_map_new();
	p->purge_at = PURGE_FIRST;
	return p;
}

shared_pool *shared_pool_free(shared_pool *p)
{
	sot_map_iter it = {0};
	shared_value *v;

	if (!p)
		return NULL;
	while ((v = sot_map_next(p->values, &it, NULL)))
		shared_drop(v->bytes);
	sot_map_free(p->values);
	free(p);
	return NULL;
}

static void purge(shared_pool *p)
{
	sot_map *kept = sot_map_new();
	sot_map_iter it = {0};
	sot_str key;
	shared_value *v;

	while ((v = sot_map_next(p->values, &it, &key))) {
		if (v->references > 1)
			sot_map_set(kept, key.p, key.n, v);
		else
			free(v);
	}
	sot_map_free(p->values);
	p->values = kept;
	p->purge_at = 2 * sot_map_count(kept) + PURGE_FIRST;
}

/* With one reference. */
static shared_value *make(const void *bytes, size_t n)
{
	shared_value *v = sot_alloc(sizeof(*v) + n + 1); /* zeroed: a text ends */

	v->references = 1;
	memcpy(v->bytes, bytes, n);
	return v;
}

const void *shared_bytes(shared_pool *p, const void *bytes, size_t n)
{
	if (n == 0)
		return empty;
	shared_value *v = sot_map_get(p->values, bytes, n);
	if (!v) {
		if (sot_map_count(p->values) >= p->purge_at)
			purge(p);
		v = make(bytes, n);
		sot_map_set(p->values, bytes, n, v);
	}
	v->references++;
	return v->bytes;
}

const char *shared_text(shared_pool *p, sot_str text)
{
	return shared_bytes(p, text.p, text.n);
}

const char *shared_alone(sot_str text)
{
	return text.n > 0 ? make(text.p, text.n)->bytes : empty;
}

const void *shared_keep(const void *value)
{
	if (value != empty)
		value_of(value)->references++;
	return value;
}

void shared_drop(const void *value)
{
	if (value && value != empty && --value_of(value)->references == 0)
		free(value_of(value));
}

void shared_set(const char **field, shared_pool *p, sot_str text)
{
	const char *before = *field;

	*field = shared_text(p, text);
	shared_drop(before);
}

void shared_set_alone(const char **field, sot_str text)
{
	const char *before = *field;

	*field = shared_alone(text);
	shared_drop(before);
}
