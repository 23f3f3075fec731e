#include "name_watch.h"

#include "sot_map.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 1024

struct name_watch {
	int64_t hour;
	sot_map *seen; /* "machine", "machine|type", "machine|type|name" to a counter of children */
};

typedef struct counter {
	unsigned children;
} counter;

static void empty(name_watch *w)
{
	sot_map_iter it = {0};
	counter *c;
	while ((c = sot_map_next(w->seen, &it, NULL)))
		free(c);
	sot_map_free(w->seen);
	w->seen = NULL;
}

name_watch *name_watch_new(void)
{
	name_watch *w = sot_alloc(sizeof(*w));
	w->seen = sot_map_new();
	return w;
}

name_watch *name_watch_free(name_watch *w)
{
	if (!w)
		return NULL;
	empty(w);
	free(w);
	return NULL;
}

/* NULL when the bound is reached. *ret_is_new tells that it was made. */
static counter *get(name_watch *w, const char *key, size_t n, bool *ret_is_new)
{
	counter *c = sot_map_get(w->seen, key, n);
	*ret_is_new = false;
	if (c || sot_map_count(w->seen) >= NAME_WATCH_ENTRIES_MAX)
		return c;
	c = sot_alloc(sizeof(*c));
	(void)sot_map_set(w->seen, key, n, c);
	*ret_is_new = true;
	return c;
}

static size_t append(char *key, size_t n, sot_str s)
{
	size_t room = n + 1 < KEY_MAX ? KEY_MAX - n - 1 : 0;
	size_t take = s.n < room ? s.n : room;
	if (take > 0)
		memcpy(key + n, s.p, take);
	if (n + take < KEY_MAX)
		key[n + take] = '\x1f';
	return n + take < KEY_MAX ? n + take + 1 : KEY_MAX;
}

bool name_watch_note(name_watch *w, int64_t hour, sot_str machine, sot_str type, sot_str name)
{
	char key[KEY_MAX];
	bool is_new;
	if (hour != w->hour) {
		empty(w);
		w->seen = sot_map_new();
		w->hour = hour;
	}
	size_t n = append(key, 0, machine);
	counter *of_machine = get(w, key, n, &is_new);
	n = append(key, n, type);
	counter *of_type = get(w, key, n, &is_new);
	if (is_new && of_machine)
		of_machine->children++;
	n = append(key, n, name);
	counter *of_name = get(w, key, n, &is_new);
	if (is_new && of_type)
		of_type->children++;
	if (!of_machine || !of_type || !of_name)
		return true;
	return of_machine->children > NAME_WATCH_TYPES || of_type->children > NAME_WATCH_NAMES;
}
