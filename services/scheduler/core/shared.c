#include "shared.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sot_index.h"
#include "sot_mem.h"

typedef struct shared_value {
	shared_pool *pool; /* NULL: in none */
	uint32_t references, size;
	uint32_t parts; /* so many pointers to shared values at its begin, each with a reference */
	alignas(8) char bytes[];
} shared_value;

struct shared_pool {
	sot_index *values;
	bool is_over; /* goes with the last of its values */
};

/* "" is one value that is in no pool and counts nothing: most texts of most rows. */
static const char empty[] = "";

static shared_value *value_of(const void *bytes)
{
	return (shared_value *)((uintptr_t)bytes - offsetof(shared_value, bytes));
}

static sot_str key_of(const shared_value *v)
{
	return (sot_str){v->bytes, v->size};
}

static bool says(const void *item, sot_str key)
{
	return sot_str_eq(key_of(item), key);
}

shared_pool *shared_pool_new(void)
{
	shared_pool *p = sot_alloc(sizeof(*p));

	p->values = sot_index_new(says);
	return p;
}

static void free_if_over(shared_pool *p)
{
	if (!p->is_over || sot_index_count(p->values) > 0)
		return;
	sot_index_free(p->values);
	free(p);
}

shared_pool *shared_pool_free(shared_pool *p)
{
	if (!p)
		return NULL;
	p->is_over = true;
	free_if_over(p);
	return NULL;
}

/* With one reference. */
static shared_value *make(shared_pool *p, sot_str bytes)
{
	shared_value *v = sot_alloc(sizeof(*v) + bytes.n + 1); /* zeroed: a text ends */

	v->references = 1;
	v->size = (uint32_t)bytes.n;
	memcpy(v->bytes, bytes.p, bytes.n);
	v->pool = p;
	if (p)
		sot_index_set(p->values, key_of(v), v);
	return v;
}

static void drop_parts(const void *bytes, size_t parts)
{
	const void *const *part = bytes;

	for (size_t k = 0; k < parts; k++)
		shared_drop(part[k]);
}

const void *shared_struct(shared_pool *p, const void *bytes, size_t n, size_t parts)
{
	sot_str key = {bytes, n};
	shared_value *v = sot_index_get(p->values, key);

	if (v) {
		v->references++;
		drop_parts(bytes, parts);
		return v->bytes;
	}
	v = make(p, key);
	v->parts = (uint32_t)parts;
	return v->bytes;
}

const void *shared_bytes(shared_pool *p, const void *bytes, size_t n)
{
	return n > 0 ? shared_struct(p, bytes, n, 0) : empty;
}

const char *shared_text(shared_pool *p, sot_str text)
{
	return shared_bytes(p, text.p, text.n);
}

const char *shared_alone(sot_str text)
{
	return text.n > 0 ? make(NULL, text)->bytes : empty;
}

const void *shared_keep(const void *value)
{
	if (value != empty)
		value_of(value)->references++;
	return value;
}

void shared_drop(const void *value)
{
	if (!value || value == empty)
		return;
	shared_value *v = value_of(value);
	if (--v->references > 0)
		return;
	drop_parts(v->bytes, v->parts);
	if (v->pool) {
		sot_index_remove(v->pool->values, key_of(v));
		free_if_over(v->pool);
	}
	free(v);
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
