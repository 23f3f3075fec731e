/* The body of what operators ask of the bridges, which the gateway itself writes down. */
#include "gw_command_internal.h"

static const gw_field ask_fields[] = {
    {.name = "kind", .kind = GW_TEXT, .required = true, .min = 4, .max = 5, .words = "test trace"},
    {.name = "argument", .kind = GW_TEXT, .min = 0, .max = 64},
};

const gw_field *monitor_command_fields(gw_route_id route, size_t *ret_count)
{
	bool is_ours = route == GW_ROUTE_monitor_ask;
	*ret_count = is_ours ? sizeof(ask_fields) / sizeof(ask_fields[0]) : 0;
	return is_ours ? ask_fields : NULL;
}
