#include "vlans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 4095 };

struct vlans {
	vlan **list; /* in order of id; each stays where it is */
	size_t count;
};

vlans *vlans_new(void)
{
	return sot_alloc(sizeof(vlans));
}

vlans *vlans_free(vlans *v)
{
	if (v) {
		for (size_t i = 0; i < v->count; i++)
			free(v->list[i]);
		free(v->list);
		free(v);
	}
	return NULL;
}

/* Where `id` is, or belongs. */
static size_t place_of(const vlans *v, uint16_t id)
{
	size_t at = 0;
	while (at < v->count && v->list[at]->id < id)
		at++;
	return at;
}

static vlan *find(const vlans *v, uint16_t id)
{
	size_t at = place_of(v, id);
	return at < v->count && v->list[at]->id == id ? v->list[at] : NULL;
}

static vlan *have(vlans *v, uint16_t id)
{
	size_t at = place_of(v, id);
	if (at < v->count && v->list[at]->id == id)
		return v->list[at];
	v->list = sot_grow_array(v->list, v->count, v->count + 1, sizeof(*v->list));
	memmove(&v->list[at + 1], &v->list[at], (v->count - at) * sizeof(*v->list));
	v->count++;
	v->list[at] = sot_alloc(sizeof(vlan));
	v->list[at]->id = id;
	return v->list[at];
}

/* The bridge of one that is needed no more may be taken away: it is made anew when it is needed
 * again. */
static bool set_needed(vlan *v, bool needed)
{
	bool is_other = v->needed != needed;
	if (is_other && !needed) {
		v->ready = false;
		v->error[0] = '\0';
	}
	v->needed = needed;
	return is_other;
}

bool vlans_need(vlans *v, const desired *d)
{
	bool needed[IDS] = {false}, is_other = false;
	sot_map_iter it = {0};
	for (const desired_instance *i; (i = desired_next(d, &it)) != NULL;)
		if (i->spec.vlan_id < IDS && i->spec.desired != SOT_DESIRED_STATE_RETIRED)
			needed[i->spec.vlan_id] = true;
	for (uint16_t id = 0; id < IDS; id++)
		if (needed[id] || find(v, id))
			is_other = set_needed(have(v, id), needed[id]) || is_other;
	return is_other;
}

const vlan *vlans_get(const vlans *v, uint16_t id)
{
	return find(v, id);
}

const vlan *vlans_next(const vlans *v, size_t *at)
{
	return *at < v->count ? v->list[(*at)++] : NULL;
}

bool vlans_ready(vlans *v, uint16_t id, const char *bridge, uint32_t mtu)
{
	vlan *x = have(v, id);
	bool is_other = !x->ready || x->wire.mtu != mtu || strcmp(x->wire.bridge, bridge) != 0;
	x->ready = true;
	x->wire.mtu = mtu;
	(void)snprintf(x->wire.bridge, sizeof(x->wire.bridge), "%s", bridge);
	x->error[0] = '\0';
	return is_other;
}

bool vlans_failed(vlans *v, uint16_t id, const char *why)
{
	vlan *x = have(v, id);
	bool is_other = x->ready || strcmp(x->error, why) != 0;
	x->ready = false;
	(void)snprintf(x->error, sizeof(x->error), "%s", why);
	return is_other;
}

void vlans_render(const vlans *v, sot_buf *out)
{
	const char *between = "";
	sot_buf_add_c(out, "{\"version\":1,\"vlans\":[");
	for (size_t i = 0; i < v->count; i++) {
		if (!v->list[i]->needed)
			continue;
		sot_buf_printf(out, "%s%u", between, v->list[i]->id);
		between = ",";
	}
	sot_buf_add_c(out, "]}\n");
}
