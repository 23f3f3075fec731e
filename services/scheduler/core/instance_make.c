/* What instances are made of. */
#include <stddef.h>
#include <string.h>

#include "rows.h"

/* The pointers that it begins with. */
enum { PARTS = offsetof(instance_make, app_id) / sizeof(void *) };
_Static_assert(sizeof(instance_make) == PARTS * sizeof(void *) + 2 * sizeof(sot_uuid) + 32,
    "values are compared by their bytes: no padding");

static const void **parts_of(instance_make *make)
{
	return (const void **)(void *)make;
}

instance_make instance_make_new(shared_pool *pool)
{
	static const vlan_facts none;
	instance_make make = {.memory_bytes = 0};

	for (size_t k = 0; k < PARTS; k++)
		parts_of(&make)[k] = shared_alone(SOT_STR(""));
	instance_make_set_net(&make, pool, &none);
	return make;
}

void instance_make_set_net(instance_make *make, shared_pool *pool, const vlan_facts *facts)
{
	const vlan_facts *before = make->net;

	make->net = shared_bytes(pool, facts, sizeof(*facts));
	shared_drop(before);
}

instance_make instance_make_of(const instance_make *make)
{
	instance_make copy = *make;

	for (size_t k = 0; k < PARTS; k++)
		(void)shared_keep(parts_of(&copy)[k]);
	return copy;
}

void instance_remake(const instance_make **field, shared_pool *pool, const instance_make *make)
{
	const instance_make *before = *field;

	*field = shared_struct(pool, make, sizeof(*make), PARTS);
	shared_drop(before);
}

void instance_remake_text(
    const instance_make **field, shared_pool *pool, size_t member, sot_str text)
{
	const char *const *said = (const char *const *)(const void *)((const char *)*field + member);

	if (sot_str_eq_c(text, *said))
		return;
	instance_make make = instance_make_of(*field);
	shared_set((const char **)(void *)((char *)&make + member), pool, text);
	instance_remake(field, pool, &make);
}
