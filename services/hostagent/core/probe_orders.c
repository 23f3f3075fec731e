#include "probe_orders.h"

#include <stdlib.h>

typedef struct entry {
	sot_probe_result result;
	bool is_settled;
	uint64_t report; /* that tells it; 0: none yet */
} entry;

struct probe_orders {
	entry list[PROBE_ORDERS_MAX];
	size_t count;
};

probe_orders *probe_orders_new(void)
{
	return sot_alloc(sizeof(probe_orders));
}

probe_orders *probe_orders_free(probe_orders *o)
{
	free(o);
	return NULL;
}

void probe_orders_add(probe_orders *o, const sot_probe_order *order)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->list[i].result.vlan_id == order->vlan_id &&
		    sot_ip_eq(o->list[i].result.address, order->address))
			return;
	if (o->count == PROBE_ORDERS_MAX || sot_ip_is_none(order->address))
		return;
	o->list[o->count++] = (entry){.result = {
	                                  .address = order->address,
	                                  .vlan_id = order->vlan_id,
	                                  .vrf = order->vrf,
	                              }};
}

static bool settle(entry *e, probes *p, sot_mono now)
{
	const probe *x = probes_ask(p, e->result.vlan_id, e->result.address, now);
	if (!x || x->state == PROBE_RUNNING)
		return false;
	e->result.done = x->state != PROBE_FAILED;
	e->result.mac = x->answer;
	return true;
}

bool probe_orders_advance(probe_orders *o, probes *p,
    bool (*reach)(const void *self, uint16_t vlan_id), const void *self, sot_mono now)
{
	bool is_new = false;
	for (size_t i = 0; i < o->count; i++) {
		entry *e = &o->list[i];
		if (e->is_settled)
			continue;
		e->is_settled = !reach(self, e->result.vlan_id) || settle(e, p, now);
		is_new = is_new || e->is_settled;
	}
	return is_new;
}

size_t probe_orders_results(
    probe_orders *o, uint64_t report, sot_probe_result list[static PROBE_ORDERS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < o->count; i++) {
		if (!o->list[i].is_settled)
			continue;
		o->list[i].report = report;
		list[n++] = o->list[i].result;
	}
	return n;
}

void probe_orders_told(probe_orders *o, uint64_t report)
{
	for (size_t i = o->count; i-- > 0;)
		if (o->list[i].is_settled && o->list[i].report == report)
			o->list[i] = o->list[--o->count];
}
