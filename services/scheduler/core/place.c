/* The bridge between the model and the pure placement module. */
#include "parts.h"
#include "placement.h"

#include <stdlib.h>
#include <string.h>

static placement_bar bar_of(const controller *c, const app *a, const host *h)
{
	if (h->row.state == HOST_DOCKER_SICK)
		return PLACEMENT_DOCKER_SICK;
	if (h->row.state != HOST_ONLINE || h->row.revoked)
		return PLACEMENT_NOT_ONLINE;
	if (!h->row.schedulable)
		return PLACEMENT_CORDONED;
	const vlan *v = vlans_of_host(c, a->row.vlan, h);
	if (!v)
		return PLACEMENT_NO_VLAN;
	return v->free_v4 ? PLACEMENT_OPEN : PLACEMENT_NO_ADDRESS;
}

/* One row per host that is not retired; the caller frees it. ret_hosts: the hosts in the same
 * order, freed by the caller too. */
static placement_host *table_new(controller *c, const app *a, host ***ret_hosts, size_t *ret_count)
{
	size_t max = sot_map_count(c->hosts) + 1, n = 0;
	placement_host *table = sot_alloc_array(max, sizeof(*table));
	host **hosts = sot_alloc_array(max, sizeof(host *));

	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (h->row.state == HOST_RETIRED)
			continue;
		h->table_index = n;
		hosts[n] = h;
		table[n++] = (placement_host){
		    .az = h->row.az,
		    .rack = h->row.rack,
		    .bar = bar_of(c, a, h),
		    .capacity = {h->row.cpu_milli, h->row.memory_bytes, h->row.disk_bytes},
		    .booked = {h->row.booked_cpu_milli, h->row.booked_memory_bytes,
		        h->row.booked_disk_bytes},
		};
	}
	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->host && i->row.desired != SOT_DESIRED_STATE_RETIRED)
			table[i->host->table_index].app_instances++;
	}
	*ret_hosts = hosts;
	*ret_count = n;
	return table;
}

/* Instances whose place step runs. The caller frees the array. */
static instance **waiting(controller *c, const operation *o, size_t *ret_count)
{
	instance **list = sot_alloc_array(o->step_count + 1, sizeof(instance *));
	size_t n = 0;

	for (size_t k = 0; k < o->step_count; k++) {
		const step *s = o->steps[k];
		if (s->row.kind != STEP_PLACE || operation_state_is_final(s->row.state))
			continue;
		instance *i = step_instance(c, s);
		if (i && !i->host && i->row.desired != SOT_DESIRED_STATE_RETIRED)
			list[n++] = i;
	}
	*ret_count = n;
	return list;
}

static void put(controller *c, operation *o, instance *i, host *h)
{
	vlan *v = vlans_of_host(c, o->app->row.vlan, h);

	memcpy(i->row.vlan, v->name, sizeof(i->row.vlan)); /* never NULL: its host was open */
	v->free_v4--;
	model_book(c, i, h);
	instance_move(c, i, INSTANCE_PLACED);
	address_need_set(c, i, ADDRESS_ACQUIRE);
	c->stats.placements++;
	say_log(c, o, LOG_INFO, "%s: placed on %s (zone %s, rack %s), VLAN %s", i->row.name,
	    h->row.name, h->row.az, h->row.rack, v->name);
}

/* `text`: what the operation waits for. */
static void wait_for(controller *c, operation *o, const sot_buf *text)
{
	char before[OPERATION_TEXT_MAX];

	memcpy(before, o->place_text, sizeof(before));
	model_copy_text(o->place_text, sizeof(o->place_text), sot_buf_str(text));
	if (strcmp(before, o->place_text) != 0)
		say_log(c, o, LOG_WARN, "waits for %s", o->place_text);
	o->place_after = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
}

/* False, with the reason in `why`, when no host fits. */
static bool place_one(controller *c, operation *o, instance *i, placement_refusal *why)
{
	size_t host_count = 0, chosen = 0;
	host **hosts = NULL;
	placement_host *table = table_new(c, o->app, &hosts, &host_count);
	placement_need need = {i->row.cpu_milli, i->row.memory_bytes, i->row.disk_bytes};
	bool fits = placement_place(table, host_count, &need, 1, &chosen, why) == 1;

	if (fits)
		put(c, o, i, hosts[chosen]);
	free(table);
	free(hosts);
	return fits;
}

void operation_place(controller *c, operation *o)
{
	size_t count = 0, placed = 0;
	instance **list = waiting(c, o, &count);
	placement_refusal why = {0};
	sot_buf text;

	model_text_init(&text);
	if (count > 0 && sot_mono_reached(c->now.mono, o->place_after)) {
		bool blocked = vlans_block(c, o->app->row.vlan, &text);
		while (!blocked && placed < count && place_one(c, o, list[placed], &why))
			placed++;
		if (placed < count && !blocked) {
			size_t left = count - placed;
			sot_buf_printf(&text, "a host for %zu instance%s: ", left, left == 1 ? "" : "s");
			placement_refusal_text(&why, &text);
		}
		if (placed < count)
			wait_for(c, o, &text);
	}
	sot_buf_clear(&text);
	free(list);
}

instance *place_leaver(controller *c, app *a)
{
	host **hosts = NULL;
	size_t host_count = 0, n = 0;
	placement_host *table = table_new(c, a, &hosts, &host_count);
	size_t max = sot_map_count(c->instances) + 1;
	instance **candidates = sot_alloc_array(max, sizeof(instance *));
	size_t *host_of = sot_alloc_array(max, sizeof(*host_of));
	instance *leaver = NULL;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		host_of[n] = i->host ? i->host->table_index : PLACEMENT_NONE;
		candidates[n++] = i;
	}
	if (n > 0)
		leaver = candidates[placement_leaver(table, host_count, host_of, n)];
	free(host_of);
	free(candidates);
	free(table);
	free(hosts);
	return leaver;
}
