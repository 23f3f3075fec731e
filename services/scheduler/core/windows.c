/* Operations that wait for a maintenance window: middleware that others give an app for the app's,
 * the moves of a drain for that of the host which is emptied. */
#include "maintenance.h"
#include "parts.h"

#include <stdio.h>

const char *host_windows(const host *h)
{
	return h->row.windows[0] ? h->row.windows : h->row.rack_windows;
}

static const host *drained_host(const controller *c, const operation *drain)
{
	return model_host(c, drain->row.resource_id);
}

/* NULL when it waits for none; whose they are. */
static const char *windows_of(const controller *c, const operation *o, const char **ret_whose)
{
	if (!o->parent || !o->app)
		return NULL;
	if (o->parent->row.kind == OPERATION_BULK_MIDDLEWARE) {
		*ret_whose = o->app->row.name;
		return o->app->row.settings.windows;
	}
	const host *h = o->parent->row.kind == OPERATION_HOST_DRAIN ? drained_host(c, o->parent) : NULL;
	if (!h)
		return NULL;
	*ret_whose = h->row.name;
	return host_windows(h);
}

bool operation_is_held(const controller *c, const operation *o)
{
	const char *whose;

	return !maintenance_is_open(windows_of(c, o, &whose), c->now.wall.unix_ms);
}

void operation_say_held(controller *c, operation *o)
{
	char text[OPERATION_TEXT_MAX];
	const char *whose = "", *windows = windows_of(c, o, &whose);

	(void)snprintf(text, sizeof(text), "the maintenance window of %s: %.400s UTC", whose,
	    windows ? windows : "");
	operation_set_waits_for(c, o, text);
}
