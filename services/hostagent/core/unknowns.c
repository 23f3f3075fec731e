#include "unknowns.h"

#include "sot_mem.h"
#include "sot_str.h"

#include <stdlib.h>
#include <string.h>

struct unknowns {
	sot_unknown_container *list; /* texts are owned */
	size_t count;
};

unknowns *unknowns_new(void)
{
	return sot_alloc(sizeof(unknowns));
}

unknowns *unknowns_free(unknowns *u)
{
	if (!u)
		return NULL;
	for (size_t i = 0; i < u->count; i++)
		free((char *)(uintptr_t)u->list[i].container_id.p); /* the others lie behind it */
	free(u->list);
	free(u);
	return NULL;
}

/* At most max bytes of it; nothing when that is no text. */
static sot_str copy(char **at, sot_str from, size_t max)
{
	char *start = *at;
	sot_str cut = {from.p, from.n < max ? from.n : max};
	for (size_t i = 0; i < cut.n; i++)
		if ((unsigned char)cut.p[i] < 0x20 || cut.p[i] == 0x7f)
			return (sot_str){start, 0};
	if (cut.n == 0 || !sot_str_is_utf8(cut))
		return (sot_str){start, 0};
	memcpy(start, cut.p, cut.n);
	*at += cut.n;
	return (sot_str){start, cut.n};
}

void unknowns_add(unknowns *u, const sot_unknown_container *c)
{
	enum { ID = 64, NAME = 128, IMAGE = 200, STATE = 20, INSTANCE = 80, APP = 30 };
	sot_unknown_container one = *c;
	char *at = sot_alloc(ID + NAME + IMAGE + STATE + INSTANCE + APP);

	one.container_id = copy(&at, c->container_id, ID);
	one.name = copy(&at, c->name, NAME);
	one.image = copy(&at, c->image, IMAGE);
	one.state = copy(&at, c->state, STATE);
	one.instance_name = copy(&at, c->instance_name, INSTANCE);
	one.app = copy(&at, c->app, APP);
	u->list = sot_grow_array(u->list, u->count, u->count + 1, sizeof(*u->list));
	u->list[u->count++] = one;
}

uint32_t unknowns_count(const unknowns *u)
{
	return (uint32_t)u->count;
}

static int by_id(const void *a, const void *b)
{
	const sot_unknown_container *x = a, *y = b;
	size_t shorter = x->container_id.n < y->container_id.n ? x->container_id.n : y->container_id.n;
	int order = memcmp(x->container_id.p, y->container_id.p, shorter);
	return order
	           ? order
	           : (x->container_id.n > y->container_id.n) - (x->container_id.n < y->container_id.n);
}

sot_unknown_container *unknowns_list(unknowns *u, size_t *ret_count)
{
	if (u->count > 1)
		qsort(u->list, u->count, sizeof(*u->list), by_id);
	*ret_count = u->count < UNKNOWNS_TOLD ? u->count : UNKNOWNS_TOLD;
	return u->list;
}
