/* The bridge between the model and the pure placement module. */
#include "parts.h"
#include "placement.h"

#include <stdlib.h>
#include <string.h>

static placement_bar bar_of(const host *h)
{
	if (h->row.state == HOST_DOCKER_SICK)
		return PLACEMENT_DOCKER_SICK;
	if (h->row.state != HOST_ONLINE || h->row.revoked)
		return PLACEMENT_NOT_ONLINE;
	return h->row.schedulable ? PLACEMENT_OPEN : PLACEMENT_CORDONED;
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
		    .bar = bar_of(h),
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
	model_book(c, i, h);
	instance_move(c, i, INSTANCE_PLACED);
	address_need_set(c, i, ADDRESS_ACQUIRE);
	c->stats.placements++;
	say_log(c, o, LOG_INFO, "%s: placed on %s (zone %s, rack %s)", i->row.name, h->row.name,
	    h->row.az, h->row.rack);
}

static void say_refusal(controller *c, operation *o, size_t left, const placement_refusal *why)
{
	char before[OPERATION_TEXT_MAX];
	sot_buf text;

	memcpy(before, o->place_text, sizeof(before));
	model_text_init(&text);
	sot_buf_printf(&text, "a host for %zu instance%s: ", left, left == 1 ? "" : "s");
	placement_refusal_text(why, &text);
	model_copy_text(o->place_text, sizeof(o->place_text), sot_buf_str(&text));
	sot_buf_clear(&text);
	if (strcmp(before, o->place_text) != 0)
		say_log(c, o, LOG_WARN, "waits for %s", o->place_text);
	o->place_after = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
}

void operation_place(controller *c, operation *o)
{
	size_t count = 0, host_count = 0;
	instance **list = waiting(c, o, &count);

	if (count > 0 && sot_mono_reached(c->now.mono, o->place_after)) {
		host **hosts = NULL;
		placement_host *table = table_new(c, o->app, &hosts, &host_count);
		placement_need need = {
		    list[0]->row.cpu_milli, list[0]->row.memory_bytes, list[0]->row.disk_bytes};
		placement_refusal why = {0};
		size_t *chosen = sot_alloc_array(count, sizeof(*chosen));
		size_t placed = placement_place(table, host_count, &need, count, chosen, &why);

		for (size_t k = 0; k < placed; k++)
			put(c, o, list[k], hosts[chosen[k]]);
		if (placed < count)
			say_refusal(c, o, count - placed, &why);
		free(chosen);
		free(table);
		free(hosts);
	}
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
