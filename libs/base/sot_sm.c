/* State machines as tables. */
#include "sot_sm.h"

#include <string.h>

bool sot_sm_may(const sot_sm_state *table, unsigned count, unsigned from, unsigned to)
{
	if (from >= count || to >= count || to >= 32)
		return false;
	return from == to || (table[from].next & SOT_SM_BIT(to)) != 0;
}

const char *sot_sm_name(const sot_sm_state *table, unsigned count, unsigned state)
{
	return state < count ? table[state].name : "?";
}

int sot_sm_find(const sot_sm_state *table, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return (int)i;
	return -1;
}
